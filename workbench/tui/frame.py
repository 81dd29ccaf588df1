"""Provides the frame of a pane: its number and title on the top edge, one rule line above the bottom edge.

The frame is painted by the pane itself, because panes that stand on each other share an edge, which
Textual's borders cannot do. The focused pane has its title in reverse video, and its edge in another colour.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from workbench.tui.flow import cells, clip
from workbench.tui.inked import inks_for

EDGES = ("┌", "─", "┐", "│", "├", "┤", "└", "┘")


class Pane(Widget):
    """A framed pane."""

    ALLOW_SELECT = False

    heading: reactive[str] = reactive("")
    """Safe text on the top edge."""
    corner: reactive[str] = reactive("")
    """Safe text at the right end of the top edge."""
    rule: reactive[str] = reactive("")
    """Safe text on a line of its own above the bottom edge; none when empty."""
    lit: reactive[bool] = reactive(False)
    """Whether the focus is in this pane."""

    def __init__(self, *, id: str, heading: str, shares: str = "") -> None:  # noqa: A002
        """Make an empty pane.

        Args:
            id: The pane's name in the style sheet.
            heading: What stands on the top edge.
            shares: In the medium layout, `top` or `bottom`: which edge it shares with its neighbour.
        """
        super().__init__(id=id)
        self._shares = shares
        self.set_reactive(Pane.heading, heading)

    @property
    def shared_edge(self) -> str:
        """Which edge is shared with a neighbour in the present layout: `top`, `bottom` or none."""
        stacked = self.screen.has_class("-medium") and not self.screen.has_class("-zoom")
        return self._shares if stacked else ""

    def watch_rule(self, rule: str) -> None:
        """Make room for the rule line."""
        self.set_class(bool(rule), "-ruled")

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint the frame; children cover everything inside it."""
        inks = inks_for(self)
        style = inks.frame_focus if self.lit else inks.frame
        height = self._frame_height()
        background = self.background_colors[1]
        strips = []
        for y in crop.line_range:
            strip = Strip(self._row(y, height, style)).apply_style(inks.base)
            for line_filter in self.get_line_filters():
                strip = strip.apply_filter(line_filter, background)
            strips.append(strip.crop(crop.x, crop.right))
        return strips

    def _frame_height(self) -> int:
        """Rows the frame spans; a pane whose prompt stands below it spans fewer."""
        return self.outer_size.height

    def _row(self, y: int, height: int, style: Style) -> list[Segment]:
        width = self.outer_size.width
        if height < 2:
            return [Segment(" " * width, style)]
        left_top, flat, right_top, side, left_tee, right_tee, left_end, right_end = EDGES
        shared = self.shared_edge
        last = height - 1 if shared != "bottom" else height
        if y == 0:
            left, right = (left_tee, right_tee) if shared == "top" else (left_top, right_top)
            return self._titled(left, flat, right, width, style)
        if y == last:
            return [Segment(left_end + flat * (width - 2) + right_end, style)]
        if y > last:
            return [Segment(" " * width, style)]
        if self.rule and y == last - 1:
            label = clip(f" {self.rule} ", width - 4)
            middle = flat + label + flat * (width - 3 - cells(label))
            return [Segment(left_tee + middle + right_tee, style)]
        return [Segment(side + " " * (width - 2) + side, style)]

    def _titled(self, left: str, flat: str, right: str, width: int, style: Style) -> list[Segment]:
        inks = inks_for(self)
        corner = f" {self.corner} " if self.corner else ""
        room = width - 3 - cells(corner)
        title = clip(f"{self.heading} ", max(0, room))
        filler = flat * max(0, width - 2 - cells(title) - cells(corner) - 1)
        heading = inks.title_focus if self.lit else inks.strong
        return [
            Segment(left, style),
            Segment(title.rstrip(), heading),
            Segment(" " * (cells(title) - cells(title.rstrip())), style),
            Segment(filler, style),
            Segment(corner, inks.text),
            Segment(flat + right, style),
        ]
