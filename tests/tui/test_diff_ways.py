"""Ways to look at a diff: each can be switched by its key, and none changes what a decision is bound to."""

from __future__ import annotations

import pytest

from tests.tui.recording import RecordingFace, shown
from tests.tui.stage import Stage, check_frame, frame, stage
from tests.tui.test_sheet import AFTER, BEFORE, CHANGED
from workbench.review import Row, RowKind
from workbench.session.views import Shown, ShownFile, TreeEntry
from workbench.tui.themes import MIN_CONTRAST

WIDE = (200, 60)


def _item(**changes: object) -> Shown:
    files = (ShownFile("a.txt", "edit", 2, 2, "", BEFORE, AFTER),)
    return shown(**{"rows": CHANGED, "hunks": 2, "files": files, **changes})  # type: ignore[arg-type]


async def _zoomed(on: Stage) -> None:
    await on.press("alt+2", "f")
    await on.calm()


async def test_side_by_side_needs_room_and_says_so() -> None:
    async with stage(RecordingFace(items={"p1": _item()}), WIDE) as on:
        diff = on.app.main.diff.diff
        assert diff.sheet is not None
        assert not diff.sheet.split
        await on.press("alt+2", "v", "v")
        assert "Side by side needs 161 columns" in on.notice
        await on.press("f")
        await on.until(lambda: diff.sheet is not None and diff.sheet.split)
        line = next(row for row in frame(on.app).splitlines() if "LINE 20" in row)
        assert "line 20" in line.partition("LINE 20")[0]
        await on.press("v")
        await on.until(lambda: diff.sheet is not None and not diff.sheet.split)


async def test_side_by_side_looks_like_this() -> None:
    async with stage(RecordingFace(items={"p1": _item()}), WIDE) as on:
        await _zoomed(on)
        check_frame(on.app, "split-200x60")


async def test_every_way_to_look_sends_the_same_digest() -> None:
    async with stage(RecordingFace(items={"p1": _item()}), WIDE) as on:
        await on.review()
        await on.press("alt+2", "f", "plus", "w", "v", "v", "minus")
        await on.until(lambda: on.app.desk.guard.armed_since is not None)
        await on.press("y")
        await on.until(on.decisions)
        assert on.decisions() == [("approve", "p1", _item().shown_sha256)]


async def test_context_grows_to_the_whole_file_and_shrinks_to_what_is_decided_on() -> None:
    async with stage(RecordingFace(items={"p1": _item()}), (120, 60)) as on:
        await _zoomed(on)
        assert "line 40" not in frame(on.app)
        await on.press("plus", "plus", "plus")
        assert "whole file" in frame(on.app)
        await on.press("G")
        await on.until(lambda: "line 100" in frame(on.app))
        await on.press("plus")
        assert on.notice == "All of the file is shown."
        await on.press("minus", "minus", "minus", "minus")
        assert on.notice.startswith("No less")
        assert "line 59" in frame(on.app)


async def test_rows_that_only_a_way_to_look_adds_do_not_count_as_seen() -> None:
    rows = (*CHANGED, *(Row(RowKind.CONTEXT, n, n, f"line {n}", 2) for n in range(62, 99)))
    async with stage(RecordingFace(items={"p1": _item(rows=rows)}), (120, 24)) as on:
        diff = on.app.main.diff.diff
        before = diff.unseen
        assert 0 < before < len(rows)
        await on.press("alt+2", "plus", "plus", "plus")
        await on.pilot.pause()
        assert diff.unseen == before
        await on.press("minus", "minus", "minus")
        for _ in range(20):
            await on.press("ctrl+d")
        await on.until(lambda: diff.unseen == 0)


