"""Looks for words in what pane 2 shows, and goes to lines by their number.

While a search stands, its own keys come before all others: `n` is then the next find and never a rejection.
The search ends with `esc`, and whenever the focus leaves what is searched.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from workbench.core.safe_text import one_line
from workbench.tui.actions import BY_ID
from workbench.tui.code_view import CodeView
from workbench.tui.search import Search
from workbench.tui.situation import Where

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

MAX_QUERY = 200
"""Characters that are looked for."""


class Looking:
    """The search that stands, and the one-line input it is typed into."""

    def __init__(self, app: WorkbenchApp) -> None:
        self._app = app
        self._view: CodeView | None = None
        """What is searched; None while nothing is."""
        self._for_number = False

    def begin(self) -> None:
        """Filter the tree, or ask what to look for in the diff or the file that has the focus."""
        main = self._app.main
        if main.where is Where.FILES:
            main.files.filter.open(main.files.paths.model.filter)
        elif (view := self._focused()) is not None:
            self._open(view, "what to look for; enter keeps it, esc ends", for_number=False)

    def ask_number(self) -> None:
        """Ask for the number of a line to go to."""
        view = self._focused()
        if view is not None:
            self._open(view, "number of a line; enter goes there, esc does not", for_number=True)

    def _focused(self) -> CodeView | None:
        focused = self._app.main.focused
        if isinstance(focused, CodeView):
            return focused
        self._app.flash("Nothing to search has the focus: go to 2 Diff first.")
        return None

    def _open(self, view: CodeView, placeholder: str, *, for_number: bool) -> None:
        self.end()
        self._view, self._for_number = view, for_number
        field = self._app.main.diff.seek
        field.placeholder = placeholder
        field.open()

    def typed(self, text: str) -> None:
        """Look for what has been typed so far."""
        view, text = self._view, one_line(text)[:MAX_QUERY]
        if view is None or self._for_number:
            return
        if not text:
            view.take_search(None)
            self._word()
            return

        def done(search: Search) -> None:
            if self._view is view:
                view.take_search(search)
                self._word()

        self._app.beside("search", partial(Search, text, view.measured.texts), done)

    def entered(self, text: str) -> None:
        """Keep the search, or go to the line."""
        main, view = self._app.main, self._view
        main.diff.seek.close()
        if view is None:
            return
        view.focus(scroll_visible=False)
        if not self._for_number:
            if not text:
                self.end()
            return
        self._view = None
        number = text.strip()
        if not number.isascii() or not number.isdecimal() or len(number) > 9:
            self._app.flash("A line has a number, such as 120.")
        elif problem := view.go_number(int(number)):
            self._app.flash(problem)

    def answered_by(self, key: str) -> bool:
        """Go to another find if a search stands and `key` says so; the key is then used up."""
        view = self._view
        if view is None or view.search is None or self._app.main.focused is not view:
            return False
        for action_id, direction in (("search.next", 1), ("search.previous", -1)):
            if key in self._app.keymap.keys(BY_ID[action_id]):
                view.next_found(direction)
                self._word()
                return True
        return False

    def step(self, direction: int) -> None:
        """Go to another find, asked for from a list."""
        if self._view is not None:
            self._view.next_found(direction)
            self._word()
        else:
            self._app.flash("Nothing is looked for: / begins a search in 2 Diff.")

    def moved(self) -> None:
        """End the search once the focus has left what is searched."""
        view, focused = self._view, self._app.main.focused
        if view is not None and focused is not None and focused not in (view, self._app.main.diff.seek):
            self.end()

    def end(self) -> bool:
        """End the search; False where none stood."""
        view, self._view = self._view, None
        self._app.main.diff.seek.close()
        if view is None:
            return False
        view.take_search(None)
        self._word()
        return True

    def _word(self) -> None:
        keys = "/".join(self._app.key_of(name) for name in ("search.next", "search.previous"))
        self._app.main.diff.word_rule(f"{keys} next and back, esc ends")
