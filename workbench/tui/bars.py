"""Provides the one-row bars around the panes: the tab strip, the status bar and the key line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from workbench.tui.flow import cells, clip
from workbench.tui.inked import inks_for
from workbench.tui.wording import Part, fitted


class Bar(Widget):
    """One row of parts; what does not fit is cut at the right, never wrapped."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Bar { height: 1; }"
    separator = "  "

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._parts: tuple[Part, ...] = ()
        self._right: Part | None = None

    def show(self, parts: Sequence[Part], right: Part | None = None) -> None:
        """Show `parts` from the left and `right` at the right end."""
        if (tuple(parts), right) != (self._parts, self._right):
            self._parts, self._right = tuple(parts), right
            self.refresh()

    @property
    def text(self) -> str:
        """What the bar says now."""
        return "".join(self._joint(index) + part.text for index, part in enumerate(self._parts))

    def _joint(self, index: int) -> str:
        if not index:
            return ""
        return " " if self._parts[index].close else self.separator

    def render_line(self, y: int) -> Strip:
        """Paint the row."""
        inks, width = inks_for(self), self.size.width
        ground = inks.bar
        if y:
            return Strip.blank(width, ground)
        right = f"{self._right.text} " if self._right else ""
        room = width - cells(right)
        segments = [Segment(" ", ground)]
        used = 1
        for index, part in enumerate(self._parts):
            joint = self._joint(index)
            text = clip(part.text, room - used - len(joint))
            segments += [Segment(joint, ground), Segment(text, ground + getattr(inks, part.ink))]
            used += len(joint) + cells(text)
            if used >= room:
                break
        segments.append(Segment(" " * max(0, room - used), ground))
        if self._right:
            segments.append(Segment(right, ground + getattr(inks, self._right.ink)))
        return Strip(segments).adjust_cell_length(width, ground)


class StatusBar(Bar):
    """What the program does and how it stands, in words and measured figures."""

    def show_status(self, parts: list[Part], *, narrow: bool) -> None:
        """Show the status, tightly on a narrow screen."""
        self.separator = "  " if narrow else " | "
        self.show(fitted(parts, self.size.width - 1, len(self.separator)))


@dataclass(frozen=True, slots=True)
class Tab:
    """One entry of the tab strip."""

    label: str
    current: bool


class TabStrip(Bar):
    """The five panes by number, on screens that show one at a time."""

    def show_tabs(self, tabs: Sequence[Tab], right: Part) -> None:
        """Show the panes' names; the current one in reverse video."""
        self.show([Part(tab.label, "tab_current" if tab.current else "bar") for tab in tabs], right)


class KeyLine(Bar):
    """The keys that act here, or for a moment a notice."""

    def flash(self, notice: str, ink: str = "note") -> None:
        """Show one notice in place of the keys."""
        self.show([Part(notice, ink)])
