"""Drives a program in a real terminal: tmux types the keys and hands back the screen as text."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

LOOK_AGAIN_SECONDS = 0.05
_ENDED = re.compile(r"^ended with (\d+)$", re.MULTILINE)


class Terminal:
    """One tmux server with one window."""

    def __init__(self, socket: str) -> None:
        self._socket = socket

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, "-f", "/dev/null", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout

    def screen(self) -> str:
        """Return what stands on the screen now."""
        return self._tmux("capture-pane", "-p", "-t", "0")

    def keys(self, *names: str) -> None:
        """Press keys, by tmux's names for them."""
        self._tmux("send-keys", "-t", "0", *names)

    def type(self, text: str) -> None:
        """Type text, letter by letter as far as the program can tell."""
        self._tmux("send-keys", "-t", "0", "-l", text)

    def wait_for(self, *texts: str, seconds: float = 60) -> str:
        """Wait until every text stands on the screen, and return the screen."""
        deadline = time.monotonic() + seconds
        while True:
            screen = self.screen()
            if all(text in screen for text in texts):
                return screen
            assert time.monotonic() < deadline, f"never saw {texts}; the screen was:\n{screen}"
            time.sleep(LOOK_AGAIN_SECONDS)

    def press_until(self, key: str, holds: Callable[[], bool], seconds: float = 30) -> None:
        """Press a key, half a second apart, until something holds: keys pressed too early are dropped."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"{key} had no effect; the screen was:\n{self.screen()}"
            self.keys(key)
            pause = time.monotonic() + 0.5
            while not holds() and time.monotonic() < pause:
                time.sleep(LOOK_AGAIN_SECONDS)

    def resize(self, width: int, height: int) -> None:
        """Change the size of the terminal."""
        self._tmux("resize-window", "-t", "0", "-x", str(width), "-y", str(height))

    def ended(self) -> bool:
        """Return whether the program has ended."""
        return _ENDED.search(self.screen()) is not None

    def wait_for_end(self, seconds: float = 10) -> int:
        """Wait until the program has ended, and return its exit code."""
        deadline = time.monotonic() + seconds
        while not (found := _ENDED.search(self.screen())):
            assert time.monotonic() < deadline, f"it never ended; the screen was:\n{self.screen()}"
            time.sleep(LOOK_AGAIN_SECONDS)
        return int(found[1])


@contextmanager
def terminal(
    command: Sequence[str], *, width: int, height: int, environment: Mapping[str, str], folder: Path
) -> Iterator[Terminal]:
    """Run a command in a terminal of a size, and end it whatever happens."""
    opened = Terminal(f"workbench-test-{uuid4().hex[:8]}")
    assignments = [f"{name}={value}" for name, value in environment.items()]
    line = f"{shlex.join(['env', *assignments, *command])}; echo ended with $?; exec sleep 3600"
    size = ["-x", str(width), "-y", str(height)]
    opened._tmux("new-session", "-d", *size, "-c", str(folder), line, ";", "set", "-g", "status", "off")
    try:
        yield opened
    finally:
        opened._tmux("kill-server")
