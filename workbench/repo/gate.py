"""Reads one file of the worktree, as it is, or says why not.

A name has been judged by policy before it comes here; the gate makes sure that the name reaches an
ordinary file of its own. The rules, in order:

1. The path is resolved beneath the root without links (`workbench.repo.beneath`). O_NONBLOCK keeps a named
   pipe from holding the program up.
2. What was opened must be a regular file with one name, no larger than the cap, and not one of the denied
   inodes. The kernel must still call it by the path that was asked for.
3. The bytes come from that descriptor only, and the file must not have changed while they were read.
4. A NUL in the first 8 KiB means binary data, which is refused unless the caller asked for bytes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

from workbench.core.errors import RepositoryError
from workbench.core.records import FileContent
from workbench.core.safe_text import one_line
from workbench.repo.beneath import Beneath, components
from workbench.repo.refusal import GateRefused, Reason

Inode: TypeAlias = tuple[int, int]
"""A device and an inode number: what a file is, whatever it is called."""

MAX_BYTES = 1 << 20
# limit: as git does, so that what git calls text is text here.
BINARY_WINDOW_BYTES = 8192
_BLOCK_BYTES = 1 << 16
# A file that is being written settles, or it does not.
_MAX_READS = 3


class ReadGate:
    """The one way to read a file of the worktree.

    Args:
        root: The worktree.
        max_bytes: Larger files are refused.
        deny_inodes: Files that are denied whatever they are called; see `inodes`.
        openat2: False walks paths in this program; None asks the kernel (for tests and old kernels).

    Raises:
        RepositoryError: The root cannot be opened.
    """

    def __init__(
        self,
        root: Path,
        *,
        max_bytes: int = MAX_BYTES,
        deny_inodes: Collection[Inode] = frozenset(),
        openat2: bool | None = None,
    ) -> None:
        self._beneath = Beneath(root, openat2=openat2)
        self._max_bytes = max_bytes
        self.deny_inodes = deny_inodes
        """May be replaced at any time, for example after a rescan."""

    def __enter__(self) -> ReadGate:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the root's descriptor back."""
        self._beneath.close()

    @property
    def uses_openat2(self) -> bool:
        """Whether the kernel resolves paths in one step; `workbench doctor` shows it."""
        return self._beneath.uses_openat2

    def read(self, path: str, *, binary: bool = False) -> FileContent:
        """Return the file at `path`, with its permission bits.

        Args:
            path: Relative to the root, with `/`; `./` and doubled slashes are dropped.
            binary: Return binary data too, for digests and diffs.

        Raises:
            GateRefused: The file is not one that may be read; its `reason` says why.
            RepositoryError: The disk or the system failed.
        """
        plain = "/".join(components(path))
        descriptor = self._beneath.open(plain, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            status = self._check(plain, descriptor)
            data = self._read_steady(plain, descriptor)
        except OSError as error:
            cause = f"{one_line(plain)} cannot be read: {error.strerror}."
            raise RepositoryError(cause, "Check the disk, then try again.") from error
        finally:
            os.close(descriptor)
        if not binary and b"\0" in data[:BINARY_WINDOW_BYTES]:
            raise GateRefused(path, Reason.BINARY)
        return FileContent(plain, data, stat.S_IMODE(status.st_mode))

    def inodes(self, paths: Iterable[str]) -> frozenset[Inode]:
        """Return the inodes of those of `paths` that are regular files now; nothing is read.

        Given the paths that policy denies, this is what `deny_inodes` should be: a hard link to one of them
        is then recognised by any name.
        """
        found: set[Inode] = set()
        for path in paths:
            try:
                descriptor = self._beneath.open(path, os.O_PATH)
            except GateRefused:
                continue
            status = os.fstat(descriptor)
            os.close(descriptor)
            if stat.S_ISREG(status.st_mode):
                found.add((status.st_dev, status.st_ino))
        return frozenset(found)

    def _check(self, path: str, descriptor: int) -> os.stat_result:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise GateRefused(path, Reason.NOT_REGULAR)
        if (status.st_dev, status.st_ino) in self.deny_inodes:
            raise GateRefused(path, Reason.DENIED_INODE)
        if status.st_nlink > 1:
            raise GateRefused(path, Reason.HARD_LINKED, f"{status.st_nlink} names")
        if status.st_size > self._max_bytes:
            raise GateRefused(path, Reason.TOO_LARGE, f"{status.st_size:,} of {self._max_bytes:,} bytes")
        if status.st_nlink == 0 or not self._beneath.is_at(descriptor, path):
            raise GateRefused(path, Reason.CHANGING)
        return status

    def _read_steady(self, path: str, descriptor: int) -> bytes:
        """Return the whole file, from a reading during which it did not change."""
        for _ in range(_MAX_READS):
            before = _state(descriptor)
            os.lseek(descriptor, 0, os.SEEK_SET)
            blocks, size = [], 0
            while block := os.read(descriptor, _BLOCK_BYTES):
                blocks.append(block)
                size += len(block)
                if size > self._max_bytes:
                    raise GateRefused(path, Reason.TOO_LARGE, "it grew while it was read")
            if _state(descriptor) == before:
                return b"".join(blocks)
        raise GateRefused(path, Reason.CHANGING)


def _state(descriptor: int) -> tuple[int, int, int]:
    status = os.fstat(descriptor)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
