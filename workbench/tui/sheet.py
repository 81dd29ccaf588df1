"""Lays the rows of a proposal out as lines of a diff: unified or side by side, with more context or less.

What a decision is bound to is a proposal's rows. A sheet only arranges them, each exactly once, and may put
further unchanged lines of the file between them; it never leaves a row out.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from workbench.review import Row, RowKind
from workbench.session.views import Shown
from workbench.tui.blocks import Blocks
from workbench.tui.flow import TAB
from workbench.tui.measured import Measured, room_for, starts
from workbench.tui.syntax import laid_out

NOTHING = -1
"""What stands on a side that has no row."""
WHOLE_FILE = 1_000_000_000
STEPS = (0, 10, 25, WHOLE_FILE)
"""Further unchanged lines around each hunk, at each press of `+`."""
BORDER = "│"
"""Between old and new."""
PART = 8_192
"""Lines that are folded at a time."""
KEPT = 3
"""Proposals whose measured rows are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class DiffText:
    """The rows of one proposal, measured; does not depend on the pane."""

    rows: Sequence[Row]
    measured: Measured
    blocks: Blocks
    heads: Sequence[int]
    """The rows that begin a hunk."""
    files: Sequence[int]
    """The rows that begin a file, where there are several."""
    digits: int
    """Columns of the largest line number."""


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """How the lines of a sheet are folded in a pane of some width."""

    columns: int
    room: int
    """Columns of a text."""
    heights: array[int] | None
    """How many lines each row takes; None when each takes one."""
    starts: array[int] | None
    """The first screen line of each line of the sheet, and the number of all at the end."""


UNFOLDED = Folded(0, room_for(0), None, None)


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """The lines of a diff, each with the row on its left and the one on its right."""

    text: DiffText
    rows: Sequence[Row]
    """The proposal's own, then the further context."""
    measured: Measured
    left: Sequence[int]
    right: Sequence[int] | None
    """None where the diff is unified."""
    hunks: Sequence[int]
    """The line that each hunk begins on."""
    files: Sequence[int]
    """The line that the heading of each file stands on; none where there is one file."""
    context: int
    """Further unchanged lines around each hunk, at most."""

    @property
    def split(self) -> bool:
        """Whether old and new stand side by side."""
        return self.right is not None

    @property
    def bound(self) -> int:
        """How many of `rows` are the proposal's own."""
        return len(self.text.rows)

    def sides(self, line: int) -> tuple[int, int]:
        """Return the rows of a line, left and right; the same twice where one row takes both sides."""
        left = self.left[line]
        return (left, left) if self.right is None else (left, self.right[line])

    def line_of(self, row: int) -> int:
        """Return the line on which the proposal's row `row` stands."""
        if isinstance(self.left, range):
            return row
        for side in (self.left, self.right or ()):
            if row in side:
                return side.index(row)
        return 0

    def line_of_number(self, number: int) -> int | None:
        """Return the line that shows line `number` as it is after the change."""
        side = self.right if self.right is not None else self.left
        found = (line for line, row in enumerate(side) if row >= 0 and self.rows[row].new == number)
        return next(found, None)

    @property
    def gutter(self) -> int:
        """Columns before a text: bar, numbers, sign."""
        return self.text.digits + 4 if self.split else 2 * self.text.digits + 6

    def room(self, columns: int) -> int:
        """Return the columns that a text is folded to in a pane of `columns`."""
        return room_for((half(columns) if self.split else columns) - self.gutter)

    def fold(self, columns: int) -> Folded:
        """Return how the lines are folded in a pane of `columns`; may be called beside the loop."""
        room = self.room(columns)
        heights = self.measured.heights(room)
        if heights is None or (self.right is None and isinstance(self.left, range)):
            return Folded(columns, room, heights, starts(heights))
        # The last element answers for `NOTHING`.
        tall = array("L", [*heights, 1])
        lines = array("L")
        # In parts, because a thread that stays in C for long keeps the loop from running.
        for at in range(0, len(self.left), PART):
            left = map(tall.__getitem__, self.left[at : at + PART])
            if self.right is not None:
                left = map(max, left, map(tall.__getitem__, self.right[at : at + PART]))
            lines.extend(left)
        return Folded(columns, room, heights, starts(lines))


def half(columns: int) -> int:
    """Return the columns of each side in a pane of `columns`."""
    return (columns - len(BORDER)) // 2


_measured: dict[str, DiffText] = {}


def measure(item: Shown) -> DiffText:
    """Return the rows of `item`, measured; call it beside the loop first where there may be many."""
    known = _measured.get(item.shown_sha256)
    if known is None or known.rows is not item.rows:
        known = _measure(item.rows)
        _measured[item.shown_sha256] = known
        for digest in list(_measured)[:-KEPT]:
            _measured.pop(digest, None)
    return known


