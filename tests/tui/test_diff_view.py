"""The diff: every row can be seen, what was seen is counted, and large ones stay quick."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.timing import stopwatch
from tests.tui.recording import BEFORE, RecordingFace, shown
from tests.tui.stage import frame, stage
from workbench.review import Row, RowKind
from workbench.session.views import ShownFile
from workbench.tui.flow import cells, clip, clip_start, fold, pad, wrap
from workbench.tui.syntax import MAX_CHARACTERS, MAX_LINE, colour, laid_out


def _long(rows: int = 5000, edits: int = 200) -> tuple[Row, ...]:
    """A diff of `rows` rows with `edits` hunks of one changed line each."""
    made: list[Row] = []
    for number in range(1, rows - 2 * edits + 1):
        every = (rows - 2 * edits) // edits
        if number % every == 1 and sum(r.kind is RowKind.HUNK for r in made) < edits:
            hunk = sum(r.kind is RowKind.HUNK for r in made[-1:]) + number // every + 1
            made.append(Row(RowKind.HUNK, None, None, f"@@ -{number} +{number} @@", hunk))
            made.append(
                Row(RowKind.DELETE, number, None, f"    old = call_{number}(argument, 'text')  # why", hunk)
            )
            made.append(
                Row(RowKind.INSERT, None, number, f"    new = call_{number}(argument, 'text')  # why", hunk)
            )
        else:
            made.append(
                Row(RowKind.CONTEXT, number, number, f"    value_{number} = {number}", number // every + 1)
            )
    return tuple(made)


async def test_signs_and_bars_stand_beside_the_colours() -> None:
    async with stage(RecordingFace(items={"p1": shown()})) as on:
        text = frame(on.app)
        assert "▌  6      -     ctx.verify = False" in text
        assert "▌       6 +     ctx.verify = True" in text
        assert "│   7    7       return ctx" in text


async def test_a_long_line_is_folded_so_that_nothing_lies_beyond_the_edge() -> None:
    line = "x = '" + "a" * 300 + "END'"
    row = Row(RowKind.INSERT, None, 1, line, 1)
    async with stage(RecordingFace(items={"p1": shown(rows=(row,))})) as on:
        text = frame(on.app)
        assert "END'" in text
        folded = on.app.main.diff.diff.folded
        assert text.count("▌") == len(fold(line, folded.room)) > 1


async def test_rows_count_as_seen_when_they_have_been_on_screen() -> None:
    rows = tuple(Row(RowKind.CONTEXT, n, n, f"line {n}", 1) for n in range(1, 101))
    async with stage(RecordingFace(items={"p1": shown(rows=rows)})) as on:
        diff = on.app.main.diff.diff
        page = diff.page
        assert diff.unseen == 100 - page
        assert f"{100 - page} of 100 rows unseen" in frame(on.app)
        await on.press("alt+2", "G")
        await on.until(lambda: diff.unseen == 100 - 2 * page)
        await on.press("ctrl+u", "ctrl+u", "ctrl+u", "ctrl+u", "ctrl+u")
        await on.until(lambda: "all rows seen" in frame(on.app))


async def test_a_folded_row_is_seen_only_when_all_of_it_was() -> None:
    rows = (Row(RowKind.INSERT, None, 1, "a" * 4000, 1),)
    async with stage(RecordingFace(items={"p1": shown(rows=rows)})) as on:
        diff = on.app.main.diff.diff
        await on.press("alt+2", "G")
        await on.pilot.pause()
        assert diff.unseen == 1
        for _ in range(8):
            await on.press("ctrl+u")
        await on.until(lambda: diff.unseen == 0)


async def test_an_item_that_was_never_on_screen_has_no_seen_rows() -> None:
    async with stage(RecordingFace(items={"p1": shown()}), (80, 24)) as on:
        assert on.app.main.diff.diff.unseen == 6
        await on.press("alt+3")
        await on.until(lambda: on.app.main.diff.diff.unseen == 0)


async def test_brackets_go_from_hunk_to_hunk() -> None:
    async with stage(RecordingFace(items={"p1": shown(rows=_long(), hunks=200)})) as on:
        await on.press("alt+2")
        assert "hunk 1/200" in frame(on.app)
        await on.press("right_square_bracket", "right_square_bracket")
        await on.until(lambda: "hunk 3/200" in frame(on.app))
        await on.press("left_square_bracket")
        await on.until(lambda: "hunk 2/200" in frame(on.app))


async def test_capital_j_and_k_scroll_the_diff_while_the_focus_stays_in_the_queue() -> None:
    async with stage(RecordingFace(items={"p1": shown(rows=_long())})) as on:
        await on.press("alt+3", "J", "J", "K")
        assert on.app.main.diff.diff.scroll_offset.y == 1
        assert on.app.focused is on.app.main.review.queue


async def test_5000_rows_with_200_edits_are_painted_within_100_ms() -> None:
    item = shown(rows=_long(), hunks=200)
    assert len(item.rows) >= 4900
    async with stage() as on:
        pane = on.app.main.diff
        best = 1.0
        for digest in "abcde":
            with stopwatch() as taken:
                pane.show_item(shown(rows=item.rows, hunks=200, shown_sha256=digest * 64))
                on.app.main.item_shown()
                await on.pilot.pause()
            best = min(best, taken.seconds)
        assert "@@ -1 +1 @@" in frame(on.app)
        assert best < 0.1


async def test_syntax_colours_come_after_the_plain_rows_and_only_for_equal_lines() -> None:
    file = ShownFile("src/net/tls.py", "edit", 1, 1, "python", BEFORE, "something else\n" * 10)
    item = shown(files=(file,))
    async with stage(RecordingFace(items={"p1": item})) as on:
        diff = on.app.main.diff.diff
        assert diff.look is not None
        assert [name for _, _, name in diff.look.spans(3)] == ["keyword"]
        assert diff.look.spans(4) == ()


def test_colours_cover_a_string_over_several_lines() -> None:
    spans = colour('x = """a\n\tb\n"""\ny = 1\n', "python")
    assert "string" in {name for _, _, name in spans[1]}
    assert spans[1][-1][1] == len(laid_out("\tb")[0])
    assert {name for _, _, name in spans[3]} == {"number"}


def test_what_is_too_large_or_unknown_stays_plain() -> None:
    assert colour("x = 1\n", "no such language") == ()
    assert colour("x = 1\n", "") == ()
    assert colour("#" * (MAX_LINE + 1), "python") == ()
    assert colour("#\n" * MAX_CHARACTERS, "python") == ()


@given(st.text(max_size=60), st.integers(2, 30))
def test_folding_loses_nothing_and_keeps_the_width(text: str, width: int) -> None:
    text = "".join(char for char in text if char.isprintable())
    pieces = fold(text, width)
    assert "".join(pieces) == text
    assert all(cells(piece) <= width for piece in pieces)


@given(st.text("ab c\n漢", max_size=80), st.integers(4, 30), st.integers(0, 6))
def test_wrapping_loses_no_word_and_keeps_the_width(text: str, width: int, hang: int) -> None:
    lines = wrap(text, width, hang)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cells(line) <= width for line in lines)


@given(st.text("abc漢é", max_size=40), st.integers(0, 20))
def test_cutting_never_exceeds_the_width(text: str, width: int) -> None:
    for cut in (clip(text, width), clip_start(text, width)):
        assert cells(cut) <= width
    assert cells(pad(text, width)) == width
