"""Turns the bytes of one file into what the index keeps of it.

Runs in the worker process: a file can be made so that a grammar takes minutes over it, or that a parser
holds every other thread up, and neither may reach the screen.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from workbench.context.chunks import Chunk, chunks
from workbench.context.index.store import Prepared
from workbench.context.languages import grammar, language_of
from workbench.context.symbols import symbols
from workbench.context.words import MAX_WORD, index_text

MAX_BYTES: Final = 1 << 20
"""A longer file is data, or generated."""
MAX_MEAN_LINE: Final = 400
"""Bytes; a file with longer lines is minified."""
MAX_CALLS: Final = 2_000
"""Names of one file whose calls are kept."""

_CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")


def prepare(path: str, blob: str, data: bytes) -> Prepared:
    """Return what the index keeps of the file at `path` whose content is `data`."""
    language = language_of(path)
    name = language.name if language else ""
    path_words = index_text(path.replace("/", " "))
    if not indexable(data):
        return Prepared(path, blob, len(data), name, "too long", (), (), (), path_words, ())
    state = "ok" if language is not None and grammar(language) is not None else "no grammar"
    found = symbols(data, language) if language else ()
    pieces = chunks(data, found)
    text = data.decode("utf-8", "replace")
    return Prepared(
        path,
        blob,
        len(data),
        name,
        state,
        pieces,
        tuple(index_text(data[each.start : each.end].decode("utf-8", "replace")) for each in pieces),
        tuple(_names(each) for each in pieces),
        path_words,
        _calls(text) if language else (),
    )


def quarantined(path: str, blob: str, data: bytes) -> Prepared:
    """Return what the index keeps of a file that could not be parsed in time: only its name."""
    language = language_of(path)
    name = language.name if language else ""
    path_words = index_text(path.replace("/", " "))
    return Prepared(path, blob, len(data), name, "quarantined", (), (), (), path_words, ())


def no_text(path: str, size: int) -> Prepared:
    """Return what the index keeps of a file that is no text: that it was looked at."""
    return Prepared(path, "", size, "", "no text", (), (), (), "", ())


def indexable(data: bytes) -> bool:
    """Return whether the content is text that people write: not too long, and in lines."""
    return len(data) <= MAX_BYTES and len(data) <= MAX_MEAN_LINE * (data.count(b"\n") + 1)


def _names(piece: Chunk) -> str:
    return index_text(piece.qualified.replace(".", " "))


def _calls(text: str) -> tuple[tuple[str, int], ...]:
    counted = Counter(name for name in _CALL.findall(text) if len(name) <= MAX_WORD)
    return tuple(counted.most_common(MAX_CALLS))
