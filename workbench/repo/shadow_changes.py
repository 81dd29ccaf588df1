"""Finds what a command made, changed and deleted in its copy, by digest."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.core.errors import RepositoryError
from workbench.core.records import FileContent, sha256
from workbench.repo.beneath import Beneath
from workbench.repo.gate import ReadGate
from workbench.repo.refusal import GateRefused
from workbench.repo.shadow_index import Entry, key_of
from workbench.repo.shadow_tree import open_up
from workbench.repo.tree import is_directory, walk

# limits: what comes back is read by a person, item by item.
MAX_CHANGED = 200
MAX_FILE_BYTES = 4 << 20

CACHES = frozenset({
    ".git", ".hg", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".tox",
    ".nox", ".coverage", "node_modules", ".gradle", ".cache", ".eggs",
})  # fmt: skip
"""What tools leave behind for themselves, at any depth; none of it is a change to the project."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One file that is not as it was given."""

    path: str
    before_sha256: str | None
    """None for a file that was made."""
    before_mode: int
    after: FileContent | None
    """None for a file that was deleted."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a command changed."""

    files: tuple[Changed, ...] = ()
    """Sorted by path."""
    left_out: Mapping[str, str] | None = None
    """Paths that changed and cannot come back, each with the reason."""


def compare(path: Path, entries: Mapping[str, Entry]) -> Changes:
    """Return how the directory at `path` differs from `entries`.

    Raises:
        RepositoryError: The disk failed.
    """
    files: list[Changed] = []
    left_out: dict[str, str] = {}
    seen: set[str] = set()
    try:
        with Beneath(path) as beneath, ReadGate(path, max_bytes=MAX_FILE_BYTES) as gate:
            for directory, descriptor, found in walk(beneath):
                for entry in found:
                    name = f"{directory}/{entry.name}" if directory else entry.name
                    if is_directory(entry):
                        open_up(entry, descriptor)
                    if is_directory(entry) or _is_cache(name, entries):
                        continue
                    seen.add(name)
                    _look(name, entry, entries.get(name), gate, files, left_out)
    except OSError as error:
        raise RepositoryError(
            f"What the command changed cannot be read: {error.strerror}.",
            "Check the disk, then run it again.",
        ) from error
    for gone in entries.keys() - seen:
        if entries[gone].mode:
            files.append(Changed(gone, entries[gone].sha256, entries[gone].mode, None))
        else:
            left_out[gone] = "a symbolic link was deleted"
    files.sort(key=lambda changed: changed.path)
    for changed in files[MAX_CHANGED:]:
        left_out[changed.path] = f"more than {MAX_CHANGED} files changed"
    return Changes(tuple(files[:MAX_CHANGED]), left_out)


def _look(
    name: str,
    entry: os.DirEntry[str],
    known: Entry | None,
    gate: ReadGate,
    files: list[Changed],
    left_out: dict[str, str],
) -> None:
    """Compare one file of the copy with what was put there."""
    status = entry.stat(follow_symlinks=False)
    if known is not None and key_of(status) == known.copy:
        return
    if stat.S_ISLNK(status.st_mode):
        left_out[name] = "it is a symbolic link"
        return
    if known is not None and not known.mode:
        left_out[name] = "it takes the place of a symbolic link"
        return
    try:
        content = gate.read(name)
    except GateRefused as error:
        left_out[name] = error.cause
        return
    same_mode = known is not None and known.mode & 0o111 == content.mode & 0o111
    if known is not None and same_mode and known.sha256 == sha256(content.data):
        return
    before = None if known is None else known.sha256
    files.append(Changed(name, before, known.mode if known else 0, content))


def _is_cache(name: str, entries: Mapping[str, Entry]) -> bool:
    return name not in entries and (not CACHES.isdisjoint(name.split("/")) or name.endswith((".pyc", ".pyo")))
