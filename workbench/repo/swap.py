"""Carries out one change of one path, in a way that can be taken back until it is finished.

The old file keeps its place under a temporary name: a replacement swaps names with it, a deletion only
renames it. Taking back is the same step once more, and is not done to a file that is no longer ours.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from workbench.core.errors import RepositoryError, Stale
from workbench.core.records import sha256
from workbench.core.safe_text import one_line
from workbench.repo import rename, temporary
from workbench.repo.refusal import GateRefused, Reason

# limit: a person approves what replaces a file; larger files are not reviewed as text.
MAX_BYTES = 64 << 20
_NEW_FILE_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to stand under one path, and what must stand there before."""

    path: str
    """Relative to the root."""
    base_sha256: str | None
    """Digest of the file that must be there; None where nothing may have the name."""
    data: bytes | None
    """The bytes that were approved; None takes the file away."""
    mode: int | None = None
    """Permission bits afterwards; None keeps those of the file that is replaced."""
    base_mode: int | None = None
    """Permission bits that the file must have; None where they do not matter."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did."""

    path: str
    sha256: str | None
    """Digest of the bytes now on disk; None for a deleted file."""
    mode: int
    """Permission bits of the file written or deleted."""
    notes: tuple[str, ...] = ()
    """What could not be kept as it was, such as an owner or an attribute; empty in the ordinary case."""


@dataclass(frozen=True, slots=True)
class _Present:
    """The file that stands under a name now."""

    status: os.stat_result
    sha256: str
    descriptor: int


