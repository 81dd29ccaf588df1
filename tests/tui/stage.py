"""Puts the screen on a stage: a recorded session, a held clock, and frames as text."""

from __future__ import annotations

import difflib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from textual.pilot import Pilot

from tests.tui.recording import RecordingFace
from workbench.tui.app import WorkbenchApp
from workbench.tui.clock import Clock
from workbench.tui.keymap import Keymap, read_keymap
from workbench.tui.themes import Shelf, load_all, shipped_folder

FRAMES = Path(__file__).parent / "frames"
SHELF: Shelf = load_all([shipped_folder()])
NO_KEYMAP = read_keymap(Path("/nonexistent/keymap.toml"))


@dataclass
class HeldClock:
    """A clock that moves only when it is told to."""

    seconds: float = 1000.0
    day: datetime = field(default_factory=lambda: datetime(2026, 1, 5, 10, 4, tzinfo=UTC))

    def advance(self, seconds: float) -> None:
        self.seconds += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.seconds, lambda: self.day)


@dataclass
class Stage:
    """A running screen."""

    app: WorkbenchApp
    pilot: Pilot[int]
    face: RecordingFace
    time: HeldClock

    async def press(self, *keys: str, after: float = 1.0) -> None:
        """Press keys, each `after` seconds of the held clock after the one before."""
        for key in keys:
            self.time.advance(after)
            await self.pilot.press(key)

    async def until(self, true: Callable[[], object]) -> None:
        """Let the program run until something is so."""
        for _ in range(600):
            if true():
                await self.pilot.pause()
                return
            await self.pilot.pause(0.005)
        under_way = sorted(self.app.under_way)
        raise AssertionError(f"never came true; under way: {under_way}; the screen shows:\n{frame(self.app)}")

    async def calm(self) -> None:
        """Let the program run until nothing is under way."""
        app = self.app
        await self.until(lambda: app.feed.status is not None)
        await self.until(lambda: not app.under_way)
        await self.pilot.pause()
        await self.until(lambda: not app.under_way)
        await self.pilot.pause()

    async def review(self) -> None:
        """Go to the oldest waiting item and wait until its keys act."""
        await self.press("ctrl+r")
        await self.until(lambda: self.app.desk.on_screen and self.app.desk.guard.armed_since is not None)
        self.time.advance(1.0)

    @property
    def notice(self) -> str:
        """The notice in the key line."""
        return self.app.board.notice

    def decisions(self) -> list[tuple[object, ...]]:
        """What was approved or rejected."""
        return [call for call in self.face.calls if call[0] in ("approve", "reject")]


@asynccontextmanager
async def stage(
    face: RecordingFace | None = None, size: tuple[int, int] = (120, 40), *, keymap: Keymap = NO_KEYMAP
) -> AsyncIterator[Stage]:
    """Run the screen over `face` until it has settled."""
    face = face or RecordingFace()
    time = HeldClock()
    app = WorkbenchApp(face, SHELF, keymap, time.clock())
    async with app.run_test(size=size) as pilot:
        on_stage = Stage(app, pilot, face, time)
        await on_stage.calm()
        yield on_stage


def rows(app: WorkbenchApp) -> list[str]:
    """Return the screen's rows as they are painted."""
    # Private, and the reason why Textual is pinned exactly.
    return [strip.text for strip in app.screen._compositor.render_strips()]


def frame(app: WorkbenchApp) -> str:
    """Return the screen as text."""
    return "\n".join(row.rstrip() for row in rows(app)) + "\n"


def check_frame(app: WorkbenchApp, name: str) -> None:
    """Compare the screen with `frames/NAME.txt`; `UPDATE_FRAMES=1` writes it instead."""
    path, now = FRAMES / f"{name}.txt", frame(app)
    if os.environ.get("UPDATE_FRAMES") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(now, encoding="utf-8")
        return
    before = path.read_text(encoding="utf-8")
    changes = difflib.unified_diff(before.splitlines(), now.splitlines(), "stored", "now", lineterm="")
    assert now == before, "\n".join(["the frame has changed:", *changes])
