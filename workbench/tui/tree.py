"""Provides the file tree of pane 1.

Paths come from the disk and may hold anything: each is made safe at the moment it is painted, and only a
path that the session listed is ever sent back.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message

from workbench.core.safe_text import one_line
from workbench.session.views import TreeEntry
from workbench.tui.flow import cells, clip, clip_start, pad
from workbench.tui.line_view import CursorView
from workbench.tui.tree_rows import Listing, TreeRow, TreeRows

MARKS = 4
"""Columns at the right: a blank, `P` where a proposal waits, git's letter, a blank."""


class FileTree(CursorView):
    """The worktree, folded."""

    class FileChosen(Message):
        """The person opened a file."""

        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

    class DeniedChosen(Message):
        """The person tried to open something that policy denies."""

        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

    class Counted(Message):
        """How many paths the filter lets through."""

        def __init__(self, matches: int, total: int) -> None:
            super().__init__()
            self.matches = matches
            self.total = total

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.model = TreeRows()
        self.listed = False
        """Whether a listing has arrived."""

    def load(self, listing: Listing) -> None:
        """Show a new listing, keeping the cursor on the same path where it still exists."""
        self.listed = True
        here = self._path_at_cursor()
        self.model.load(listing)
        self._show(here)

    def propose(self, paths: Iterable[str]) -> None:
        """Mark the files for which a proposal waits."""
        if self.model.propose(paths):
            self.repaint()

    def set_filter(self, text: str) -> None:
        """Show only matching paths, as a flat list; all again when empty."""
        here = self._path_at_cursor()
        self.model.set_filter(text)
        self._show(here)

    @property
    def row_at_cursor(self) -> TreeRow | None:
        """What the cursor is on."""
        visible = self.model.visible
        return visible[self.cursor] if self.cursor < len(visible) else None

    @property
    def asks_at_cursor(self) -> bool:
        """Whether policy asks for a release of what the cursor is on."""
        row = self.row_at_cursor
        return row is not None and row.entry is not None and row.entry.asks and not row.folder

    def _path_at_cursor(self) -> str:
        row = self.row_at_cursor
        return row.path if row is not None else ""

    def _show(self, path: str) -> None:
        self.set_rows(len(self.model.visible))
        self.cursor = next((i for i, row in enumerate(self.model.visible) if row.path == path), 0)
        self.keep_in_view()
        self.post_message(self.Counted(self.model.matches, len(self.model)))

    def open_row(self) -> None:
        """Unfold or fold a folder, or open a file in the viewer."""
        if self.cursor >= len(self.model.visible):
            return
        row = self.model.visible[self.cursor]
        if row.entry is not None and row.entry.denied:
            self.post_message(self.DeniedChosen(row.path))
        elif not row.folder:
            self.post_message(self.FileChosen(row.path))
        elif self.model.is_open(row):
            self.fold()
        else:
            self.unfold()

    def unfold(self) -> None:
        """Unfold the folder under the cursor, or step into it when it is open."""
        if self.cursor >= len(self.model.visible):
            return
        row = self.model.visible[self.cursor]
        if self.model.is_open(row):
            self.move(1)
        elif self.model.unfold(self.cursor):
            self.set_rows(len(self.model.visible))

    def fold(self) -> None:
        """Fold the folder under the cursor, or the one around it."""
        if self.cursor < len(self.model.visible):
            index = self.model.fold(self.cursor)
            self.set_rows(len(self.model.visible))
            self.cursor = index

    def reveal(self, path: str) -> None:
        """Put the cursor on `path`."""
        index = self.model.reveal(path)
        self.set_rows(len(self.model.visible))
        if index is not None:
            self.cursor = index

    def on_click(self, event: events.Click) -> None:
        """Open what is clicked a second time."""
        again = self.cursor == self.scroll_offset.y + event.y
        super().on_click(event)
        if again:
            self.open_row()

    def paint(self, row: int, width: int) -> list[Segment]:
        """Paint one path: fold mark, name, git's mark at the right."""
        item = self.model.visible[row]
        word = policy_word(item.entry)
        ink = self.row_ink(row, "dim" if word == "denied" else "text")
        mark = self._mark(item)
        lead = f" {'  ' * min(item.depth, width // 4)}{self._fold_mark(item, word)} "
        name = one_line(item.name) + (f" ({word})" if word else "")
        room = width - cells(lead) - MARKS
        cut = clip_start if self.model.filter and not word else clip
        body = pad(lead + cut(name, room), width - MARKS)
        waits = "P" if self.model.is_proposed(item) else " "
        marks = f" {waits}{mark} "
        return [Segment(body, ink), Segment(marks, self._mark_ink(row, marks, ink))]

    def _fold_mark(self, item: TreeRow, word: str) -> str:
        if word:
            return {"denied": "x", "asks": "?"}.get(word, "+")
        if not item.folder:
            return " "
        return "v" if self.model.is_open(item) else ">"

    def _mark(self, item: TreeRow) -> str:
        if item.entry is not None:
            return git_mark(item.entry.git_state)
        return "*" if self.model.holds_changes(item) and not self.model.is_open(item) else " "

    def _mark_ink(self, row: int, mark: str, ink: Style) -> Style:
        return ink if not mark.strip() or row == self.cursor else self.inks.note


def policy_word(entry: TreeEntry | None) -> str:
    """Return what policy says of an entry, in one word; empty where it may be read."""
    if entry is None:
        return ""
    if entry.denied:
        return "denied"
    if not entry.asks:
        return ""
    return "released" if entry.released else "asks"


def git_mark(state: str) -> str:
    """Return one letter for the two of `git status --porcelain=v2`: the worktree's, else the index's."""
    letters = one_line(state[:2]).replace(" ", "").replace(".", "")
    return letters[-1:] or " "
