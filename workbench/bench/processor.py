"""Counts the processor time of this process and of everything it started, as /proc knows it (proc(5)).

A process's own time and that of the children it has waited for stand in its `stat`; what still runs is found
by its parent. What was never waited for is lost, as it is for `times(2)`.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PARENT, _TIMES = 1, slice(11, 15)
"""Fields of `stat` behind the name: the parent; user and system time, own and of waited-for children."""


def processor_seconds() -> float:
    """Return the processor time, in seconds, of this process, of its descendants, and of those that ended."""
    ticks: dict[int, int] = {}
    children: defaultdict[int, list[int]] = defaultdict(list)
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            stat = Path(entry.path, "stat").read_bytes()
        except OSError:
            continue  # it has just ended, and its parent has its time
        # A name may hold anything, parentheses too; the last one ends it.
        fields = stat[stat.rindex(b")") + 2 :].split()
        process = int(entry.name)
        ticks[process] = sum(map(int, fields[_TIMES]))
        children[int(fields[_PARENT])].append(process)
    found, waiting = 0, [os.getpid()]
    while waiting:
        process = waiting.pop()
        found += ticks.get(process, 0)
        waiting += children[process]
    return found / _TICK
