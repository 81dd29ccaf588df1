"""Switches each guard off, as the programs did that these attacks were first made on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest

from workbench import plain
from workbench.agent import editor, prompts
from workbench.boundary import CommandLimits, CommandResult
from workbench.broker import Broker, examining
from workbench.broker.running import Commands
from workbench.context import Packed
from workbench.context.taint import Taint
from workbench.core import safe_text
from workbench.core.errors import WorkbenchError
from workbench.core.records import Effect, Event, FileContent, ProposalState, Rule, Verdict, sha256
from workbench.ledger import Report, envelope
from workbench.model import Registry
from workbench.policy import Policy
from workbench.redteam import (
    Case,
    Guard,
    Lab,
    configuring,
    deciding,
    modelling,
    planting,
    shadowing,
    showing,
    verifying,
)
from workbench.repo import GateRefused, ReadGate, Reason, Writer
from workbench.review import Desk
from workbench.session import Session
from workbench.session.views import DecisionResult
from workbench.tui.guard import Intent, Settling
from workbench.tui.wall import TerminalWall

_ALLOW = Verdict(Effect.ALLOW, Rule("none", "default", "a test double"))
_REPORT = Report(0, ("fine",))
Patch = pytest.MonkeyPatch


# -- reading, detecting, writing --


def _opened(root: str, path: str) -> bytes:
    """Read as careless programs do: the name is cut, unfolded and resolved, and whatever is there is read."""
    name = path.partition("\0")[0].replace("\\", "/").removeprefix("file://")
    try:
        return (Path(root) / Path(name).expanduser()).read_bytes()
    except FileNotFoundError:
        raise GateRefused(path, Reason.MISSING) from None


def _reading(patch: Patch, lab: Lab, case: Case) -> None:
    patch.setenv("HOME", str(lab.place))
    _allow_everything(patch)

    def read(self: ReadGate, path: str, *, binary: bool = False) -> Any:
        data = _opened(self._beneath.root, path)
        return FileContent(path, data, 0o644)

    patch.setattr(ReadGate, "read", read)


def _allow_everything(patch: Patch) -> None:
    for name in ("read", "edit", "run", "model"):
        patch.setattr(Policy, name, lambda *_: _ALLOW)


def _detecting(patch: Patch, lab: Lab, case: Case) -> None:
    from workbench.policy.detection import scan as real

    patch.setattr(examining, "scan", lambda *given: replace(real(*given), findings=(), gaps=()))


def _writing(patch: Patch, lab: Lab, case: Case) -> None:
    def write(self: Broker, contents: Iterable[Any], *_: object, **__: object) -> None:
        for content in contents:
            path = lab.ward.worktree.root / content.change.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.after)

    def replace_by_name(self: Writer, path: str, data: bytes, **_: object) -> None:
        (Path(self._beneath.root) / path).write_bytes(data)

    patch.setattr(Broker, "write", write)
    patch.setattr(Writer, "replace", replace_by_name)


# -- git --


def _merge(root: Path, git: Callable[..., None]) -> None:
    git("commit", "-qam", "ours")
    git("checkout", "-qb", "theirs", "HEAD~1")
    (root / "a.txt").write_text("three\n")
    git("commit", "-qam", "theirs")
    git("merge", "-q", "main")


TRIGGERS: dict[str, Sequence[Sequence[str]]] = {
    "fsmonitor": [["status"]],
    "fsmonitor_python": [["status"]],
    "fsmonitor_worktree": [["status"]],
    "hook_pre_commit": [["commit", "-qam", "x"]],
    "hook_post_commit": [["commit", "-qam", "x"]],
    "hook_index": [["add", "a.txt"]],
    "hook_reference": [["commit", "-qam", "x"]],
    "hooks_path": [["commit", "-qam", "x"]],
    "filter_clean": [["add", "a.txt"]],
    "filter_smudge": [["checkout", "--", "a.txt"]],
    "filter_process": [["add", "a.txt"]],
    "filter_included": [["add", "a.txt"]],
    "filter_included_if": [["add", "a.txt"]],
    "textconv": [["diff"]],
    "diff_external": [["diff"]],
    "diff_driver": [["diff"]],
    "alias": [["evil"]],
    "editor": [["commit", "-a"]],
    "gpg": [["commit", "-qam", "x"]],
    "credential": [["credential", "fill"]],
    "askpass": [["credential", "fill"]],
    "ssh": [["fetch", "origin"]],
    "promisor": [["show", "1" * 40]],
    "trailer": [["interpret-trailers", "--trailer", "Ledger-Checkpoint=x"]],
    "embedded": [["-C", "embedded", "status"]],
    "nested": [["-C", "nested", "status"]],
    "submodule": [["status"]],
    "points_elsewhere": [["status"]],
    "is_a_link": [["status"]],
    "shadowed": [["status"]],
}
"""What makes plain git run each planted program."""


def _git(patch: Patch, lab: Lab, case: Case) -> None:
    def use(_lab: Lab, root: Path) -> str:
        environment = {
            "PATH": f".:{os.environ['PATH']}",
            "HOME": str(lab.place),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }

        def git(*words: str) -> None:
            asked = b"protocol=https\nhost=example.invalid\n\n"
            argv = ["./git" if case.id == "git.shadowed" else "git", *words]
            subprocess.run(
                argv, cwd=root, env=environment, input=asked, capture_output=True, check=False, timeout=20
            )

        if case.id == "git.merge_driver":
            _merge(root, git)
        for words in TRIGGERS.get(case.id.removeprefix("git."), []):
            git(*words)
        return "plain git was used"

    patch.setattr(planting, "use", use)


# -- commands --


class LooseRunner:
    """Runs a command as most programs do: in the person's environment, through a shell, without limits."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir(exist_ok=True)

    def run(
        self, argv: Sequence[str], shadow: Path, limits: CommandLimits | None = None, *_: object
    ) -> CommandResult:
        line = argv[:2] == ["echo", "x"]
        done = subprocess.run(
            " ".join(argv) if line else list(argv),
            cwd=shadow,
            shell=line,
            executable="/bin/bash" if line else None,
            env={**os.environ, "PATH": f".:{os.environ['PATH']}", "GIVEN_BY_THE_PERSON": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=30,
            check=False,
        )
        return CommandResult(done.returncode, done.stdout, len(done.stdout), 0.0, "", "", False, ())


def _confining(patch: Patch, lab: Lab, case: Case) -> None:
    vars(lab)["runner"] = LooseRunner(lab.place / "commands")


class CarelessShadow:
    """Copies everything, follows every link, and works in the worktree itself where that is simpler."""

    def __init__(self, root: Path, place: Path) -> None:
        self._root = root
        self.path = place / f"careless-{root.name}"

    def __enter__(self) -> CarelessShadow:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def sync(self, _paths: Iterable[str]) -> None:
        if not self.path.exists():
            shutil.copytree(self._root, self.path, ignore_dangling_symlinks=True)

    def changes(self) -> SimpleNamespace:
        files = [path for path in self.path.rglob("*") if path.is_file()]
        found = [SimpleNamespace(after=SimpleNamespace(data=path.read_bytes())) for path in files]
        for path in files:
            (self._root / path.relative_to(self.path)).write_bytes(path.read_bytes())
        return SimpleNamespace(files=found, left_out=None)


def _copying(patch: Patch, lab: Lab, case: Case) -> None:
    _careless_commands(patch)
    _confining(patch, lab, case)
    patch.setattr(shadowing, "Shadow", CarelessShadow)


def _careless_commands(patch: Patch) -> None:
    """Run every command in the worktree itself, whoever decided, and write its output into a row."""

    def run(self: Commands, command: Any, *, actor: Any, on_output: Any, **_: object) -> None:
        done = subprocess.run(command.argv, cwd=self._root, stdout=subprocess.PIPE, timeout=30, check=False)
        on_output(done.stdout)
        told = {"output": done.stdout.decode("utf-8", "replace")}
        self._broker.record(Event("command.outcome", actor, "outcome", "x", told))

    patch.setattr(Commands, "off", "")
    patch.setattr(Commands, "run", run)


# -- policy files --


class _Loosest(dict[str, Any]):
    """The loosest value of every setting."""

    def __missing__(self, key: str) -> Any:
        if key.startswith("detect."):
            return "off"
        return "current-branch" if key == "commit.mode" else 10**9 if key.startswith("budget.") else 0


def _tiers(patch: Patch, lab: Lab, case: Case) -> None:
    real = configuring.combined

    def last_wins(repository: bytes | None, above: str) -> Any:
        if repository is None:
            return real(None, above)
        allow = lambda *_: _ALLOW  # noqa: E731
        settings = SimpleNamespace(values=_Loosest())
        return SimpleNamespace(read=allow, edit=allow, run=allow, settings=settings, name="the last file")

    patch.setattr(configuring, "combined", last_wins)
    if not case.id.startswith("config."):
        _allow_everything(patch)
    if case.id == "config.policy_link":
        _reading(patch, lab, case)


# -- deciding, keys --


def _careless_approve(self: Session, proposal_id: str, *_: object, **__: object) -> DecisionResult:
    queue = self._parts.queue
    change = queue.get(proposal_id).proposal.changes[0]
    row = queue._database.execute("SELECT data FROM content WHERE sha256 = ?", (change.after_sha256,))
    (self.root / change.path).write_bytes(row.fetchone()[0])
    return DecisionResult(proposal_id, ProposalState.APPLIED, "written")


def _deciding(patch: Patch, lab: Lab, case: Case) -> None:
    _careless_commands(patch)
    patch.setattr(Session, "approve", _careless_approve)
    if case.id == "decision.by_itself":
        real = Desk.submit

        def submit_and_write(self: Desk, proposal: Any, contents: Iterable[bytes]) -> None:
            texts = {sha256(data): data for data in contents}
            real(self, proposal, texts.values())
            after = texts[proposal.changes[0].after_sha256]
            newest = max(lab.place.glob("*-repository"), key=lambda path: int(path.name.partition("-")[0]))
            (newest / proposal.changes[0].path).write_bytes(after)

        patch.setattr(Desk, "submit", submit_and_write)
    if case.id == "decision.end_of_input":

        def approve_the_first(self: Any, _words: list[str]) -> None:
            self._session.approve(self._session.queue()[0].id, "")

        patch.setattr(plain._Plain, "_approve", approve_the_first)


class _CarelessKeys:
    """Takes every key for a decision on whatever is on screen."""

    def __init__(self) -> None:
        self._numbers: list[int] = []

    def appeared(self, *_: object, **__: object) -> None:
        """Forget nothing."""

    def noticed(self, *_: object, **__: object) -> bool:
        return False

    def press(self, *_: object, **__: object) -> Settling:
        self._numbers.append(len(self._numbers) + 1)
        return Settling(self._numbers[-1])

    def settled(self, number: int) -> Intent | None:
        return Intent("approve", "item", "digest") if number in self._numbers else None


def _keys(patch: Patch, lab: Lab, case: Case) -> None:
    patch.setattr(deciding, "KeyGuard", _CarelessKeys)


# -- showing, orders, prompts --


def _showing(patch: Patch, lab: Lab, case: Case) -> None:
    import re

    never = re.compile(r"(?!)")
    patch.setattr(safe_text, "_UNSAFE", never)
    patch.setattr(safe_text, "_UNSAFE_ON_ONE_LINE", never)
    patch.setattr(TerminalWall, "apply", lambda self, segments, _background: segments)
    patch.setattr(showing, "look_alikes", lambda _text: [])


def _taint(patch: Patch, lab: Lab, case: Case) -> None:
    for room in (showing, editor):
        patch.setattr(room, "taint_of", lambda _text: Taint(()))


def _prompt(patch: Patch, lab: Lab, case: Case) -> None:
    patch.setattr(
        showing, "segments", lambda _family, messages: [(message.text, True) for message in messages]
    )
    patch.setattr(prompts, "_fence", lambda _text: "```")
    patch.setattr(modelling, "prompted", lambda _family, template: jinja2.Template(template).render())
    patch.setattr(modelling, "check", lambda _grammar: None)
    patch.setattr(editor, "MAX_ATTEMPTS", 30)
    patch.setattr(
        editor,
        "pack_symbol",
        lambda content, *_: Packed(content.data[:2000].decode(), (content.span(0, 2000),), 500, 0),
    )


# -- the record, model files --


def _recording(patch: Patch, lab: Lab, case: Case) -> None:
    real = Broker.record

    def record_if_possible(self: Broker, *events: Any) -> int:
        try:
            return real(self, *events)
        except WorkbenchError:
            return 0

    def without_triggers(books_of: Lab) -> verifying.Books:
        import sqlite3

        books = filled(books_of)
        with sqlite3.connect(books.ledger / "ledger.db") as connection:
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type='trigger'"
            ).fetchall():
                connection.execute(f"DROP TRIGGER {name}")
        connection.close()
        return books

    _careless_commands(patch)
    filled = verifying.filled
    patch.setattr(Broker, "record", record_if_possible)
    patch.setattr(verifying, "message", lambda entry: str(entry.body.get("obj")).encode() + b"\n")
    patch.setattr(envelope, "check_event", lambda *_: None)
    if case.id == "audit.triggers_hold":
        patch.setattr(verifying, "filled", without_triggers)


def _verifying(patch: Patch, lab: Lab, case: Case) -> None:
    patch.setattr(verifying, "verify", lambda *_: _REPORT)


def _header(patch: Patch, lab: Lab, case: Case) -> None:
    patch.setattr(modelling, "read_header", lambda _path: None)
    patch.setattr(Registry, "checked", Registry.get)


def _unsealed(patch: Patch, lab: Lab, case: Case) -> None:
    """The process that runs the tests is not sealed: there is nothing to switch off."""


OFF: dict[Guard, Callable[[Patch, Lab, Case], None]] = {
    Guard.READING: _reading,
    Guard.DETECTING: _detecting,
    Guard.WRITING: _writing,
    Guard.GIT: _git,
    Guard.CONFINING: _confining,
    Guard.COPYING: _copying,
    Guard.SEAL: _unsealed,
    Guard.TIERS: _tiers,
    Guard.DECIDING: _deciding,
    Guard.KEYS: _keys,
    Guard.SHOWING: _showing,
    Guard.TAINT: _taint,
    Guard.RECORDING: _recording,
    Guard.VERIFYING: _verifying,
    Guard.HEADER: _header,
    Guard.PROMPT: _prompt,
}
