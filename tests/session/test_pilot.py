"""The whole way by keys: the screen over a real session, with only the model's answers scripted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.model.scripted import ScriptedEngine
from tests.repositories import GOOD_ANSWER, SUMMARY, git
from tests.tui.stage import NO_KEYMAP, SHELF, HeldClock, frame
from workbench.session import Options, Session
from workbench.tui.app import WorkbenchApp

TASK = "Fix `median` in vitals/summary.py"


class Screen:
    """The screen over a real session, with a held clock."""

    def __init__(self, app: WorkbenchApp, pilot: Pilot[int], time: HeldClock) -> None:
        self.app = app
        self._pilot = pilot
        self._time = time

    async def press(self, *keys: str) -> None:
        """Press keys, as slowly as a person."""
        for key in keys:
            self._time.advance(1.0)
            await self._pilot.press(key)

    async def until(self, *texts: str) -> str:
        """Wait until texts stand on the screen, and return it."""
        return await self.holds(lambda: all(text in frame(self.app) for text in texts))

    async def holds(self, condition: Callable[[], bool]) -> str:
        """Wait until something holds, and return the screen."""
        for _ in range(1000):
            if condition():
                return frame(self.app)
            await self._pilot.pause(0.01)
        raise AssertionError(f"it never came to hold; the screen was:\n{frame(self.app)}")


@asynccontextmanager
async def screen_on(
    repository: Path, answers: list[str], size: tuple[int, int] = (120, 40)
) -> AsyncIterator[Screen]:
    """Open the screen on a repository."""
    session = Session.open(repository, Options(accept_unenforced=True), engine=ScriptedEngine(answers))
    time = HeldClock()
    app = WorkbenchApp(session, SHELF, NO_KEYMAP, time.clock())
    try:
        async with app.run_test(size=size) as pilot:
            screen = Screen(app, pilot, time)
            await screen.until("READY scripted")
            yield screen
    finally:
        session.close()


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_task_is_typed_reviewed_and_approved_by_keys_alone(
    repository: Path, size: tuple[int, int]
) -> None:
    async with screen_on(repository, [GOOD_ANSWER], size) as screen:
        await screen.press(*(_key(char) for char in TASK), "enter")
        await screen.until("1 waiting")
        assert (repository / "vitals/summary.py").read_bytes() == SUMMARY
        await screen.press("ctrl+r")
        await screen.until("@@ median", "return (ordered[middle - 1]")
        await screen.press("y")
        await screen.holds(lambda: (repository / "vitals/summary.py").read_bytes() != SUMMARY)
        await screen.press("escape", "4")
        if size[0] >= 160:  # there the pane is a strip of a few rows
            await screen.press("f")
        await screen.until("commit", "edit", "decision" if size[0] < 100 else "approve")
    assert "Approved-by: Ada" in git(repository, "log", "-1", "--format=%(trailers)")


async def test_a_file_changed_on_disk_shows_stale_and_y_writes_nothing(repository: Path) -> None:
    async with screen_on(repository, [GOOD_ANSWER]) as screen:
        await screen.press(*(_key(char) for char in TASK), "enter")
        await screen.until("1 waiting")
        await screen.press("ctrl+r")
        await screen.until("return (ordered[middle - 1]")
        changed = SUMMARY + b"# by hand\n"
        (repository / "vitals/summary.py").write_bytes(changed)
        await screen.press("y")
        await screen.until("STALE")
        assert (repository / "vitals/summary.py").read_bytes() == changed


async def test_an_empty_session_suggests_tasks_for_this_repository(repository: Path) -> None:
    async with screen_on(repository, []) as screen:
        shown = await screen.until("vitals/summary.py")
        assert "median" in shown


def _key(char: str) -> str:
    names = {" ": "space", "`": "grave_accent", "/": "slash", ".": "full_stop", "_": "underscore"}
    return names.get(char, char)
