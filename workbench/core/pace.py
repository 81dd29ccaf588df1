"""Lets work that nobody waits for give way to whoever is at the keys.

Python runs one thread at a time, so background work is felt in every key. The screen says when a key was
pressed; background work asks between its steps whether to rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

QUIET_SECONDS: Final = 1.0
"""Without a key for as long, background work goes on."""
_NAP_SECONDS: Final = 0.05

_pressed = float("-inf")


def pressed() -> None:
    """Note that a key was pressed just now."""
    global _pressed
    _pressed = time.monotonic()


def quiet() -> bool:
    """Return whether no key was pressed for `QUIET_SECONDS`."""
    return time.monotonic() - _pressed >= QUIET_SECONDS


def give_way(unless: Callable[[], bool]) -> None:
    """Rest until it is `quiet`, or until `unless` says that it is not the time."""
    while not quiet() and not unless():
        time.sleep(_NAP_SECONDS)
