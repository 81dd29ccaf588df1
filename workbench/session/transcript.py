"""Keeps what was said in a session: by the person, by the agent while it streams, and by the program."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from workbench.core.ids import uuid7
from workbench.core.safe_text import safe_text
from workbench.session.views import (
    SessionEvent,
    Speaker,
    StatusChanged,
    Utterance,
    UtteranceGrew,
    Uttered,
)


class Transcript:
    """Written by the threads that work, read by the face; every text in it is safe to show."""

    def __init__(self, tell: Callable[[SessionEvent], None]) -> None:
        """Begin empty; `tell` hears of every addition."""
        self._tell = tell
        self._lock = threading.Lock()
        self._entries: dict[str, Utterance] = {}

    def all(self) -> tuple[Utterance, ...]:
        """Return every entry, oldest first."""
        with self._lock:
            return tuple(self._entries.values())

    def add(self, speaker: Speaker, text: str) -> str:
        """Add an entry and return its id."""
        entry = Utterance(uuid7(), speaker, safe_text(text).text)
        with self._lock:
            self._entries[entry.id] = entry
        self._tell(Uttered(entry))
        return entry.id

    def grow(self, entry_id: str, text: str) -> None:
        """Add text to the end of an entry."""
        safe = safe_text(text).text
        with self._lock:
            entry = self._entries[entry_id]
            self._entries[entry_id] = replace(entry, text=entry.text + safe)
        self._tell(UtteranceGrew(entry_id, safe))

    def tick(self) -> None:
        """Say that figures moved although nothing was said."""
        self._tell(StatusChanged())
