"""Tries the network from a child process, through the ABI named by its only argument.

A script of the self-test, run by path in an interpreter without `site`, so that it starts in a few
milliseconds. It ends with `REFUSED`, `OPENED` or `NOT_TRIED`; the seal kills it where it calls through a
foreign ABI.
"""

import sys

REFUSED, OPENED, NOT_TRIED = 70, 71, 72
AF_NETLINK, SOCK_STREAM, SOCK_RAW = 16, 1, 3
FAMILIES = (1, 2, 10, AF_NETLINK)
"""Unix, IPv4, IPv6, netlink."""
X32_SOCKET = 0x40000000 | 41
I386_SOCKET = bytes.fromhex(
    "53"  # push rbx
    "b867010000"  # mov eax, 359: socket
    "bb02000000"  # mov ebx, AF_INET
    "b901000000"  # mov ecx, SOCK_STREAM
    "31d2"  # xor edx, edx
    "cd80"  # int 0x80
    "5bc3"  # pop rbx; ret
)


def natively() -> int:
    """Open a socket of each common family, as any program would."""
    import _socket

    for family in FAMILIES:
        try:
            _socket.socket(family, SOCK_RAW if family == AF_NETLINK else SOCK_STREAM).close()
        except PermissionError:
            continue
        except OSError:
            return NOT_TRIED
        return OPENED
    return REFUSED


def by_x32() -> int:
    """Open a socket through x32, whose calls look like native ones but for one bit."""
    import ctypes

    return OPENED if ctypes.CDLL(None).syscall(X32_SOCKET, 2, 1, 0) >= 0 else REFUSED


def by_i386() -> int:
    """Open a socket through the 32-bit gate, which every x86-64 program can reach."""
    import ctypes
    import mmap

    try:
        page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError:
        return NOT_TRIED
    page.write(I386_SOCKET)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return OPENED if ctypes.CFUNCTYPE(ctypes.c_int)(address)() >= 0 else REFUSED


def without_core_dump() -> None:
    """Leave no core file behind: being killed is what some of these attempts are for."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    if sys.argv[1] != "native":
        without_core_dump()
    sys.exit({"native": natively, "x32": by_x32, "i386": by_i386}[sys.argv[1]]())
