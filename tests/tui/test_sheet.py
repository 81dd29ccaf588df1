"""Every way to look at a diff shows every row, each exactly once; words are compared at a bounded price."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.timing import seconds_of
from tests.tui.recording import shown
from workbench.review import Row, RowKind
from workbench.session.views import ShownFile
from workbench.tui.blocks import Blocks
from workbench.tui.emphasis import MAX_LENGTH, changed_words
from workbench.tui.flow import cells, fold
from workbench.tui.layers import overlay
from workbench.tui.measured import Measured, starts
from workbench.tui.search import Search
from workbench.tui.sheet import NOTHING, STEPS, arrange, measure

CODES = {
    "h": RowKind.HUNK,
    "c": RowKind.CONTEXT,
    "d": RowKind.DELETE,
    "i": RowKind.INSERT,
    "n": RowKind.NOTE,
}


def _rows(codes: str) -> tuple[Row, ...]:
    """Rows of the kinds in `codes`, with the line numbers that they would have."""
    rows, old, new, hunk = [], 1, 1, 0
    for index, code in enumerate(codes):
        hunk += code == "h"
        before = old if code in "cd" else None
        after = new if code in "ci" else None
        rows.append(Row(CODES[code], before, after, f"row {index} {code}", hunk))
        old, new = old + (code in "cd"), new + (code in "ci")
    return tuple(rows)


@given(st.text("hcdin", max_size=60))
def test_side_by_side_shows_every_row_once_and_in_order(codes: str) -> None:
    item = shown(rows=_rows(codes))
    sheet = arrange(item, split=True)
    assert sheet.right is not None
    both = [sheet.sides(line) for line in range(len(sheet.left))]
    for side in (0, 1):
        seen = [pair[side] for pair in both if pair[side] != NOTHING]
        assert seen == sorted(set(seen))
    assert {row for pair in both for row in pair} - {NOTHING} == set(range(len(item.rows)))
    for left, right in both:
        kinds = {item.rows[row].kind for row in {left, right} - {NOTHING}}
        assert left == right or kinds <= {RowKind.DELETE, RowKind.INSERT, RowKind.NOTE}
        assert left == NOTHING or item.rows[left].kind is not RowKind.INSERT
        assert right == NOTHING or item.rows[right].kind is not RowKind.DELETE


BEFORE = "".join(f"line {number}\n" for number in range(1, 101))
AFTER = BEFORE.replace("line 20\n", "LINE 20\nmore\n").replace("line 60\n", "")
CHANGED = (
    Row(RowKind.HUNK, None, None, "@@ a", 1),
    Row(RowKind.CONTEXT, 19, 19, "line 19", 1),
    Row(RowKind.DELETE, 20, None, "line 20", 1),
    Row(RowKind.INSERT, None, 20, "LINE 20", 1),
    Row(RowKind.INSERT, None, 21, "more", 1),
    Row(RowKind.CONTEXT, 21, 22, "line 21", 1),
    Row(RowKind.HUNK, None, None, "@@ b", 2),
    Row(RowKind.CONTEXT, 59, 60, "line 59", 2),
    Row(RowKind.DELETE, 60, None, "line 60", 2),
    Row(RowKind.CONTEXT, 61, 61, "line 61", 2),
)


def test_more_context_is_the_file_itself_and_leaves_no_row_out() -> None:
    item = shown(rows=CHANGED, hunks=2, files=(ShownFile("a.txt", "edit", 2, 2, "", BEFORE, AFTER),))
    old, new = BEFORE.splitlines(), AFTER.splitlines()
    for context in STEPS[1:]:
        for split in (False, True):
            sheet = arrange(item, split=split, context=context)
            own = [row for row in sheet.left if 0 <= row < sheet.bound]
            assert split or own == list(range(len(CHANGED)))
            numbers = []
            for row in sheet.rows[sheet.bound :]:
                assert row.kind is RowKind.CONTEXT
                assert row.old is not None
                assert row.new is not None
                assert new[row.new - 1] == row.text == old[row.old - 1]
                numbers.append(row.new)
            assert len(numbers) == len(set(numbers))
    everything = arrange(item, split=False, context=STEPS[-1])
    shown_lines = [everything.rows[row].new for row in everything.left]
    assert [number for number in shown_lines if number is not None] == list(range(1, 101))


def test_rows_of_a_block_are_paired_by_likeness() -> None:
    texts = ("value = one(1)", "added()", "value = one(2)", "total = two(3)", "total = two(4)")
    kinds = (RowKind.DELETE, RowKind.INSERT, RowKind.INSERT, RowKind.INSERT, RowKind.INSERT)
    rows = tuple(
        Row(kind, 1 if kind is RowKind.DELETE else None, None, text, 1)
        for kind, text in zip(kinds, texts, strict=True)
    )
    blocks = Blocks(rows, texts)
    assert blocks.partner(0) == 2
    assert blocks.partner(2) == 0
    assert blocks.partner(1) == NOTHING


def test_only_the_words_that_changed_are_emphasised() -> None:
    old, new = "    ctx.verify = False  # why", "    ctx.verify = True  # why"
    gone, come = changed_words(old, new)
    assert [old[start:end] for start, end in gone] == ["False"]
    assert [new[start:end] for start, end in come] == ["True"]


def test_lines_with_nothing_in_common_have_no_emphasis() -> None:
    assert changed_words("def f():", "return yield lambda") == ((), ())


@given(st.text("ab ().\t", max_size=80), st.text("ab ().\t", max_size=80))
def test_what_is_not_emphasised_is_the_same_on_both_sides(old: str, new: str) -> None:
    gone, come = changed_words(old, new)
    if gone or come:
        kept = [
            "".join(c for i, c in enumerate(line) if not any(a <= i < b for a, b in ranges))
            for line, ranges in ((old, gone), (new, come))
        ]
        assert kept[0] == kept[1]


def test_comparing_hostile_lines_stays_cheap() -> None:
    lines = ["a b " * (MAX_LENGTH // 4), "b a " * (MAX_LENGTH // 4), "x" * (MAX_LENGTH * 100)]
    assert seconds_of(lambda: [changed_words(old, new) for old in lines for new in lines]) < 0.25


@given(st.lists(st.text("ab漢é\U0001f600", max_size=60), max_size=20), st.integers(8, 40))
def test_heights_hold_every_piece_of_every_text(texts: list[str], room: int) -> None:
    heights = Measured(texts).heights(room)
    for index, text in enumerate(texts):
        pieces = fold(text, room)
        height = heights[index] if heights is not None else 1
        assert len(pieces) <= height
        assert heights is not None or all(cells(text) <= room for text in texts)
        assert not text.isascii() or len(pieces) == height
    places = starts(heights)
    assert places is None or places[-1] == sum(heights or ())


def test_a_large_diff_is_measured_once() -> None:
    item = shown(rows=_rows("hcdi" * 100))
    assert measure(item) is measure(item)


def test_other_rows_under_the_same_digest_are_measured_again() -> None:
    first, second = shown(rows=_rows("hc")), shown(rows=_rows("hcc"))
    assert len(measure(first).rows) == 2
    assert len(measure(second).rows) == 3


@given(
    st.lists(st.integers(0, 40), unique=True, max_size=8),
    st.lists(st.integers(0, 40), unique=True, max_size=8),
)
def test_layers_never_overlap_and_the_upper_one_wins(below: list[int], above: list[int]) -> None:
    from rich.style import Style

    lower, upper = Style(bold=True), Style(italic=True)

    def pairs(cuts: list[int], style: Style) -> list[tuple[int, int, Style]]:
        ends = sorted(cuts)
        return [(a, b, style) for a, b in zip(ends[::2], ends[1::2], strict=False)]

    one, two = pairs(below, lower), pairs(above, upper)
    joined = overlay(one, two)
    for (_, end, _), (start, _, _) in pairwise(joined):
        assert end <= start
    for column in range(41):
        over = next((style for a, b, style in two if a <= column < b), None)
        under = next((style for a, b, style in one if a <= column < b), None)
        found = next((style for a, b, style in joined if a <= column < b), None)
        assert found == (over or under)


def test_a_search_minds_capitals_only_where_they_are_typed() -> None:
    texts = ["Alpha", "beta", "ALPHA"]
    assert Search("alpha", texts).rows == [0, 2]
    assert Search("ALPHA", texts).rows == [2]
    assert Search("[", texts).rows == []
    found = Search("a", ["aXa"])
    assert found.ranges("aXa") == [(0, 1), (2, 3)]
