"""Provides the approval queue of pane 3: one row an item, the undecided first, the oldest of them on top."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment

from workbench.core.records import ProposalState
from workbench.session.views import QueueItem
from workbench.tui.flow import cells, clip, clip_start, pad
from workbench.tui.line_view import CursorView

UNDECIDED = frozenset({ProposalState.QUEUED, ProposalState.STALE})
"""States in which an item waits for a person."""


class QueueList(CursorView):
    """The items; the one under the cursor is the one shown."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.items: tuple[QueueItem, ...] = ()
        """Those that the filter lets through."""
        self.filter = ""
        self._all: tuple[QueueItem, ...] = ()

    def set_filter(self, words: str) -> None:
        """List only the items in which every word is found."""
        chosen = self.item_at(self.cursor)
        self.filter = words
        self.load(self._all, chosen.id if chosen is not None else "")

    def load(self, items: Sequence[QueueItem], chosen: str) -> None:
        """Show a new reading of the queue with the cursor on `chosen`."""
        self._all = tuple(items)
        words = self.filter.lower().split()
        self.items = tuple(item for item in items if all(word in _words(item) for word in words))
        self.set_rows(max(1, len(self.items)))
        self.cursor = next((i for i, item in enumerate(self.items) if item.id == chosen), 0)
        self.refresh(layout=True)

    def item_at(self, row: int) -> QueueItem | None:
        """Return the item on `row`, or None."""
        return self.items[row] if 0 <= row < len(self.items) else None

    def position(self, proposal_id: str) -> tuple[int, int]:
        """Return the place of an item among the undecided, from 1, and their number; place 0 when decided."""
        waiting = [item.id for item in self.items if item.state in UNDECIDED]
        place = waiting.index(proposal_id) + 1 if proposal_id in waiting else 0
        return place, len(waiting)

    def paint(self, row: int, width: int) -> list[Segment]:
        """Paint an item: what, where, and its risk, or what became of it."""
        item = self.item_at(row)
        if item is None:
            text = " Nothing matches the filter." if self.filter else " Nothing to review."
            return [Segment(pad(text, width), self.inks.dim)]
        waits = item.state is ProposalState.QUEUED
        ink = self.row_ink(row, "text" if item.state in UNDECIDED else "dim")
        word = str(item.risk) if waits else "STALE" if item.state is ProposalState.STALE else str(item.state)
        word_ink = ink
        if row != self.cursor:
            stale = item.state is ProposalState.STALE
            word_ink = self.inks.risk(item.risk) if waits else self.inks.stale if stale else self.inks.dim
        above = self.item_at(row - 1)
        same_task = above is not None and above.task_id == item.task_id
        mark = ">" if row == self.cursor else "│" if same_task else " "
        lead = f"{mark}{item.kind:<6}"
        runs = item.kind == "run"
        size = f" +{item.added} -{item.removed}" if width >= 40 and not runs else ""
        room = width - cells(lead) - cells(size) - len(word) - 2
        cut = clip if runs else clip_start
        body = pad(cut(item.path, max(4, room)), max(4, room)) + size
        return [Segment(lead + body + " ", ink), Segment(word + " ", word_ink)]


def _words(item: QueueItem) -> str:
    """Return what the filter looks in."""
    return f"{item.path} {item.task} {item.risk} {item.state} {item.kind}".lower()
