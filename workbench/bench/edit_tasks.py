"""Finds the tasks of an edit bench, and lays out the scratch repository of each.

A directory in the layout of QuixBugs holds one task a name: `python_programs/NAME.py`, whose fault
`python_testcases/test_NAME.py` shows. A task's repository holds the helpers of these folders, and nothing
that belongs to another task or that is the answer (`correct_…`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from workbench.core.errors import UsageError
from workbench.core.safe_text import one_line

PROGRAMS = "python_programs"
TESTS = "python_testcases"
_FOLDERS = (PROGRAMS, TESTS, "json_testcases")
_TOP = (".py", ".toml", ".ini", ".cfg")
"""Endings of files beside the folders that may be needed: conftest.py, settings of pytest."""
_SKIPPED = frozenset({"__pycache__", "venv", "node_modules", "build", "dist", "site-packages"})
# limit: a copy is made of a project for every run of its tests.
MAX_BYTES = 64 << 20

Files: TypeAlias = tuple[tuple[str, Path], ...]
"""What a repository holds: the name there, and where the bytes are."""


@dataclass(frozen=True, slots=True)
class EditTask:
    """One fault to mend."""

    name: str
    """Names it in the table."""
    symbol: str
    """The definition that is at fault, qualified."""
    path: str
    """The file it is in."""
    tests: tuple[str, ...]
    """Paths given to pytest while the task runs."""
    judge: tuple[str, ...]
    """Paths given to pytest to judge what was written: all that the repository has for it."""
    files: Files
    """What the repository holds."""
    faulty: bytes | None = None
    """What `path` holds instead, for a mutant."""
    kind: str = ""
    """Of the fault: `one`, `two` or `missing` for a mutant; empty for a given one."""
    what: str = field(default="", compare=False)
    """What was done to make it, for a mutant."""

    @property
    def words(self) -> str:
        """The task as a person types it."""
        return f"Fix {self.symbol} in {self.path}: its tests fail."

    def lay_out(self, root: Path) -> None:
        """Write the task's files beneath `root`, which is made."""
        lay_out(root, self.files, {} if self.faulty is None else {self.path: self.faulty})


def lay_out(root: Path, files: Files, changed: Mapping[str, bytes]) -> None:
    """Write `files` beneath `root`, which is made, with what some of them hold instead."""
    for name, source in files:
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name in changed:
            target.write_bytes(changed[name])
        else:
            shutil.copy(source, target)


def tasks_in(directory: Path, only: Sequence[str] = ()) -> list[EditTask]:
    """Return the tasks of a directory in the layout of QuixBugs, by name.

    Args:
        directory: Which one.
        only: Names; without any, every task.

    Raises:
        UsageError: It is not laid out so, or has no task of a name in `only`.
    """
    stems = _stems(directory / PROGRAMS)
    names = sorted(stem for stem in stems if (directory / TESTS / f"test_{stem}.py").is_file())
    if not names:
        raise UsageError(
            f"{one_line(str(directory))} holds no {PROGRAMS}/NAME.py with {TESTS}/test_NAME.py.",
            "Name a directory in the layout of QuixBugs, such as bench/functions, or use --mutants.",
        )
    chosen = chosen_of(names, only)
    return [_task(directory, name, frozenset(names)) for name in chosen]


def chosen_of(names: Sequence[str], only: Sequence[str]) -> list[str]:
    """Return the names in `only`, or all of them where it is empty.

    Raises:
        UsageError: There is no task of that name.
    """
    for name in only:
        if name not in names:
            raise UsageError(
                f"There is no task {one_line(name)!r}.",
                f"There are: {one_line(', '.join(names[:20]))}{', …' if len(names) > 20 else ''}.",
            )
    return [name for name in names if not only or name in only]


def project_files(directory: Path) -> Files:
    """Return every file of a project but histories, environments, caches and links.

    Raises:
        UsageError: They are more than 64 MiB.
    """
    found: list[tuple[str, Path]] = []
    size = 0
    for folder, folders, files in os.walk(directory):
        folders[:] = sorted(each for each in folders if each not in _SKIPPED and not each.startswith("."))
        for name in sorted(files):
            path = Path(folder, name)
            if path.is_symlink() or not path.is_file():
                continue
            size += path.stat().st_size
            if size > MAX_BYTES:
                raise UsageError(
                    f"{one_line(str(directory))} holds more than {MAX_BYTES >> 20} MiB.",
                    "A copy is made for each run: name a smaller directory.",
                )
            found.append((str(path.relative_to(directory)), path))
    return tuple(found)


def _stems(folder: Path) -> list[str]:
    return [path.stem for path in folder.glob("*.py")] if folder.is_dir() else []


def _task(directory: Path, name: str, names: frozenset[str]) -> EditTask:
    others = names - {name}
    return EditTask(
        name=name,
        symbol=name,
        path=f"{PROGRAMS}/{name}.py",
        tests=(f"{TESTS}/test_{name}.py",),
        judge=(f"{TESTS}/test_{name}.py",),
        files=tuple(_needed(directory, others)),
    )


def _needed(directory: Path, others: frozenset[str]) -> Iterator[tuple[str, Path]]:
    for path in sorted(directory.iterdir()):
        if path.is_file() and path.suffix in _TOP:
            yield path.name, path
    for folder in _FOLDERS:
        for path in sorted(directory.joinpath(folder).glob("*")):
            owner = path.stem.removeprefix("test_").removesuffix("_test")
            if path.is_file() and path.stem not in others and owner not in others:
                yield f"{folder}/{path.name}", path
