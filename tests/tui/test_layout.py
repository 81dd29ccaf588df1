"""The layout: three size classes, one pane at a time without room, and the focus never gets lost."""

from __future__ import annotations

import pytest

from tests.tui.recording import RecordingFace, shown
from tests.tui.stage import frame, stage
from tests.tui.test_frames import face
from workbench.session.views import TreeEntry
from workbench.tui.situation import PANES, Where


@pytest.mark.parametrize(
    ("size", "panes"),
    [
        ((99, 30), 1),
        ((100, 30), 5),
        ((159, 40), 5),
        ((160, 40), 5),
        ((60, 16), 1),
        ((59, 16), 0),
        ((60, 15), 0),
    ],
)
async def test_the_number_of_panes_follows_the_width(size: tuple[int, int], panes: int) -> None:
    async with stage(face(), size) as on:
        shown_panes = [where for where in PANES if on.app.main.pane(where).region.height > 2]
        assert len(shown_panes) == panes


@pytest.mark.parametrize(
    ("size", "widths"), [((120, 40), (28, 58, 34)), ((200, 60), (34, 66, 44)), ((160, 50), (34, 26, 44))]
)
async def test_columns_have_the_widths_of_the_manual(
    size: tuple[int, int], widths: tuple[int, int, int]
) -> None:
    async with stage(face(), size) as on:
        main = on.app.main
        assert (
            main.files.outer_size.width,
            main.diff.outer_size.width,
            main.review.outer_size.width,
        ) == widths
        if size[0] >= 160:
            assert main.chat.outer_size.width == 56
            assert main.audit.outer_size.height == 12
            assert main.audit.outer_size.width == size[0]


async def test_no_size_breaks_the_screen() -> None:
    async with stage(face(), (120, 40)) as on:
        for width in (1, 20, 60, 61, 99, 100, 159, 160, 250):
            for height in (1, 3, 15, 16, 29, 30, 50, 80):
                await on.pilot.resize_terminal(width, height)
                await on.pilot.pause()
                rows = frame(on.app).splitlines()
                assert len(rows) == height
                assert ("needs 60x16" in frame(on.app)) == ((width < 60 or height < 16) and width > 10)


async def test_below_60x16_quitting_still_works() -> None:
    async with stage(RecordingFace(), (40, 10)) as on:
        assert "needs 60x16" in frame(on.app)
        await on.press("ctrl+q")
        await on.until(lambda: on.app.return_code == 0)


async def test_the_focus_comes_back_when_the_terminal_grows() -> None:
    async with stage(face(), (120, 40)) as on:
        await on.pilot.resize_terminal(40, 10)
        await on.pilot.pause()
        await on.pilot.resize_terminal(120, 40)
        await on.until(lambda: on.app.main.focused is not None)


@pytest.mark.parametrize("key", ["1", "2", "3", "4", "5"])
async def test_the_focus_stays_in_its_pane_through_every_resize(key: str) -> None:
    async with stage(face(), (120, 40)) as on:
        await on.press(f"alt+{key}")
        place = on.app.main.where
        for size in ((80, 24), (200, 60), (40, 10), (80, 24), (120, 40)):
            await on.pilot.resize_terminal(*size)
            await on.pilot.pause(0.1)
            assert on.app.main.where is place or size == (40, 10)
        assert on.app.main.where is place


async def test_what_was_written_survives_every_resize() -> None:
    async with stage(face(), (120, 40)) as on:
        await on.press(*"half a task")
        for size in ((80, 24), (200, 60), (40, 10), (120, 40)):
            await on.pilot.resize_terminal(*size)
            await on.pilot.pause()
        assert on.app.main.prompt.field.text == "half a task"


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_every_pane_can_be_reached_by_its_number_and_by_tab(size: tuple[int, int]) -> None:
    async with stage(face(), size) as on:
        for number, where in enumerate(PANES, 1):
            await on.press(f"alt+{number}")
            at = on.app.main.where
            assert at is (Where.PROMPT if where is Where.CHAT else where)
        reached = []
        for _ in PANES:
            await on.press("tab")
            reached.append(on.app.main.where)
        assert reached == [Where.FILES, Where.DIFF, Where.REVIEW, Where.AUDIT, Where.PROMPT]


