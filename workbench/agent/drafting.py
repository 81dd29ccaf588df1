"""Makes a draft of what an agent has written: protected values go back, and offsets become the file's own.

An agent works on the text it was given, in which placeholders stand for protected values; every offset it
computes is an offset of that text. Here, and only here, both the text and the target become those of the
file on disk, so that everything after (checks, diff, decision, write) is about real bytes. Outside
placeholders the two texts are equal, so an offset maps exactly; a placeholder is one word, so no definition
begins or ends inside one.
"""

from __future__ import annotations

from dataclasses import replace

from workbench.broker import Broker
from workbench.checks import Draft
from workbench.context import Symbol
from workbench.core.records import FileContent


def draft_of(broker: Broker, content: FileContent, symbol: Symbol | None, after: bytes, task: str) -> Draft:
    """Return the draft for `after`, the whole new text of `content` as the agent has it.

    Raises:
        Refused: `after` invents, changes, moves, drops or repeats a placeholder.
    """
    original = broker.examiner.original(content, after)
    target = symbol and _on_disk(symbol, content, original.before)
    return Draft(content.path, original.before, original.after, target, task, original.kept, content.mode)


def _on_disk(symbol: Symbol, content: FileContent, before: bytes) -> Symbol:
    if not content.replacements:
        return symbol
    start, end = content.on_disk(symbol.start), content.on_disk(symbol.end)
    first = before.count(b"\n", 0, start) + 1
    return replace(
        symbol, start=start, end=end, first_line=first, last_line=first + before.count(b"\n", start, end)
    )
