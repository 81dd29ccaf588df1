"""Asks before quitting when work waits or runs; quitting decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.tui.actions import BY_ID
from workbench.tui.situation import RUNNING

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp


class Quitting:
    """The question, and the key that answers it."""

    def __init__(self, app: WorkbenchApp) -> None:
        self._app = app
        self._asked = False

    def ask(self) -> None:
        """Quit at once when nothing waits or runs, else ask."""
        status = self._app.feed.status
        waiting = status.waiting if status else 0
        running = status is not None and status.activity in RUNNING
        if not waiting and not running:
            self._app.exit(0)
            return
        parts = [f"{waiting} waiting (they stay waiting)"] if waiting else []
        parts += ["a task runs (it is stopped)"] if running else []
        self._asked = True
        key = self._app.key_of("app.quit")
        question = f"Quit? {' and '.join(parts)}. {key} again or y quits, any other key stays."
        self._app.flash(question, stay=True)

    def answered_by(self, key: str) -> bool:
        """Quit if the question stands and `key` says yes; the key is then used up."""
        asked, self._asked = self._asked, False
        if asked and key in ("y", *self._app.keymap.keys(BY_ID["app.quit"])):
            self._app.exit(0)
            return True
        return False
