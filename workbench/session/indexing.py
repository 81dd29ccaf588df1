"""Keeps the index of one session in step, behind everything a person waits for.

The screen asks for it after its first paint and when files change; it gives way to keys, until a task that
needs it waits for it. One thread at a time refreshes. What goes wrong is a notice: a task that names its file
needs no index.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from workbench.broker import Broker
from workbench.context import Counts, Found, Index, IndexProgress
from workbench.core import pace
from workbench.core.errors import WorkbenchError
from workbench.core.records import SYSTEM
from workbench.session.views import IndexReading

DIRECTORY = "index"
"""Below the repository's state directory."""


class Indexing:
    """See the module."""

    def __init__(self, state: Path, broker: Broker, changed: Callable[[], None]) -> None:
        """Keep the index below `state`; `changed` is called from any thread when the reading changes."""
        self._broker = broker
        self._changed = changed
        self._index = Index(state / DIRECTORY, broker, SYSTEM)
        self._lock = threading.Lock()
        self._reading = IndexReading()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._waited_for = False

    @property
    def reading(self) -> IndexReading:
        """Return the latest reading."""
        return self._reading

    def begin(self) -> None:
        """Look at the worktree in the background; a look that runs already goes on."""
        with self._lock:
            if self._stopped.is_set() or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._look, name="workbench-index", daemon=True)
            self._thread.start()

    def find(self, request: str) -> Found:
        """Look at the worktree, wait for the end of it, and return what `request` is about."""
        self._waited_for = True
        try:
            thread = self._thread
            if thread is not None and thread.is_alive():
                thread.join()
            self._look()
        finally:
            self._waited_for = False
        return self._index.search(request)

    def refresh(self, progress: Callable[[IndexProgress], None]) -> None:
        """Look at the worktree now, and wait for the end of it.

        Raises:
            WorkbenchError: The index cannot be made, or the reads not be recorded.
        """
        self._index.refresh(self._broker.list(actor=SYSTEM), progress)

    def rebuild(self, progress: Callable[[IndexProgress], None]) -> None:
        """Make the index anew.

        Raises:
            WorkbenchError: The index cannot be made, or the reads not be recorded.
        """
        self._index.rebuild(self._broker.list(actor=SYSTEM), progress)

    def counts(self) -> Counts:
        """Return what the index holds.

        Raises:
            IndexDamaged: It cannot be read.
        """
        return self._index.counts()

    def close(self, seconds: float) -> None:
        """Stop; what is not indexed is next time."""
        self._stopped.set()
        thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def _look(self) -> None:
        self._tell(IndexReading(busy=True, looked=self._reading.looked))
        problem = ""
        try:
            paths = self._broker.list(actor=SYSTEM)
            self._index.refresh(paths, self._progress, self._stopped.is_set, self._rest)
        except WorkbenchError as error:
            problem = error.cause
        self._tell(IndexReading(looked=not problem, problem=problem))

    def _rest(self) -> None:
        pace.give_way(lambda: self._waited_for or self._stopped.is_set())

    def _progress(self, progress: IndexProgress) -> None:
        self._tell(IndexReading(progress.done, progress.total, busy=True, looked=self._reading.looked))

    def _tell(self, reading: IndexReading) -> None:
        self._reading = reading
        if not self._stopped.is_set():
            self._changed()
