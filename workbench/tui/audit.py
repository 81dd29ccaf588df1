"""Provides the audit history of pane 4: the newest entry on top, asked for in pages as it is scrolled.

A ledger of a million entries costs one page of rows: the list knows only how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.cache import LRUCache
from textual.message import Message

from workbench.session.views import AuditRow
from workbench.tui.flow import cells, pad
from workbench.tui.line_view import CursorView

PAGE = 200
"""Entries asked for at once."""
CACHED_PAGES = 50
RESULT = 9
"""Columns of the result."""

_SPEAKING_TAILS = frozenset({"file", "session", "task", "ledger", "key"})
_BAD = frozenset({"deny", "denied", "failed", "failure", "refused", "blocked", "error"})


class AuditList(CursorView):
    """The ledger's entries, newest first; stays with the newest until the cursor moves away."""

    class PageWanted(Message):
        """Rows came on screen whose page has not been asked for yet."""

        def __init__(self, page: int, size: int) -> None:
            super().__init__()
            self.page = page
            self.size = size
            """Entries in the ledger when it was asked."""

    class Opened(Message):
        """The person came to the list."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.size_known = 0
        self._pages: LRUCache[int, tuple[AuditRow, ...]] = LRUCache(CACHED_PAGES)
        self._asked: dict[int, int] = {}

    def on_focus(self) -> None:
        """Say that the person came."""
        self.post_message(self.Opened())

    def index_at_cursor(self) -> int | None:
        """Return the index of the entry under the cursor, or None in an empty ledger."""
        return self.size_known - 1 - self.cursor if self.size_known else None

    def grow(self, size: int) -> None:
        """Take the ledger's new size; the rows on screen stay unless the cursor is on the newest."""
        if size == self.size_known:
            return
        grown, follow = size - self.size_known, self.cursor == 0
        last = max(0, self.size_known // PAGE)
        self._asked = {page: known for page, known in self._asked.items() if page < last}
        self.size_known = size
        top = self.scroll_offset.y
        self.set_rows(size)
        if not follow and grown > 0:
            self.cursor += grown
            self.scroll_to(y=top + grown, animate=False, force=True)

    def take(self, page: int, rows: Sequence[AuditRow]) -> None:
        """Take the entries of one page."""
        # The cache keeps the first value of a key.
        self._pages.discard(page)
        self._pages[page] = tuple(rows)
        self.repaint()

    def page_failed(self, page: int) -> None:
        """Let a page be asked for again."""
        self._asked.pop(page, None)

    def row_of(self, line: int) -> AuditRow | None:
        """Return the entry on `line`, asking for its page if it has not come yet."""
        index = self.size_known - 1 - line
        page, place = divmod(index, PAGE)
        wanted = min(self.size_known, (page + 1) * PAGE) - page * PAGE
        rows = self._pages.get(page, ())
        if len(rows) < wanted and self._asked.get(page, 0) < wanted:
            self._asked[page] = wanted
            # Painting runs in the screen's task; a message from there would not bubble past the screen.
            self.post_message(self.PageWanted(page, self.size_known).set_sender(self))
        return rows[place] if place < len(rows) else None

    def paint(self, row: int, width: int) -> list[Segment]:
        """Paint an entry: number, type, subject, result; time and actor where there is room."""
        entry = self.row_of(row)
        ink = self.row_ink(row)
        if entry is None:
            return [Segment(pad(f" {self.size_known - 1 - row} …", width), self.inks.dim)]
        digits = max(4, len(str(self.size_known)))
        bad = entry.result.lower() in _BAD
        word = entry.result.upper() if bad else entry.result
        lead = f" {entry.index:>{digits}} "
        subject, room = entry.subject, RESULT
        if width >= 90:
            lead += f"{entry.time[:19].replace('T', ' ')} {pad(entry.actor, 18)} {pad(entry.type, 20)} "
        elif width >= 50:
            lead += f"{pad(entry.type, 18)} "
        else:
            lead += f"{pad(_one_word(entry.type), 9)} "
            word = word or (entry.phase if entry.phase == "intent" else "")
            subject, room = subject.rpartition("/")[2] or subject, cells(word) + 1
        room = max(0, width - cells(lead) - room)
        word_ink = self.inks.bad if bad and row != self.cursor else ink
        return [Segment(lead + pad(subject, room), ink), Segment(pad(f" {word}", width), word_ink)]


def _one_word(type_: str) -> str:
    """Return the half of a type that says what it was: `read` of `file.read`, `edit` of `edit.intent`."""
    head, _, tail = type_.partition(".")
    return tail.partition("_")[0] if head in _SPEAKING_TAILS else head
