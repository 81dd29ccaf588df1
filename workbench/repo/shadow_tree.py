"""Writes and sweeps the files of a shadow copy, through descriptors and never through a link."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection, Mapping
from pathlib import Path

from workbench.repo.beneath import Beneath, components
from workbench.repo.refusal import GateRefused, Reason
from workbench.repo.shadow_index import Entry, key_of
from workbench.repo.tree import is_directory, walk

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Writer:
    """Writes files beneath one directory; the directory of the last file stays open for the next."""

    def __init__(self, beneath: Beneath) -> None:
        self._beneath = beneath
        self._parts: list[str] | None = None
        self._descriptor = -1

    def close(self) -> None:
        """Give the open directory back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._parts, self._descriptor = None, -1

    def write(self, path: str, data: bytes, mode: int, mtime_ns: int) -> os.stat_result:
        """Make a file that does not exist yet, and return its state.

        Raises:
            OSError: The disk refused, or something stands there.
        """
        directory, name = self._open(path)
        descriptor = os.open(name, _NEW, 0o600, dir_fd=directory)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fchmod(descriptor, mode & 0o777)
            # Tools such as make go by the order of times.
            os.utime(descriptor, ns=(mtime_ns, mtime_ns))
            return os.fstat(descriptor)
        finally:
            os.close(descriptor)

    def link(self, path: str, target: str) -> os.stat_result:
        """Make a symbolic link, and return its state.

        Raises:
            OSError: The disk refused, or something stands there.
        """
        directory, name = self._open(path)
        os.symlink(target, name, dir_fd=directory)
        return os.stat(name, dir_fd=directory, follow_symlinks=False)

    def remove(self, path: str) -> None:
        """Remove whatever stands at `path`, if anything does.

        Raises:
            OSError: The disk refused.
        """
        directory, name = self._open(path)
        remove(directory, name)

    def _open(self, path: str) -> tuple[int, str]:
        """Return an open descriptor of the file's directory, made where it is missing, and its name."""
        *parts, name = components(path)
        if parts != self._parts:
            self.close()
            self._descriptor = self._make(parts)
            self._parts = parts
        return self._descriptor, name

    def _make(self, parts: list[str]) -> int:
        try:
            return self._beneath.open("/".join(parts) or ".", os.O_RDONLY | os.O_DIRECTORY)
        except GateRefused as error:
            if error.reason is not Reason.MISSING:
                raise
        here = os.open(".", _DIRECTORY, dir_fd=self._beneath.descriptor)
        for part in parts:
            try:
                below = os.open(part, _DIRECTORY, dir_fd=here)
            except FileNotFoundError:
                os.mkdir(part, 0o700, dir_fd=here)
                below = os.open(part, _DIRECTORY, dir_fd=here)
            finally:
                # The descriptor below does not need the one above.
                os.close(here)
            here = below
        return here


def sweep(beneath: Beneath, entries: Mapping[str, Entry], wanted: Collection[str]) -> tuple[set[str], int]:
    """Remove all that is not as it was recorded; return the paths that are, and how much was removed.

    Raises:
        OSError: The disk refused.
    """
    wanted = set(wanted)
    directories = {path[:at] for path in wanted for at in _slashes(path)}
    kept: set[str] = set()
    removed = 0
    for directory, descriptor, found in walk(beneath):
        for entry in found:
            path = f"{directory}/{entry.name}" if directory else entry.name
            if path in directories and is_directory(entry):
                open_up(entry, descriptor)
                continue
            known = entries.get(path) if path in wanted else None
            if known is not None and key_of(entry.stat(follow_symlinks=False)) == known.copy:
                kept.add(path)
                continue
            remove(descriptor, entry.name)
            removed += 1
    return kept, removed


def open_up(entry: os.DirEntry[str], directory: int) -> None:
    """Give the owner back the rights on a directory that a command took away, before it is entered.

    Raises:
        OSError: The disk refused.
    """
    if entry.stat(follow_symlinks=False).st_mode & 0o700 != 0o700:
        os.chmod(entry.name, 0o700, dir_fd=directory)


def remove(directory: int, name: str) -> None:
    """Remove one file, link or directory with all that is in it; a link is never followed.

    Raises:
        OSError: The disk refused.
    """
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        # Linux says EISDIR, POSIX EPERM.
        if not stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
            raise
        _open_up_whole(directory, name)
        shutil.rmtree(name, dir_fd=directory)


def remove_whole(path: Path) -> None:
    """Remove the directory at `path`, or whatever else stands there.

    Raises:
        OSError: The disk refused.
    """
    above = os.open(path.parent, _DIRECTORY)
    try:
        remove(above, path.name)
    finally:
        os.close(above)


def _open_up_whole(directory: int, name: str) -> None:
    """Give the owner back the rights on a directory and on those in it."""
    os.chmod(name, 0o700, dir_fd=directory)
    here = os.open(name, _DIRECTORY, dir_fd=directory)
    try:
        with os.scandir(here) as found:
            below = [entry.name for entry in found if is_directory(entry)]
        for each in below:
            _open_up_whole(here, each)
    finally:
        os.close(here)


def _slashes(path: str) -> list[int]:
    return [at for at, letter in enumerate(path) if letter == "/"]
