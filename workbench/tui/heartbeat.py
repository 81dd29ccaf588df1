"""Notes when the event loop stood still; only for `workbench bench latency`, which reads the notes.

A line holds the moment the loop ran again, in seconds of the monotonic clock that all processes share, and
the seconds for which it had not run.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

VARIABLE = "WORKBENCH_HEARTBEAT"
"""The environment variable that names the file; without it nothing is noted."""
BEAT = 0.004
"""Seconds between two looks at the clock."""
WORTH_NOTING = 0.01
"""Seconds the loop may be late without a note."""


def wanted() -> Path | None:
    """Return where the notes go, or None in the ordinary case."""
    name = os.environ.get(VARIABLE, "")
    return Path(name) if name.startswith("/") else None


async def beat(path: Path) -> None:
    """Write a note to `path` each time the loop was late."""
    with path.open("a", encoding="ascii", buffering=1) as notes:
        before = time.monotonic()
        while True:
            await asyncio.sleep(BEAT)
            now = time.monotonic()
            late = now - before - BEAT
            if late > WORTH_NOTING:
                notes.write(f"{now:.6f} {late:.6f}\n")
            before = now
