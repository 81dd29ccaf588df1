"""What an approved command's filter says, for both machines: the program is interpreted, not installed."""

from __future__ import annotations

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.boundary.bpf import judge
from workbench.boundary import abi, attempts, kernel, seccomp

MACHINES = pytest.mark.parametrize("machine", [abi.X86_64, abi.AARCH64], ids=lambda machine: machine.machine)
EPERM = seccomp.ERRNO | errno.EPERM
LOCAL = (kernel.AF_UNIX, kernel.AF_INET, kernel.AF_INET6)
PLAIN = (kernel.SOCK_STREAM, kernel.SOCK_DGRAM, kernel.SOCK_SEQPACKET)
WORDS = st.integers(0, 2**64 - 1)


def answer(
    machine: abi.Abi, call: str, *arguments: int, ask_listener: bool = True, loopback: bool = False
) -> int:
    program = seccomp.build_for_command(machine, ask_listener=ask_listener, loopback=loopback)
    number = machine.calls[call]
    return judge(seccomp.assemble(program), audit=machine.audit, number=number, arguments=arguments)


@MACHINES
@given(family=WORDS, kind=WORDS)
def test_every_socket_is_put_to_the_listener(machine: abi.Abi, family: int, kind: int) -> None:
    assert answer(machine, "socket", family, kind) == seccomp.ASK_LISTENER
    assert answer(machine, "socket", family, kind, ask_listener=False) == EPERM


@MACHINES
@pytest.mark.parametrize("attempt", attempts.ATTEMPTS, ids=lambda attempt: attempt.name)
def test_a_command_can_do_nothing_of_what_the_application_cannot(
    machine: abi.Abi, attempt: attempts.Attempt
) -> None:
    verdict = answer(machine, attempt.call, *attempt.arguments)
    assert (
        verdict == seccomp.ASK_LISTENER if attempt.call == "socket" else verdict & 0xFFFF in attempt.refusals
    )


@MACHINES
def test_apart_from_sockets_a_command_has_the_applications_filter(machine: abi.Abi) -> None:
    ours, theirs = seccomp.build(machine), seccomp.build_for_command(machine, ask_listener=False)
    assert ours == theirs


@MACHINES
@given(family=WORDS, kind=WORDS)
def test_with_a_network_of_its_own_a_command_gets_local_families_and_no_raw_access(
    machine: abi.Abi, family: int, kind: int
) -> None:
    allowed = family & 0xFFFFFFFF in LOCAL and kind & 0xF in PLAIN
    wanted = seccomp.ALLOW if allowed else seccomp.ASK_LISTENER
    assert answer(machine, "socket", family, kind, loopback=True) == wanted


@MACHINES
@pytest.mark.parametrize("family", LOCAL)
@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("flags", [0, kernel.SOCK_CLOEXEC])
def test_a_live_server_can_be_tested_on_loopback(
    machine: abi.Abi, family: int, kind: int, flags: int
) -> None:
    assert answer(machine, "socket", family, kind | flags, loopback=True) == seccomp.ALLOW
    for call in ("bind", "listen", "accept4", "connect"):
        assert answer(machine, call, 3, loopback=True) == seccomp.ALLOW
    assert answer(machine, "sendto", 3, 0, 0, 0, 1, loopback=True) == seccomp.ALLOW


@MACHINES
@pytest.mark.parametrize("call", ["unshare", "setns", "mount", "ptrace", "bpf", "pidfd_getfd", "keyctl"])
def test_a_network_of_its_own_opens_nothing_else(machine: abi.Abi, call: str) -> None:
    assert answer(machine, call, loopback=True) == EPERM


@MACHINES
@pytest.mark.parametrize("refused", [True, False])
def test_truncating_by_path_is_refused_where_landlock_cannot_govern_it(
    machine: abi.Abi, refused: bool
) -> None:
    wanted = EPERM if refused else seccomp.ALLOW
    number, audit = machine.calls["truncate"], machine.audit
    for program in (
        seccomp.build(machine, refuse_truncate=refused),
        seccomp.build_for_command(machine, ask_listener=True, refuse_truncate=refused),
    ):
        assert judge(seccomp.assemble(program), audit=audit, number=number) == wanted


@MACHINES
@pytest.mark.parametrize("loopback", [True, False])
def test_the_kernel_would_accept_the_program(machine: abi.Abi, loopback: bool) -> None:
    program = seccomp.build_for_command(machine, ask_listener=True, loopback=loopback, refuse_truncate=True)
    assert len(program) <= 4096
    for place, (operation, when_true, when_false, _) in enumerate(program):
        if operation not in (seccomp.LOAD, seccomp.AND, seccomp.RETURN):
            assert place + 1 + max(when_true, when_false) < len(program)
