"""Names the running process so that a leftover of a killed one can be told from work in progress.

A process id alone is not enough: containers give every start the same few numbers.
"""

from __future__ import annotations

import os


def tag() -> str:
    """Return this process's id and start time, as used in the names of unfinished files."""
    process = os.getpid()
    return f"{process}-{_started(process)}"


def is_alive(text: str) -> bool:
    """Say whether the process that `tag` named still runs; text that is no tag names none."""
    process, _, started = text.partition("-")
    if not (process.isascii() and process.isdigit() and len(process) < 10):
        return False
    return started != "0" and _started(int(process)) == started


def _started(process: int) -> str:
    """Return the start time in clock ticks since boot (proc_pid_stat(5), field 22), or 0 if unknown."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            # The name in field 2 may hold spaces and brackets; the fields after the last one are plain.
            return file.read().rpartition(b")")[2].split()[19].decode("ascii")
    except (OSError, IndexError):
        return "0"
