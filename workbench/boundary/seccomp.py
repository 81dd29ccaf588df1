"""Builds and installs the seccomp filters that keep this process, and every child of it, off the network.

The rules, in order:

1. A call made through a foreign ABI (i386's `int 0x80`, x32) kills the process: its numbers mean other
   calls.
2. A call newer than `abi.NEWEST_KNOWN_CALL` does not exist (ENOSYS): what this table has never seen, it
   cannot judge.
3. No socket of any family. `socketpair` stays, for asyncio, but only as an AF_UNIX stream or sequenced
   pair. A *datagram* pair is refused: `sendmsg` with a name in it reaches any listener on the machine,
   syslog for one.
4. `connect`, `bind`, `listen`, `accept` and `sendto` with an address are refused too, so that a socket
   that came in from outside leads nowhere. `sendmsg` and `sendmmsg` cannot be judged, because the name
   lies behind a pointer that a filter may not follow; by rule 3 and the closing of inherited descriptors
   no socket that heeds one exists.
5. io_uring does not exist (ENOSYS): it makes sockets without system calls.
6. Nothing that takes descriptors or memory from other processes, loads code into the kernel, asks the
   kernel to run a helper, makes a tunnel, or builds a namespace in which the rest could be undone.
7. Nothing that types into a terminal (TIOCSTI, TIOCLINUX): the approval keys are typed there.
8. Where Landlock cannot govern it, no `truncate(2)`, which empties a file without opening it.

An approved command runs under the same rules. Its `socket` calls can be put to a listener instead, which
refuses them too, and learns who asked. The loopback variant lifts rules 3 and 4 for local families, for a
command that has a network of its own with nothing in it; see `workbench.boundary.bubblewrap`.

Integer arguments are compared as an allow-list on their low 32 bits: the kernel cuts an `int` to 32 bits,
so that a 64-bit comparison lets `AF_INET | 1 << 32` through. All refusals but the first answer with an
error number, so that libraries degrade instead of dying.

Sources: `seccomp(2)`, the kernel's `include/uapi/linux/{filter,seccomp}.h`.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from workbench.boundary import abi, kernel
from workbench.core.errors import BoundaryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

Instruction = tuple[int, int, int, int]
"""Operation, jump if true, jump if false, constant: one `struct sock_filter`."""

LOAD, AND, RETURN = 0x20, 0x54, 0x06
JUMP_EQUAL, JUMP_GREATER, JUMP_NOT_LESS, JUMP_ANY_BIT = 0x15, 0x25, 0x35, 0x45

ALLOW = 0x7FFF0000
ASK_LISTENER = 0x7FC00000
KILL_PROCESS = 0x80000000
ERRNO = 0x00050000

NUMBER_OFFSET, AUDIT_OFFSET, ARGUMENTS_OFFSET = 0, 4, 16
"""Where `struct seccomp_data` keeps the call's number, its ABI and its six arguments, in bytes."""

X32_BIT = 0x40000000
SKIPPED_CALL = 0xFFFFFFFF
"""What a tracer outside (proot, strace) writes over a number to have no call made: not x32, but rule 2."""
SOCKET_TYPE_MASK = 0xF
CLONE_NEW_NAMESPACES = 0x7E020000
"""NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET; `clone` cannot be asked for NEWTIME."""
TIOCSTI, TIOCLINUX, TUNSETIFF = 0x5412, 0x541C, 0x400454CA

