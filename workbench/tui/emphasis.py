"""Finds what changed inside a pair of lines: the words, not the letters, and never at any price.

Both lines are cut into words; what they share at both ends is taken away, and the rest is compared by the
longest common subsequence, up to a fixed number of steps. Where the rest is larger, all of it counts as
changed; where the lines have little in common, nothing is emphasised, because everything is new.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

MAX_STEPS = 4_096
"""Bounds one comparison to a fraction of a millisecond, on any input."""
MAX_LENGTH = 2_000
"""Characters of a line beyond which it is not compared."""
MIN_SHARED = 0.3
"""Share of characters that two lines must have in common to be called one line that was changed."""

Range = tuple[int, int]
"""First column, and the column after the last."""

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


def changed_words(old: str, new: str) -> tuple[tuple[Range, ...], tuple[Range, ...]]:
    """Return the ranges of `old` that went and those of `new` that came."""
    if max(len(old), len(new)) > MAX_LENGTH or old == new:
        return (), ()
    a, b = _WORDS.findall(old), _WORDS.findall(new)
    head = _shared(a, b)
    tail = _shared(a[head:][::-1], b[head:][::-1])
    inner_a, inner_b = a[head : len(a) - tail], b[head : len(b) - tail]
    kept_a, kept_b = _common(inner_a, inner_b)
    ends = [*a[:head], *a[len(a) - tail :]]
    shared = sum(
        map(len, map(str.strip, [*ends, *(word for word, kept in zip(inner_a, kept_a, strict=True) if kept)]))
    )
    if shared < MIN_SHARED * max(1, min(len(old.strip()), len(new.strip()))):
        return (), ()
    offset = sum(map(len, a[:head]))
    return _ranges(inner_a, kept_a, offset), _ranges(inner_b, kept_b, offset)


def likeness(old: str, new: str) -> float:
    """Return how much two lines have in common, from 0 to 1, by the words they hold in any order."""
    a, b = _counted(old), _counted(new)
    total = sum(len(word) * count for word, count in (a + b).items())
    return 2 * sum(len(word) * count for word, count in (a & b).items()) / total if total else 0.0


def _counted(text: str) -> Counter[str]:
    return Counter(word for word in _WORDS.findall(text[:MAX_LENGTH]) if not word.isspace())


def _shared(a: Sequence[str], b: Sequence[str]) -> int:
    count = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        count += 1
    return count


def _common(a: Sequence[str], b: Sequence[str]) -> tuple[list[bool], list[bool]]:
    """Mark the words of a longest common subsequence; none where looking for it would take too long."""
    kept_a, kept_b = [False] * len(a), [False] * len(b)
    if not a or not b or len(a) * len(b) > MAX_STEPS:
        return kept_a, kept_b
    lengths = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a) - 1, -1, -1):
        row, below = lengths[i], lengths[i + 1]
        for j in range(len(b) - 1, -1, -1):
            row[j] = below[j + 1] + 1 if a[i] == b[j] else max(below[j], row[j + 1])
    i = j = 0
    while i < len(a) and j < len(b):
        if a[i] == b[j]:
            kept_a[i] = kept_b[j] = True
            i, j = i + 1, j + 1
        elif lengths[i + 1][j] >= lengths[i][j + 1]:
            i += 1
        else:
            j += 1
    return kept_a, kept_b


def _ranges(words: Sequence[str], kept: Sequence[bool], start: int) -> tuple[Range, ...]:
    found: list[Range] = []
    for word, stays in zip(words, kept, strict=True):
        end = start + len(word)
        if not stays:
            # Blanks between two changed words belong to the change.
            if found and found[-1][1] == start:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
        start = end
    return tuple(found)
