"""Parses source within a deadline: a hostile file costs its budget and nothing more.

py-tree-sitter holds the GIL for a whole `parse(bytes)`; reading through a callback in slices lets the
screen breathe and lets the parse be stopped.
"""

from __future__ import annotations

import threading
import time

from tree_sitter import Language as Grammar
from tree_sitter import Parser, Point, Tree

from workbench.context.languages import Language, grammar

SLICE_BYTES = 16 * 1024
"""Some milliseconds' parsing."""
PARSE_SECONDS = 2.0
"""No real source file of up to 1 MiB takes a tenth of this."""

_OF_THREAD = threading.local()


def parse(source: bytes, language: Language) -> Tree | None:
    """Return the syntax tree of `source`, or None without a grammar or when the deadline passes."""
    loaded = grammar(language)
    if loaded is None:
        return None
    parser = _parser(language, loaded)
    deadline = time.monotonic() + PARSE_SECONDS

    def read(offset: int, _point: Point) -> bytes:
        return source[offset : offset + SLICE_BYTES]

    def late(_offset: int, _has_error: bool) -> bool:
        return time.monotonic() > deadline

    try:
        return parser.parse(read, progress_callback=late)
    except ValueError:
        parser.reset()
        return None


def _parser(language: Language, loaded: Grammar) -> Parser:
    """Return this thread's parser: making one takes longer than parsing a short file."""
    known: dict[str, Parser] = _OF_THREAD.__dict__.setdefault("parsers", {})
    if language.name not in known:
        known[language.name] = Parser(loaded)
    return known[language.name]
