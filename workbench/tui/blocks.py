"""Finds the runs of changed rows in a diff, and which deleted row became which inserted one."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from operator import attrgetter

from workbench.review import Row, RowKind
from workbench.tui.emphasis import likeness

MAX_ALIGNED = 24
"""Rows on either side of a block beyond which rows are paired by their place alone."""
MAX_COMPARISONS = 20_000
"""Pairs of rows that are compared in one diff; later blocks are paired by place."""
MIN_LIKENESS = 0.35

_CODES = {
    RowKind.CONTEXT: "c",
    RowKind.DELETE: "d",
    RowKind.INSERT: "i",
    RowKind.NOTE: "n",
    RowKind.WORD: "n",
    RowKind.OUTPUT: "n",
}
# By identity, because hashing a member of an enum is a call of Python.
_BY_IDENTITY = {id(kind): ord(_CODES.get(kind, "h")) for kind in RowKind}
_BLOCK = re.compile(rb"d[dn]*(?:i[in]*)?|i[in]*")


@dataclass(frozen=True, slots=True)
class Block:
    """One run of changed rows: those that go, then those that come."""

    start: int
    deleted: int
    """How many rows go, from `start` on."""
    first_inserted: int
    inserted: int
    end: int
    """The row after the last, notes included."""
    pairs: tuple[tuple[int, int], ...] | None
    """Which row became which, in order, where that was compared; None for pairing by place."""

    def partner(self, row: int) -> int:
        """Return the row that `row` became or came from, or -1."""
        if self.pairs is not None:
            return next((b if row == a else a for a, b in self.pairs if row in (a, b)), -1)
        place = row - self.start
        if 0 <= place < self.deleted:
            return self.first_inserted + place if place < self.inserted else -1
        place = row - self.first_inserted
        return self.start + place if 0 <= place < min(self.inserted, self.deleted) else -1

    def side_by_side(self) -> Iterator[tuple[int, int]]:
        """Yield what stands on the left and on the right of each line, -1 for nothing."""
        pairs = self.pairs
        if pairs is None:
            places = range(min(self.deleted, self.inserted))
            pairs = tuple((self.start + place, self.first_inserted + place) for place in places)
        left, right = self.start, self.first_inserted
        for a, b in pairs:
            yield from zip_longest(range(left, a), range(right, b), fillvalue=-1)
            yield a, b
            left, right = a + 1, b + 1
        # A note about a side's last line stands on that side.
        yield from zip_longest(range(left, self.first_inserted), range(right, self.end), fillvalue=-1)


class Blocks:
    """The blocks of one diff, in order."""

    def __init__(self, rows: Sequence[Row], texts: Sequence[str]) -> None:
        """Find them; takes some tenths of a second for 100,000 rows."""
        self.kinds = bytes(map(_BY_IDENTITY.__getitem__, map(id, map(attrgetter("kind"), rows))))
        """One letter a row: `c`, `d`, `i`, `n`, or `h` for a heading."""
        self._left = MAX_COMPARISONS
        self.all = [self._block(match, texts) for match in _BLOCK.finditer(self.kinds)]
        self._starts = [block.start for block in self.all]

    def at(self, row: int) -> Block | None:
        """Return the block that holds `row`."""
        place = bisect_right(self._starts, row) - 1
        block = self.all[place] if place >= 0 else None
        return block if block is not None and row < block.end else None

    def partner(self, row: int) -> int:
        """Return the row that `row` became or came from, or -1."""
        block = self.at(row)
        return -1 if block is None else block.partner(row)

    def _block(self, match: re.Match[bytes], texts: Sequence[str]) -> Block:
        start, end = match.span()
        inserted_at = self.kinds.find(b"i", start, end)
        first = inserted_at if inserted_at >= 0 else end
        deleted = self.kinds.count(b"d", start, first)
        inserted = self.kinds.count(b"i", first, end)
        pairs = None
        work = deleted * inserted
        if deleted != inserted and work and max(deleted, inserted) <= MAX_ALIGNED and work <= self._left:
            self._left -= work
            pairs = _aligned(texts[start : start + deleted], texts[first : first + inserted])
            pairs = tuple((start + a, first + b) for a, b in pairs)
        return Block(start, deleted, first, inserted, end, pairs)


def _aligned(old: Sequence[str], new: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Pair lines in order so that the pairs are as alike as can be."""
    alike = [[likeness(a, b) for b in new] for a in old]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            skip = max(best[i + 1][j], best[i][j + 1])
            both = alike[i][j] + best[i + 1][j + 1] if alike[i][j] >= MIN_LIKENESS else 0.0
            best[i][j] = max(skip, both)
    pairs, i, j = [], 0, 0
    while i < len(old) and j < len(new):
        if best[i][j] == best[i + 1][j]:
            i += 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            pairs.append((i, j))
            i, j = i + 1, j + 1
    return tuple(pairs)
