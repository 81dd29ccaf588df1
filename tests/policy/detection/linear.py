"""Reads a compiled pattern's parse tree: how much it can try from one place, and what would hurt it most."""

from __future__ import annotations

import importlib
import re
from typing import Any

_parser: Any = importlib.import_module("re._parser")
_names: Any = importlib.import_module("re._constants")

UNBOUNDED = 10**12
_PRINTABLE = b"a0A-_./+= :'\"\n"


def parse(pattern: re.Pattern[bytes]) -> Any:
    """Return the parse tree of `pattern`."""
    return _parser.parse(pattern.pattern, pattern.flags)


def steps(pattern: re.Pattern[bytes]) -> int:
    """Return an upper bound of the steps the engine takes from one place, whatever it tries there."""
    return _work(parse(pattern))


def _work(tree: Any) -> int:
    total, entries = 0, 1
    for operation, argument in tree:
        work, ways = _part(str(operation), argument)
        total = min(UNBOUNDED, total + entries * work)
        entries = min(UNBOUNDED, entries * ways)
    return total


def _ways(tree: Any) -> int:
    """Return in how many ways the engine can leave `tree`: what multiplies the work of all that follows."""
    total = 1
    for operation, argument in tree:
        total = min(UNBOUNDED, total * _part(str(operation), argument)[1])
    return total


def _part(operation: str, argument: Any) -> tuple[int, int]:
    """Return the work of one part, and in how many ways it can be left."""
    if operation in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        low, high, body = int(argument[0]), int(argument[1]), argument[2]
        work, ways = _work(body), _ways(body)
        if operation == "POSSESSIVE_REPEAT":
            # Left only once. Unbounded ones are walked once over the text, which the piece bounds.
            once = min(high, 20_000) * max(1, work)
            return (once if ways == 1 else min(UNBOUNDED, work * ways ** min(high, 40)), 1)
        if high > 1_000:
            return UNBOUNDED, UNBOUNDED
        if ways == 1:
            return high * max(1, work), high - low + 1
        return min(UNBOUNDED, sum(work * ways**n for n in range(high + 1))), min(UNBOUNDED, ways**high)
    if operation == "BRANCH":
        return sum(_work(branch) + 1 for branch in argument[1]), sum(_ways(branch) for branch in argument[1])
    if operation == "SUBPATTERN":
        return _work(argument[-1]), _ways(argument[-1])
    if operation == "ATOMIC_GROUP":
        return _work(argument), 1
    if operation in {"ASSERT", "ASSERT_NOT"}:
        return _work(argument[1]), 1
    return 1, 1


def almost(tree: Any, *, longest: bool) -> bytes:
    """Return text that `tree` matches, with every repetition as long (or as short) as it may be."""
    text = b""
    for operation, argument in tree:
        text += _almost(str(operation), argument, text, longest=longest)
    return text


def _almost(operation: str, argument: Any, before: bytes, *, longest: bool) -> bytes:
    if operation == "LITERAL":
        return bytes([argument])
    if operation == "NOT_LITERAL":
        return b"x" if argument != ord("x") else b"y"
    if operation == "ANY":
        return b"x"
    if operation == "IN":
        return _member(argument)
    if operation in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        low, high, body = int(argument[0]), int(argument[1]), argument[2]
        return almost(body, longest=longest) * (min(high, 400) if longest else low)
    if operation == "BRANCH":
        branches = sorted((almost(branch, longest=longest) for branch in argument[1]), key=len)
        return branches[-1 if longest else 0]
    if operation == "SUBPATTERN":
        return almost(argument[-1], longest=longest)
    if operation == "ATOMIC_GROUP":
        return almost(argument, longest=longest)
    if operation == "GROUPREF":
        return before[-3:-2] or b"-"
    return b""


def _member(items: Any) -> bytes:
    negated = [item for item in items if str(item[0]) == "NEGATE"]
    for candidate in _PRINTABLE:
        if any(_holds(item, candidate) for item in items) != bool(negated):
            return bytes([candidate])
    for candidate in range(256):
        if any(_holds(item, candidate) for item in items) != bool(negated):
            return bytes([candidate])
    return b"x"


def _holds(item: Any, candidate: int) -> bool:
    operation, argument = str(item[0]), item[1]
    if operation == "LITERAL":
        return bool(argument == candidate)
    if operation == "RANGE":
        return bool(argument[0] <= candidate <= argument[1])
    if operation == "CATEGORY":
        name = str(argument)
        found = (
            chr(candidate).isdigit()
            if "DIGIT" in name
            else chr(candidate).isspace()
            if "SPACE" in name
            else candidate == 95 or (candidate < 128 and chr(candidate).isalnum())
        )
        return found != ("NOT" in name)
    return False
