"""Collects garbage while nobody is at the keys.

A full collection walks every object there is: with a diff of 100,000 rows on screen it stops the loop for a
tenth of a second and more, whenever it likes. Young objects are still collected as always, in microseconds.
"""

from __future__ import annotations

import gc
from typing import Final

from workbench.core import pace

EVERY_SECONDS: Final = 5.0
"""Between two looks whether to collect."""
WORTH_IT: Final = 10
"""Collections of the middle generation after which Python itself would collect everything."""
_NEVER: Final = 1_000_000


def take_over() -> None:
    """Keep Python from collecting everything by itself; what there is now stays for good."""
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _NEVER)


def tidy() -> None:
    """Collect everything, if it is worth it and nobody is at the keys."""
    if pace.quiet() and gc.get_count()[2] >= WORTH_IT:
        gc.collect()