class Swap:
    """One edit in the open directory that holds its path.

    Args:
        directory: Descriptor of the directory, held open by the caller until all is finished.
        name: The file's name in it.
        edit: What to do.
        stack: Closes what this opens, and removes the temporary files, when all is finished.

    Raises:
        Stale: The file is not the one that was approved to be changed.
        GateRefused: It is not a file that may be changed.
        OSError: The new file cannot be made.
    """

    def __init__(self, directory: int, name: str, edit: Edit, stack: ExitStack) -> None:
        self.edit = edit
        self._directory = directory
        self._name = name
        self._stack = stack
        self._notes: tuple[str, ...] = ()
        self._other = temporary.name()
        """The temporary name: of the new file before the swap, of the old one after it."""
        self._made = -1
        self._bits = _NEW_FILE_MODE if edit.mode is None else edit.mode & 0o777
        self._copied = False
        if edit.base_sha256 is None:
            self._make()
            os.fchmod(self._made, self._bits)
            os.fsync(self._made)
            return
        with self._base() as present:
            if edit.mode is None:
                self._bits = stat.S_IMODE(present.status.st_mode) & 0o777
            if edit.data is not None:
                self._make()
                self._notes = temporary.keep(present.descriptor, self._made, self._bits)
                os.fsync(self._made)

    def carry_out(self) -> None:
        """Do it; on any error nothing has changed.

        Raises:
            Stale: The file was changed at the last moment.
            GateRefused: Something has the new file's name already.
            OSError: The system refused.
        """
        if self.edit.base_sha256 is None:
            self._take_free_name()
        elif self.edit.data is None:
            with self._base() as last:
                self._put_aside(last)
        else:
            with self._base() as last:
                self._take_name(last)

    def take_back(self) -> bool:
        """Undo `carry_out`, and return whether that could be done: not where the file was changed since."""
        try:
            if self.edit.data is None:
                rename.to_free_name(self._directory, self._other, self._name)
                return True
            if not self._is_ours(self._name):
                return False
            if self._copied:
                rename.plainly(self._directory, self._other, self._name)
                return True
            step = rename.plainly if self.edit.base_sha256 is None else rename.exchange
            step(self._directory, self._name, self._other)
            if self._is_ours(self._other):
                return True
            step(self._directory, self._other, self._name)
        except OSError:
            pass
        return False

    def finish(self) -> Written:
        """Make what was done durable, and say what it was."""
        data = self.edit.data
        return Written(
            self.edit.path,
            None if data is None else sha256(data),
            self._bits,
            self._notes + _flush(self._directory),
        )

    def _make(self) -> None:
        data = self.edit.data or b""
        made = temporary.made(self._directory, self.edit.path, data, self._other)
        self._made = self._stack.enter_context(made)

    @contextmanager
    def _base(self) -> Iterator[_Present]:
        """Open the file that is to be changed, and make sure that it is the one that was approved."""
        path = self.edit.path
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        try:
            descriptor = os.open(self._name, flags, dir_fd=self._directory)
        except FileNotFoundError:
            raise gone(path) from None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise GateRefused(path, Reason.LINK) from None
            raise
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise GateRefused(path, Reason.NOT_REGULAR)
            if status.st_nlink != 1:
                raise GateRefused(path, Reason.HARD_LINKED, f"{status.st_nlink} names")
            if status.st_size > MAX_BYTES:
                raise GateRefused(path, Reason.TOO_LARGE)
            present = _Present(status, temporary.digest(descriptor), descriptor)
            wanted = self.edit.base_mode
            if present.sha256 != self.edit.base_sha256 or (
                wanted is not None and stat.S_IMODE(status.st_mode) & 0o777 != wanted
            ):
                raise _changed(path)
            yield present
        finally:
            os.close(descriptor)

    def _take_free_name(self) -> None:
        """Give the new file its name, if nothing has that name."""
        try:
            rename.to_free_name(self._directory, self._other, self._name)
        except FileExistsError:
            raise GateRefused(self.edit.path, Reason.EXISTS) from None

    def _put_aside(self, base: _Present) -> None:
        """Give the file to be deleted a temporary name; give its own back if it was changed meanwhile."""
        rename.plainly(self._directory, self._name, self._other)
        if not self._still(base, self._other):
            rename.to_free_name(self._directory, self._other, self._name)
            raise _changed(self.edit.path)
        self._stack.callback(self._remove_other)

    def _take_name(self, base: _Present) -> None:
        """Swap names with the old file; swap them back if it was changed at the last instant."""
        try:
            rename.exchange(self._directory, self._other, self._name)
        except OSError as error:
            if error.errno not in rename.UNSUPPORTED:
                raise
            self._copy_and_replace(base)
            return
        # The old file now has the temporary name, so what somebody did to it after the check is not lost yet.
        if not self._still(base, self._other):
            rename.exchange(self._directory, self._other, self._name)
            raise _changed(self.edit.path)

    def _copy_and_replace(self, base: _Present) -> None:
        """Replace the old file where names cannot be swapped, with a copy of it to take it back by."""
        copy = temporary.name()
        old = os.pread(base.descriptor, MAX_BYTES, 0)
        descriptor = self._stack.enter_context(temporary.made(self._directory, self.edit.path, old, copy))
        temporary.keep(base.descriptor, descriptor, stat.S_IMODE(base.status.st_mode) & 0o777)
        os.fsync(descriptor)
        rename.plainly(self._directory, self._other, self._name)
        self._other, self._copied = copy, True

    def _still(self, base: _Present, name: str) -> bool:
        status = os.stat(name, dir_fd=self._directory, follow_symlinks=False)
        return os.path.samestat(status, base.status) and temporary.digest(base.descriptor) == base.sha256

    def _is_ours(self, name: str) -> bool:
        status = os.stat(name, dir_fd=self._directory, follow_symlinks=False)
        same = os.path.samestat(status, os.fstat(self._made))
        return same and temporary.digest(self._made) == sha256(self.edit.data or b"")

    def _remove_other(self) -> None:
        with suppress(OSError):
            os.unlink(self._other, dir_fd=self._directory)


def gone(path: str) -> Stale:
    """Return the error for a file that was there when the change was proposed."""
    return Stale(f"{one_line(path)} no longer exists.", "Ask for a new proposal.")


def _changed(path: str) -> Stale:
    cause = f"{one_line(path)} has changed since the proposal was made."
    return Stale(cause, "Look at the file again and ask for a new proposal.")


def _flush(directory: int) -> tuple[str, ...]:
    """Make what was done in a directory durable; the change itself stands even where that fails."""
    try:
        os.fsync(directory)
    except OSError as error:
        return (f"the directory could not be flushed: {error.strerror}",)
    return ()


def explained(path: str, error: OSError) -> RepositoryError:
    """Return what went wrong with one file in this room's words."""
    name = one_line(path)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RepositoryError(f"{name} was not written: the disk is full.", "Make room, then approve again.")
    if error.errno == errno.EROFS:
        return RepositoryError(
            f"{name} was not written: the file system is read-only.", "Remount it writable."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        cause = f"{name} was not written: this account may not write there."
        return RepositoryError(cause, "Change the permissions of the file's directory.")
    return RepositoryError(f"{name} was not written: {error.strerror}.", "Nothing was changed; try again.")
