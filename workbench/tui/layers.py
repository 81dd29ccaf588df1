"""Paints one line of code in layers: syntax below, changed words above it, what was searched for on top."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from rich.segment import Segment
from rich.style import Style

Layer: TypeAlias = tuple[int, int, Style]
"""First column, column after the last, and the style that is put over the row's own."""


def overlay(below: Sequence[Layer], above: Sequence[Layer]) -> list[Layer]:
    """Return both, sorted; where they meet, `above` is what shows. Neither may overlap itself."""
    if not above:
        return list(below)
    left: list[Layer] = []
    for start, end, style in below:
        for top_start, top_end, _ in above:
            if top_end <= start or top_start >= end:
                continue
            if top_start > start:
                left.append((start, top_start, style))
            start = max(start, top_end)
            if start >= end:
                break
        if start < end:
            left.append((start, end, style))
    return sorted([*left, *above], key=lambda layer: layer[0])


def coloured(text: str, offset: int, layers: Iterable[Layer], ink: Style) -> list[Segment]:
    """Return `text`, from column `offset` of its line on, in the styles of sorted `layers` over `ink`."""
    segments: list[Segment] = []
    at, end = offset, offset + len(text)
    for start, stop, style in layers:
        start, stop = max(start, at), min(stop, end)
        if start >= stop:
            continue
        if start > at:
            segments.append(Segment(text[at - offset : start - offset], ink))
        segments.append(Segment(text[start - offset : stop - offset], ink + style))
        at = stop
    if at < end:
        segments.append(Segment(text[at - offset :], ink))
    return segments
