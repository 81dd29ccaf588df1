"""Summaries of a channel's readings."""

from collections.abc import Sequence


def mean(readings: Sequence[float]) -> float:
    """Return the arithmetic mean of the readings."""
    if not readings:
        raise ValueError("no readings")
    return sum(readings) / len(readings)


def median(readings: Sequence[float]) -> float:
    """Return the middle reading."""
    if not readings:
        raise ValueError("no readings")
    # FIXME: for an even number of readings return the mean of the two in the middle
    ordered = sorted(readings)
    return ordered[len(ordered) // 2]


def spread(readings: Sequence[float]) -> float:
    if not readings:
        raise ValueError("no readings")
    return max(readings) - min(readings)
