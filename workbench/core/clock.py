"""Tells the time as the ledger writes it: UTC, six digits, always the same width."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path


def utc_now() -> str:
    """Return the present time as `YYYY-MM-DDThh:mm:ss.ffffffZ`."""
    return utc_text(time.time_ns())


def utc_text(nanoseconds: int) -> str:
    """Return a time as `YYYY-MM-DDThh:mm:ss.ffffffZ`.

    Args:
        nanoseconds: Since 1970, in UTC.
    """
    second, rest = divmod(nanoseconds // 1_000, 1_000_000)
    return f"{_second(second)}.{rest:06d}Z"


@lru_cache(maxsize=2)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def monotonic_ns() -> int:
    """Return nanoseconds since boot, which no one can set back."""
    return (
        time.clock_gettime_ns(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic_ns()
    )


@cache
def boot_id() -> str:
    """Return the kernel's id of this boot, or `unknown` where there is none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return "unknown"
