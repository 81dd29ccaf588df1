"""Provides what the diff and the file viewer share: rows of code behind a gutter, folded, and searched.

Long lines are folded at the pane's edge, never cut: nothing that is to be approved may lie beyond it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right

from rich.segment import Segment
from rich.style import Style
from textual import events

from workbench.tui.flow import fold
from workbench.tui.layers import Layer
from workbench.tui.line_view import LineView
from workbench.tui.measured import Measured
from workbench.tui.search import Search


class CodeView(LineView):
    """Rows of code behind a gutter."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.measured = Measured(())
        """The rows' texts, tabs already replaced."""
        self._starts: array[int] | None = None
        """The first line of each row, when any row takes more than one."""
        self._width = 0
        """The columns that the rows were folded for."""
        self._folds: dict[int, list[str]] = {}
        self.search: Search | None = None
        """What is looked for; None while nothing is."""

    def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002
        """Fold again when the width changes."""
        if self.columns != self._width:
            self.width_changed()

    def width_changed(self) -> None:
        """Fold again, keeping the same row on top."""
        raise NotImplementedError

    @property
    def top_row(self) -> int:
        """The row on top of the pane."""
        return self.row_at(self.scroll_offset.y)[0]

    def line_of_row(self, row: int) -> int:
        """Return the first line of the screen on which `row` stands."""
        return self.line_of(row)

    def go_row(self, row: int) -> None:
        """Put `row` on top of the pane."""
        self.scroll_to(y=self.line_of_row(row), animate=False, force=True)

    def show_row(self, row: int) -> None:
        """Bring `row` on screen: where it is, if it is there, else a third down the pane."""
        line = self.line_of_row(row)
        if not self.scroll_offset.y <= line < self.scroll_offset.y + self.page:
            self.scroll_to(y=max(0, line - self.page // 3), animate=False, force=True)

    def go_number(self, number: int) -> str:
        """Go to line `number` of the file; return why that cannot be, or nothing."""
        raise NotImplementedError

    def row_at(self, line: int) -> tuple[int, int]:
        """Return which row, and which piece of it, is painted on `line`."""
        if self._starts is None:
            return line, 0
        row = max(0, bisect_right(self._starts, line, hi=len(self._starts) - 1) - 1)
        return row, line - self._starts[row]

    def line_of(self, row: int) -> int:
        """Return the first line of `row`."""
        return row if self._starts is None or row >= len(self._starts) else self._starts[row]

    def piece(self, row: int, piece: int, room: int, *, whole: bool) -> tuple[str, int]:
        """Return a piece of the text of `row`, and the column it begins at; `whole`: it is the only one."""
        text = self.measured.texts[row]
        if whole or (len(text) <= room and text.isascii()):
            return (text, 0) if not piece else ("", len(text))
        if text.isascii():
            return text[piece * room : (piece + 1) * room], piece * room
        if row not in self._folds:
            self._folds[row] = fold(text, room)
        pieces = self._folds[row]
        return "".join(pieces[piece : piece + 1]), sum(map(len, pieces[:piece]))

    # -- searching --------------------------------------------------------------------------------

    def take_search(self, search: Search | None) -> None:
        """Mark what was found, and go to the first of it from here on; None ends the search."""
        self.search = search
        if search is not None and search.rows:
            row = search.start_at(self.top_row)
            self.show_row(row)
        self.repaint()

    def next_found(self, direction: int) -> None:
        """Go to the next row that was found (1), or the one before (-1), round the end."""
        if self.search is not None and self.search.rows:
            self.show_row(self.search.step(direction))
            self.repaint()

    def found_in(self, row: int) -> list[Layer]:
        """Return where in `row` is what is looked for."""
        search = self.search
        if search is None:
            return []
        ink = self.inks.found_here if search.is_at(row) else self.inks.found
        return [(start, end, ink) for start, end in search.ranges(self.measured.texts[row])]


def padded(segments: list[Segment], width: int, ink: Style) -> list[Segment]:
    """Return `segments` filled with blanks to `width` columns."""
    used = sum(segment.cell_length for segment in segments)
    return [*segments, Segment(" " * max(0, width - used), ink)]
