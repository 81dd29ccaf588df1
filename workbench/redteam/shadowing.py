"""Attacks on the copy that commands work on: what must not get into it, and what must not get back.

The copy is made of the paths that policy lets be read, a command is run in it, and what it changed is
collected, as for an approved command.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.core.records import Effect
from workbench.redteam.case import Attack, Breach, Case, Guard
from workbench.redteam.commanding import judged
from workbench.redteam.lab import SOURCE, Lab
from workbench.repo import Shadow

IN = "it is not in the copy"
BACK = "nothing outside the copy is read or written by what a command left in it"


@contextmanager
def _copied(lab: Lab, root: Path) -> Iterator[Shadow]:
    """Make the copy of a worktree, as for a command."""
    names = [
        str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir() or path.is_symlink()
    ]
    allowed = [name for name in names if lab.ward.policy.read(name).effect is Effect.ALLOW]
    with Shadow(root, lab.runner.place) as shadow:
        shadow.sync(allowed)
        yield shadow


def _found(plant: Callable[[Lab, Path], None]) -> Attack:
    """Plant the canary somewhere, and look for it in the whole copy from inside a command."""

    def attack(lab: Lab) -> str:
        root = lab.repository()
        plant(lab, root)
        with _copied(lab, root) as shadow:
            line = (
                "grep -rsl workbench-canary- . ; cat $(find . -type l) 2>/dev/null; git show HEAD:.env; true"
            )
            result = lab.runner.run(["sh", "-c", line], shadow.path)
            found = result.output.decode("utf-8", "replace")
            if any(line.startswith("./") for line in found.splitlines()):
                raise Breach(f"it is in the copy: {found.splitlines()[0]}")
            return judged(lab, result)

    return attack


def _dotenv(lab: Lab, root: Path) -> None:
    (root / ".env").write_text(lab.canary)


def _hard_link(lab: Lab, root: Path) -> None:
    _dotenv(lab, root)
    os.link(root / ".env", root / "notes.md")


def _link_outside(lab: Lab, root: Path) -> None:
    (root / "out").symlink_to(lab.outside / "secret")
    (root / "folder").mkdir()
    (root / "folder" / "up").symlink_to(os.path.relpath(lab.outside / "secret", root / "folder"))


def _linked_directory(lab: Lab, root: Path) -> None:
    (root / "linked").symlink_to(lab.outside)


def _history(lab: Lab, root: Path) -> None:
    _dotenv(lab, root)
    lab.git(root, "add", "-f", ".env")
    lab.git(root, "commit", "-qm", "a secret")
    lab.git(root, "rm", "-q", "--cached", ".env")
    (root / ".env").unlink()


def _link_left_behind(lab: Lab) -> str:
    """A command puts a link to outside in a file's place; collecting must not read what it leads to."""
    root = lab.repository()
    with _copied(lab, root) as shadow:
        lab.runner.run(["sh", "-c", f"rm plain.py; ln -s {lab.outside}/secret plain.py"], shadow.path)
        changes = shadow.changes()
        if any(file.after and lab.canary.encode() in file.after.data for file in changes.files):
            raise Breach("what the link leads to came back as a change")
        shadow.sync(["plain.py", "a.txt"])
        if lab.canary not in (lab.outside / "secret").read_text():
            raise Breach("putting the copy right wrote through the link")
    return "; ".join((changes.left_out or {}).values()) or "the link was not followed"


def _behind_the_back(lab: Lab) -> str:
    """A command changes a file of its copy; the worktree must not change before a person decides."""
    root = lab.repository()
    with _copied(lab, root) as shadow:
        lab.runner.run(["sh", "-c", "echo 'import evil' > plain.py; echo x > new.py"], shadow.path)
        told = len(shadow.changes().files)
    if (root / "plain.py").read_bytes() != SOURCE or (root / "new.py").exists():
        raise Breach("the worktree was changed by a command")
    return f"{told} changes come back to be decided on"


_PLANTED: tuple[tuple[str, str, Callable[[Lab, Path], None], str], ...] = (
    ("dotenv", "`.env`", _dotenv, "S30"),
    ("hard_link", "`.env` by another name", _hard_link, "S21 S30 A3"),
    ("link_outside", "links that lead out", _link_outside, "S15 S30 A1"),
    ("linked_directory", "a directory that is a link to outside", _linked_directory, "S16 A1"),
    ("history", "`.env` in the history", _history, "S39 S40"),
)

CASES = (
    *(
        Case(f"copy.{name}", title, source, IN, Guard.COPYING, _found(plant))
        for name, title, plant, source in _PLANTED
    ),
    Case(
        "copy.link_left",
        "a link that a command leaves in a file's place",
        "A2 A12",
        BACK,
        Guard.COPYING,
        _link_left_behind,
    ),
    Case(
        "copy.behind_the_back",
        "a command that edits files",
        "A36 S30",
        "its changes wait for a decision",
        Guard.COPYING,
        _behind_the_back,
    ),
)
