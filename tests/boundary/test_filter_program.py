"""What the filter says, for both machines, call by call: the program is interpreted, not installed."""

from __future__ import annotations

import errno
import hashlib
import re
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.boundary.bpf import judge
from workbench.boundary import abi, attempts, kernel, seccomp

MACHINES = pytest.mark.parametrize("machine", [abi.X86_64, abi.AARCH64], ids=lambda machine: machine.machine)
EPERM = seccomp.ERRNO | errno.EPERM
ENOSYS = seccomp.ERRNO | errno.ENOSYS
HIGH = 1 << 32

REVIEWED = {
    "x86_64": "f330b4df3dbfbceb1e243582733871fd5d91533f642e2505ddf5c3b47c02c627",
    "aarch64": "fb1b7f42d73187f80fc0eef60ac600721ba858d93353c65ef7b95506e1079242",
}
"""SHA-256 of the programs as reviewed: whoever changes a rule, or a number, changes these on purpose."""

ALWAYS_REFUSED = (
    *("socket", "connect", "bind", "listen", "accept", "accept4"),
    *("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "perf_event_open"),
    *("bpf", "userfaultfd", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load"),
    *("acct", "swapon", "swapoff", "reboot", "syslog", "open_by_handle_at"),
    *("keyctl", "add_key", "request_key", "unshare", "setns", "mount", "umount2", "pivot_root", "chroot"),
    *("open_tree", "open_tree_attr", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick"),
    "mount_setattr",
)
JUDGED_BY_ARGUMENT = ("socketpair", "sendto", "clone", "ioctl")


def answer(machine: abi.Abi, call: str, *arguments: int) -> int:
    code = seccomp.assemble(seccomp.build(machine))
    return judge(code, audit=machine.audit, number=machine.calls[call], arguments=arguments)


@MACHINES
def test_the_program_is_byte_for_byte_the_one_that_was_reviewed(machine: abi.Abi) -> None:
    first, second = (seccomp.assemble(seccomp.build(machine)) for _ in range(2))
    assert first == second
    assert hashlib.sha256(first).hexdigest() == REVIEWED[machine.machine]


@MACHINES
def test_the_kernel_would_accept_the_program(machine: abi.Abi) -> None:
    program = seccomp.build(machine)
    assert len(program) <= 4096
    assert program[-1][0] == seccomp.RETURN
    for place, (operation, when_true, when_false, _) in enumerate(program):
        if operation in (seccomp.LOAD, seccomp.AND, seccomp.RETURN):
            assert (when_true, when_false) == (0, 0)
        else:
            assert place + 1 + max(when_true, when_false) < len(program)


@MACHINES
@pytest.mark.parametrize("call", ALWAYS_REFUSED)
def test_a_refused_call_is_refused_whatever_its_arguments(machine: abi.Abi, call: str) -> None:
    for arguments in ((), (1, 1, 0), (HIGH | 2, 1, 0), (2**64 - 1,) * 6):
        assert answer(machine, call, *arguments) == EPERM


@MACHINES
@pytest.mark.parametrize("call", seccomp.ABSENT)
def test_io_uring_and_clone3_do_not_exist(machine: abi.Abi, call: str) -> None:
    assert answer(machine, call) == ENOSYS


@MACHINES
def test_every_other_known_call_passes(machine: abi.Abi) -> None:
    named = {machine.calls[call] for call in (*ALWAYS_REFUSED, *seccomp.ABSENT, *JUDGED_BY_ARGUMENT)
             if call in machine.calls}  # fmt: skip
    named |= {machine.calls[call] for call in ("iopl", "ioperm") if call in machine.calls}
    code = seccomp.assemble(seccomp.build(machine))
    for number in set(range(abi.NEWEST_KNOWN_CALL + 1)) - named:
        assert judge(code, audit=machine.audit, number=number, arguments=(2**64 - 1,) * 6) == seccomp.ALLOW


@MACHINES
@pytest.mark.parametrize("number", [abi.NEWEST_KNOWN_CALL + 1, 512, 0x3FFFFFFF, -1])
def test_a_call_that_the_table_has_never_seen_does_not_exist(machine: abi.Abi, number: int) -> None:
    code = seccomp.assemble(seccomp.build(machine))
    assert judge(code, audit=machine.audit, number=number) == ENOSYS


@MACHINES
def test_a_foreign_abi_is_killed_whatever_it_calls(machine: abi.Abi) -> None:
    code = seccomp.assemble(seccomp.build(machine))
    i386, arm32 = 0x40000003, 0x40000028
    others = {i386, arm32, abi.X86_64.audit, abi.AARCH64.audit} - {machine.audit}
    for audit in others:
        for number in (0, 1, 39, 359):
            assert judge(code, audit=audit, number=number) == seccomp.KILL_PROCESS


@pytest.mark.parametrize("number", [0, 41, 42, 520, 0x3FFFFFFE, 0xBFFFFFFE])
def test_an_x32_call_is_killed(number: int) -> None:
    code = seccomp.assemble(seccomp.build(abi.X86_64))
    assert judge(code, audit=abi.X86_64.audit, number=seccomp.X32_BIT + number) == seccomp.KILL_PROCESS


@MACHINES
@pytest.mark.parametrize("kind", [kernel.SOCK_STREAM, kernel.SOCK_SEQPACKET])
@pytest.mark.parametrize("flags", [0, socket.SOCK_CLOEXEC, socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK])
def test_connected_unix_pairs_stay_for_asyncio(machine: abi.Abi, kind: int, flags: int) -> None:
    assert answer(machine, "socketpair", kernel.AF_UNIX, kind | flags) == seccomp.ALLOW


@MACHINES
@given(family=st.integers(0, 2**64 - 1), kind=st.integers(0, 2**64 - 1))
def test_a_pair_is_judged_by_what_the_kernel_will_make_of_it(
    machine: abi.Abi, family: int, kind: int
) -> None:
    # The kernel reads two ints and takes the type from the low four bits of the second.
    allowed = family & 0xFFFFFFFF == socket.AF_UNIX and kind & 0xF in (
        socket.SOCK_STREAM,
        socket.SOCK_SEQPACKET,
    )
    assert answer(machine, "socketpair", family, kind) == (seccomp.ALLOW if allowed else EPERM)


@MACHINES
@given(address=st.sampled_from([1, 0x7FFF00000000, HIGH, 2**64 - 1]) | st.integers(1, 2**64 - 1))
def test_sendto_passes_only_without_an_address(machine: abi.Abi, address: int) -> None:
    assert answer(machine, "sendto", 3, 0, 0, 0, address, 16) == EPERM
    assert answer(machine, "sendto", 3, 0, 0, 0, 0, 0) == seccomp.ALLOW


@MACHINES
def test_clone_passes_for_threads_and_processes_and_not_for_namespaces(machine: abi.Abi) -> None:
    posix_thread, fork = 0x3D0F00, 17 | 0x01200000
    assert answer(machine, "clone", posix_thread) == seccomp.ALLOW
    assert answer(machine, "clone", fork) == seccomp.ALLOW
    assert answer(machine, "clone", 17 | HIGH) == seccomp.ALLOW
    for bit in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert answer(machine, "clone", bit | 17) == EPERM
        assert answer(machine, "clone", bit | HIGH) == EPERM


@MACHINES
@pytest.mark.parametrize("request_", [seccomp.TIOCSTI, seccomp.TIOCLINUX, seccomp.TUNSETIFF])
def test_typing_into_a_terminal_is_refused_also_with_a_high_bit(machine: abi.Abi, request_: int) -> None:
    assert answer(machine, "ioctl", 0, request_) == EPERM
    assert answer(machine, "ioctl", 0, request_ | HIGH) == EPERM


@MACHINES
@pytest.mark.parametrize("request_", [0x5401, 0x5402, 0x5413, 0x5411, 0x5413 | HIGH])
def test_what_a_terminal_program_needs_of_ioctl_passes(machine: abi.Abi, request_: int) -> None:
    assert answer(machine, "ioctl", 0, request_) == seccomp.ALLOW


@MACHINES
@pytest.mark.parametrize("attempt", attempts.ATTEMPTS, ids=lambda attempt: attempt.name)
def test_every_attempt_of_the_self_test_is_refused(machine: abi.Abi, attempt: attempts.Attempt) -> None:
    verdict = answer(machine, attempt.call, *attempt.arguments)
    assert verdict & 0xFFFF0000 == seccomp.ERRNO
    assert verdict & 0xFFFF in attempt.refusals


@pytest.mark.parametrize(
    ("machine", "header"),
    [
        (abi.X86_64, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        (abi.AARCH64, "/usr/include/asm-generic/unistd.h"),
    ],
    ids=["x86_64", "aarch64"],
)
def test_the_numbers_agree_with_the_kernels_own_headers(machine: abi.Abi, header: str) -> None:
    if not Path(header).exists():
        pytest.skip(f"{header} is not installed")
    numbers = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", Path(header).read_text()))
    agreeing = {call: numbers[call] for call in machine.calls if call in numbers}
    assert agreeing == {call: str(machine.calls[call]) for call in agreeing}
    # Headers may be older than the table, but never by more than its newest calls.
    assert set(machine.calls) - set(agreeing) <= {"open_tree_attr", "mount_setattr"}


@pytest.mark.parametrize(
    ("release", "kept"),
    [
        ("4.18.0-553.el8_10.x86_64", True),
        ("5.15.0-91-generic", True),
        ("5.16.0", False),
        ("6.18.44", False),
        ("10.0", False),
        ("unknown", False),
    ],
)
def test_older_kernels_are_asked_not_to_slow_inference(release: str, kept: bool) -> None:
    assert bool(seccomp.speculation_flag(release)) is kept
