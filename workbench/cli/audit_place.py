"""Finds the ledger that an audit command is about, and puts on record that somebody looked into it."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import __version__
from workbench.core import places
from workbench.core.errors import UsageError, WorkbenchError
from workbench.core.ids import uuid7
from workbench.core.records import Event, Json
from workbench.core.safe_text import one_line
from workbench.ledger import Anchor, Entry
from workbench.ledger.browse import Browser, Wanted
from workbench.policy import REPOSITORY_FILE
from workbench.policy import load as load_policy
from workbench.policy.settings import Settings
from workbench.repo import GateRefused, Git, ReadGate, Reason, describe

if TYPE_CHECKING:
    from workbench.evidence.signatures import AllowedSigners
    from workbench.ledger import Ledger

_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class AuditPlace:
    """One repository's ledger, and what stands around it."""

    root: Path
    state: Path
    head: Path
    is_git: bool

    def settings(self) -> Settings:
        """Return the policy's single values; a repository's file that is broken cannot stop an audit.

        Raises:
            WorkbenchError: The administrator's or the user's policy cannot be understood.
        """
        try:
            return load_policy(ReadGate(self.root).read(REPOSITORY_FILE).data).settings
        except WorkbenchError as error:
            if not isinstance(error, GateRefused) or error.reason is not Reason.MISSING:
                print(f"The repository's policy is left out: {one_line(error.cause)}", file=sys.stderr)
            return load_policy(None).settings

    def git(self) -> Git | None:
        """Return git on the repository, or None where it is none."""
        return Git(self.root) if self.is_git else None

    def kept(self) -> list[Anchor]:
        """Return the checkpoints that witnesses cosigned."""
        from workbench.evidence.anchors import witness_key
        from workbench.evidence.kept import kept_anchors, kept_directory

        witnesses = tuple(map(witness_key, self.settings().witnesses))
        return kept_anchors(kept_directory(self.head), witnesses)

    def anchors(self, named: list[str]) -> list[Anchor]:
        """Return every anchor that is found here, and those that were named."""
        from workbench.evidence import anchors

        settings = self.settings()
        found = anchors.collect(self.head, self.git(), settings.witnesses)
        allowed = self.allowed_signers(settings.allowed_signers)
        found += self._signed(allowed) if allowed else []
        origin = self._origin() if named else ""
        for given in named:
            statements = self._statements(given, allowed)
            found += statements or anchors.named(given, origin)
        return found

    def allowed_signers(self, path: str) -> AllowedSigners | None:
        """Return whose SSH key is whose, by the file that policy names; None where it names none.

        Raises:
            UsageError: It cannot be used.
        """
        if not path:
            return None
        from workbench.evidence.signatures import AllowedSigners

        return AllowedSigners.read(path, not_beneath=self.root)

    def _signed(self, allowed: AllowedSigners) -> list[Anchor]:
        """Return what the people vouch for who signed approvals in the ledger."""
        from workbench.evidence.approvals import DECIDED, MOST_CHECKED, ledger_anchors

        try:
            with Browser.open(self.state) as browser:
                found = browser.newest(Wanted(type=DECIDED), MOST_CHECKED)
        except WorkbenchError:
            return []  # verifying says what is wrong with the ledger
        return ledger_anchors((each for each in found if isinstance(each, Entry)), allowed)

    def _statements(self, given: str, allowed: AllowedSigners | None) -> list[Anchor]:
        from workbench.evidence.approvals import file_anchors

        return file_anchors(Path(given), allowed)

    def _origin(self) -> str:
        try:
            with Browser.open(self.state) as browser:
                return browser.origin()
        except WorkbenchError:
            return ""

    def open(self) -> Ledger:
        """Open the ledger to append to it.

        Raises:
            WorkbenchError: It cannot be appended to.
        """
        from workbench.ledger import Ledger

        return Ledger.open(self.state, head_file=self.head, session=uuid7(), app_version=__version__)


def find_place(options: Namespace, *, needs_ledger: bool = True) -> AuditPlace:
    """Return where the ledger of the repository at `--repo` is.

    Raises:
        UsageError: There is none.
    """
    worktree = describe(Path(options.repo))
    root = worktree.root
    state = places.repository_state(root)
    if needs_ledger and not state.is_dir():
        raise UsageError(
            f"There is no ledger for {root} under {places.state_root()}.",
            "Open the repository once with `workbench`, or name its place with --state-dir.",
        )
    return AuditPlace(root, state, places.head_file(root), worktree.is_git)


def record_reading(place: AuditPlace, query: Mapping[str, Json], *, type_: str = "ledger.read") -> None:
    """Put on record who looks for what, before it is shown; say so where that is not possible."""
    from workbench.session.person import person

    fields: dict[str, Json] = {"obj": {"kind": "ledger"}, "query": dict(query)}
    try:
        with place.open() as ledger:
            ledger.append(Event(type_, person(), fields=fields))
    except WorkbenchError as error:
        print(f"This is not on record: {one_line(error.cause)}", file=sys.stderr)


def deliver(data: bytes, out: str | None) -> int:
    """Write to the file that was named, or to standard output.

    Raises:
        UsageError: The file cannot be written.
    """
    if not out:
        sys.stdout.buffer.write(data)
        return 0
    try:
        Path(out).write_bytes(data)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}.", "Name another file.") from error
    return 0


def utc_from(text: str | None, option: str) -> str | None:
    """Return a time as entries carry it, from a date, a time (UTC where it has no zone) or `2h`, `3d` ago.

    Raises:
        UsageError: It is none of these.
    """
    if text is None:
        return None
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            moment = datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        else:
            moment = datetime.fromisoformat(text)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{option} {one_line(text)!r} is not a time.", "Write 2026-01-31, 2026-01-31T09:00 or 3d (ago)."
        ) from error
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
