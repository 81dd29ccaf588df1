"""Attacks on a sealed process: what it, its threads and its children cannot do any more."""

from __future__ import annotations

import ctypes
import encodings.idna  # noqa: F401  # loaded late, when `nobody` can no longer read it
import errno
import fcntl
import itertools
import os
import pty
import shutil
import signal
import socket
import struct
import subprocess
import termios
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from tests.boundary.children import USERS, Ended, fork, fork_sealed, needs_seal, outcome, seal
from workbench.boundary import abi, attempts, child_attempt, kernel, seccomp

pytestmark = needs_seal

AS_EVERYONE = pytest.mark.parametrize("user", USERS)
SYSTEM_PATH = "/usr/bin:/bin"
HIGH_BIT = 1 << 32


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A TCP listener on this machine that notices whoever gets through."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def nobody_came(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return True
    return False


def native() -> abi.Abi:
    machine = abi.native()
    assert machine is not None
    return machine


@AS_EVERYONE
def test_no_socket_of_any_family_can_be_made(user: str) -> None:
    def attack() -> set[int]:
        number = native().calls["socket"]
        families = [*range(64), 255, 0x7FFFFFFF, 0xFFFFFFFF]
        kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET, 0xF)
        highs = (0, HIGH_BIT, 0xFFFFFFFF << 32)
        return {
            outcome(partial(kernel.call, number, family | high, kind | high))
            for family, kind, high in itertools.product(families, kinds, highs)
        }

    assert fork_sealed(attack, user=user) == {errno.EPERM}


@AS_EVERYONE
@pytest.mark.parametrize("attempt", attempts.ATTEMPTS, ids=lambda attempt: attempt.name)
def test_every_attempt_of_the_self_test_is_refused(attempt: attempts.Attempt, user: str) -> None:
    held, detail = cast("tuple[bool, str]", fork_sealed(lambda: attempt.make(native()), user=user))
    assert held, detail


def test_no_attempt_names_a_descriptor_that_could_be_open() -> None:
    on_descriptors = {
        "connect",
        "bind",
        "listen",
        "accept",
        "accept4",
        "sendto",
        "ioctl",
        "setns",
        "pidfd_getfd",
    }
    named = {attempt.arguments[0] for attempt in attempts.ATTEMPTS if attempt.call in on_descriptors}
    assert named == {-1}


@pytest.mark.parametrize("attempt", attempts.ATTEMPTS, ids=lambda attempt: attempt.name)
def test_every_attempt_gets_through_where_there_is_no_seal(attempt: attempts.Attempt) -> None:
    if os.geteuid() != 0 or attempts.filtered():
        pytest.skip("needs root outside any sandbox, where nothing but the seal would refuse")
    held, detail = cast("tuple[bool, str]", fork(lambda: attempt.make(native())))
    if detail.endswith("ENOSYS"):
        pytest.skip(f"not in this kernel: {detail}")
    assert not held, detail


@AS_EVERYONE
def test_a_socket_from_before_the_seal_can_neither_connect_nor_serve(
    listener: socket.socket, user: str
) -> None:
    def attack() -> dict[str, int]:
        address = listener.getsockname()
        tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        seal()
        return {
            "connect": outcome(lambda: tcp.connect(address)),
            "connect udp": outcome(lambda: udp.connect(address)),
            "bind": outcome(lambda: tcp.bind(("127.0.0.1", 0))),
            "listen": outcome(lambda: tcp.listen()),
            "accept": outcome(lambda: listener.accept()),
            "sendto": outcome(lambda: udp.sendto(b"source", address)),
        }

    assert set(cast("dict[str, int]", fork(attack, user=user)).values()) == {errno.EPERM}
    assert nobody_came(listener)


