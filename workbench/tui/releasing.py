"""Keeps the way of a release: which file the agent was refused, the window, and what the session is told."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from workbench.core.safe_text import one_line
from workbench.session.views import ReleaseOffer, ReleaseView

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp
    from workbench.tui.release_window import Given


class ReleaseWay:
    """One release at a time, from the key to the session and back."""

    def __init__(self, app: WorkbenchApp) -> None:
        self._app = app
        self.wanted = ""
        """The file that the last task was refused for, as the disk names it; empty without one."""

    def refused(self, path: str) -> None:
        """A task needs a release of `path`: say which key gives it."""
        self.wanted = path
        key, shown = self._app.key_of("release.wanted"), one_line(path)
        self._app.flash(f"{shown} asks for your release: {key} shows the choices.", "bad", stay=True)
        self._app.feed.say(f"{key} releases {shown} for the agent, once, for the session or until a time.")

    def ask_for_wanted(self) -> None:
        """Open the window for the file of the last refusal."""
        self.ask(self.wanted)

    def ask_at_cursor(self) -> None:
        """Open the window for the file under the cursor of the tree."""
        row = self._app.main.files.paths.row_at_cursor
        if row is not None:
            self.ask(row.path)

    def ask(self, path: str) -> None:
        """Open the window for the file at `path`."""
        self._app.beside("offer", partial(self._app.session.releasing.offer, path), self._offered)

    def _offered(self, offer: ReleaseOffer) -> None:
        from workbench.tui.release_window import ReleaseWindow

        self._app.push_screen(ReleaseWindow(offer, self._app.clock.monotonic), self._chosen)

    def _chosen(self, given: Given | None) -> None:
        if given is None:
            self._app.flash("Nothing was released.")
            return
        choice = given.choice
        call = partial(
            self._app.session.releasing.give,
            choice.pattern,
            scope=choice.scope,
            exact=choice.exact,
            until=choice.expires,
            reason=given.reason,
        )
        self._app.beside("release", call, self._given)

    def _given(self, view: ReleaseView) -> None:
        again = " Send the task again: up in the prompt brings it back." if self.wanted else ""
        self.wanted = ""
        self._app.flash(f"Released {view.pattern}: {view.holds}.{again}", "good")

    def list(self) -> None:
        """Open the list of releases in force."""
        self._app.beside("releases", self._app.session.releasing.all, self._listed)

    def _listed(self, held: tuple[ReleaseView, ...]) -> None:
        from workbench.tui.release_window import ReleaseList

        self._app.push_screen(ReleaseList(held), self._revoke)

    def _revoke(self, release_id: str | None) -> None:
        if release_id is not None:
            call = partial(self._app.session.releasing.revoke, release_id)
            self._app.beside("revoke", call, self._revoked)

    def _revoked(self, view: ReleaseView) -> None:
        self._app.flash(f"Revoked the release of {view.pattern}.", "good")
        self.list()
