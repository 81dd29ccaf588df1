"""Cuts a file into the pieces that a search finds and a prompt may hold: definitions, and what lies between.

The rules:

1. A function or method is one piece, with its decorators and the comment right above it; what is defined
   inside it belongs to it.
2. A class, or another definition that holds functions, is cut at them; what lies between is a piece that
   carries its name. One that holds none is a piece itself.
3. What is left (imports, constants, the text of a file without a grammar) is cut into `GAP_LINES` lines.
4. Every line with something on it is in exactly one piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.context.symbols import Symbol

GAP_LINES = 60
"""Longest piece that is no definition, in lines."""
COMMENT_LINES = 6
"""Longest comment above a definition that is taken as part of it, in lines."""
GAP = "gap"
"""The kind of a piece that is no definition of its own."""

_FUNCTIONS = frozenset({"function", "method", "macro"})
_COMMENTS = (b"#", b"//", b"/*", b"*", b"--")


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece of a file: whole lines."""

    name: str
    """What it defines; empty for the text between definitions at the top of a file."""
    qualified: str
    kind: str
    first_line: int
    """Counted from 1."""
    last_line: int
    start: int
    """First byte."""
    end: int
    """The byte after the last."""


def chunks(source: bytes, found: Sequence[Symbol]) -> tuple[Chunk, ...]:
    """Return the pieces of `source`, whose definitions are `found`, in the order of their lines."""
    lines = source.split(b"\n")
    offsets = _offsets(lines)
    owners = _owners(found)
    pieces: list[Chunk] = []
    taken = 0
    for symbol in owners:
        first = max(taken + 1, _with_comment(lines, symbol.first_line, taken))
        if symbol.last_line <= taken:
            continue  # a second definition on the same line
        pieces += _gaps(lines, offsets, taken + 1, first - 1, found)
        last = symbol.last_line
        pieces.append(
            Chunk(symbol.name, symbol.qualified, symbol.kind, first, last, offsets[first - 1], offsets[last])
        )
        taken = last
    pieces += _gaps(lines, offsets, taken + 1, len(lines), found)
    return tuple(pieces)


def _owners(found: Sequence[Symbol]) -> list[Symbol]:
    """Return the definitions that become pieces: outermost functions, and holders of no function."""
    owners: list[Symbol] = []
    end = -1
    for index, symbol in enumerate(found):
        if symbol.start < end:
            continue  # inside the last owner
        if symbol.kind in _FUNCTIONS or not _holds_functions(found, index):
            owners.append(symbol)
            end = symbol.end
    return owners


def _holds_functions(found: Sequence[Symbol], index: int) -> bool:
    outer = found[index]
    for inner in found[index + 1 :]:
        if inner.start >= outer.end:
            return False
        if inner.kind in _FUNCTIONS:
            return True
    return False


def _with_comment(lines: Sequence[bytes], first: int, taken: int) -> int:
    top = first
    while first - 1 > taken and lines[first - 2].strip().startswith(_COMMENTS):
        first -= 1
    # A long one is a text of its own, and would push code out of the prompt.
    return first if top - first <= COMMENT_LINES else top


def _gaps(
    lines: Sequence[bytes], offsets: Sequence[int], first: int, last: int, found: Sequence[Symbol]
) -> list[Chunk]:
    pieces: list[Chunk] = []
    for start in range(first, last + 1, GAP_LINES):
        stop = min(start + GAP_LINES - 1, last)
        low, high = start, stop
        while low <= high and not lines[low - 1].strip():
            low += 1
        while high >= low and not lines[high - 1].strip():
            high -= 1
        if low > high:
            continue
        around = _around(found, low)
        name, qualified = (around.name, around.qualified) if around else ("", "")
        pieces.append(Chunk(name, qualified, GAP, low, high, offsets[low - 1], offsets[high]))
    return pieces


def _around(found: Sequence[Symbol], line: int) -> Symbol | None:
    best: Symbol | None = None
    for symbol in found:
        if symbol.first_line > line:
            break
        if symbol.last_line >= line:
            best = symbol  # definitions come outer before inner
    return best


def _offsets(lines: Sequence[bytes]) -> list[int]:
    """Return where each line starts, and after the last one where the source ends."""
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line) + 1)
    offsets[-1] -= 1
    return offsets