@pytest.mark.parametrize("key", ["1", "2", "4"])
async def test_a_pane_zooms_and_comes_back(key: str) -> None:
    async with stage(face(), (120, 40)) as on:
        before = frame(on.app)
        await on.press(f"alt+{key}", "f")
        pane = on.app.main.pane(PANES[int(key) - 1])
        assert pane.outer_size.width == 120
        await on.press("escape")
        await on.press("alt+5")
        await on.calm()
        assert frame(on.app) == before


async def test_the_prompt_stands_below_every_pane_of_a_narrow_screen() -> None:
    async with stage(face(), (80, 24)) as on:
        for key in "1234":
            await on.press(f"alt+{key}")
            await on.calm()
            assert frame(on.app).splitlines()[-3].startswith(">")


async def test_in_a_narrow_screen_esc_shows_the_queue_and_enter_the_item() -> None:
    async with stage(face(), (80, 24)) as on:
        await on.press("alt+3")
        assert "Review 1/2  edit src/net/tls.py" in frame(on.app)
        await on.press("escape")
        assert ">edit  src/net/tls.py" in frame(on.app)
        await on.press("j", "enter")
        await on.until(lambda: "Review 2/2  edit src/net/http.py" in frame(on.app))


async def test_braces_go_through_the_items() -> None:
    async with stage(face(), (80, 24)) as on:
        await on.press("alt+3", "right_curly_bracket")
        await on.until(lambda: "Review 2/2" in frame(on.app))
        await on.press("left_curly_bracket")
        await on.until(lambda: "Review 1/2" in frame(on.app))


async def test_a_file_opened_on_a_narrow_screen_is_shown() -> None:
    files = RecordingFace(entries=(TreeEntry("a.py", False, ""),), files={"a.py": "x = 1\n"})
    async with stage(files, (80, 24)) as on:
        await on.press("alt+1", "enter")
        await on.until(lambda: "1  x = 1" in frame(on.app))


async def test_going_to_review_twice_reaches_the_oldest_then_the_next() -> None:
    async with stage(face(), (120, 40)) as on:
        await on.review()
        assert on.app.desk.chosen == "p1"
        await on.press("ctrl+r")
        await on.until(lambda: on.app.desk.chosen == "p2" and on.app.desk.on_screen)


async def test_pane_3_again_goes_to_the_details() -> None:
    async with stage(RecordingFace(items={"p1": shown()}), (120, 40)) as on:
        await on.press("alt+3", "3")
        assert on.app.focused is on.app.main.review.detail


async def test_the_filter_narrows_while_typing_and_esc_ends_it() -> None:
    async with stage(face(), (120, 40)) as on:
        await on.press("alt+1", "slash", *"tls")
        await on.until(lambda: "2 of 6" in frame(on.app))
        await on.press("escape")
        await on.until(lambda: "6 files" in frame(on.app))
        assert on.app.main.where is Where.FILES


async def test_finding_a_file_opens_it() -> None:
    async with stage(face(), (120, 40)) as on:
        await on.press("ctrl+f", *"readme", "enter")
        await on.until(lambda: "2 Diff  README.md" in frame(on.app))


async def test_finding_nothing_opens_nothing() -> None:
    async with stage(face(), (120, 40)) as on:
        await on.press("ctrl+f", *"nothere", "enter")
        await on.calm()
        assert on.face.calls == [call for call in on.face.calls if call[0] == "audit"]


async def test_of_a_long_path_the_end_and_the_size_stay_readable() -> None:
    path = "a/very/long/way/" * 10 + "name.py"
    async with stage(RecordingFace(items={"p1": shown(path=path)}), (80, 24)) as on:
        await on.press("alt+3")
        top = frame(on.app).splitlines()[1]
        assert "/name.py  +1 -1 " in top
        assert "risk: elevated" in top


async def test_enter_in_the_transcript_goes_back_to_the_prompt() -> None:
    async with stage(face(), (120, 40)) as on:
        await on.press("escape")
        places = [on.app.main.where]
        await on.press("enter")
        assert [*places, on.app.main.where] == [Where.CHAT, Where.PROMPT]
