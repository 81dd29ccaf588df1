"""Measures how quickly the installed program answers, on a repository made for it, through a pseudo-terminal.

Everything is timed from outside: from the key to what the terminal is sent. How long the event loop stood
still is noted inside the program (`workbench.tui.heartbeat`). Nothing of the person's is touched: repository,
state and settings are in a directory that is deleted afterwards.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from workbench.cli import bench_repository
from workbench.cli.bench_repository import LINES, Size
from workbench.cli.figures import Figure
from workbench.cli.pty_screen import PtyScreen, on_screen
from workbench.core.errors import WorkbenchError

_HEARTBEAT = "WORKBENCH_HEARTBEAT"
"""As `workbench.tui.heartbeat` reads it; that room is not loaded for a name."""
LETTERS = "ßæðđŋħĸłøþŧµ¢ŁØÞŦŊ"
"""Letters that stand nowhere on the screen, so that each in the output is an echo."""
KEYS = 100
"""Keys that are pressed for a percentile."""


def measure(*, small: bool) -> list[Figure]:
    """Make the repository, start the program on it, and return what was measured.

    Raises:
        WorkbenchError: The program is not installed beside this Python, or did not show what it should.
    """
    size = bench_repository.SMALL if small else bench_repository.FULL
    program = Path(sys.executable).with_name("workbench")
    if not program.is_file():
        raise WorkbenchError(
            f"{program} is missing.", "Install the program; this measures what is installed."
        )
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as made:
        place = Path(made)
        for name in ("WORKBENCH_STATE", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "HOME"):
            os.environ[name] = str(place / name.lower())
        print(f"Making {size.files:,} files and {size.items:,} proposals …", file=sys.stderr)
        bench_repository.make(place / "repository", size)
        notes = place / "heartbeat"
        environment = {**os.environ, _HEARTBEAT: str(_reachable(place / "repository", notes))}
        command = [str(program), "--accept-unenforced", str(place / "repository")]
        with on_screen(command, environment, 120, 40) as (screen, began):
            return _Measuring(screen, size, Path(environment[_HEARTBEAT])).all(began)


def _reachable(repository: Path, notes: Path) -> Path:
    """Return where the sealed program can write notes: its own state directory."""
    from workbench.core import places

    state = places.repository_state(repository)
    return state / notes.name


class _Measuring:
    """The steps, in order; each leaves the screen still."""

    def __init__(self, screen: PtyScreen, size: Size, notes: Path) -> None:
        self._screen = screen
        self._size = size
        self._notes = notes
        self._figures: list[Figure] = []

    def all(self, began: float) -> list[Figure]:
        """Take every measurement."""
        screen = self._screen
        self._tell("first paint", screen.until("3 Review", began), 800)
        self._tell(f"tree of {self._size.files:,} files listed", screen.until("d0000", began), 0)
        self._figures[-1] = self._since_paint(self._figures[-1])
        screen.settle(1.0)
        self._echo()
        self._tree()
        self._diffs()
        self._scroll()
        busy = os.getloadavg()[0] / (os.cpu_count() or 1)
        self._figures.append(Figure("load of the machine, for each processor", round(busy, 1), "", 0))
        return self._figures

    def _since_paint(self, figure: Figure) -> Figure:
        paint = self._figures[0].value
        return Figure(figure.name, figure.value - paint, "ms", 1000, "after the first paint")

    def _tell(self, name: str, seconds: float, aim: float, detail: str = "") -> None:
        self._figures.append(Figure(name, round(seconds * 1000, 1), "ms", aim, detail))

    def _percentile(self, name: str, times: list[float], aim: float) -> None:
        middle = statistics.median(times) * 1000
        p95 = sorted(times)[min(len(times) - 1, int(len(times) * 0.95))]
        self._tell(f"{name}, p95 of {len(times)}", p95, aim, f"median {middle:.1f} ms")

    def _stall(self, name: str, act: Callable[[], object], aim: float) -> None:
        """Do something, and tell for how long the loop stood still meanwhile."""
        before = self._notes.stat().st_size if self._notes.exists() else 0
        act()
        self._screen.settle()
        with self._notes.open(encoding="ascii") as notes:
            notes.seek(before)
            late = [float(line.split()[1]) for line in notes if line.endswith("\n")]
        self._tell(f"{name}: loop stood still", max(late, default=0.0), aim)

    def _echo(self) -> None:
        screen, times = self._screen, []
        for letter in LETTERS * 2:
            times.append(screen.until(letter, screen.press(letter)))
            screen.settle(0.03)
        self._percentile("key echo in the prompt", times, 50)

    def _tree(self) -> None:
        screen, times = self._screen, []
        screen.press("\x1b1")
        screen.settle()
        for folder in range(min(20, self._size.files // bench_repository.FOLDER)):
            name = f"f{folder * bench_repository.FOLDER:06}.py"
            times.append(screen.until(name, screen.press("l")))
            screen.settle(0.05)
            screen.press("h")
            screen.settle(0.05)
            screen.press("j")
            screen.settle(0.05)
        self._percentile("folder unfolded", times, 50)

    def _diffs(self) -> None:
        screen = self._screen
        rows = f"{self._size.rows:,}"
        screen.press("3")
        screen.settle(0.5)
        for way in ("", ", split"):
            if way:
                # Wide enough for two sides of 80 columns beside the other panes is no terminal: zoom.
                screen.resize(200, 60)
                screen.settle(0.5)
                screen.press("2")
                screen.settle()
                screen.press("f")
                screen.settle(0.5)
            forth, back = ("}", "{") if way else ("j", "k")
            for turn in ("first time", "again"):
                self._open(f"diff of {rows} rows{way}, {turn}", forth, "bravo_1 =", 300)
                self._open(f"diff of {LINES:,} lines, 200 edits{way}, {turn}", back, "alpha_10 =", 100)
        screen.press("f")
        screen.settle()
        screen.press("3")
        screen.settle()
        screen.until("bravo_1 =", screen.press("j"))
        screen.settle(0.5)
        for columns, lines in ((120, 40), (200, 60), (80, 24), (120, 40)):
            name = f"resize to {columns}x{lines} with {rows} rows"
            self._stall(name, partial(self._resize, columns, lines), 0)

    def _resize(self, columns: int, lines: int) -> None:
        self._screen.resize(columns, lines)
        self._screen.answer(time.monotonic())
        self._screen.settle(0.5)

    def _open(self, name: str, key: str, mark: str, aim: float) -> None:
        seconds = 0.0

        def act() -> None:
            nonlocal seconds
            seconds = self._screen.until(mark, self._screen.press(key))

        self._stall(name, act, 50)
        stall = self._figures.pop()
        self._tell(f"{name}: first page", seconds, aim)
        self._figures.append(stall)

    def _scroll(self) -> None:
        screen, times = self._screen, []
        for _ in range(min(KEYS, self._size.items - 3)):
            times.append(screen.answer(screen.press("j")))
            screen.settle(0.06)
        self._percentile(f"key in a queue of {self._size.items:,} items", times, 16)
