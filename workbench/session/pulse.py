"""Keeps the figures of the status bar: what is going on, since when, and how fast, as measured."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

from workbench.model import PromptProgress, TextPiece
from workbench.session.views import Activity, Progress


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of the pulse."""

    activity: Activity = Activity.READY
    since: float = 0.0
    progress_done: int = 0
    progress_total: int = 0
    answer_tokens: int = 0
    answer_began: float = 0.0
    last_token: float = 0.0
    tokens_per_second: float = 0.0
    context_used: int = 0
    error: str = ""
    next_step: str = ""

    def progress(self, now: float) -> Progress | None:
        """Return how far the present activity has come, where it has a known total."""
        if self.activity not in (Activity.LOADING, Activity.READING) or not self.progress_total:
            return None
        unit = "bytes" if self.activity is Activity.LOADING else "tokens"
        return Progress(self.progress_done, self.progress_total, unit, now - self.since)


class Pulse:
    """Changed by the threads that work, read by the face."""

    def __init__(self) -> None:
        """Begin ready, with nothing measured."""
        self._lock = threading.Lock()
        self._reading = Reading(since=time.monotonic())

    def read(self) -> Reading:
        """Return the present reading."""
        return self._reading

    def turn(self, activity: Activity, *, error: str = "", next_step: str = "") -> None:
        """Begin another activity."""
        with self._lock:
            self._reading = replace(
                self._reading,
                activity=activity,
                since=time.monotonic(),
                progress_done=0,
                progress_total=0,
                error=error,
                next_step=next_step,
            )

    def progress(self, done: int, total: int) -> None:
        """Note how far the present activity has come."""
        with self._lock:
            self._reading = replace(self._reading, progress_done=done, progress_total=total)

    def engine(self, event: PromptProgress | TextPiece) -> None:
        """Note what the engine reports while it answers."""
        now = time.monotonic()
        with self._lock:
            reading = self._reading
            if isinstance(event, PromptProgress):
                since = reading.since if reading.activity is Activity.READING else now
                self._reading = replace(
                    reading,
                    activity=Activity.READING,
                    since=since,
                    progress_done=event.done,
                    progress_total=event.total,
                    context_used=event.total,
                    answer_tokens=0,
                )
                return
            began = reading.answer_began if reading.activity is Activity.GENERATING else now
            tokens = event.tokens + (reading.answer_tokens if reading.activity is Activity.GENERATING else 0)
            elapsed = now - began
            self._reading = replace(
                reading,
                activity=Activity.GENERATING,
                since=began,
                answer_began=began,
                answer_tokens=tokens,
                last_token=now,
                context_used=reading.context_used + event.tokens,
                # The first piece marks the start of the clock, so its tokens are not in the speed.
                tokens_per_second=(tokens - 1) / elapsed if elapsed > 0.2 else reading.tokens_per_second,
            )
