"""Drives a session as a face does: starts it, waits for what it announces, decides."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.model import Engine
from workbench.session import Options, Session
from workbench.session.views import Activity, SessionEvent, TaskEnded

SECONDS = 60
"""A bound on waiting: a test that reaches it has failed."""


class Driver:
    """A session, what it announced, and ways to wait for it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.events: list[SessionEvent] = []
        self._changed = threading.Condition()
        session.start(self._hear)
        self.wait_until(lambda: session.status().activity is not Activity.LOADING)

    def _hear(self, event: SessionEvent) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def wait_until(self, holds: object) -> None:
        """Wait until a condition holds, looking again at every event."""
        assert callable(holds)
        with self._changed:
            assert self._changed.wait_for(lambda: bool(holds()), SECONDS), "it never came to hold"

    def run(self, task: str) -> str:
        """Submit a task, wait for its end, and return how it ended."""
        task_id = self.session.submit(task)
        self.wait_until(lambda: any(isinstance(e, TaskEnded) and e.task_id == task_id for e in self.events))
        return next(e.outcome for e in self.events if isinstance(e, TaskEnded) and e.task_id == task_id)

    def types(self) -> list[str]:
        """Return type and phase of every ledger entry."""
        rows = self.session.audit(0, self.session.audit_size())
        return [f"{row.type}/{row.phase}" if row.phase != "event" else row.type for row in rows]

    def approve_first(self) -> str:
        """Approve the first item of the queue as it is shown, and return its new state."""
        shown = self.session.shown(self.session.queue()[0].id)
        return self.session.approve(shown.proposal_id, shown.shown_sha256).state


@contextmanager
def driving(root: Path, engine: Engine | None, options: Options | None = None) -> Iterator[Driver]:
    """Open a session and close it whatever happens."""
    options = options or Options(accept_unenforced=True)
    session = Session.open(root, options, engine=engine)
    try:
        yield Driver(session)
    finally:
        session.close()
