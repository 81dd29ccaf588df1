"""Waits for a child process with a limit."""

from __future__ import annotations

import os
import select
import signal


def wait(child: int, *, seconds: float) -> int | None:
    """Return the exit code of `child` (negative: its signal), or None if it was killed as too slow."""
    ended = _ends_in_time(child, seconds)
    if not ended:
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if ended else None


def _ends_in_time(child: int, seconds: float) -> bool:
    try:
        handle = os.pidfd_open(child)
    except OSError:
        return True  # before Linux 5.3 nothing can be waited on with a limit; wait without one
    try:
        waiting = select.poll()
        waiting.register(handle, select.POLLIN)
        return bool(waiting.poll(seconds * 1000))
    finally:
        os.close(handle)
