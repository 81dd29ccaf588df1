"""What really goes to the terminal: the program in a pseudo-terminal, with hostile text everywhere."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

PAYLOAD = (
    r"\x1b]52;c;aGFja2Vk\x07\x1b]0;pwned\x07\x1b]8;;http://evil.example\x1b\\x\x1bP+q\x1b\\\x9d0;x\x9c\u202e"
)
CHILD = f"""
from tests.tui.test_hostile_text import _face
from workbench.tui import start, wall
{{extra}}
raise SystemExit(start.show(_face("{PAYLOAD}")))
"""
# `OSC 22` is Textual's own: it sets the shape of the mouse pointer.
FORBIDDEN = re.compile(rb"\x1b\](?!22;)|\x1bP|\x1b_|\x1b\^|\x1bX|\xc2[\x80-\x9f]|\xe2\x80\xae")
ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def _running(extra: str) -> Iterator[int]:
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD.format(extra=extra)],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=ROOT,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(follower)
    try:
        yield leader
    finally:
        child.kill()
        child.wait()
        os.close(leader)


def _read(leader: int, until: bytes, seconds: float = 15.0) -> bytes:
    """Return what arrives up to `until`, and a moment's more."""
    received, end = b"", monotonic() + seconds
    while monotonic() < end:
        ready, _, _ = select.select([leader], [], [], 0.3)
        if ready:
            try:
                received += os.read(leader, 65536)
                continue
            except OSError:  # the program has ended
                end = 0.0
        if until in received:
            return received
    raise AssertionError(f"{until!r} did not appear in {received[-2000:]!r}")


@pytest.mark.parametrize(
    ("extra", "clean"),
    [("", True), ("wall.TerminalWall.apply = lambda self, segments, ground: segments", False)],
)
def test_no_control_of_a_text_reaches_the_terminal_and_the_wall_is_why(extra: str, clean: bool) -> None:
    with _running(extra) as leader:
        received = _read(leader, b"READY")
        os.write(leader, b"\x12")  # ctrl+r
        received += _read(leader, b"approve")
    found = FORBIDDEN.search(received)
    assert (found is None) == clean, found


def test_an_idle_screen_writes_nothing() -> None:
    with _running("") as leader:
        _read(leader, b"READY")
        ready, _, _ = select.select([leader], [], [], 1.2)
        assert not ready, os.read(leader, 65536)


FAULT = """
from workbench.tui import tree
def paint(self, row, width):
    local = "hun" + "ter2"
    raise ValueError("the fault")
tree.FileTree.paint = paint
"""


def test_a_fault_in_the_screen_ends_it_without_printing_local_variables() -> None:
    with _running(FAULT) as leader:
        received = _read(leader, b"ValueError: the fault")
    assert b"hunter2" not in received
    assert b"\x1b[?1049l" in received
