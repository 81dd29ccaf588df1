"""Makes ids that sort by the time they were made: UUIDv7 (RFC 9562, section 5.7)."""

from __future__ import annotations

import os
import threading
import time

_lock = threading.Lock()
_last = 0


def uuid7() -> str:
    """Return a new UUIDv7; within one process later calls always sort after earlier ones."""
    global _last
    with _lock:
        # 48 bits of milliseconds and 12 bits of sub-millisecond time (RFC 9562, 6.2, method 3).
        now_ns = time.time_ns()
        stamp = ((now_ns // 1_000_000) << 12) | ((now_ns % 1_000_000) * 4096 // 1_000_000)
        _last = stamp = max(stamp, _last + 1)
    random_bits = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | random_bits
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def short(identifier: str) -> str:
    """Return the part of a UUIDv7 that a person can tell apart: its last eight digits."""
    return identifier[-8:]
