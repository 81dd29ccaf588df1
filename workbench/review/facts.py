"""Says what the rows of a change cannot show by themselves: modes, line ends, indentation, hidden characters.

Each fact is one line, stands above the rows, and is part of what a decision is bound to.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from workbench.core.records import FileChange
from workbench.core.safe_text import decode, look_alikes, one_line, safe_text
from workbench.review.diff import Hunk

NAMED = 4
"""Characters or identifiers that one fact names; the rest is counted."""
_MARK = b"\xef\xbb\xbf"


def facts(change: FileChange, before: bytes, after: bytes, found: Sequence[Hunk]) -> tuple[str, ...]:
    """Return what a person must know of the change of one file, safe to show, one line each."""
    added = [line.data for hunk in found for line in hunk.lines if line.sign == "+"]
    told = (
        _existence(change),
        _line_ends(before, after),
        _byte_order_mark(before, after),
        _encoding(before, after),
        _indentation(before, added),
        _trailing(added),
        _hidden(added),
        _imitations(added),
    )
    return tuple(filter(None, told))


def _existence(change: FileChange) -> str:
    if change.before_sha256 is None:
        executable = ", executable" if change.mode & 0o111 else ""
        return f"new file, mode {change.mode & 0o777:03o}{executable}"
    return "the file is deleted" if change.after_sha256 is None else ""


def _line_ends(before: bytes, after: bytes) -> str:
    was, now = _ends(before), _ends(after)
    if not now or now == (was or "LF") or (was.count(" and ") and now.count(" and ")):
        return ""
    return f"line ends: {was} before, {now} after" if was else f"line ends: {now}"


def _ends(data: bytes) -> str:
    """Return how lines end in `data`: `CRLF`, `LF`, both with their numbers, or empty without any."""
    crlf = data.count(b"\r\n")
    lf = data.count(b"\n") - crlf
    if crlf and lf:
        return f"{crlf:,} CRLF and {lf:,} LF"
    return "CRLF" if crlf else "LF" if lf else ""


def _byte_order_mark(before: bytes, after: bytes) -> str:
    if before.startswith(_MARK) == after.startswith(_MARK) or not after:
        return ""
    return "byte order mark added" if after.startswith(_MARK) else "byte order mark removed"


def _encoding(before: bytes, after: bytes) -> str:
    bad = [name for name, data in (("before", before), ("after", after)) if not _is_utf8(data)]
    return f"not UTF-8 {' and '.join(bad)}: the bytes that cannot be read are shown as marks" if bad else ""


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _indentation(before: bytes, added: Iterable[bytes]) -> str:
    ours = _indents(before.split(b"\n"))
    theirs = _indents(added)
    if not (any(ours) and any(theirs)):
        return ""
    if theirs[0] and not ours[0]:
        return f"tabs: {theirs[0]:,} added lines indent with tabs, the file with blanks"
    if theirs[1] and not ours[1]:
        return f"tabs: {theirs[1]:,} added lines indent with blanks, the file with tabs"
    return ""


def _indents(lines: Iterable[bytes]) -> tuple[int, int]:
    tabs = blanks = 0
    for line in lines:
        tabs += line.startswith(b"\t")
        blanks += line.startswith(b"  ")
    return tabs, blanks


def _trailing(added: Iterable[bytes]) -> str:
    count = sum(line.rstrip(b"\r\n").endswith((b" ", b"\t")) for line in added)
    return f"blanks at the end of {count:,} added line{'' if count == 1 else 's'}" if count else ""


def _hidden(added: Iterable[bytes]) -> str:
    counts: Counter[str] = Counter()
    for line in added:
        counts.update(safe_text(decode(line.removesuffix(b"\n").removesuffix(b"\r"))).findings)
    if not counts:
        return ""
    named = [f"{name} x{count}" for name, count in counts.most_common(NAMED)]
    return "hidden characters added: " + ", ".join(named) + _more(len(counts))


def _imitations(added: Iterable[bytes]) -> str:
    words = dict.fromkeys(word for line in added if not line.isascii() for word in look_alikes(decode(line)))
    if not words:
        return ""
    named = [f"{one_line(word)} ({_letters(word)})" for word in list(words)[:NAMED]]
    return "identifiers that imitate others: " + ", ".join(named) + _more(len(words))


def _letters(word: str) -> str:
    foreign = dict.fromkeys(char for char in word if not char.isascii())
    return ", ".join(unicodedata.name(char, f"U+{ord(char):04X}").lower() for char in list(foreign)[:2])


def _more(count: int) -> str:
    return f" and {count - NAMED} more" if count > NAMED else ""
