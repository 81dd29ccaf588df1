"""Tries what the seal must refuse, by calls that change nothing where they are not refused.

Each attempt is answered before the kernel looks at anything if the filter is there, and fails on a
descriptor of -1, a null pointer or a process that does not exist if it is not. The few that succeed in an
unsealed process leave nothing behind: a socket is closed at once, `unshare(0)` shares everything as
before. Families that may be a module not yet loaded are asked for with a type that does not exist, which
the kernel answers before it loads anything.
"""

from __future__ import annotations

import errno
import os

from workbench.boundary import abi, kernel, seccomp
from workbench.boundary.kernel import SOCK_CLOEXEC, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM

HIGH_BIT = 1 << 32
"""The kernel cuts an `int` to 32 bits: with this bit set, a value passes a filter that compares 64."""

_FILTERED = 2
"""What `prctl(PR_GET_SECCOMP)` answers in a process that has at least one filter."""
_NO_SUCH = -1
_NO_SUCH_TYPE = 0xF
_ANY_ADDRESS, _IPPROTO_ICMP, _PTRACE_ATTACH = 1, 1, 16
_CLONE_NEWNS, _CLONE_FS = 0x00020000, 0x00000200

_REFUSED = (errno.EPERM, errno.EACCES)
_ABSENT = (errno.ENOSYS, errno.EPERM)


class Attempt:
    """One call that the seal answers with a refusal."""

    __slots__ = ("arguments", "call", "name", "refusals")

    def __init__(self, name: str, call: str, *arguments: int, refusals: tuple[int, ...] = _REFUSED) -> None:
        self.name = name
        """Begins `net.` (ways to a network), `tty.` (to press keys) or `self.` (out of the seal)."""
        self.call = call
        """The system call's name in `workbench.boundary.abi`."""
        self.arguments = arguments
        self.refusals = refusals
        """The error numbers that count as refused."""

    def make(self, machine: abi.Abi) -> tuple[bool, str]:
        """Make the call and return whether it was refused, and what the kernel answered."""
        try:
            result = kernel.call(machine.calls[self.call], *self.arguments)
        except OSError as error:
            answer = errno.errorcode.get(error.errno or 0, str(error.errno))
            if error.errno in self.refusals:
                return True, f"{self.call} refused: {answer}"
            return False, f"{self.call} reached the kernel: {answer}"
        if self.call == "socket":
            os.close(result)
            return False, "a socket was opened"
        return False, f"{self.call} succeeded"


ATTEMPTS = (
    Attempt("net.tcp", "socket", kernel.AF_INET, SOCK_STREAM | SOCK_CLOEXEC),
    Attempt("net.tcp6", "socket", kernel.AF_INET6, SOCK_STREAM | SOCK_CLOEXEC),
    Attempt("net.udp", "socket", kernel.AF_INET, SOCK_DGRAM | SOCK_CLOEXEC),
    Attempt("net.udp6", "socket", kernel.AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC),
    Attempt("net.raw", "socket", kernel.AF_INET, SOCK_RAW | SOCK_CLOEXEC, _IPPROTO_ICMP),
    Attempt("net.high_bit_family", "socket", kernel.AF_INET | HIGH_BIT, SOCK_STREAM | SOCK_CLOEXEC),
    Attempt("net.unix", "socket", kernel.AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC),
    Attempt("net.netlink", "socket", kernel.AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC),
    Attempt("net.packet", "socket", kernel.AF_PACKET, _NO_SUCH_TYPE),
    Attempt("net.vsock", "socket", kernel.AF_VSOCK, _NO_SUCH_TYPE),
    Attempt("net.bluetooth", "socket", kernel.AF_BLUETOOTH, _NO_SUCH_TYPE),
    Attempt("net.alg", "socket", kernel.AF_ALG, _NO_SUCH_TYPE),
    Attempt("net.inet_pair", "socketpair", kernel.AF_INET, SOCK_STREAM),
    Attempt("net.datagram_pair", "socketpair", kernel.AF_UNIX, SOCK_DGRAM),
    Attempt("net.connect", "connect", _NO_SUCH),
    Attempt("net.bind", "bind", _NO_SUCH),
    Attempt("net.listen", "listen", _NO_SUCH),
    Attempt("net.accept", "accept", _NO_SUCH),
    Attempt("net.accept4", "accept4", _NO_SUCH),
    Attempt("net.sendto", "sendto", _NO_SUCH, 0, 0, 0, _ANY_ADDRESS),
    Attempt("net.io_uring", "io_uring_setup", refusals=_ABSENT),
    Attempt("net.key_upcall", "request_key"),
    Attempt("net.tunnel", "ioctl", _NO_SUCH, seccomp.TUNSETIFF),
    Attempt("net.take_descriptor", "pidfd_getfd", _NO_SUCH, _NO_SUCH),
    Attempt("net.take_memory", "process_vm_writev", _NO_SUCH),
    Attempt("net.take_process", "ptrace", _PTRACE_ATTACH, 0),
    Attempt("net.bpf", "bpf", _NO_SUCH),
    Attempt("tty.keystrokes", "ioctl", _NO_SUCH, seccomp.TIOCSTI),
    Attempt("tty.keystrokes_high_bit", "ioctl", _NO_SUCH, seccomp.TIOCSTI | HIGH_BIT),
    Attempt("tty.console", "ioctl", _NO_SUCH, seccomp.TIOCLINUX),
    Attempt("self.namespace", "unshare"),
    Attempt("self.join_namespace", "setns", _NO_SUCH),
    # The kernel itself refuses these two flags together (EINVAL), so that no process is made.
    Attempt("self.clone", "clone", _CLONE_NEWNS | _CLONE_FS),
    Attempt("self.clone3", "clone3", refusals=_ABSENT),
    Attempt("self.mount", "mount"),
)


def no_new_privileges() -> bool:
    """Return whether the kernel says that no program started from here can gain privileges."""
    try:
        return kernel.prctl(kernel.PR_GET_NO_NEW_PRIVS) == 1
    except OSError:
        return False


def filtered() -> bool:
    """Return whether the kernel says that this thread has a seccomp filter, whoever installed it."""
    try:
        return kernel.prctl(kernel.PR_GET_SECCOMP) == _FILTERED
    except OSError:
        return False


def sealed() -> bool:
    """Return whether the seal is in force, by asking the kernel and by trying."""
    machine = abi.native()
    if machine is None or not (filtered() and no_new_privileges()):
        return False
    return all(attempt.make(machine)[0] for attempt in ATTEMPTS)
