"""Makes the temporary files that a write goes through, and removes those that a killed process left.

The name says which process made the file: `.workbench-tmp-<process>-<start time>-<random>`.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from workbench.core.errors import RepositoryError
from workbench.core.records import sha256
from workbench.core.safe_text import one_line
from workbench.repo import owner, tree
from workbench.repo.beneath import Beneath

PREFIX = ".workbench-tmp-"
"""How the names of temporary files start; the policy floor denies reading them."""

_BLOCK_BYTES = 1 << 16
_LEFTOVER = re.compile(re.escape(PREFIX) + r"(\d+-\d+)-[0-9a-f]{16}")


def name() -> str:
    """Return a name that no file has, and that says which process chose it."""
    return f"{PREFIX}{owner.tag()}-{secrets.token_hex(8)}"


@contextmanager
def made(directory: int, path: str, data: bytes, name: str) -> Iterator[int]:
    """Make the temporary file `name` that holds exactly `data`; remove what has that name in the end.

    Yields a descriptor of it. `path` is the file it is for, to be named in an error.

    Raises:
        RepositoryError: The disk does not give back what was written to it.
        OSError: The file cannot be made or written.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o600, dir_fd=directory)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        if digest(descriptor) != sha256(data):
            cause = f"{one_line(path)} was not stored as it was written."
            raise RepositoryError(cause, "Check the disk; the file is unchanged.")
        yield descriptor
    finally:
        os.close(descriptor)
        # Where even this fails, the next start sweeps it up; the write's own result must not be hidden.
        with suppress(OSError):
            os.unlink(name, dir_fd=directory)


def keep(old: int, new: int, bits: int) -> tuple[str, ...]:
    """Give one open file another's owner and extended attributes, and the permission `bits`.

    Returns:
        What could not be kept, in words; empty in the ordinary case.
    """
    notes = []
    before, after = os.fstat(old), os.fstat(new)
    if (before.st_uid, before.st_gid) != (after.st_uid, after.st_gid):
        try:
            os.fchown(new, before.st_uid, before.st_gid)
        except OSError:
            notes.append(f"owner {before.st_uid}:{before.st_gid} is now {after.st_uid}:{after.st_gid}")
    os.fchmod(new, bits)
    if stat.S_IMODE(before.st_mode) & ~0o777:
        notes.append(f"special mode bits of {stat.S_IMODE(before.st_mode):04o} are gone")
    return (*notes, *_keep_attributes(old, new))


def digest(descriptor: int) -> str:
    """Return the SHA-256 of everything in an open file, read from its start."""
    found = hashlib.sha256()
    position = 0
    while block := os.pread(descriptor, _BLOCK_BYTES, position):
        found.update(block)
        position += len(block)
    return found.hexdigest()


def sweep(beneath: Beneath) -> tuple[str, ...]:
    """Remove the temporary files of dead processes beneath a root; return their paths."""
    removed = []
    for directory, descriptor, entries in tree.walk(beneath):
        for entry in entries:
            match = _LEFTOVER.fullmatch(entry.name)
            if match and not owner.is_alive(match[1]) and entry.is_file(follow_symlinks=False):
                with suppress(OSError):
                    os.unlink(entry.name, dir_fd=descriptor)
                    removed.append(f"{directory}/{entry.name}" if directory else entry.name)
    return tuple(removed)


def _keep_attributes(old: int, new: int) -> Iterator[str]:
    """Copy the extended attributes, access lists and labels among them; yield what could not be kept."""
    try:
        names = os.listxattr(old)
    except OSError:
        return
    for name in names:
        try:
            value = os.getxattr(old, name)
            if name not in os.listxattr(new) or os.getxattr(new, name) != value:
                os.setxattr(new, name, value)
        except OSError:
            yield f"attribute {one_line(name)} could not be kept"
