"""Gives the screen its two clocks, so that tests can hold them still."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _utc() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the screen reads the time."""

    monotonic: Callable[[], float] = time.monotonic
    """Seconds that no one can set back; the clock Textual stamps key events with."""
    utc: Callable[[], datetime] = _utc
    """The time of day, for ages."""
