"""The first paint and the echo of a key, measured from outside on the installed program, through a real pty.

The aims are 0.8 s and 50 ms (p95) on two cores; the tests allow twice that, for machines that are busy.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import termios
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.terminal.places import WORKBENCH

pytestmark = [pytest.mark.terminal, pytest.mark.model]

FIRST_PAINT_SECONDS = 0.8
ECHO_SECONDS = 0.05
SLACK = 2
LETTERS = "ßæðđŋħĸłøþŧµ¢ŁØÞŦŊ"
"""Letters that no model writes here, so that each one in the output is an echo."""


class Pty:
    """The program on a pseudo-terminal of 120x40."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self._pid = pid
        self._descriptor = descriptor
        self._seen = b""

    def read_until(self, wanted: bytes, seconds: float) -> float:
        """Read until some bytes have come, and return the seconds that took."""
        began = time.monotonic()
        while wanted not in self._seen:
            left = began + seconds - time.monotonic()
            assert left > 0, f"{wanted!r} never came"
            if select.select([self._descriptor], [], [], left)[0]:
                self._seen += os.read(self._descriptor, 1 << 16)
        taken = time.monotonic() - began
        self._seen = self._seen[-200:]
        return taken

    def write(self, text: str) -> None:
        """Press keys."""
        os.write(self._descriptor, text.encode())

    def drain(self, seconds: float) -> None:
        """Read what comes for a while, as a terminal does."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self._descriptor], [], [], left)[0]:
                self._seen = (self._seen + os.read(self._descriptor, 1 << 16))[-200:]


@contextlib.contextmanager
def on_a_pty(command: list[str], environment: Mapping[str, str]) -> Iterator[Pty]:
    """Run a command on a pseudo-terminal, and end it whatever happens."""
    pid, descriptor = pty.fork()
    if not pid:
        os.execve(command[0], command, {**os.environ, **environment, "TERM": "xterm-256color"})
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    try:
        yield Pty(pid, descriptor)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.close(descriptor)
        os.waitpid(pid, 0)


def test_the_first_paint_comes_before_the_model(repository: Path, with_model: dict[str, str]) -> None:
    times = []
    for _ in range(5):
        with on_a_pty([WORKBENCH, str(repository)], with_model) as screen:
            times.append(screen.read_until(b"3 Review", 10))
    print(f"first paint: median {statistics.median(times):.2f} s, worst {max(times):.2f} s")
    assert statistics.median(times) < FIRST_PAINT_SECONDS * SLACK


def test_a_key_echoes_while_the_model_generates(repository: Path, with_model: dict[str, str]) -> None:
    long = "".join(f"    if day == {n}:\n        return 'day {n} of the year'\n" for n in range(60))
    (repository / "vitals/days.py").write_text(f"def name(day):\n{long}    raise ValueError(day)\n")
    with on_a_pty([WORKBENCH, "--accept-unenforced", str(repository)], with_model) as screen:
        screen.read_until(b"READY", 60)
        screen.drain(0.5)
        screen.write("Return upper case from `name` in vitals/days.py")
        screen.drain(0.5)
        screen.write("\r")
        screen.read_until(b"GEN ", 120)
        times = []
        for letter in LETTERS * 2:
            screen.write(letter)
            times.append(screen.read_until(letter.encode(), 5))
            screen.drain(0.07)
        screen.write("\x03")
    times.sort()
    p95 = times[int(len(times) * 0.95)]
    print(f"echo while generating: median {statistics.median(times) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms")
    assert p95 < ECHO_SECONDS * SLACK
