"""Collects the session's events, which come from any thread, and hands them on a few times a second.

Text is joined, never dropped; of announcements only the newest counts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from workbench.session.views import (
    CommandEnded,
    LedgerGrew,
    QueueChanged,
    ReleaseWanted,
    SessionEvent,
    StatusChanged,
    TaskEnded,
    TreeChanged,
    Utterance,
    UtteranceGrew,
    Uttered,
)

FLUSH = 0.040
"""Seconds between an event and its appearance: below what a person notices, above what each token costs."""


@dataclass(slots=True)
class Batch:
    """What happened since the last flush."""

    status: bool = False
    queue: bool = False
    tree: bool = False
    wanted: str = ""
    """The file for which the newest refusal asks a release; empty without one."""
    ledger_size: int = -1
    """The newest size announced; -1 when none was."""
    speech: list[Utterance | tuple[str, str]] = field(default_factory=list)
    """New entries, and (id, text) added to the end of one, in order."""


class Inbox:
    """A thread-safe letter box."""

    def __init__(self, wake: Callable[[], object]) -> None:
        """Make an empty box; `wake` is called from any thread when it gets its first event."""
        self._wake = wake
        self._lock = threading.Lock()
        self._batch = Batch()
        self._woken = False

    def put(self, event: SessionEvent) -> None:
        """Take one event, from any thread."""
        with self._lock:
            self._add(event)
            first, self._woken = not self._woken, True
        if first:
            self._wake()

    def take(self) -> Batch:
        """Return everything collected, and start anew."""
        with self._lock:
            batch, self._batch = self._batch, Batch()
            self._woken = False
        return batch

    def _add(self, event: SessionEvent) -> None:
        batch = self._batch
        match event:
            case StatusChanged() | TaskEnded() | CommandEnded():
                batch.status = True
            case QueueChanged():
                batch.queue = batch.status = True
            case LedgerGrew(size):
                batch.ledger_size = max(size, batch.ledger_size)
            case TreeChanged():
                batch.tree = True
            case ReleaseWanted(path):
                batch.wanted = path
            case Uttered(utterance):
                batch.speech.append(utterance)
            case UtteranceGrew(id=identifier, text=text):
                last = batch.speech[-1] if batch.speech else None
                if isinstance(last, tuple) and last[0] == identifier:
                    batch.speech[-1] = (identifier, last[1] + text)
                else:
                    batch.speech.append((identifier, text))
