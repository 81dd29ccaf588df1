"""Checks the text of a change: that it parses, is complete, loses nothing unasked and hides nothing."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import PurePosixPath

from workbench.broker import Broker
from workbench.checks.draft import Draft
from workbench.checks.found import FAIL, PASS, SKIPPED, WARN, Found, Work, listed
from workbench.context import new_faults
from workbench.core.safe_text import decode, look_alikes, one_line, safe_text

SHRUNK_TO = 0.6
"""A file that keeps less than this share of its bytes has lost more than a rewrite of one symbol explains."""

_ELISION = re.compile(
    r"^\s*(?:#|//|/\*|--|<!--|\.\.\.)\s*(?:\.{3}\s*)?"
    r"(?:(?:the\s+)?(?:rest|remainder)\s+of\b.*"
    r"|(?:existing|remaining|previous|other)\s+(?:code|methods?|functions?|implementation)\b"
    r"(?:[^\w\n]*|.*(?:\.{3}|…|\b(?:here|unchanged|omitted|same|as before|as is)\b).*)"
    r"|(?:code\s+)?(?:unchanged|omitted)\b.*|\d+ lines not shown.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_STRAY = re.compile(r"^(?:```|<{7} |={7}$|>{7} |<\|im_(?:start|end)\|>)", re.MULTILINE)
_PROSE = frozenset({".md", ".rst", ".txt", ".adoc", ".markdown"})
"""Where fences and rules of `=======` are how the text is written."""


def syntax(draft: Draft, _broker: Broker) -> Found:
    """Say whether the change brings a syntax error that was not there."""
    if draft.deleted:
        return SKIPPED, "the file goes"
    reader = _READERS.get(PurePosixPath(draft.path).suffix.lower())
    if draft.language is None and reader is not None:
        fault = reader(draft.after)
        if fault and not (draft.before is not None and reader(draft.before)):
            return FAIL, fault
        return PASS, "no new error"
    if draft.language is None:
        return SKIPPED, "no grammar for this kind of file"
    faults = new_faults(draft.before or b"", draft.after, draft.language)
    if faults:
        return FAIL, "; ".join(str(fault) for fault in faults[:3])
    return PASS, f"no new error in {draft.language.name}"


def elisions(draft: Draft, _broker: Broker) -> Found:
    """Say whether the text stands for other text, or carries marks that are not part of a file."""
    before, after = decode(draft.before or b""), decode(draft.after)
    prose = PurePosixPath(draft.path).suffix.lower() in _PROSE
    for pattern, what in ((_ELISION, "a placeholder"), (_STRAY, "a stray marker")):
        if prose and pattern is _STRAY:
            continue
        old = {match.group().strip() for match in pattern.finditer(before)}
        new = [match for match in pattern.finditer(after) if match.group().strip() not in old]
        if new:
            line = (
                after.count("\n", 0, new[0].start() + len(new[0].group()) - len(new[0].group().lstrip())) + 1
            )
            return FAIL, f"{what} in line {line}: {one_line(new[0].group().strip())[:60]}"
    return PASS, "none"


def vanished(work: Work) -> Found:
    """Say whether definitions go, or a file shrinks, although nobody asked for that."""
    after = {symbol.qualified for draft in work.drafts for symbol in draft.symbols_after}
    worst, told = SKIPPED, ["a new file"]
    for draft in work.drafts:
        verdict, evidence = _lost(draft, after)
        if verdict is worst:
            told.append(evidence)
        elif (SKIPPED, PASS, WARN, FAIL).index(verdict) > (SKIPPED, PASS, WARN, FAIL).index(worst):
            worst, told = verdict, [evidence]
    return worst, listed(told, "; ")


def _lost(draft: Draft, after: set[str]) -> Found:
    if draft.before is None:
        return SKIPPED, "a new file"
    if draft.deleted:
        name = draft.path.rpartition("/")[2]
        return (WARN if name in draft.task else FAIL), f"the file {one_line(name)} goes"
    gone = [symbol.qualified for symbol in draft.symbols_before if symbol.qualified not in after]
    if gone:
        named = all(name.rpartition(".")[2] in draft.task for name in gone)
        return (WARN if named else FAIL), "gone: " + listed(gone)
    size = (len(draft.before), len(draft.after))
    if draft.target is None and size[1] < size[0] * SHRUNK_TO:
        return FAIL, f"the file shrinks from {size[0]:,} to {size[1]:,} bytes"
    return PASS, f"{len(draft.symbols_after)} definitions kept or added"


def hidden(draft: Draft, _broker: Broker) -> Found:
    """Say whether the change brings characters that hide, reorder or imitate others."""
    before, after = decode(draft.before or b""), decode(draft.after)
    old, new = safe_text(before).findings, safe_text(after).findings
    fresh = {name: count - old.get(name, 0) for name, count in new.items() if count > old.get(name, 0)}
    fresh.pop("U+000D CONTROL", None) if b"\r\n" in (draft.before or b"") else None
    imitations = sorted(set(look_alikes(after)) - set(look_alikes(before)))
    if fresh or imitations:
        return WARN, listed([f"{count}x {name}" for name, count in fresh.items()] + imitations)
    return PASS, "none"


def _json_fault(data: bytes) -> str:
    try:
        json.loads(data)
    except json.JSONDecodeError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError):
        return "not JSON"
    return ""


def _toml_fault(data: bytes) -> str:
    try:
        tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        return one_line(str(error))[:120]
    return ""


_READERS = {".json": _json_fault, ".toml": _toml_fault}
