"""Gives the system calls this room speaks of their numbers, for each machine the seal supports.

Sources: the kernel's `arch/x86/entry/syscalls/syscall_64.tbl`, `include/uapi/asm-generic/unistd.h` (aarch64)
and `include/uapi/linux/audit.h`. From 424 upwards a call has the same number on every machine.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NEWEST_KNOWN_CALL = 469
"""`file_setattr`, Linux 6.17. A newer kernel may have a way out that this table does not list."""

_SAME_EVERYWHERE = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "clone3": 435,
    "openat2": 437,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
    "landlock_create_ruleset": 444,
    "landlock_add_rule": 445,
    "landlock_restrict_self": 446,
    "open_tree_attr": 467,
}

_X86_64 = {
    "ioctl": 16,
    "socket": 41,
    "connect": 42,
    "accept": 43,
    "sendto": 44,
    "bind": 49,
    "listen": 50,
    "socketpair": 53,
    "clone": 56,
    "truncate": 76,
    "ptrace": 101,
    "syslog": 103,
    "capget": 125,
    "capset": 126,
    "pivot_root": 155,
    "chroot": 161,
    "acct": 163,
    "mount": 165,
    "umount2": 166,
    "swapon": 167,
    "swapoff": 168,
    "reboot": 169,
    "iopl": 172,
    "ioperm": 173,
    "init_module": 175,
    "delete_module": 176,
    "kexec_load": 246,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "unshare": 272,
    "accept4": 288,
    "perf_event_open": 298,
    "open_by_handle_at": 304,
    "setns": 308,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "kcmp": 312,
    "finit_module": 313,
    "seccomp": 317,
    "kexec_file_load": 320,
    "bpf": 321,
    "userfaultfd": 323,
}

_AARCH64 = {
    "ioctl": 29,
    "umount2": 39,
    "mount": 40,
    "pivot_root": 41,
    "truncate": 45,
    "chroot": 51,
    "acct": 89,
    "capget": 90,
    "capset": 91,
    "unshare": 97,
    "kexec_load": 104,
    "init_module": 105,
    "delete_module": 106,
    "syslog": 116,
    "ptrace": 117,
    "reboot": 142,
    "socket": 198,
    "socketpair": 199,
    "bind": 200,
    "listen": 201,
    "accept": 202,
    "connect": 203,
    "sendto": 206,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "clone": 220,
    "swapon": 224,
    "swapoff": 225,
    "perf_event_open": 241,
    "accept4": 242,
    "open_by_handle_at": 265,
    "setns": 268,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "kcmp": 272,
    "finit_module": 273,
    "seccomp": 277,
    "bpf": 280,
    "userfaultfd": 282,
    "kexec_file_load": 294,
}


class Abi:
    """One way of calling the kernel: the machine, and the numbers its calls have there."""

    __slots__ = ("audit", "calls", "has_x32", "machine")

    def __init__(self, machine: str, audit: int, calls: Mapping[str, int], *, has_x32: bool) -> None:
        self.machine = machine
        """As `uname -m` prints it."""
        self.audit = audit
        """The `AUDIT_ARCH_*` value that the kernel reports for a call made this way."""
        self.calls = calls
        """Number by name; a call that the machine does not have is absent."""
        self.has_x32 = has_x32
        """Whether x32 calls share `audit` and are told apart only by bit 30 of their number."""


X86_64 = Abi("x86_64", 0xC000003E, {**_X86_64, **_SAME_EVERYWHERE}, has_x32=True)
AARCH64 = Abi("aarch64", 0xC00000B7, {**_AARCH64, **_SAME_EVERYWHERE}, has_x32=False)


def native() -> Abi | None:
    """Return the ABI of this very process, or None where the seal has no table for it."""
    if sys.platform != "linux" or sys.byteorder != "little" or sys.maxsize < 2**32:
        return None
    machine = os.uname().machine
    return next((abi for abi in (X86_64, AARCH64) if abi.machine == machine), None)
