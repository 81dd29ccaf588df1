"""Renames inside one open directory in the ways Python does not offer: never over a file, or as a swap.

Source: renameat2(2) (Linux 3.15; not every file system takes every flag).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform

UNSUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.EPERM})
"""What the calls below fail with where the kernel, or the file system, does not know them."""

_NOREPLACE, _EXCHANGE = 1, 2
# For C libraries that lack the function: its number, by architecture.
_NUMBERS = {"x86_64": 316, "aarch64": 276, "riscv64": 276, "ppc64le": 357, "s390x": 347}

_libc = ctypes.CDLL(None, use_errno=True)


def without_replacing(directory: int, old: str, new: str) -> None:
    """Rename `old` to `new`, both in the open `directory`, unless something is called `new` already.

    Raises:
        OSError: With EEXIST if the name is taken, with one of `UNSUPPORTED` if it cannot be done so.
    """
    _renameat2(directory, old, new, _NOREPLACE)


def to_free_name(directory: int, old: str, new: str) -> None:
    """Rename as `without_replacing` does, and as surely where the file system does not know how.

    Raises:
        FileExistsError: Something is called `new` already.
        OSError: It cannot be done.
    """
    try:
        without_replacing(directory, old, new)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        # A link fails as surely if the name is taken.
        os.link(old, new, src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=False)
        os.unlink(old, dir_fd=directory)


def plainly(directory: int, old: str, new: str) -> None:
    """Rename `old` to `new`, over what is called `new`, if anything is."""
    os.rename(old, new, src_dir_fd=directory, dst_dir_fd=directory)


def exchange(directory: int, one: str, other: str) -> None:
    """Give two files in the open `directory` each other's name, in one step.

    Raises:
        OSError: With one of `UNSUPPORTED` if it cannot be done so.
    """
    _renameat2(directory, one, other, _EXCHANGE)


def _renameat2(directory: int, old: str, new: str, flag: int) -> None:
    arguments = (directory, os.fsencode(old), directory, os.fsencode(new), flag)
    if hasattr(_libc, "renameat2"):
        result = _libc.renameat2(*arguments)
    elif (number := _NUMBERS.get(platform.machine())) is not None:
        result = _libc.syscall(number, *arguments)
    else:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