async def test_side_by_side_both_sides_of_a_line_have_to_be_on_screen() -> None:
    gone = tuple(Row(RowKind.DELETE, n, None, f"old {n}", 1) for n in range(1, 4))
    come = tuple(Row(RowKind.INSERT, None, n, f"new {n}", 1) for n in range(1, 200))
    async with stage(RecordingFace(items={"p1": _item(rows=(*gone, *come))}), WIDE) as on:
        await _zoomed(on)
        diff = on.app.main.diff.diff
        assert diff.sheet is not None
        assert diff.sheet.split
        assert diff.unseen == 199 - diff.page
        await on.press("G")
        await on.until(lambda: diff.unseen == 199 - 2 * diff.page)


BLANK = (
    Row(RowKind.HUNK, None, None, "@@ a", 1),
    Row(RowKind.DELETE, 1, None, "x = 1", 1),
    Row(RowKind.INSERT, None, 1, "x  =  1", 1),
    *(Row(RowKind.CONTEXT, n, n, f"line {n}", 1) for n in range(2, 40)),
    Row(RowKind.HUNK, None, None, "@@ b", 2),
    Row(RowKind.INSERT, None, 41, "", 2),
    *(Row(RowKind.CONTEXT, n, n + 1, f"line {n}", 2) for n in range(41, 80)),
    Row(RowKind.HUNK, None, None, "@@ c", 3),
    Row(RowKind.DELETE, 81, None, "y = 1", 3),
    Row(RowKind.INSERT, None, 82, "y = 2", 3),
    *(Row(RowKind.CONTEXT, n, n + 1, f"line {n}", 3) for n in range(82, 120)),
)


async def test_white_space_is_set_back_but_stays_on_screen() -> None:
    async with stage(RecordingFace(items={"p1": _item(rows=BLANK, hunks=3)}), (120, 40)) as on:
        diff = on.app.main.diff.diff
        await on.press("alt+2", "w")
        assert "still part of the decision" in on.notice
        assert "white space set back" in frame(on.app)
        assert "1      - x = 1" in frame(on.app)
        assert "1 + x  =  1" in frame(on.app)
        assert diff.look is not None
        assert diff.look.ink(2, diff.inks) == diff.inks.dim
        await on.press("right_square_bracket")
        await on.until(lambda: diff.hunk == 3)
        await on.press("left_square_bracket", "w", "right_square_bracket")
        await on.until(lambda: diff.hunk == 2)


async def test_words_that_changed_are_marked_without_colour_too() -> None:
    from rich.style import Style

    async with stage(RecordingFace(items={"p1": shown()})) as on:
        diff = on.app.main.diff.diff
        for theme in on.app.shelf.palettes:
            on.app.use_theme(theme)
            assert diff.look is not None
            layers = {(start, end): style for start, end, style in diff.look.layers(4, diff.inks)}
            marked = layers[17, 21]
            if theme == "ansi":
                assert marked.reverse
            assert marked.bold
            assert marked != Style()


def test_text_can_be_read_on_the_ground_of_changed_words() -> None:
    from tests.tui.stage import SHELF
    from workbench.tui.colour import contrast
    from workbench.tui.themes import _rgb

    for palette in SHELF.palettes.values():
        for kind in ("add", "delete"):
            ratio = contrast(_rgb(palette, f"{kind}-text"), _rgb(palette, f"{kind}-emphasis"))
            assert ratio >= MIN_CONTRAST


async def test_n_goes_to_the_next_find_and_never_rejects_while_a_search_stands() -> None:
    async with stage(RecordingFace(items={"p1": _item(rows=BLANK, hunks=3)}), (120, 40)) as on:
        await on.review()
        await on.press("alt+2", "slash", *"line 5")
        await on.until(lambda: '"line 5" 1 of 11' in frame(on.app))
        await on.press("enter")
        await on.until(lambda: on.app.desk.guard.armed_since is not None)
        await on.press("n", "n", "N")
        await on.until(lambda: '"line 5" 2 of 11' in frame(on.app))
        assert on.decisions() == []
        await on.press("escape")
        await on.until(lambda: "of 11" not in frame(on.app))
        await on.press("n")
        await on.until(on.decisions)
        assert on.decisions()[0][:2] == ("reject", "p1")


