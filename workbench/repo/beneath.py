"""Opens paths beneath one directory, without following a link or leaving its file system.

The rules, in order:

1. The root is opened once; every path is resolved from that descriptor, never from a string.
2. `openat2` with RESOLVE_BENEATH, NO_SYMLINKS, NO_MAGICLINKS and NO_XDEV does the resolution, in the
   kernel, in one step: no rename can get between a check and its use.
3. Where the kernel or a container has no `openat2`, the path is walked one component at a time with
   O_NOFOLLOW, and the mount the walk ends in is compared with the root's. Both ways refuse alike.

Sources: openat2(2) (Linux 5.6), proc_pid_fdinfo(5) for mount ids.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys
from pathlib import Path
from types import TracebackType

from workbench.core.errors import RepositoryError
from workbench.repo.refusal import GateRefused, Reason

_OPENAT2 = 437  # the same on every architecture
_NO_XDEV, _NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x01, 0x02, 0x04, 0x08
_RESOLVE = _NO_XDEV | _NO_MAGICLINKS | _NO_SYMLINKS | _BENEATH
# limit: RESOLVE_BENEATH answers EAGAIN while anything on the machine is renamed; a storm ends in a refusal.
_MAX_TRIES = 64

_REASONS = {
    errno.ENOENT: Reason.MISSING,
    errno.ENOTDIR: Reason.MISSING,
    errno.ENAMETOOLONG: Reason.MISSING,
    errno.ELOOP: Reason.LINK,
    errno.EXDEV: Reason.OUTSIDE,
    errno.EAGAIN: Reason.OUTSIDE,
    errno.ENXIO: Reason.NOT_REGULAR,
    errno.ENODEV: Reason.NOT_REGULAR,
    errno.EISDIR: Reason.NOT_REGULAR,
    errno.EACCES: Reason.NO_PERMISSION,
    errno.EPERM: Reason.NO_PERMISSION,
}

_libc = ctypes.CDLL(None, use_errno=True)


class Beneath:
    """One directory, and the only way to what is in it.

    Args:
        root: The directory.
        openat2: False walks the path in this program instead; None asks the kernel.

    Raises:
        RepositoryError: The directory cannot be opened.
    """

    def __init__(self, root: Path, *, openat2: bool | None = None) -> None:
        self.root = os.path.realpath(root)
        """The real path of the directory, as it was when it was opened."""
        try:
            self.descriptor = os.open(self.root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise RepositoryError(
                f"The worktree cannot be opened: {error.strerror}.", "Check that the directory exists."
            ) from error
        self._mount = _mount_id(self.descriptor)
        self.uses_openat2 = self._probe() if openat2 is None else openat2
        """Whether the kernel resolves paths; otherwise this program walks them."""

    def __enter__(self) -> Beneath:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the directory's descriptor back; nothing can be opened afterwards."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def open(self, path: str, flags: int) -> int:
        """Return a descriptor of `path`, opened with `flags`; the caller closes it.

        Args:
            path: Relative to the root; `.` is the root itself.
            flags: As for `os.open`, without O_CREAT; O_NOFOLLOW and O_CLOEXEC are added.

        Raises:
            GateRefused: The path is malformed, leads through a link or elsewhere, or cannot be opened.
        """
        parts = components(path) if path != "." else []
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC
        sys.audit("open", "/".join([self.root, *parts]), None, flags)
        try:
            if self.uses_openat2:
                return self._resolve(parts, flags)
            return self._walk(parts, flags)
        except OSError as error:
            raise self._refusal(path, error) from error

    def is_at(self, descriptor: int, path: str) -> bool:
        """Say whether `descriptor` is, by the kernel's own account, still the file at `path`.

        Without `/proc` there is no such account, and the resolution above has to be enough.
        """
        try:
            root = os.readlink(f"/proc/self/fd/{self.descriptor}")  # noqa: PTH115 - pathlib takes 40 µs
            found = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115
        except OSError:
            return True
        return found == os.path.join(root, *components(path))

    def _resolve(self, parts: list[str], flags: int) -> int:
        try:
            return _openat2(self.descriptor, "/".join(parts) or ".", flags)
        except OSError as error:
            if error.errno != errno.ENOTDIR:
                raise
        # Of a link where a directory was wanted the kernel says ENOTDIR; the walk tells the two apart.
        return self._walk(parts, flags)

    def _walk(self, parts: list[str], flags: int) -> int:
        if not parts:
            return os.open(".", flags, dir_fd=self.descriptor)
        here = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.descriptor)
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            wanted = flags if last else os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                below = os.open(part, wanted, dir_fd=here)
            except OSError as error:
                # O_DIRECTORY hides that a link stood there; the refusal should say so.
                if error.errno == errno.ENOTDIR and _is_link(part, here):
                    error.errno = errno.ELOOP
                raise
            finally:
                os.close(here)
            here = below
        if _is_link_descriptor(here):
            os.close(here)
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if _mount_id(here) != self._mount:
            os.close(here)
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return here

    def _probe(self) -> bool:
        try:
            os.close(_openat2(self.descriptor, ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        except OSError:
            # ENOSYS on old kernels; EPERM where a container's filter does not know the call.
            return False
        return True

    def _refusal(self, path: str, error: OSError) -> Exception:
        reason = _REASONS.get(error.errno or 0)
        if reason is None:
            return RepositoryError(
                f"A file cannot be opened: {error.strerror}.", "Check the disk and limits."
            )
        return GateRefused(path, reason)


def components(path: str) -> list[str]:
    """Return the names that `path` is made of.

    Raises:
        GateRefused: It is not a plain relative path.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise GateRefused(path, Reason.MALFORMED)
    return parts


def _openat2(directory: int, path: str, flags: int) -> int:
    # struct open_how: flags, mode, resolve (openat2(2)).
    how = ctypes.create_string_buffer(struct.pack("<QQQ", flags, 0, _RESOLVE), 24)
    name = os.fsencode(path)
    for _ in range(_MAX_TRIES):
        descriptor = _libc.syscall(_OPENAT2, directory, name, how, ctypes.c_size_t(24))
        if descriptor >= 0:
            return int(descriptor)
        code = ctypes.get_errno()
        if code not in (errno.EAGAIN, errno.EINTR):
            break
    raise OSError(code, os.strerror(code))


def _mount_id(descriptor: int) -> str:
    """Return what tells one mount from another: the kernel's mount id, else the device."""
    try:
        with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as lines:
            return next(line for line in lines if line.startswith("mnt_id:"))
    except (OSError, StopIteration):
        return f"device {os.fstat(descriptor).st_dev}"


def _is_link(name: str, directory: int) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _is_link_descriptor(descriptor: int) -> bool:
    # O_PATH with O_NOFOLLOW opens a link itself instead of refusing it.
    return stat.S_ISLNK(os.fstat(descriptor).st_mode)
