"""Says what a verification found, in the words and exit codes a person and a script can rely on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

CONSISTENT: Final = 0
NOT_RUN: Final = 1
TAMPERED: Final = 2
ROLLED_BACK: Final = 3
INCOMPLETE: Final = 4

_WORST_FIRST: Final = (NOT_RUN, TAMPERED, ROLLED_BACK, INCOMPLETE, CONSISTENT)
_MOST_LINES: Final = 20
"""Findings printed of each kind; a hostile file could produce millions."""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a verification."""

    exit_code: int
    """0 consistent, 1 could not run, 2 tampered, 3 rolled back or anchor mismatch, 4 evidence incomplete."""
    lines: tuple[str, ...]
    """What to print; the last line is the verdict."""
    size: int = 0
    """Entries found consistent, from the first."""
    root: bytes | None = None
    """The root over them; None where nothing could be read."""
    first_bad: int | None = None
    """The first index that does not hold; None where all do."""
    origin: str = ""
    vkey: str = ""
    anchor_size: int | None = None
    """Size of the newest external anchor that fits."""
    open_intents: tuple[int, ...] = ()
    """Indices of intents without an outcome."""


@dataclass(slots=True)
class Findings:
    """What was found so far, kept short."""

    lines: list[str] = field(default_factory=list)
    _counts: dict[int, int] = field(default_factory=dict)

    def add(self, code: int, line: str) -> None:
        """Note a finding that makes the exit code at least as bad as `code`."""
        count = self._counts[code] = self._counts.get(code, 0) + 1
        if count <= _MOST_LINES:
            self.lines.append(line)
        elif count == _MOST_LINES + 1:
            self.lines.append("More findings of this kind are not listed.")

    def note(self, line: str) -> None:
        """Add a line that does not change the exit code."""
        self.lines.append(line)

    @property
    def exit_code(self) -> int:
        """The worst code found."""
        return next(code for code in _WORST_FIRST if code == CONSISTENT or code in self._counts)


def parse_time(text: str) -> datetime | None:
    """Return an entry's time, or None where it is not one."""
    try:
        return datetime.fromisoformat(text) if text.endswith("Z") else None
    except ValueError:
        return None


def age(text: str, now: datetime) -> float | None:
    """Return the seconds from an entry's time until `now`, or None where it has no time."""
    then = parse_time(text)
    return None if then is None else (now - then).total_seconds()


def in_words(seconds: float | None) -> str:
    """Return an age as a person says it."""
    if seconds is None:
        return "unknown"
    if seconds < 0:
        return "in the future"
    for unit, width in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = int(seconds // width)
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{int(seconds)} seconds"


def utc_now() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)