NETWORK_CALLS = ("connect", "bind", "listen", "accept", "accept4")
"""Besides `socket`, `socketpair` and `sendto`, which are judged each in its own way."""
OTHER_PROCESSES = (
    *("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "perf_event_open"),
)
KERNEL_CODE = (
    *("bpf", "userfaultfd", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load"),
    *("iopl", "ioperm", "acct", "swapon", "swapoff", "reboot", "syslog", "open_by_handle_at"),
)
KERNEL_HELPERS = ("keyctl", "add_key", "request_key")
"""The keyring: the kernel answers some requests by a program outside the seal, which resolves names."""
NAMESPACES = (
    *("unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "open_tree", "open_tree_attr"),
    *("move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr"),
)
ABSENT = ("io_uring_setup", "io_uring_enter", "io_uring_register", "clone3")
"""Answered as if the kernel did not have them: callers then fall back, glibc from `clone3` to `clone`."""

_SET_MODE_FILTER = 1
_FLAG_ALL_THREADS, _FLAG_KEEP_SPECULATION, _FLAG_LISTENER = 1 << 0, 1 << 2, 1 << 3
_SPECULATION_LEFT_ALONE_SINCE = (5, 16)


def build(machine: abi.Abi, *, refuse_truncate: bool = False) -> tuple[Instruction, ...]:
    """Return the application's filter for `machine`.

    It is a chain of rules, each of which either returns or leaves the call's number loaded for the next.
    Calls that no rule names cost next to nothing: Linux 5.11 and newer works out once that all are allowed.

    Args:
        machine: This process's ABI, from `abi.native`.
        refuse_truncate: Whether rule 8 is needed (Landlock below ABI 3).
    """
    return _chain(
        machine,
        _no_socket(machine, _refuse(errno.EPERM)),
        _no_address(machine),
        refuse_truncate=refuse_truncate,
    )


def build_for_command(
    machine: abi.Abi, *, ask_listener: bool, loopback: bool = False, refuse_truncate: bool = False
) -> tuple[Instruction, ...]:
    """Return the filter of an approved command.

    Args:
        machine: This process's ABI, from `abi.native`.
        ask_listener: Whether refused `socket` calls go to a listener, which `install_with_listener` returns.
        loopback: Whether local families are allowed. Only for a command in a network namespace of its own.
        refuse_truncate: Whether rule 8 is needed (Landlock below ABI 3).
    """
    answer = (RETURN, 0, 0, ASK_LISTENER) if ask_listener else _refuse(errno.EPERM)
    if loopback:
        local = _rule(machine, "socket", _only_local_families(answer))
        return _chain(machine, local, [], refuse_truncate=refuse_truncate)
    return _chain(machine, _no_socket(machine, answer), _no_address(machine), refuse_truncate=refuse_truncate)


def assemble(program: Iterable[Instruction]) -> bytes:
    """Return `program` as the kernel reads it: eight bytes an instruction, little endian."""
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)


def install(machine: abi.Abi, program: Iterable[Instruction]) -> None:
    """Put `program` in front of every thread of this process, for good.

    No privilege is needed: `no_new_privs` is set first, which also takes the power from set-user-id programs.

    Args:
        machine: This process's ABI, from `abi.native`.
        program: What `build` returned for it.

    Raises:
        BoundaryError: The kernel, or a sandbox around us, does not allow it; or a thread would be left out.
    """
    unsealed_thread = _install(machine, program, _FLAG_ALL_THREADS | speculation_flag(os.uname().release))
    if unsealed_thread:
        raise BoundaryError(
            f"Thread {unsealed_thread} of this process carries another filter and stays unsealed."
        )


def install_with_listener(machine: abi.Abi, program: Iterable[Instruction]) -> int:
    """Put `program` in front of this process, which has one thread, and return its listener's descriptor.

    Raises:
        BoundaryError: The kernel is older than 5.0, or does not allow it.
    """
    return _install(machine, program, _FLAG_LISTENER)


def speculation_flag(release: str) -> int:
    """Return the flag that keeps a filter from slowing the processor on the kernel `release`, or 0.

    Before 5.16 a filter also switched speculative store bypass off, which costs inference speed.
    """
    major, _, rest = release.partition(".")
    minor = rest.partition(".")[0]
    if not (major.isdecimal() and minor.isdecimal()):
        return 0
    return 0 if (int(major), int(minor)) >= _SPECULATION_LEFT_ALONE_SINCE else _FLAG_KEEP_SPECULATION


def _install(machine: abi.Abi, program: Iterable[Instruction], flags: int) -> int:
    code = assemble(program)
    instructions = ctypes.create_string_buffer(code, len(code))
    # struct sock_fprog: a 16-bit count, then a pointer at its natural alignment.
    header = struct.pack("@HP", len(code) // 8, ctypes.addressof(instructions))
    filter_program = ctypes.create_string_buffer(header, len(header))
    try:
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        return _set_filter(machine, flags, filter_program)
    except OSError as error:
        raise BoundaryError(f"The kernel refused the network seal: {error.strerror}.") from error


def _set_filter(machine: abi.Abi, flags: int, program: ctypes.Array[ctypes.c_char]) -> int:
    """Install `program`; return 0, the listener, or the id of a thread that could not be covered."""
    number, address = machine.calls["seccomp"], ctypes.addressof(program)
    try:
        return kernel.call(number, _SET_MODE_FILTER, flags, address)
    except OSError as error:
        # Kernels before 4.17 do not know the speculation flag.
        if error.errno != errno.EINVAL or not flags & _FLAG_KEEP_SPECULATION:
            raise
        return kernel.call(number, _SET_MODE_FILTER, flags & ~_FLAG_KEEP_SPECULATION, address)


def _chain(
    machine: abi.Abi, sockets: list[Instruction], addresses: list[Instruction], *, refuse_truncate: bool
) -> tuple[Instruction, ...]:
    """Return the whole filter around the rules about the network."""
    program = [
        _load(AUDIT_OFFSET),
        (JUMP_EQUAL, 1, 0, machine.audit),
        (RETURN, 0, 0, KILL_PROCESS),
        _load(NUMBER_OFFSET),
    ]
    if machine.has_x32:
        program += [
            (JUMP_EQUAL, 2, 0, SKIPPED_CALL),
            (JUMP_NOT_LESS, 0, 1, X32_BIT),
            (RETURN, 0, 0, KILL_PROCESS),
        ]
    program += [(JUMP_GREATER, 0, 1, abi.NEWEST_KNOWN_CALL), _refuse(errno.ENOSYS), *sockets]
    for name in OTHER_PROCESSES + KERNEL_CODE + KERNEL_HELPERS + NAMESPACES:
        program += _rule(machine, name, [_refuse(errno.EPERM)])
    for name in ABSENT:
        program += _rule(machine, name, [_refuse(errno.ENOSYS)])
    program += addresses
    program += _rule(machine, "clone", _only_in_these_namespaces())
    program += _rule(machine, "ioctl", _only_other_requests((TIOCSTI, TIOCLINUX, TUNSETIFF)))
    if refuse_truncate:
        program += _rule(machine, "truncate", [_refuse(errno.EPERM)])
    return (*program, (RETURN, 0, 0, ALLOW))


def _no_socket(machine: abi.Abi, answer: Instruction) -> list[Instruction]:
    rules = _rule(machine, "socket", [answer])
    for name in NETWORK_CALLS:
        rules += _rule(machine, name, [_refuse(errno.EPERM)])
    return rules


def _no_address(machine: abi.Abi) -> list[Instruction]:
    pairs = _rule(machine, "socketpair", _only_connected_unix_pairs())
    return pairs + _rule(machine, "sendto", _only_without_address())


def _rule(machine: abi.Abi, name: str, body: list[Instruction]) -> list[Instruction]:
    """Return the instructions that run `body`, which must always return, for the call `name` only."""
    if name not in machine.calls:
        return []
    return [(JUMP_EQUAL, 0, len(body), machine.calls[name]), *body]


def _only_connected_unix_pairs() -> list[Instruction]:
    return [
        _load(_low_half(0)),
        (JUMP_EQUAL, 0, 5, kernel.AF_UNIX),
        _load(_low_half(1)),
        (AND, 0, 0, SOCKET_TYPE_MASK),
        (JUMP_EQUAL, 1, 0, kernel.SOCK_STREAM),
        (JUMP_EQUAL, 0, 1, kernel.SOCK_SEQPACKET),
        (RETURN, 0, 0, ALLOW),
        _refuse(errno.EPERM),
    ]


def _only_local_families(answer: Instruction) -> list[Instruction]:
    """Judge `socket` where the network is a private one: local families, no raw access to any of them."""
    families = (kernel.AF_UNIX, kernel.AF_INET, kernel.AF_INET6)
    kinds = (kernel.SOCK_STREAM, kernel.SOCK_DGRAM, kernel.SOCK_SEQPACKET)
    family_checks: list[Instruction] = [
        (JUMP_EQUAL, len(families) - place, 0, family) for place, family in enumerate(families)
    ]
    kind_checks: list[Instruction] = [
        (JUMP_EQUAL, len(kinds) - place, 0, kind) for place, kind in enumerate(kinds)
    ]
    return [
        _load(_low_half(0)),
        *family_checks,
        answer,
        _load(_low_half(1)),
        (AND, 0, 0, SOCKET_TYPE_MASK),
        *kind_checks,
        answer,
        (RETURN, 0, 0, ALLOW),
    ]


def _only_without_address() -> list[Instruction]:
    """Judge `sendto` by its fifth argument, a pointer: all 64 bits of it have to be zero."""
    return [
        _load(_low_half(4)),
        (JUMP_EQUAL, 0, 3, 0),
        _load(_low_half(4) + 4),
        (JUMP_EQUAL, 0, 1, 0),
        (RETURN, 0, 0, ALLOW),
        _refuse(errno.EPERM),
    ]


def _only_in_these_namespaces() -> list[Instruction]:
    return [
        _load(_low_half(0)),
        (JUMP_ANY_BIT, 0, 1, CLONE_NEW_NAMESPACES),
        _refuse(errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]


def _only_other_requests(requests: tuple[int, ...]) -> list[Instruction]:
    """Judge `ioctl` by its second argument, a 32-bit number to the kernel too, so that a deny-list does."""
    checks: list[Instruction] = [
        (JUMP_EQUAL, len(requests) - place, 0, request) for place, request in enumerate(requests)
    ]
    return [_load(_low_half(1)), *checks, (RETURN, 0, 0, ALLOW), _refuse(errno.EPERM)]


def _load(offset: int) -> Instruction:
    return (LOAD, 0, 0, offset)


def _refuse(number: int) -> Instruction:
    return (RETURN, 0, 0, ERRNO | number)


def _low_half(argument: int) -> int:
    """Return where the low 32 bits of an argument lie on a little-endian machine; the high ones follow."""
    return ARGUMENTS_OFFSET + 8 * argument
