"""Packs what one edit needs to see into the tokens there are: the symbol whole, its surroundings as they fit.

Nothing is ever truncated silently: what was left out is said in the text, and counted in the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workbench.context.symbols import Symbol
from workbench.core.records import FileContent, Span

ELISION = "... {count} lines not shown ..."


@dataclass(frozen=True, slots=True)
class Packed:
    """What goes into the prompt from one file."""

    text: str
    spans: tuple[Span, ...]
    """Exactly the bytes that are in `text`."""
    tokens: int
    lines_left_out: int


def pack_symbol(
    content: FileContent, symbol: Symbol | None, budget: int, count: Callable[[str], int]
) -> Packed | None:
    """Return the file around `symbol` within `budget` tokens, or None when not even the symbol fits.

    The whole file is taken where it fits. Otherwise the symbol, then the top of the file (imports and
    constants), then the lines around the symbol, widening while they fit.

    Args:
        content: The file, as read through the gate.
        symbol: What will be rewritten; None means the whole file.
        budget: Tokens this part of the prompt may take.
        count: The tokenizer's exact count.
    """
    text = content.data.decode("utf-8", "replace")
    whole = count(text)
    if whole <= budget:
        return Packed(text, (content.span(),), whole, 0)
    if symbol is None:
        return None
    lines = content.data.splitlines(keepends=True)
    chosen = set(range(symbol.first_line - 1, symbol.last_line))
    if _tokens(lines, chosen, count) > budget:
        return None
    for candidates in _widening(len(lines), symbol):
        wider = chosen | candidates
        if _tokens(lines, wider, count) > budget:
            break
        chosen = wider
    packed = _render(lines, chosen)
    return Packed(packed, _spans(content, lines, chosen), count(packed), len(lines) - len(chosen))


def _widening(total: int, symbol: Symbol) -> list[set[int]]:
    head = set(range(min(30, symbol.first_line - 1)))
    steps = [head]
    for reach in (10, 25, 50, 100, 200, 400, 800):
        low = max(0, symbol.first_line - 1 - reach)
        high = min(total, symbol.last_line + reach)
        steps.append(set(range(low, high)))
    return steps


def _runs(chosen: set[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for number in sorted(chosen):
        if runs and runs[-1][1] == number:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs


def _render(lines: list[bytes], chosen: set[int]) -> str:
    parts: list[str] = []
    position = 0
    for start, stop in _runs(chosen):
        if start > position:
            parts.append(ELISION.format(count=start - position) + "\n")
        parts.append(b"".join(lines[start:stop]).decode("utf-8", "replace"))
        position = stop
    if position < len(lines):
        parts.append(ELISION.format(count=len(lines) - position) + "\n")
    return "".join(parts)


def _tokens(lines: list[bytes], chosen: set[int], count: Callable[[str], int]) -> int:
    return count(_render(lines, chosen))


def _spans(content: FileContent, lines: list[bytes], chosen: set[int]) -> tuple[Span, ...]:
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line))
    return tuple(content.span(offsets[start], offsets[stop]) for start, stop in _runs(chosen))
