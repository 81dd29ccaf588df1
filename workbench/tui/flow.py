"""Lays text out in terminal cells: cuts, folds and wraps without ever dropping what a person must see."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len

TAB = 4
"""Columns between tab stops, in code."""


def cells(text: str) -> int:
    """Return how many columns `text` takes."""
    return len(text) if text.isascii() else cell_len(text)


@lru_cache(maxsize=4096)
def columns(char: str) -> int:
    """Return how many columns one character takes by itself."""
    return cell_len(char)


def clip(text: str, width: int) -> str:
    """Return `text` cut at the end to `width` columns; an ellipsis says that it was cut."""
    if cells(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    kept = text[: width - 1]
    while cells(kept) > width - 1:
        kept = kept[:-1]
    return kept + "…"


def clip_start(text: str, width: int) -> str:
    """Return `text` cut at its start to `width` columns: of a path, the end matters most."""
    if cells(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    kept = text[-(width - 1) :]
    while cells(kept) > width - 1:
        kept = kept[1:]
    return "…" + kept


def pad(text: str, width: int) -> str:
    """Return `text` cut or filled with blanks to exactly `width` columns."""
    text = clip(text, width)
    return text + " " * (width - cells(text))


def fold(text: str, width: int) -> list[str]:
    """Return `text` in pieces of at most `width` columns, cut wherever the column ends: for code."""
    width = max(1, width)
    if text.isascii():
        return [text[start : start + width] for start in range(0, len(text), width)] or [""]
    # rich's own `chop_cells` drops characters that it takes for modifiers of nothing.
    pieces, start, used, width = [], 0, 0, max(2, width)
    for index, char in enumerate(text):
        taken = columns(char)
        if index > start and used + taken > width:
            pieces.append(text[start:index])
            start, used = index, 0
        used += taken
    return [*pieces, text[start:]]


def wrap(text: str, width: int, hang: int = 0) -> list[str]:
    """Return `text` in lines of at most `width` columns, cut between words where it can be: for prose.

    Args:
        text: May hold newlines and tabs.
        width: In columns.
        hang: Blanks before the second and further lines of each paragraph.
    """
    width = max(4, width)
    lines: list[str] = []
    for paragraph in text.expandtabs(TAB).split("\n"):
        lines += _wrap_paragraph(paragraph, width, min(hang, width // 2))
    return lines


def _wrap_paragraph(paragraph: str, width: int, hang: int) -> list[str]:
    if cells(paragraph) <= width:
        return [paragraph]
    margin = min(len(paragraph) - len(paragraph.lstrip(" ")), width // 2)
    line, indent = " " * margin, " " * (hang or margin)
    lines: list[str] = []
    for word in paragraph.strip(" ").split(" "):
        gap = "" if not line.strip(" ") else " "
        if cells(line) + len(gap) + cells(word) <= width:
            line += gap + word
            continue
        if line.strip(" "):
            lines.append(line)
            line = indent
        pieces = fold(word, width - max(len(line), len(indent)))
        lines += [line + pieces[0], *(indent + piece for piece in pieces[1:])]
        line = lines.pop()
    lines.append(line)
    return lines
