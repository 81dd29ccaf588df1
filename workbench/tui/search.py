"""Looks for words in rows of text: found beside the loop, marked where rows are painted."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

MAX_RANGES = 200
"""Marks in one row; a row of one letter a million times stays cheap to paint."""


class Search:
    """What is looked for, and the rows that hold it."""

    def __init__(self, query: str, texts: Sequence[str]) -> None:
        """Look for `query` in `texts`; upper case counts only where it is typed."""
        self.query = query
        self._pattern = re.compile(re.escape(query), 0 if query != query.lower() else re.IGNORECASE)
        find = self._pattern.search
        self.rows: list[int] = [row for row, text in enumerate(texts) if find(text)] if query else []
        """The rows in which it was found."""
        self._at = 0

    def start_at(self, row: int) -> int:
        """Begin with the first find from `row` on, round the end, and return its row."""
        self._at = bisect_left(self.rows, row) % len(self.rows)
        return self.rows[self._at]

    def step(self, direction: int) -> int:
        """Go on to the next find (1) or back (-1), round the end, and return its row."""
        self._at = (self._at + direction) % len(self.rows)
        return self.rows[self._at]

    def is_at(self, row: int) -> bool:
        """Return whether `row` is the find that was gone to."""
        return bool(self.rows) and self.rows[self._at] == row

    def ranges(self, text: str) -> list[tuple[int, int]]:
        """Return the columns in `text` at which it stands."""
        if not self.query:
            return []
        found = []
        for match in self._pattern.finditer(text):
            found.append(match.span())
            if len(found) == MAX_RANGES:
                break
        return found

    @property
    def words(self) -> str:
        """What was found, in words."""
        if not self.rows:
            return f'"{self.query}" is not found'
        return f'"{self.query}" {self._at + 1:,} of {len(self.rows):,}'
