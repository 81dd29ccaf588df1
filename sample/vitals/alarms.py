"""Alarm windows: when a channel was outside its limits."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The range in which a reading raises no alarm, ends included."""

    low: float
    high: float

    def holds(self, reading: float) -> bool:
        """Return whether the reading is within the limits."""
        return self.low <= reading <= self.high


def alarm_windows(readings: Sequence[float], limits: Limits) -> list[tuple[int, int]]:
    """Return the half-open index ranges in which readings are outside the limits."""
    windows = []
    start = None
    for index, reading in enumerate(readings):
        if not limits.holds(reading):
            if start is None:
                start = index
        elif start is not None:
            windows.append((start, index))
            start = None
    if start is not None:
        windows.append((start, len(readings)))
    return windows


def longest(windows: Sequence[tuple[int, int]]) -> int:
    return max((end - start for start, end in windows), default=0)
