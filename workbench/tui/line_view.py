"""Provides the base of every large pane: only the rows on screen are ever made, and made rows are kept.

A widget a row is slow (5,000 rows take seconds); painting the visible rows of a plain array costs a
millisecond, whatever the array's length.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.tui.inked import inks_for
from workbench.tui.inks import Inks

CACHED_STRIPS = 2048
"""Painted rows that are kept: more than the largest screen has."""


class LineView(ScrollView, can_focus=True):
    """Rows painted one at a time; moving scrolls."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    LineView { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._strips: LRUCache[tuple[int, int, bool, bool], Strip] = LRUCache(CACHED_STRIPS)

    @property
    def inks(self) -> Inks:
        """The styles of the present theme."""
        return inks_for(self)

    @property
    def columns(self) -> int:
        """Columns that rows can use: all but the scrollbar's, which is kept free even without one."""
        return self.scrollable_content_region.width

    @property
    def rows(self) -> int:
        """How many rows there are to scroll through."""
        return self.virtual_size.height

    @property
    def page(self) -> int:
        """Rows that fit on screen."""
        return max(1, self.size.height)

    def set_rows(self, count: int) -> None:
        """Say how many rows there are, and forget what was painted of them."""
        self.virtual_size = Size(1, count)
        self.repaint()

    def repaint(self) -> None:
        """Forget every painted row and paint again."""
        self._strips.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        """Forget rows painted with another theme."""
        super().notify_style_update()
        self._strips.clear()

    def paint(self, row: int, width: int) -> list[Segment]:
        """Return row `row` in at most `width` columns."""
        raise NotImplementedError

    def ground(self, row: int) -> bool:  # noqa: ARG002
        """Return whether `row` is the cursor's."""
        return False

    def render_line(self, y: int) -> Strip:
        """Return the row at line `y` of the widget, from the cache where it can."""
        row = y + self.scroll_offset.y
        width = self.columns
        if row >= self.rows:
            return Strip.blank(width, self.inks.base)
        key = (row, width, self.ground(row), self.has_focus)
        strip = self._strips.get(key)
        if strip is None:
            strip = Strip(self.paint(row, width)).adjust_cell_length(width).apply_style(self.inks.base)
            self._strips[key] = strip
        return strip

    def move(self, rows: int) -> None:
        """Scroll by `rows`."""
        self.scroll_to(y=self.scroll_offset.y + rows, animate=False, force=True)

    def go(self, row: int) -> None:
        """Scroll until `row` is the first on screen."""
        self.scroll_to(y=row, animate=False, force=True)

    def move_page(self, direction: int) -> None:
        """Scroll by a page, up (-1) or down (1)."""
        self.move(direction * max(1, self.page - 1))

    def go_top(self) -> None:
        """Scroll to the first row."""
        self.go(0)

    def go_bottom(self) -> None:
        """Scroll to the last row."""
        self.go(max(0, self.rows - self.page))


class CursorView(LineView):
    """Rows with a cursor; moving moves it."""

    cursor: reactive[int] = reactive(0, repaint=False)

    class Moved(Message):
        """The person moved the cursor; the program's own moves are not announced."""

        def __init__(self, view: CursorView) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> CursorView:
            """The list it happened in."""
            return self.view

    def ground(self, row: int) -> bool:
        """Return whether `row` is the cursor's."""
        return row == self.cursor

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a row."""
        return max(0, min(cursor, self.rows - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Paint both rows, and keep the cursor on screen."""
        self.keep_in_view()
        for row in (old, new):
            self._refresh_row(row)

    def keep_in_view(self) -> None:
        """Scroll as little as shows the cursor."""
        top, height = self.scroll_offset.y, self.page
        if self.cursor < top:
            LineView.go(self, self.cursor)
        elif self.cursor >= top + height:
            LineView.go(self, self.cursor - height + 1)

    def _refresh_row(self, row: int) -> None:
        line = row - self.scroll_offset.y
        if 0 <= line < self.page:
            self.refresh(Region(0, line, self.columns, 1))

    def move(self, rows: int) -> None:
        """Move the cursor by `rows`."""
        self.go(self.cursor + rows)

    def go(self, row: int) -> None:
        """Put the cursor on `row`."""
        before, self.cursor = self.cursor, row
        if self.cursor != before:
            self.post_message(self.Moved(self))

    def go_bottom(self) -> None:
        """Put the cursor on the last row."""
        self.go(self.rows - 1)

    def row_ink(self, row: int, otherwise: str = "text") -> Style:
        """Return the style of `row`: the cursor's, or the one called `otherwise`."""
        if row == self.cursor:
            return self.inks.cursor if self.has_focus else self.inks.cursor_away
        style: Style = getattr(self.inks, otherwise)
        return style

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the person clicked; a click never decides anything."""
        self.go(self.scroll_offset.y + event.y)
