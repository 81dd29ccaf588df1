"""Attacks on the writer: an approved change that lands somewhere else, or on what makes other tools run.

Every attack hands the broker a decision that says "approve", as a program that was taken over would. It is a
breach if anything but the approved file changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.broker import NewContent
from workbench.core.clock import utc_now
from workbench.core.errors import WorkbenchError
from workbench.core.ids import uuid7
from workbench.core.records import Decision, FileChange, sha256
from workbench.core.safe_text import one_line
from workbench.redteam.case import Attack, Breach, Case, Guard
from workbench.redteam.lab import Lab
from workbench.session.opening import Parts

HOLDS = "nothing is written there, and the refusal is told"
EVIL = b"#!/bin/sh\nid\n"


def decision(lab: Lab, value: str = "approve") -> Decision:
    """Return a decision as the person at this keyboard would make it."""
    return Decision(uuid7(), uuid7(), value, lab.ward.person, utc_now(), "", (), "", lab.ward.policy.sha256)


def ask(parts: Parts, changes: Sequence[FileChange], data: bytes, approval: Decision) -> str:
    """Ask the broker to put `data` under each name, and return what stopped it; empty where nothing did."""
    try:
        contents = [NewContent(change, data) for change in changes]
        parts.broker.write(contents, approval, by=approval.by)
    except WorkbenchError as error:
        return one_line(error.cause)
    return ""


def put(lab: Lab, path: str, before: bytes | None, value: str = "approve") -> str:
    """Ask the broker to write `EVIL`, and return what stopped it."""
    change = FileChange(path, None if before is None else sha256(before), sha256(EVIL), 0o755)
    return ask(lab.ward, [change], EVIL, decision(lab, value)) or "the write went through"


def untouched(path: Path, before: bytes | None, told: str) -> str:
    """Return `told` if `path` is as it was.

    Raises:
        Breach: It is not.
    """
    now = path.read_bytes() if path.exists() else None
    if now != before:
        raise Breach(f"{path.name} was written: {told}")
    return told


def _at(path: str) -> Attack:
    def attack(lab: Lab) -> str:
        name = path.format(outside=lab.outside.name, absolute=lab.outside)
        target = lab.ward.worktree.root / name
        before = target.read_bytes() if target.exists() else None
        return untouched(target, before, put(lab, name, before))

    return attack


def _through_a_link(lab: Lab) -> str:
    target = lab.outside / "victim"
    target.write_bytes(b"before")
    link = lab.ward.worktree.root / "link-to-victim"
    link.symlink_to(target)
    return untouched(target, b"before", put(lab, link.name, b"before"))


def _through_a_directory(lab: Lab) -> str:
    folder = lab.folder("victims")
    (folder / "victim").write_bytes(b"before")
    (lab.ward.worktree.root / "to-victims").symlink_to(folder)
    return untouched(folder / "victim", b"before", put(lab, "to-victims/victim", b"before"))


def _through_a_hard_link(lab: Lab) -> str:
    target = lab.outside / "linked"
    target.write_bytes(b"before")
    (lab.ward.worktree.root / "hard").hardlink_to(target)
    return untouched(target, b"before", put(lab, "hard", b"before"))


def _not_approved(lab: Lab) -> str:
    target = lab.ward.worktree.root / "rejected.txt"
    target.write_bytes(b"before")
    return untouched(target, b"before", put(lab, "rejected.txt", b"before", "reject"))


def _other_bytes(lab: Lab) -> str:
    target = lab.ward.worktree.root / "swapped.txt"
    target.write_bytes(b"before")
    change = FileChange("swapped.txt", sha256(b"before"), sha256(b"harmless"), 0o644)
    return untouched(target, b"before", ask(lab.ward, [change], EVIL, decision(lab)))


def _half(lab: Lab) -> str:
    """Two files in one decision, and the second cannot be written: the first must not be either."""
    target = lab.ward.worktree.root / "first.txt"
    target.write_bytes(b"before")
    first = FileChange("first.txt", sha256(b"before"), sha256(EVIL), 0o644)
    second = FileChange("second.txt", sha256(b"something else"), sha256(EVIL), 0o644)
    return untouched(target, b"before", ask(lab.ward, [first, second], EVIL, decision(lab)))


def _stale(lab: Lab) -> str:
    target = lab.ward.worktree.root / "moved-on.txt"
    target.write_bytes(b"somebody else's work")
    return untouched(target, b"somebody else's work", put(lab, "moved-on.txt", b"before"))


def _taken(lab: Lab) -> str:
    target = lab.ward.worktree.root / "appeared.txt"
    target.write_bytes(b"before")
    return untouched(target, b"before", put(lab, "appeared.txt", None))


_CASES: tuple[tuple[str, str, Attack, str], ...] = (
    ("symlink", "a link to a file outside", _through_a_link, "A2 CVE-2026-39861"),
    ("symlink_directory", "a directory that is a link to outside", _through_a_directory, "A2 A12"),
    ("hard_link", "a file with a second name outside", _through_a_hard_link, "A3 S22"),
    ("parent", "`../` out of the worktree", _at("../{outside}/by-parent"), "A5 A7"),
    ("absolute", "an absolute path", _at("{absolute}/by-absolute"), "A7"),
    ("hook", "a git hook", _at(".git/hooks/pre-commit"), "A16 S67"),
    ("git_config", "git's configuration", _at(".git/config"), "A16 S67"),
    ("policy", "the policy it works under", _at(".workbench/policy.toml"), "S67 A11 A41"),
    ("dotenv", "`.env`", _at(".env.local"), "S1"),
    ("own_state", "a file by the name of an unfinished write", _at(".workbench-tmp-9"), "S67"),
    ("rejected", "a change that was rejected", _not_approved, "A36"),
    ("other_bytes", "other bytes than those approved", _other_bytes, "A36 S65"),
    ("stale", "a file that was changed after it was shown", _stale, "S28 A35"),
    ("half", "two files, of which one cannot be written", _half, "A36"),
    ("taken", "a new file whose name somebody took meanwhile", _taken, "S28 A35"),
)
CASES = tuple(
    Case(f"write.{name}", title, source, HOLDS, Guard.WRITING, attack)
    for name, title, attack, source in _CASES
)
