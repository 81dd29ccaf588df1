"""Says that the terminal is too small, and which keys still act."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from workbench.tui.flow import pad
from workbench.tui.inked import inks_for

LINES = ("needs 60x16", "^q quit  ^c stop")


class TooSmall(Widget):
    """Stands in for everything below 60x16."""

    DEFAULT_CSS = "TooSmall { height: 1fr; }"

    def render_line(self, y: int) -> Strip:
        """Paint the words in the middle."""
        width, height = self.size
        line = y - max(0, (height - len(LINES)) // 2)
        text = LINES[line] if 0 <= line < len(LINES) else ""
        return Strip([Segment(pad(text.center(width), width), inks_for(self).base)])
