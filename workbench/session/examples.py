"""Suggests tasks that make sense in this very repository, for a person who looks at an empty prompt."""

from __future__ import annotations

import re

from workbench.broker import Broker
from workbench.context import Symbol, enclosing, is_test, language_of, symbols
from workbench.core.records import Effect, FileContent, Principal
from workbench.core.safe_text import decode, one_line

LOOKED_AT = 8
"""Files read for suggestions; every one is a read on record."""
SUGGESTIONS = 3

_MARK = re.compile(r"(?:#|//)\s*(?:FIXME|TODO)\b[:\s]*(.{8,120})")


def suggest(broker: Broker, actor: Principal) -> tuple[str, ...]:
    """Return up to three tasks: what comments ask for, functions without a docstring, long functions."""
    sources = [
        path
        for path in broker.list(actor=actor)
        if language_of(path) and not is_test(path) and broker.policy.read(path).effect is Effect.ALLOW
    ]
    marked: list[str] = []
    plain: list[str] = []
    for content in broker.read_many(sources[:LOOKED_AT], actor=actor, purpose="examples"):
        language = language_of(content.path)
        found = symbols(content.data, language) if language else ()
        marked += _from_comments(content, found)
        plain += _from_functions(content, found)
    return tuple([*marked, *plain][:SUGGESTIONS])


def _from_comments(content: FileContent, found: tuple[Symbol, ...]) -> list[str]:
    tasks = []
    for number, line in enumerate(decode(content.data).split("\n"), 1):
        match = _MARK.search(line)
        symbol = enclosing(found, number) if match else None
        if match and symbol:
            asked = one_line(match[1].strip().rstrip("."))
            tasks.append(f"Fix `{symbol.qualified}` in {one_line(content.path)}: {asked}")
    return tasks


def _from_functions(content: FileContent, found: tuple[Symbol, ...]) -> list[str]:
    if not content.path.endswith(".py"):
        return [
            f"Explain in a comment what `{s.qualified}` in {one_line(content.path)} does" for s in found[:1]
        ]
    functions = [symbol for symbol in found if symbol.kind in ("function", "method")]
    path = one_line(content.path)
    bare = [symbol for symbol in functions if b'"""' not in content.data[symbol.start : symbol.end]]
    tasks = [f"Add a docstring to `{s.qualified}` in {path}" for s in bare if not s.name.startswith("_")]
    if functions:
        longest = max(functions, key=lambda symbol: symbol.end - symbol.start)
        tasks.append(f"Make `{longest.qualified}` in {path} easier to read, with the same behaviour")
    return tasks[:2]
