"""Finds a file by parts of its path: every word typed must occur, names before folders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input

from workbench.core.safe_text import one_line
from workbench.tui.flow import clip_start, pad
from workbench.tui.line_view import CursorView

MOST = 200
"""Hits listed; typing more is quicker than scrolling further."""


class FoundList(CursorView):
    """The paths that match."""

    can_focus = False

    def __init__(self) -> None:
        super().__init__(id="found")
        self.paths: list[str] = []

    def load(self, paths: list[str]) -> None:
        """List other paths."""
        self.paths = paths
        self.set_rows(len(paths))
        self.cursor = 0
        self.repaint()

    def paint(self, row: int, width: int) -> list[Segment]:
        """Paint one path, safe to show."""
        ink = self.inks.cursor if row == self.cursor else self.inks.text
        return [Segment(pad(f" {clip_start(one_line(self.paths[row]), width - 2)}", width), ink)]


class Finder(ModalScreen[str | None]):
    """A window over the panes; `enter` opens the path under the cursor, `esc` closes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False),
        Binding("down,ctrl+j", "go(1)", "Down", show=False, priority=True),
        Binding("up,ctrl+k", "go(-1)", "Up", show=False, priority=True),
    ]

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__()
        self._paths = paths
        self._folded = [path.casefold() for path in paths]
        self.found = FoundList()
        self.field = Input(id="find", placeholder="parts of a path", compact=True)
        self.field.cursor_blink = False

    def compose(self) -> list[Widget]:
        """Yield the input and the list."""
        return [Vertical(self.field, self.found, classes="sheet")]

    def on_mount(self) -> None:
        """Begin with the first paths."""
        self.field.focus()
        self.found.load(matching("", self._paths, self._folded))

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        self.found.load(matching(message.value, self._paths, self._folded))

    @on(Input.Submitted)
    def _entered(self) -> None:
        paths = self.found.paths
        self.dismiss(paths[self.found.cursor] if paths else None)

    def action_go(self, rows: int) -> None:
        """Move the cursor of the list while the focus stays in the input."""
        self.found.move(rows)

    def action_close(self) -> None:
        """Go back without opening anything."""
        self.dismiss(None)


def matching(query: str, paths: Sequence[str], folded: Sequence[str]) -> list[str]:
    """Return up to `MOST` paths that hold every word of `query`: names before folders, short before long."""
    words = query.casefold().split()
    if not words:
        return list(paths[:MOST])
    hits = [index for index, path in enumerate(folded) if all(word in path for word in words)]
    last = words[-1]
    hits.sort(key=lambda index: (last not in folded[index].rpartition("/")[2], len(folded[index])))
    return [paths[index] for index in hits[:MOST]]
