"""Measures texts once, so that folding them to another width costs milliseconds, whatever their number.

A width is looked up in a table of heights, in C. A text with wide characters gets one line more than it may
need: where a wide character does not fit at the edge, it starts the next line.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate

from workbench.tui.flow import columns

_ROOM = 8
"""Columns that texts get at least, however narrow the pane."""
_LOOSE = 1 << 31
"""Added to the width of a text that is not ASCII."""


class Measured:
    """Texts and the columns each of them takes."""

    __slots__ = ("_distinct", "texts", "widest", "widths")

    def __init__(self, texts: Sequence[str]) -> None:
        """Measure `texts`, tabs already replaced."""
        self.texts = texts
        self.widths = array("L", map(len, texts))
        if not all(map(str.isascii, texts)):
            for index, text in enumerate(texts):
                if not text.isascii():
                    self.widths[index] = _LOOSE + sum(map(columns, text))
        self._distinct = frozenset(self.widths)
        self.widest = max((width & ~_LOOSE for width in self._distinct), default=0)

    def heights(self, room: int) -> array[int] | None:
        """Return how many lines of `room` columns each text takes; None when each takes one."""
        room = max(_ROOM, room)
        if self.widest <= room:
            return None
        table = {width: _height(width, room) for width in self._distinct}
        return array("L", map(table.__getitem__, self.widths))


def starts(heights: array[int] | None) -> array[int] | None:
    """Return the first line of each text, and the number of all lines at the end; None when one is one."""
    return None if heights is None else array("L", accumulate(heights, initial=0))


def room_for(columns: int) -> int:
    """Return the columns that a text is folded to in a pane that has `columns` for it."""
    return max(_ROOM, columns)


def _height(width: int, room: int) -> int:
    plain = width & ~_LOOSE
    if plain <= room:
        return 1
    return -(-plain // (room - 1 if width & _LOOSE else room))
