"""Provides the read-only file viewer of pane 2."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style

from workbench.session.views import FileView
from workbench.tui.code_view import CodeView, padded
from workbench.tui.layers import Layer, coloured, overlay
from workbench.tui.measured import Measured, room_for, starts
from workbench.tui.syntax import Spans


class FileViewer(CodeView):
    """A file's lines with their numbers."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.file: FileView | None = None
        self._spans: Spans = ()

    @property
    def gutter_width(self) -> int:
        """The number and a blank on each side."""
        return max(3, len(str(len(self.measured.texts)))) + 3

    def show(self, file: FileView, lines: Measured) -> None:
        """Show a file from its first line, in plain text; `lines` are its lines as they are painted."""
        same = self.file is not None and self.file.path == file.path
        top = self.scroll_offset.y
        self.file = file
        self._spans = ()
        self.set_texts(lines)
        if same:
            self.go(top)

    def set_texts(self, measured: Measured) -> None:
        """Show other lines, from the first one on."""
        self.measured, self.search = measured, None
        self.lay_out()
        self.scroll_to(y=0, animate=False, force=True)

    def lay_out(self) -> None:
        """Fold the lines to the width of the pane."""
        self._width = self.columns
        self._folds.clear()
        self._starts = None
        if not self._width:
            self.set_rows(0)
            return
        self._starts = starts(self.measured.heights(room_for(self._width - self.gutter_width)))
        self.set_rows(self._starts[-1] if self._starts is not None else len(self.measured.texts))

    def width_changed(self) -> None:
        """Fold again, keeping the same line on top."""
        top = self.top_row
        self.lay_out()
        self.go_row(top)

    def colour(self, spans: Spans) -> None:
        """Take the file's syntax colours."""
        self._spans = spans
        self.repaint()

    def go_number(self, number: int) -> str:
        """Put line `number` on screen and mark it; return why that cannot be, or nothing."""
        count = len(self.measured.texts)
        if not 1 <= number <= count:
            return f"The file has lines 1 to {count:,}."
        self.go_row(number - 1)
        return ""

    def paint(self, row: int, width: int) -> list[Segment]:
        """Paint one line of one row."""
        index, piece = self.row_at(row)
        # Of the width that the rows were folded for: a new one is painted before it is announced.
        room = room_for(self._width - self.gutter_width)
        text, offset = self.piece(index, piece, room, whole=self._starts is None)
        number = "·" if piece else str(index + 1)
        gutter = Segment(f" {number:>{self.gutter_width - 3}}  ", self.inks.gutter)
        ink = self.text_ink(index)
        layers: list[Layer] = [(a, b, getattr(self.inks, name)) for a, b, name in self._line_spans(index)]
        return padded(
            [gutter, *coloured(text, offset, overlay(layers, self.found_in(index)), ink)], width, ink
        )

    def text_ink(self, row: int) -> Style:  # noqa: ARG002
        """Return the style of plain text."""
        return self.inks.text

    def _line_spans(self, row: int) -> tuple[tuple[int, int, str], ...]:
        return self._spans[row] if row < len(self._spans) else ()
