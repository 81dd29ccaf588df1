"""Speaks to the kernel directly: raw system calls, `prctl` and socket options, through ctypes.

The room cannot use `socket` and `os` for this. They would refuse to pass what the self-test has to try (a
family with a high bit set, a descriptor that does not exist), they know nothing of seccomp, and each use of
`socket` puts a row into Python's audit events, where a healthy session should show none.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys

PR_SET_PDEATHSIG = 1
PR_GET_DUMPABLE, PR_SET_DUMPABLE = 3, 4
PR_GET_SECCOMP = 21
PR_CAPBSET_READ, PR_CAPBSET_DROP = 23, 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_GET_NO_NEW_PRIVS = 39
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET = 1, 2, 10, 16, 17
AF_BLUETOOTH, AF_ALG, AF_VSOCK = 31, 38, 40
FAMILIES = {
    AF_UNIX: "AF_UNIX",
    AF_INET: "AF_INET",
    AF_INET6: "AF_INET6",
    AF_NETLINK: "AF_NETLINK",
    AF_PACKET: "AF_PACKET",
    AF_BLUETOOTH: "AF_BLUETOOTH",
    AF_ALG: "AF_ALG",
    AF_VSOCK: "AF_VSOCK",
}
"""The names of families that people may have heard of."""
SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET = 1, 2, 3, 5
SOCK_CLOEXEC = 0o2000000

_SHUT_BOTH = 2
_SOL_SOCKET, _SO_TYPE, _SO_DOMAIN = 1, 3, 39
_SYSTEM_CALL_ARGUMENTS = 6
_SUN_PATH_OFFSET = 2
"""A Unix address is two bytes of family, then the name; a socket of `socketpair` has no name."""
_SOCKADDR_STORAGE_BYTES = 128

# Windows has no C library to open this way; the level measured there is 0.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform != "win32" else None

if _libc is not None and sys.platform == "linux":
    _libc.syscall.restype = ctypes.c_long
    _libc.syscall.argtypes = [ctypes.c_long, *[ctypes.c_ulong] * _SYSTEM_CALL_ARGUMENTS]
    _libc.prctl.restype = ctypes.c_int
    _libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


def call(number: int, *arguments: int) -> int:
    """Make the system call `number` and return its result.

    Args:
        number: The call's number on this machine (see `workbench.boundary.abi`).
        arguments: Up to six 64-bit words; missing ones are zero, negative ones two's complement.

    Raises:
        OSError: The kernel, or a filter in front of it, answered with an error.
    """
    if _libc is None or sys.platform != "linux":
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    padded = arguments + (0,) * (_SYSTEM_CALL_ARGUMENTS - len(arguments))
    result: int = _libc.syscall(number, *padded)
    return _checked(result)


def prctl(option: int, argument: int = 0) -> int:
    """Call `prctl(2)` and return its result.

    Raises:
        OSError: The kernel answered with an error.
    """
    if _libc is None or sys.platform != "linux":
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    result: int = _libc.prctl(option, argument, 0, 0, 0)
    return _checked(result)


def socket_kind(descriptor: int) -> tuple[int, int]:
    """Return the address family and the type of the socket behind `descriptor`.

    Raises:
        OSError: It is not an open socket.
    """
    return _socket_option(descriptor, _SO_DOMAIN), _socket_option(descriptor, _SO_TYPE)


def is_unnamed_pair(descriptor: int) -> bool:
    """Return whether neither end of a connected Unix socket has a name, as in a `socketpair`."""
    if _libc is None:
        return False
    for ask in (_libc.getsockname, _libc.getpeername):
        address = ctypes.create_string_buffer(_SOCKADDR_STORAGE_BYTES)
        length = ctypes.c_uint(_SOCKADDR_STORAGE_BYTES)
        if ask(descriptor, address, ctypes.byref(length)) or length.value > _SUN_PATH_OFFSET:
            return False
    return True


def shut_down(descriptor: int) -> None:
    """End both directions of a connected socket, for whoever has it open and waits on it.

    Raises:
        OSError: It is not one.
    """
    if _libc is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    _checked(_libc.shutdown(descriptor, _SHUT_BOTH))


def _socket_option(descriptor: int, option: int) -> int:
    if _libc is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    value = ctypes.c_int()
    length = ctypes.c_uint(ctypes.sizeof(value))
    result = _libc.getsockopt(descriptor, _SOL_SOCKET, option, ctypes.byref(value), ctypes.byref(length))
    _checked(result)
    return value.value


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
