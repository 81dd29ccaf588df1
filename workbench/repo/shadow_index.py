"""Remembers what was put into a shadow copy, so that the next copy only takes what has changed.

The file lies beside the copy, where no command can write. One that is missing, damaged or of another
worktree is no error: everything is copied anew.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

VERSION = 1
# limit: 500,000 paths; what is larger was not written by us.
MAX_BYTES = 256 << 20

Key: TypeAlias = tuple[int, ...]
"""What tells one state of a file from every other: device, inode, size, mode, both times."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, or link, of the copy."""

    source: Key
    """The file of the worktree when it was copied; empty where it is to be copied again."""
    copy: Key
    """The copy when it had been made. A command cannot forge its change time."""
    sha256: str
    """Digest of the bytes; of a link, of where it points."""
    mode: int
    """Permission bits; 0 for a link."""
    size: int


def key_of(status: os.stat_result) -> Key:
    """Return the key of a file's present state."""
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mode,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def load(path: Path, root: str) -> dict[str, Entry] | None:
    """Return the entries by path, or None where the file is not a usable index of the worktree `root`."""
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(MAX_BYTES))
        if document["version"] != VERSION or document["root"] != root:
            return None
        return {
            name: Entry(tuple(source), tuple(copy), digest, mode, size)
            for name, source, copy, digest, mode, size in document["files"]
        }
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def store(path: Path, root: str, entries: dict[str, Entry]) -> None:
    """Write the index, whole or not at all.

    Raises:
        OSError: The disk refused.
    """
    rows = [[name, e.source, e.copy, e.sha256, e.mode, e.size] for name, e in entries.items()]
    document = {"version": VERSION, "root": root, "files": rows}
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(json.dumps(document, separators=(",", ":")))
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