def test_a_datagram_socket_from_before_the_seal_could_send_which_is_why_none_may_be_inherited() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        address = receiver.getsockname()

        def attack() -> int:
            inherited = socket.socket(type=socket.SOCK_DGRAM)
            seal()
            return inherited.sendmsg([b"source"], [], 0, address)

        # A filter cannot follow the pointer to the name; see test_descriptors.py for the door that is shut.
        assert fork(attack) == len(b"source")
        assert receiver.recv(100) == b"source"


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM])
def test_no_pair_reaches_a_local_listener_such_as_syslog(kind: int, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(tmp_path / "log"))
        log.setblocking(False)

        def attack() -> None:
            left, _ = socket.socketpair(socket.AF_UNIX, kind)
            outcome(lambda: left.sendmsg([b"source"], [], 0, log.getsockname()))
            outcome(lambda: left.sendto(b"source", log.getsockname()))
            outcome(lambda: left.connect(log.getsockname()))

        fork_sealed(lambda: outcome(attack))
        with pytest.raises(BlockingIOError):
            log.recv(100)
        if kind == socket.SOCK_DGRAM:
            fork(lambda: outcome(attack))
            assert log.recv(100) == b"source", "without the seal it must arrive, or this test shows nothing"


@AS_EVERYONE
def test_a_thread_older_than_the_seal_is_sealed_too(user: str) -> None:
    def attack() -> list[int]:
        started, sealed = threading.Event(), threading.Event()
        found: list[int] = []

        def old_thread() -> None:
            socket.socket().close()
            started.set()
            sealed.wait(10)
            found.append(outcome(lambda: socket.socket(socket.AF_INET)))
            found.append(outcome(lambda: socket.socket(socket.AF_UNIX)))

        thread = threading.Thread(target=old_thread)
        thread.start()
        started.wait(10)
        seal()
        sealed.set()
        thread.join()
        return found

    assert fork(attack, user=user) == [errno.EPERM, errno.EPERM]


@AS_EVERYONE
def test_a_child_and_what_it_executes_are_sealed_too(user: str) -> None:
    def attack() -> tuple[int, str]:
        forked = cast("int", fork(child_attempt.natively, user="same"))
        shown = subprocess.run(["/bin/cat", "/proc/self/status"], capture_output=True, text=True, check=True)
        return forked, shown.stdout

    forked, status = cast("tuple[int, str]", fork_sealed(attack, user=user))
    assert forked == child_attempt.REFUSED
    assert "\nSeccomp:\t2\n" in status
    assert "\nNoNewPrivs:\t1\n" in status


@AS_EVERYONE
@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("bash", ["-c", "exec 3<>/dev/tcp/127.0.0.1/{port}"]),
        ("curl", ["--max-time", "5", "--noproxy", "*", "http://127.0.0.1:{port}/"]),
        ("git", ["ls-remote", "git://127.0.0.1:{port}/x"]),
    ],
)
def test_a_program_that_is_run_reaches_no_listener(
    program: str, arguments: list[str], user: str, listener: socket.socket
) -> None:
    where = shutil.which(program, path=SYSTEM_PATH)
    if where is None:
        pytest.skip(f"{program} is not installed")
    line = [where, *[argument.format(port=listener.getsockname()[1]) for argument in arguments]]

    def attack() -> int:
        return subprocess.run(
            line, env={"PATH": SYSTEM_PATH}, capture_output=True, timeout=15, check=False
        ).returncode

    assert fork_sealed(attack, user=user) not in (0, Ended(0))
    assert nobody_came(listener)


def test_without_the_seal_the_same_program_would_have_reached_it(listener: socket.socket) -> None:
    bash = shutil.which("bash", path=SYSTEM_PATH)
    if bash is None:
        pytest.skip("bash is not installed")
    port = listener.getsockname()[1]
    subprocess.run([bash, "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"], timeout=15, check=True)
    assert not nobody_came(listener)


@AS_EVERYONE
def test_no_name_can_be_resolved(user: str) -> None:
    def attack() -> int:
        try:
            socket.getaddrinfo("example.com", 443)
        except socket.gaierror as error:
            return error.errno or 0
        return 0

    assert fork_sealed(attack, user=user) in (socket.EAI_AGAIN, socket.EAI_NONAME, socket.EAI_FAIL)


