"""Turns a path into the key that rules are matched on, and refuses paths no rule should have to judge.

A rule names a file as a person thinks of it; an attacker names it as a file system will still open it.
So rules and paths are compared by a folded key, while the file is opened by its raw name:

1. NFKC, then case folding, until nothing changes (`．ENV` and `.env` are one name).
2. Default-ignorable characters (zero width, bidi, variation selectors, tags) are removed.
3. Trailing dots and spaces of every component are removed; `.` and empty components disappear.

A path that is not a plain path beneath the worktree (see `Fault`) is refused before any rule is asked.

Sources: UAX #15 (NFKC), UAX #44 (Default_Ignorable_Code_Point), RFC 3986 section 3.1 (schemes).
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

# limit: PATH_MAX on Linux; nothing longer can be opened, and folding longer text is wasted work.
MAX_PATH_BYTES = 4096


class Fault(StrEnum):
    """Why a path is refused before any rule is asked; the value is the sentence shown to a person."""

    EMPTY = "the path is empty"
    TOO_LONG = f"the path is longer than {MAX_PATH_BYTES} bytes"
    NUL = "the path holds a NUL byte"
    NOT_UTF8 = "the name is not valid UTF-8"
    CONTROL = "the path holds a control character"
    FORMAT = "the path holds an invisible formatting character"
    SCHEME = "the path is a URL"
    ABSOLUTE = "the path is absolute"
    HOME = "the path starts with ~"
    BACKSLASH = "the path holds a backslash"
    PARENT = "the path holds a parent reference (..)"


# Every path that could have a fault is found by this one search; the others, nearly all, need no more.
_SUSPECT = re.compile(r"[^ -~]|[\\~]|://|\.\.|^/|^$")
_SCHEME = re.compile(r"(?:^|/)[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_UNTIDY = re.compile(r"[. ](?:/|$)|//|^/|/$")
_TRAILING = ". \u1680"
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_CONTROL = frozenset({"Cc", "Zl", "Zp"})


def fault(path: str) -> Fault | None:
    """Return why `path` is not a plain path beneath a worktree, or None where it is one."""
    if len(path) <= MAX_PATH_BYTES and not _SUSPECT.search(path):
        return None
    if not path:
        return Fault.EMPTY
    return _length_or_bytes(path) or _characters(path) or _shape(path)


def fold(path: str) -> str:
    """Return the key of `path`: what rules are matched on, never what is opened.

    Folding is idempotent, and two paths that some file system may treat as one have the same key.
    """
    text = path.lower() if path.isascii() else fold_text(path)
    if not _UNTIDY.search(text):
        return text
    parts = [part for part in text.split("/") if part not in ("", ".")]
    return "/".join(part.rstrip(_TRAILING) or part for part in parts)


def fold_text(text: str) -> str:
    """Return `text` under the first two rules: folded, without characters that cannot be seen."""
    # Removing characters can bring others together, and folding can undo composition: repeat until stable.
    for _ in range(8):
        folded = unicodedata.normalize("NFKC", _IGNORABLE.sub("", text)).casefold()
        if folded == text:
            break
        text = folded
    return text


def _length_or_bytes(path: str) -> Fault | None:
    try:
        size = len(path.encode("utf-8"))
    except UnicodeEncodeError:
        return Fault.NUL if "\0" in path else Fault.NOT_UTF8
    return Fault.TOO_LONG if size > MAX_PATH_BYTES else None


def _characters(path: str) -> Fault | None:
    if "\0" in path:
        return Fault.NUL
    categories = {unicodedata.category(char) for char in path}
    if categories & _CONTROL:
        return Fault.CONTROL
    return Fault.FORMAT if "Cf" in categories else None


def _shape(path: str) -> Fault | None:
    # NFKC, because a full-width slash or a two-dot leader must not build a path that was not checked.
    for text in (path, unicodedata.normalize("NFKC", path)):
        if _SCHEME.search(text):
            return Fault.SCHEME
        if text.startswith("/"):
            return Fault.ABSOLUTE
        if text.startswith("~"):
            return Fault.HOME
        if "\\" in text:
            return Fault.BACKSLASH
        if any(part.rstrip(" ") == ".." for part in text.split("/")):
            return Fault.PARENT
    return None
