"""Opens one workbench on one repository: state directory, policy, ledger, queue, gate, broker, in that order.

The first rows of every session say what was measured and under which policy it runs; nothing of the
repository is read before they are durable.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from workbench import __version__
from workbench.boundary import GitProfile, Measurement, command_runner, measure
from workbench.broker import Broker
from workbench.context import Language, Symbol, enclosing, language_of, symbols
from workbench.core import places
from workbench.core.clock import utc_now
from workbench.core.errors import BoundaryError, UsageError, WorkbenchError
from workbench.core.ids import uuid7
from workbench.core.records import SYSTEM, Event, Json, Principal
from workbench.ledger import Ledger, LedgerReader
from workbench.policy import REPOSITORY_FILE, Policy, PolicyWatch
from workbench.policy import load as load_policy
from workbench.repo import GateRefused, Git, ReadGate, Reason, Worktree, Writer, describe
from workbench.review import Desk, Queue
from workbench.session.person import person
from workbench.session.recovery import reconcile

SECOND_SIGNATURE = "WORKBENCH_SECOND_SIGNATURE"
"""Set to 1: keys of the ledger that begin sign every checkpoint a second time, with ML-DSA-44."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a session is opened."""

    model: str = ""
    """Name of the registered model; empty for the default one."""
    accept_unenforced: bool = False
    """The person acknowledges that the kernel enforces nothing here (level 0)."""


@dataclass(slots=True)
class Parts:
    """What one open session is made of."""

    worktree: Worktree
    state: Path
    person: Principal
    policy: Policy
    ledger: Ledger
    reader: LedgerReader
    queue: Queue
    broker: Broker
    git: Git | None
    desk: Desk
    boundary: Measurement
    watch: PolicyWatch
    gate: ReadGate
    writer: Writer
    git_profile: GitProfile | None
    notices: list[str] = field(default_factory=list)

    def let_go(self) -> None:
        """Give back every descriptor of the worktree; nothing of it can be reached afterwards."""
        self.gate.close()
        self.writer.close()
        if self.git_profile is not None:
            self.git_profile.close()


def state_directory(root: Path) -> Path:
    """Return the private state directory of the repository at `root`.

    Raises:
        UsageError: It lies inside the worktree, where the agent and git could reach it.
    """
    state = places.repository_state(root)
    real = Path(os.path.realpath(state))
    if real == root or root in real.parents:
        raise UsageError(
            f"The state directory {state} lies inside the repository.",
            "Set WORKBENCH_STATE, or --state-dir, to a directory outside it.",
        )
    return state


def open_parts(path: Path, options: Options) -> Parts:
    """Open everything a session needs.

    Raises:
        WorkbenchError: Something is missing, refused or broken; nothing was changed but the ledger.
    """
    worktree = describe(path)
    state = state_directory(worktree.root)
    _make_private(state)
    human, boundary = person(), measure()
    gate = ReadGate(worktree.root)
    policy = load_policy(repository_policy(gate))
    if boundary.level < policy.settings.boundary_minimum:
        raise BoundaryError(
            f"Policy demands boundary level {policy.settings.boundary_minimum}; "
            f"this machine measures {boundary.level} ({boundary.words}).",
            "`workbench doctor` shows what does not hold.",
        )
    ledger = Ledger.open(
        state,
        head_file=places.head_file(worktree.root),
        session=uuid7(),
        app_version=__version__,
        second_signature=os.environ.get(SECOND_SIGNATURE) == "1",
    )
    try:
        return _join(worktree, state, human, boundary, gate, policy, ledger, options)
    except BaseException:
        ledger.close()
        raise


def repository_policy(gate: ReadGate) -> bytes | None:
    """Return the repository's own policy file, or None where it has none.

    Raises:
        Refused: It is a link, or otherwise not a plain file of the repository.
    """
    try:
        return gate.read(REPOSITORY_FILE).data
    except GateRefused as error:
        if error.reason is Reason.MISSING:
            return None
        raise


