"""Releasing a file on the screen: the refusal names the key, `y` alone releases, and all can be revoked."""

from __future__ import annotations

import pytest
from textual import events

from tests.tui.recording import RecordingFace, shown
from tests.tui.stage import Stage, check_frame, frame, stage
from workbench.session.views import ReleaseWanted, TreeEntry
from workbench.tui.release_window import ReleaseList, ReleaseWindow

PATH = "data/orders.csv"
ENTRIES = (
    TreeEntry("a.sql", False, "", asks=True),
    TreeEntry("b.csv", False, "", asks=True, released="session"),
    TreeEntry("c.pem", True, ""),
    TreeEntry("d.py", False, ""),
)


async def _open(on: Stage) -> ReleaseWindow:
    on.app.releases.ask(PATH)
    await on.until(lambda: isinstance(on.app.screen, ReleaseWindow))
    await on.pilot.pause()
    window = on.app.screen
    assert isinstance(window, ReleaseWindow)
    return window


def _released(on: Stage) -> list[tuple[object, ...]]:
    return [call for call in on.face.calls if call[0] in ("release", "revoke")]


async def test_a_refused_task_says_which_key_releases_the_file() -> None:
    async with stage() as on:
        on.face.tell(ReleaseWanted(PATH))
        await on.until(lambda: "f9" in on.notice)
        assert PATH in on.notice
        await on.press("f9")
        await on.until(lambda: isinstance(on.app.screen, ReleaseWindow))
        await on.press("j", "y")
        await on.until(lambda: _released(on))
        assert _released(on) == [("release", PATH, "session", True, "", "")]
        await on.until(lambda: "Send the task again" in on.notice)


async def test_the_tree_says_in_words_what_asks_what_is_released_and_what_is_denied() -> None:
    async with stage(RecordingFace(entries=ENTRIES)) as on:
        text = frame(on.app)
        for row in ("? a.sql (asks)", "+ b.csv (released", "x c.pem (denied)"):
            assert row in text
        await on.press("alt+1")
        await on.until(lambda: "r release" in frame(on.app))
        await on.press("G")
        await on.until(lambda: "r release" not in frame(on.app))
        await on.press("r")
        assert "asks for no release" in on.notice


async def test_r_in_the_tree_opens_the_window_for_the_file_under_the_cursor() -> None:
    async with stage(RecordingFace(entries=ENTRIES)) as on:
        await on.press("alt+1", "r")
        await on.until(lambda: isinstance(on.app.screen, ReleaseWindow))
        assert "Release for the agent: a.sql" in frame(on.app)


async def test_a_press_in_the_first_moment_releases_nothing() -> None:
    async with stage() as on:
        await _open(on)
        await on.press("y", after=0.2)
        await on.pilot.pause()
        assert _released(on) == []
        assert "only just appeared" in frame(on.app)
        await on.press("y")
        await on.until(lambda: _released(on))


@pytest.mark.parametrize("key", ["escape", "enter", "space", "n"])
async def test_no_other_key_and_no_paste_releases(key: str) -> None:
    async with stage() as on:
        await _open(on)
        await on.press("j", key)
        on.app.post_message(events.Paste("y"))
        await on.pilot.pause()
        assert _released(on) == []


async def test_a_reason_that_policy_demands_is_asked_for_and_sent() -> None:
    async with stage() as on:
        on.face.releasing.reason_required = True
        window = await _open(on)
        await on.press("y")
        await on.pilot.pause()
        assert _released(on) == []
        assert "demands a reason" in frame(on.app)
        await on.press("tab", *"yes", "enter", "y")
        await on.until(lambda: _released(on))
        assert _released(on) == [("release", PATH, "once", True, "", "yes")]
        assert not window.is_current


async def test_releases_in_force_are_listed_and_revoked() -> None:
    async with stage() as on:
        on.face.releasing.give(PATH, scope="session")
        on.app.act("release.list", listed=True)
        await on.until(lambda: isinstance(on.app.screen, ReleaseList))
        assert PATH in frame(on.app)
        await on.press("d")
        await on.until(lambda: ("revoke", "r0") in on.face.calls)
        await on.until(lambda: "none: the agent reads no file" in frame(on.app))


async def test_an_item_behind_the_window_cannot_be_decided() -> None:
    async with stage(RecordingFace(items={"p1": shown()})) as on:
        await on.review()
        await _open(on)
        await on.press("y")
        await on.until(lambda: _released(on))
        assert on.decisions() == []


@pytest.mark.parametrize("size", ["80x24", "120x40"])
async def test_the_look_of_the_windows(size: str) -> None:
    columns, rows = map(int, size.split("x"))
    async with stage(RecordingFace(entries=ENTRIES), (columns, rows)) as on:
        await on.press("alt+1")
        check_frame(on.app, f"tree-marks-{size}")
        await _open(on)
        await on.press("j", "j")
        check_frame(on.app, f"release-{size}")
        await on.press("escape")
        on.face.releasing.give(PATH, scope="session")
        on.face.releasing.give("*.sql", scope="until", exact=False, until="2026-01-06 10:04 UTC")
        on.app.releases.list()
        await on.until(lambda: isinstance(on.app.screen, ReleaseList))
        await on.pilot.pause()
        check_frame(on.app, f"releases-{size}")
