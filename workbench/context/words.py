"""Cuts text into the words that an index knows: every identifier whole and in its parts, in lower case.

`parseHTTPDate` is found by `parse`, by `http date` and by its own name. Numbers and words of more than
`MAX_WORD` characters are left out: they are values, keys and digests, not names, and an index is no place
for those.
"""

from __future__ import annotations

import re
from functools import lru_cache

MAX_WORD = 48
"""Characters; a longer run is a value, not a name."""

_WORD = re.compile(r"[^\W\d]\w*")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\W\dA-Za-z_]+")
_DIGITS_OF_A_VALUE = 6
"""A word with this many digits is a digest or a serial number."""

STOPWORDS = frozenset(
    "a an and any are as at be but by can do does for from has have if in into is it its make new no not of"
    " on or should so some than that the their them then there these they this to use used when where which"
    " will with you".split()
)
"""Words of a request that say nothing about where in the code it belongs."""


def identifiers(text: str) -> list[str]:
    """Return the identifiers and words of `text`, as written, in their order."""
    return _WORD.findall(text)


def index_text(text: str) -> str:
    """Return `text` as the words an index is given: lower case, identifiers whole and in parts."""
    return " ".join(filter(None, map(_forms, _WORD.findall(text))))


def query_words(text: str) -> list[str]:
    """Return the distinct words to look for, without those that every request has."""
    found: dict[str, None] = {}
    for word in _WORD.findall(text):
        for form in _forms(word).split():
            if form not in STOPWORDS and len(form) > 1:
                found[form] = None
    return list(found)


@lru_cache(maxsize=1 << 18)
def _forms(word: str) -> str:
    if len(word) > MAX_WORD or sum(char.isdigit() for char in word) >= _DIGITS_OF_A_VALUE:
        return ""
    parts = [part.lower() for part in _PART.findall(word)]
    whole = word.replace("_", "").lower()
    if len(parts) <= 1:
        return parts[0] if parts and parts[0] == whole else " ".join([*parts, whole]).strip()
    return " ".join([*parts, whole])