async def test_a_search_ends_when_the_focus_leaves_it() -> None:
    async with stage(RecordingFace(items={"p1": _item()}), (120, 40)) as on:
        await on.press("alt+2", "slash", *"line", "enter")
        await on.until(lambda: '"line"' in frame(on.app))
        await on.press("3")
        await on.until(lambda: '"line"' not in frame(on.app))
        assert on.app.main.diff.diff.search is None


FILE = "".join(f"value_{number} = {number}\n" for number in range(1, 301))


def _file() -> RecordingFace:
    return RecordingFace(entries=(TreeEntry("a.py", False, ""),), files={"a.py": FILE})


async def test_a_file_is_searched_and_gone_through_by_line_numbers() -> None:
    async with stage(_file(), (120, 40)) as on:
        await on.press("alt+1", "enter")
        await on.until(lambda: "value_1 = 1" in frame(on.app))
        await on.press("2", "slash", *"value_25", "enter")
        await on.until(lambda: '"value_25" 1 of 11' in frame(on.app))
        await on.until(lambda: "value_25 = 25" in frame(on.app))
        await on.press("n")
        await on.until(lambda: "value_250 = 250" in frame(on.app))
        await on.press("escape", "colon", *"123", "enter")
        await on.until(lambda: "123  value_123" in frame(on.app))
        assert on.app.main.diff.file.top_row == 122
        await on.press("colon", *"999", "enter")
        assert on.notice == "The file has lines 1 to 300."
        assert on.app.main.diff.mode == "file"


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "9" * 12, "٣"])
async def test_what_is_no_line_number_is_said_to_be_none(text: str) -> None:
    async with stage(_file(), (120, 40)) as on:
        await on.press("alt+1", "enter")
        await on.until(lambda: on.app.main.diff.mode == "file")
        await on.press("2", "colon")
        on.app.looking.entered(text)
        await on.pilot.pause()
        assert on.notice == "A line has a number, such as 120."


async def test_a_line_number_of_a_diff_is_that_after_the_change() -> None:
    async with stage(RecordingFace(items={"p1": _item()}), (120, 40)) as on:
        await on.press("alt+2", "plus", "plus", "plus", "colon", *"61", "enter")
        line = next(row for row in frame(on.app).splitlines() if "line 62" in row or "line 61" in row)
        assert "61" in line
        await on.press("minus", "minus", "minus", "colon", *"40", "enter")
        assert on.notice.startswith("Line 40 is not among the rows shown")


async def test_braces_go_through_the_files_and_then_to_the_next_item() -> None:
    def file(index: int) -> tuple[Row, ...]:
        head = Row(RowKind.FILE, None, None, f"edit f{index}.py +1 -0", 0, index)
        rows = [Row(RowKind.CONTEXT, n, n, f"f{index} line {n}", index + 1, index) for n in range(1, 60)]
        return head, Row(RowKind.HUNK, None, None, "@@ x", index + 1, index), *rows

    files = tuple(ShownFile(f"f{n}.py", "edit", 1, 0, "", "", "") for n in range(2))
    first = _item(rows=(*file(0), *file(1)), hunks=2, files=files)
    items = {"p1": first, "p2": shown("p2", shown_sha256="c" * 64)}
    async with stage(RecordingFace(items=items), (120, 40)) as on:
        await on.review()
        await on.press("right_curly_bracket")
        await on.until(lambda: "edit f1.py" in frame(on.app))
        assert on.app.desk.chosen == "p1"
        await on.press("left_curly_bracket")
        await on.until(lambda: "edit f0.py" in frame(on.app))
        await on.press("right_curly_bracket", "right_curly_bracket")
        await on.until(lambda: on.app.desk.chosen == "p2")
