"""Keeps the bars up to date: status, tabs, keys, and for a moment a notice in place of the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.timer import Timer

from workbench.core.safe_text import one_line
from workbench.tui import chrome, wording
from workbench.tui.situation import Where
from workbench.tui.wording import Part

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

STANDS = 6.0
"""Seconds a notice stands, unless a key is pressed."""
NARROW = 100
"""Columns below which the status bar is worded tightly."""


class NoticeBoard:
    """What the bars say."""

    def __init__(self, app: WorkbenchApp) -> None:
        self._app = app
        self._timer: Timer | None = None
        self.notice = ""
        """The notice that stands now; empty when the keys are shown."""

    def flash(self, text: str, ink: str, *, stay: bool) -> None:
        """Show a notice until the next key; unless it is to stay, only for some seconds."""
        self._stop()
        self.notice = one_line(text)
        self._app.main.keys.flash(self.notice, ink)
        self._timer = None if stay else self._app.set_timer(STANDS, self.end)

    def end(self) -> None:
        """Show the keys again."""
        if self.notice:
            self._stop()
            self.notice = ""
            self._show_keys()

    def word(self) -> None:
        """Word everything again."""
        app, main, status = self._app, self._app.main, self._app.feed.status
        if status is not None:
            narrow = main.size.width < NARROW
            parts = wording.status_parts(status, app.clock.utc(), narrow=narrow)
            main.status_bar.show_status(parts, narrow=narrow)
            level = Part(status.level_short, "bad" if status.level == 0 else "bar")
            main.tabs.show_tabs(chrome.tabs(main.current, status.waiting), level)
        reviewing = main.one_pane and main.current is Where.REVIEW
        queue = main.review.queue
        chosen = queue.item_at(queue.cursor)
        main.diff.word_heading(
            queue.position(app.desk.chosen) if reviewing else None, chosen.kind if chosen else ""
        )
        if not self.notice:
            self._show_keys()

    def _show_keys(self) -> None:
        main = self._app.main
        main.keys.show(chrome.key_parts(self._app.situation(), self._app.keymap, main.size.width))

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = None