def _join(
    worktree: Worktree,
    state: Path,
    human: Principal,
    boundary: Measurement,
    gate: ReadGate,
    policy: Policy,
    ledger: Ledger,
    options: Options,
) -> Parts:
    reader = LedgerReader.open(state)
    scratch = state / "scratch"
    _make_private(scratch)
    profile = GitProfile.build(worktree.root, scratch) if worktree.is_git else None
    git = _git(worktree, scratch, profile)
    writer = Writer(worktree.root)
    broker = Broker(
        root=worktree.root,
        ledger=ledger,
        reader=reader,
        policy=policy,
        gate=gate,
        writer=writer,
        git=git,
        scratch=scratch,
        runner=command_runner(),
    )
    broker.commands.level = boundary.level
    broker.record(*_first_rows(worktree, human, boundary, policy))
    ended = broker.take_policy(policy)
    queue = Queue(state / "queue.db")
    desk = Desk(broker, queue, human, name_hunk)
    parts = Parts(
        worktree,
        state,
        human,
        policy,
        ledger,
        reader,
        queue,
        broker,
        git,
        desk,
        boundary,
        PolicyWatch(policy, worktree.root / REPOSITORY_FILE, lambda: repository_policy(gate)),
        gate,
        writer,
        profile,
        [*worktree.notes, *policy.notes],
    )
    if ended:
        parts.notices.append(f"Policy has changed since: {ended} release(s) given under the old one ended.")
    if git is None:
        parts.notices.append("Not a git repository: approved changes are written, and not committed.")
    if os.getuid() == 0:
        parts.notices.append("Runs as root: file permissions do not limit what this process may read.")
    broker.read_only = _unenforced(boundary, options, broker, human)
    swept = [*writer.sweep(), *(git.sweep() if git else ())]
    if swept:
        parts.notices.append(f"Put right {len(swept)} thing(s) that a crash left half done.")
    # First what the disk says, then what is done about it.
    parts.notices += reconcile(broker, reader, ledger.session)
    parts.notices += desk.recover()
    parts.notices += desk.expire(utc_now())
    return parts


def _git(worktree: Worktree, scratch: Path, profile: GitProfile | None) -> Git | None:
    """Return git on the worktree, started so that it can start nothing but itself where the kernel allows."""
    if not worktree.is_git:
        return None
    return Git(worktree.root, scratch=scratch, start=profile.start if profile else subprocess.Popen)


def _first_rows(worktree: Worktree, human: Principal, boundary: Measurement, policy: Policy) -> list[Event]:
    held: dict[str, Json] = {check.name: check.held for check in boundary.checks}
    measured: dict[str, Json] = {"level": boundary.level, "words": boundary.words, "held": held}
    judged: dict[str, Json] = {"sha256": policy.sha256, "version": policy.name}
    root: dict[str, Json] = {"kind": "worktree", "path": str(worktree.root)}
    return [
        Event("boundary.measured", SYSTEM, fields={"boundary": measured}),
        Event("policy.loaded", SYSTEM, fields={"policy": judged}),
        Event("session.start", human, fields={"obj": root, "policy": judged}),
    ]


def _unenforced(boundary: Measurement, options: Options, broker: Broker, human: Principal) -> str:
    if boundary.level > 0:
        return ""
    if not options.accept_unenforced:
        return "Nothing is enforced by the kernel here; start with --accept-unenforced to allow changes."
    broker.record(Event("boundary.acknowledged", human, fields={"boundary": {"level": boundary.level}}))
    return ""


def name_hunk(after: bytes, line: int, path: str) -> str:
    """Return the qualified name of the symbol around a line, for the header of a hunk."""
    language = language_of(path)
    found = enclosing(_symbols(after, language), line) if language else None
    return found.qualified if found else ""


@lru_cache(maxsize=2)
def _symbols(after: bytes, language: Language) -> tuple[Symbol, ...]:
    """Return the symbols of a file; kept, because every hunk of a file asks for them."""
    return symbols(after, language)


def _make_private(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
    except OSError as error:
        raise WorkbenchError(
            f"The state directory {directory} cannot be made: {error.strerror}.",
            "Set WORKBENCH_STATE, or --state-dir, to a directory you can write to.",
        ) from error
