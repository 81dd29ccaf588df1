"""Notices a clock that was set: back at any time, or forward while the machine was up.

Times in entries are what the writer's clock said. An entry is earlier than the one before it only if the
clock went back; and within one boot the time since then must have passed on the kernel's own clock too,
which no one can set. What does not fit is recorded before the entry that shows it (AU-8, PCI DSS 10.6).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from workbench.core import clock
from workbench.core.records import Json

TOLERANCE: Final = 60_000
"""Milliseconds that a clock may be put right by, within one boot, without a word."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the clocks said when an entry was written."""

    t: str
    milliseconds: int
    """The same, since 1970."""
    mono_ns: int
    """Nanoseconds since boot."""
    boot_id: str

    @classmethod
    def now(cls) -> Self:
        """Read the clocks."""
        wall = time.time_ns()
        return cls(clock.utc_text(wall), wall // 1_000_000, clock.monotonic_ns(), clock.boot_id())

    @classmethod
    def of(cls, body: Mapping[str, Json]) -> Self | None:
        """Return what an entry says, or None where it cannot be compared with."""
        t, mono = str(body.get("t")), str(body.get("mono_ns"))
        if not (mono.isascii() and mono.isdigit()):
            return None
        try:
            wall = datetime.fromisoformat(t).timestamp()
        except (ValueError, OverflowError):
            return None
        return cls(t, int(wall * 1_000), int(mono), str(body.get("boot_id")))


def anomaly(before: Reading, after: Reading) -> dict[str, Json] | None:
    """Return what `clock.anomaly` says about two readings, or None where they fit."""
    off = after.milliseconds - before.milliseconds
    if after.boot_id == before.boot_id:
        off -= (after.mono_ns - before.mono_ns) // 1_000_000
        if after.t >= before.t and abs(off) <= TOLERANCE:
            return None
    elif after.t >= before.t:
        return None
    return {"before": before.t, "after": after.t, "off_ms": off}