@AS_EVERYONE
def test_a_descriptor_cannot_be_taken_from_another_process(user: str, listener: socket.socket) -> None:
    def attack() -> int:
        victim = os.pidfd_open(os.getppid())
        return outcome(lambda: kernel.call(native().calls["pidfd_getfd"], victim, listener.fileno(), 0))

    assert fork_sealed(attack, user=user) == errno.EPERM


@AS_EVERYONE
def test_another_process_cannot_be_traced(user: str) -> None:
    def attack() -> int:
        trace_me = 0
        return outcome(lambda: kernel.call(native().calls["ptrace"], trace_me))

    assert fork_sealed(attack, user=user) == errno.EPERM


@AS_EVERYONE
@pytest.mark.parametrize("namespace", ["NEWUSER", "NEWNET", "NEWNS", "NEWPID"])
def test_no_namespace_can_be_made_or_joined(namespace: str, user: str) -> None:
    bit = {"NEWUSER": 0x10000000, "NEWNET": 0x40000000, "NEWNS": 0x00020000, "NEWPID": 0x20000000}[namespace]

    def attack() -> list[int]:
        calls = native().calls
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        return [
            outcome(lambda: kernel.call(calls["unshare"], bit)),
            outcome(lambda: kernel.call(calls["clone"], bit | signal.SIGCHLD)),
            outcome(lambda: kernel.call(calls["setns"], own, 0)),
        ]

    assert fork_sealed(attack, user=user) == [errno.EPERM] * 3


@pytest.mark.skipif(abi.native() is not abi.X86_64, reason="x86-64 has these two foreign ABIs")
@pytest.mark.parametrize("way", [child_attempt.by_x32, child_attempt.by_i386])
def test_a_foreign_abi_is_killed(way: Callable[[], int]) -> None:
    def attack() -> int:
        child_attempt.without_core_dump()
        return way()

    assert fork_sealed(attack) == Ended(-signal.SIGSYS)


def test_the_i386_attack_opens_a_socket_where_there_is_no_seal() -> None:
    def attack() -> int:
        child_attempt.without_core_dump()
        return child_attempt.by_i386()

    ended = fork(attack) if abi.native() is abi.X86_64 else Ended(0)
    if isinstance(ended, Ended):
        pytest.skip("this kernel has no 32-bit gate")
    assert ended == child_attempt.OPENED


def type_into_own_terminal() -> list[int]:
    """Push a `y` into a terminal of our own, plainly and with a bit that a 64-bit comparison would miss."""
    leader, terminal = pty.openpty()
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    letter = ctypes.create_string_buffer(b"y")
    plain = outcome(lambda: fcntl.ioctl(terminal, termios.TIOCSTI, b"y"))
    request, address = seccomp.TIOCSTI | HIGH_BIT, ctypes.addressof(letter)
    hidden = outcome(lambda: kernel.call(native().calls["ioctl"], terminal, request, address))
    size = fcntl.ioctl(leader, termios.TIOCGWINSZ, bytes(8))
    return [plain, hidden, len(struct.unpack("4H", size))]


@AS_EVERYONE
def test_no_key_can_be_pressed_from_inside(user: str) -> None:
    assert fork_sealed(type_into_own_terminal, user=user) == [errno.EPERM, errno.EPERM, 4]


def test_without_the_seal_the_key_would_have_been_pressed() -> None:
    legacy = Path("/proc/sys/dev/tty/legacy_tiocsti")
    if legacy.exists() and legacy.read_text().strip() != "1" and os.geteuid() != 0:
        pytest.skip("this kernel refuses it to everybody")
    if attempts.filtered():
        pytest.skip("another sandbox is in force")
    assert fork(type_into_own_terminal) == [0, 0, 4]


def test_the_seal_cannot_be_lifted_by_another_filter() -> None:
    def attack() -> int:
        seccomp.install(native(), [(seccomp.RETURN, 0, 0, seccomp.ALLOW)])
        return outcome(lambda: socket.socket())

    assert fork_sealed(attack) == errno.EPERM
