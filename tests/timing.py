"""Measures how long something takes in a way that neither a slow machine nor a busy one can spoil.

A fixed piece of work is timed just before and just after; what was measured is divided by how much slower
that work went than on the machine the limits were written on. What counts is the thread's own processor time.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_WORK_SECONDS = 0.0023
"""What `_work` takes on the machine the limits were written on."""
_NUMBERED = re.compile(rb"[a-z]+(\d+)[a-z]*;")
_TEXT = b"".join(b"word%dx;" % number for number in range(4000))


class Taken:
    """The seconds that something took."""

    seconds = 0.0


def _work() -> int:
    total = sum(int(match[1]) for match in _NUMBERED.finditer(_TEXT))
    table = {str(number): number for number in range(4000)}
    for key in sorted(table):
        total ^= table[key]
    return total


def _slowness() -> float:
    """Return how many times slower than expected this machine is now, and at least 1."""
    spent = []
    for _ in range(3):
        began = time.thread_time()
        _work()
        spent.append(time.thread_time() - began)
    return max(1.0, sorted(spent)[1] / _WORK_SECONDS)


@contextmanager
def stopwatch(clock: Callable[[], float] = time.thread_time) -> Iterator[Taken]:
    """Measure what is done inside, in seconds of the machine the limits were written on."""
    taken, before = Taken(), _slowness()
    began = clock()
    yield taken
    spent = clock() - began
    taken.seconds = spent / max(before, _slowness())


def seconds_of(act: Callable[[], object], *, rounds: int = 3) -> float:
    """Return the least that an act took of several times."""
    spent = []
    for _ in range(rounds):
        with stopwatch() as taken:
            act()
        spent.append(taken.seconds)
    return min(spent)
