"""Colours source text: which columns of which line are a keyword, a string, a comment.

Runs beside the event loop, over the whole file, because a line alone does not show whether it stands
inside a string. What is too large, or has a line long enough to make a pattern backtrack for seconds,
stays plain.
"""

from __future__ import annotations

import time
from functools import cache
from typing import TypeAlias

from workbench.tui.flow import TAB

MAX_CHARACTERS = 512_000
MAX_LINE = 2_000
"""A pattern's worst case grows with the line, and a running pattern cannot be stopped."""

TOKENS_AT_ONCE = 500
"""About a millisecond's."""
BREATH_SECONDS = 0.0005

Span: TypeAlias = tuple[int, int, str]
"""First column, column after the last, and the name of an ink."""
Spans: TypeAlias = tuple[tuple[Span, ...], ...]
"""The spans of each line, from the first line on."""

Coloured: TypeAlias = tuple[list[str], Spans]
"""The lines of a file as they are painted, and the spans of each."""


def coloured(text: str, language: str) -> Coloured:
    """Return the lines of a whole file with their spans; see `colour`."""
    return laid_out(text), colour(text, language)


def laid_out(text: str) -> list[str]:
    """Return the lines of `text` with tabs replaced by blanks, as they are painted."""
    return [line.expandtabs(TAB) if "\t" in line else line for line in text.split("\n")]


def colour(text: str, language: str) -> Spans:
    """Return the spans of each line of `text` as `laid_out` gives it; empty where there are none.

    Args:
        text: A whole file, safe to show.
        language: A Pygments alias; an unknown one gives no spans.
    """
    lines = laid_out(text)
    if not language or len(text) > MAX_CHARACTERS or max(map(len, lines), default=0) > MAX_LINE:
        return ()
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
    from pygments.util import ClassNotFound  # type: ignore[import-untyped]

    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return ()
    spans: list[list[Span]] = [[]]
    column = 0
    for number, (kind, value) in enumerate(lexer.get_tokens("\n".join(lines)), start=1):
        if not number % TOKENS_AT_ONCE:
            # The rows are on screen without colours: keys and other panes go first.
            time.sleep(BREATH_SECONDS)
        ink = _ink(kind)
        for index, piece in enumerate(value.split("\n")):
            if index:
                spans.append([])
                column = 0
            if ink and piece:
                spans[-1].append((column, column + len(piece), ink))
            column += len(piece)
    return tuple(tuple(line) for line in spans)


@cache
def _ink(kind: object) -> str:
    from pygments import token  # type: ignore[import-untyped]

    for family, ink in (
        (token.Comment, "comment"),
        (token.String, "string"),
        (token.Number, "number"),
        (token.Keyword, "keyword"),
        (token.Operator.Word, "keyword"),
        (token.Name.Function, "function"),
        (token.Name.Decorator, "function"),
        (token.Name.Class, "type"),
        (token.Name.Builtin, "type"),
        (token.Name.Exception, "type"),
        (token.Name.Tag, "keyword"),
        (token.Name.Attribute, "type"),
    ):
        if kind in family:
            return ink
    return ""