def _measure(rows: Sequence[Row]) -> DiffText:
    texts = [row.text.expandtabs(TAB) if "\t" in row.text else row.text for row in rows]
    blocks = Blocks(rows, texts)
    headings = [index for index, code in enumerate(blocks.kinds) if code == ord("h")]
    heads = [index for index in headings if rows[index].kind is RowKind.HUNK]
    files = [index for index in headings if rows[index].kind is RowKind.FILE]
    numbers = (filter(None, map(attrgetter(side), rows)) for side in ("old", "new"))
    largest = max((max(side, default=0) for side in numbers), default=0)
    return DiffText(rows, Measured(texts), blocks, heads, files, max(3, len(str(largest))))


def arrange(item: Shown, *, split: bool, context: int = 0) -> Sheet:
    """Return the lines of `item`.

    Args:
        item: The proposal.
        split: Put old and new side by side.
        context: Further unchanged lines around each hunk, at most.
    """
    text = measure(item)
    if not split and not context:
        everything = range(len(text.rows))
        return Sheet(text, text.rows, text.measured, everything, None, text.heads, text.files, 0)
    return _Arranging(item, text, split).all(context)


class _Arranging:
    """Collects the lines of one sheet."""

    def __init__(self, item: Shown, text: DiffText, split: bool) -> None:
        self._item = item
        self._text = text
        self._left = array("l")
        self._right = array("l") if split else None
        self._extra: list[Row] = []
        self._hunks = array("l")
        self._blocks = iter(text.blocks.all)
        self._block = next(self._blocks, None)

    def all(self, context: int) -> Sheet:
        text = self._text
        gaps = _gaps(text, self._item, context) if context else {}
        at = 0
        for number, head in enumerate(text.heads):
            self._put(at, head)
            self._hunks.append(len(self._left))
            self._put(head, head + 1)
            end = text.blocks.kinds.find(b"h", head + 1)
            end = end if end >= 0 else len(text.rows)
            self._put_extra(gaps.get((number, "before"), ()))
            self._put(head + 1, end)
            self._put_extra(gaps.get((number, "after"), ()))
            at = end
        self._put(at, len(text.rows))
        rows, measured = text.rows, text.measured
        if self._extra:
            rows = [*rows, *self._extra]
            measured = Measured([*measured.texts, *(row.text for row in self._extra)])
        files = [self._left.index(row) for row in text.files]
        return Sheet(text, rows, measured, self._left, self._right, self._hunks, files, context)

    def _put(self, start: int, end: int) -> None:
        if self._right is None:
            self._left.extend(range(start, end))
            return
        while self._block is not None and self._block.start < end:
            self._both(start, self._block.start)
            for left, right in self._block.side_by_side():
                self._left.append(left)
                self._right.append(right)
            start = self._block.end
            self._block = next(self._blocks, None)
        self._both(start, end)

    def _put_extra(self, rows: Sequence[Row]) -> None:
        first = len(self._text.rows) + len(self._extra)
        self._extra += rows
        self._both(first, first + len(rows))

    def _both(self, start: int, end: int) -> None:
        self._left.extend(range(start, end))
        if self._right is not None:
            self._right.extend(range(start, end))


@dataclass(frozen=True, slots=True)
class _Reach:
    """The lines that a hunk covers, before and after the change; the end is the last line covered."""

    file: int
    old: int
    new: int
    old_end: int
    new_end: int


def _gaps(text: DiffText, item: Shown, context: int) -> dict[tuple[int, str], list[Row]]:
    """Return the unchanged lines to show before and after each hunk."""
    reaches = [_reach(text, head) for head in text.heads]
    lines = {index: laid_out(file.after.removesuffix("\n")) for index, file in enumerate(item.files)}
    gaps: dict[tuple[int, str], list[Row]] = {}
    for number, reach in enumerate(reaches):
        if reach is None:
            continue
        earlier = reaches[number - 1] if number else None
        later = reaches[number + 1] if number + 1 < len(reaches) else None
        same = earlier is not None and earlier.file == reach.file
        first = earlier.new_end + 1 if earlier is not None and same else 1
        if same:
            # What follows the hunk before is shown there; the rest of the gap is this one's.
            first = min(first + context, reach.new)
        start = max(first, reach.new - context)
        gaps[number, "before"] = list(
            _rows(lines[reach.file], start, reach.new, reach.old - reach.new, number + 1, reach.file)
        )
        end = len(lines[reach.file]) + 1
        if later is not None and later.file == reach.file:
            end = later.new
        end = min(end, reach.new_end + 1 + context)
        shift = reach.old_end - reach.new_end
        gaps[number, "after"] = list(
            _rows(lines[reach.file], reach.new_end + 1, end, shift, number + 1, reach.file)
        )
    return gaps


def _rows(lines: Sequence[str], start: int, end: int, shift: int, hunk: int, file: int) -> Iterator[Row]:
    for number in range(start, min(end, len(lines) + 1)):
        yield Row(RowKind.CONTEXT, number + shift, number, lines[number - 1], hunk, file)


def _reach(text: DiffText, head: int) -> _Reach | None:
    end = text.blocks.kinds.find(b"h", head + 1)
    rows = text.rows[head + 1 : end if end >= 0 else len(text.rows)]
    old = [row.old for row in rows if row.old is not None]
    new = [row.new for row in rows if row.new is not None]
    if not old or not new:
        return None
    return _Reach(text.rows[head].file, old[0], new[0], old[-1], new[-1])
