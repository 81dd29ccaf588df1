"""Runs the installed program in a pseudo-terminal and times what it paints."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Mapping, Sequence

from workbench.core.errors import WorkbenchError

PATIENCE = 30.0
"""Seconds after which what was waited for is given up."""
QUIET = 0.15
"""Seconds without output after which a screen is called still."""
_SEQUENCES = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[PX^_][^\x1b]*\x1b\\|\x1b[ -/]*[0-~]"
)


class PtyScreen:
    """The program behind a pseudo-terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._seen = b""

    def press(self, keys: str) -> float:
        """Press keys, and return the moment; what was painted before is forgotten."""
        self._seen = b""
        now = time.monotonic()
        os.write(self._descriptor, keys.encode())
        return now

    def resize(self, columns: int, rows: int) -> float:
        """Change the size of the terminal, and return the moment."""
        self._seen = b""
        now = time.monotonic()
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        return now

    def until(self, text: str, since: float) -> float:
        """Read until `text` is painted, and return the seconds since a moment.

        Raises:
            WorkbenchError: It never was.
        """
        wanted = text.encode()
        while wanted not in _SEQUENCES.sub(b"", self._seen):
            if time.monotonic() - since > PATIENCE:
                raise WorkbenchError(
                    f"The screen never showed {text!r}; it ended in: {self._end()}",
                    "Run it again on a quiet machine; report it if it stays.",
                )
            self._read(PATIENCE)
        return time.monotonic() - since

    def answer(self, since: float) -> float:
        """Return the seconds from a moment to the next thing that is painted."""
        self._read(PATIENCE)
        return time.monotonic() - since

    def settle(self, quiet: float = QUIET) -> float:
        """Read until nothing is painted any more, and return the moment."""
        while self._read(quiet):
            self._seen = self._seen[-4096:]
        return time.monotonic()

    def _read(self, seconds: float) -> bool:
        if not select.select([self._descriptor], [], [], seconds)[0]:
            return False
        try:
            self._seen += os.read(self._descriptor, 1 << 16)
        except OSError as error:
            raise WorkbenchError(f"The screen ended before it was measured: {self._end()}") from error
        return True

    def _end(self) -> str:
        """Return the last words that were painted."""
        return " ".join(_SEQUENCES.sub(b"", self._seen).decode("utf-8", "replace").split())[-300:]


@contextlib.contextmanager
def on_screen(
    command: Sequence[str], environment: Mapping[str, str], columns: int, rows: int
) -> Iterator[tuple[PtyScreen, float]]:
    """Start a command in a pseudo-terminal; yields the screen and the moment it was started."""
    began = time.monotonic()
    pid, descriptor = pty.fork()
    if not pid:
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execve(command[0], [*command], {**environment, "TERM": "xterm-256color"})  # noqa: S606
        finally:
            os._exit(127)
    try:
        yield PtyScreen(descriptor), began
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.close(descriptor)
        os.waitpid(pid, 0)
