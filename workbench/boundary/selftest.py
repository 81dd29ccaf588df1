"""Measures, by real attempts, what the kernel enforces on this process, its threads and its children.

Nothing here reads configuration or remembers what the first stage did: a filter that was never installed,
or that leaks, shows as an attempt that succeeds. No attempt sends a packet, or leaves anything on disk where
the seal is missing.
"""

from __future__ import annotations

import math
import os
import signal
import socket
import sys
import threading
import time

from workbench.boundary import (
    abi,
    attempts,
    child_attempt,
    command_checks,
    descriptors,
    file_attempts,
    processes,
)
from workbench.boundary.levels import Check, Measurement, judge
from workbench.boundary.stage0 import command_runner
from workbench.core.errors import BoundaryError

CHILD_SECONDS = 10
"""A child that has not answered by then (a stalled network disk, say) counts as a check that failed."""

_TASKS = "/proc/self/task"
_UNREACHABLE_NAME = "example.com"
"""Reserved by RFC 2606; looked up only where no socket can be opened to ask for it."""


def measure(*, thorough: bool = False) -> Measurement:
    """Return what holds now.

    Args:
        thorough: Also try a name look-up and, from children, the foreign ABIs; for `workbench doctor`.
    """
    started = time.perf_counter()
    machine = abi.native()
    command = _TriedCommand()
    command.start()
    checks = _without_table() if machine is None else _everything(machine, thorough=thorough)
    checks += [file_attempts.read_outside(), file_attempts.write_outside()]
    command.join()
    checks += command.checks
    return judge(checks, milliseconds=math.ceil((time.perf_counter() - started) * 1000))


class _TriedCommand(threading.Thread):
    """Tries a command while everything else is tried: it takes the longest, most of it waiting."""

    def __init__(self) -> None:
        super().__init__(name="workbench-self-test")
        self.checks = [Check("cmd.confined", False, "a command could not be tried")]

    def run(self) -> None:
        self.checks = command_checks.try_command(command_runner())


def _everything(machine: abi.Abi, *, thorough: bool) -> list[Check]:
    checks = [Check(attempt.name, *attempt.make(machine)) for attempt in attempts.ATTEMPTS]
    checks += [
        _from_new_thread(machine),
        _in_every_thread(),
        _from_child("net.child", "native"),
        _no_socket_leads_out(),
        _no_new_privileges(),
    ]
    if thorough:
        sealed = all(check.held for check in checks)
        checks.append(
            _name_lookup() if sealed else Check("net.dns", False, "not tried: sockets can be opened")
        )
        if machine.has_x32:
            checks += [_from_child("self.x32", "x32"), _from_child("self.i386", "i386")]
    return checks


def _without_table() -> list[Check]:
    return [Check("net.tcp", False, f"not tried: no seal for {sys.platform} on this machine")]


def _from_new_thread(machine: abi.Abi) -> Check:
    """Repeat every attempt in a thread that is started now."""
    through: list[str] = []

    def attempt_all() -> None:
        through.extend(attempt.name for attempt in attempts.ATTEMPTS if not attempt.make(machine)[0])

    thread = threading.Thread(target=attempt_all)
    thread.start()
    thread.join()
    detail = f"not refused there: {', '.join(through)}" if through else "every attempt refused there too"
    return Check("net.new_thread", not through, detail)


def _in_every_thread() -> Check:
    """Ask the kernel whether each live thread, also those older than the seal, carries a filter."""
    name = "net.every_thread"
    try:
        threads = os.listdir(_TASKS)
    except OSError as error:
        return Check(name, False, f"{_TASKS}: {error.strerror}")
    bare = [thread for thread in threads if not _is_filtered(thread)]
    if bare:
        return Check(name, False, f"without a filter: thread {', '.join(bare)}")
    return Check(name, True, f"all {len(threads)} threads carry a filter")


def _is_filtered(thread: str) -> bool:
    try:
        with open(f"{_TASKS}/{thread}/status", "rb") as status:
            return b"\nSeccomp:\t2\n" in status.read()
    except (FileNotFoundError, ProcessLookupError):
        return True  # it ended meanwhile
    except OSError:
        return False


def _from_child(name: str, way: str) -> Check:
    """Run `child_attempt` and judge by how it ended."""
    try:
        status = _run_child(way)
    except (OSError, ValueError) as error:
        return Check(name, False, f"a child could not be tried: {error}")
    if status is None:
        return Check(name, False, f"a child did not answer in {CHILD_SECONDS} s")
    if status == -signal.SIGSYS:
        return Check(name, True, "killed by the seal")
    if status == child_attempt.REFUSED:
        return Check(
            name, True, "refused in a child too" if way == "native" else "refused: not in this kernel"
        )
    if status == -signal.SIGSEGV and way == "i386":
        return Check(name, True, "refused: not in this kernel")
    if status == child_attempt.OPENED:
        return Check(name, False, "a child opened a socket")
    return Check(name, False, f"a child could not try: status {status}")


def _run_child(way: str) -> int | None:
    """Return the child's exit code, or its signal as a negative number, or None when it took too long."""
    line = [sys.executable, "-I", "-S", child_attempt.__file__, way]
    silence = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in range(3)]
    child = os.posix_spawn(line[0], line, {}, file_actions=silence)
    return processes.wait(child, seconds=CHILD_SECONDS)


def _no_socket_leads_out() -> Check:
    name = "net.open_sockets"
    try:
        found = descriptors.leading_out(descriptors.opened(), own_pairs=True)
    except BoundaryError as error:
        return Check(name, False, error.cause)
    if found:
        return Check(
            name, False, ", ".join(f"descriptor {number} is {what}" for number, what in found.items())
        )
    return Check(name, True, "no open descriptor leads out")


def _no_new_privileges() -> Check:
    held = attempts.no_new_privileges()
    return Check("self.no_new_privileges", held, "set, for good" if held else "not set")


def _name_lookup() -> Check:
    try:
        socket.getaddrinfo(_UNREACHABLE_NAME, 443)
    except OSError as error:
        return Check("net.dns", True, f"{_UNREACHABLE_NAME}: {error.strerror}")
    return Check("net.dns", False, f"{_UNREACHABLE_NAME} was resolved")
