"""Says in words what a change does to the definitions of a file: which changed and how, came, went or moved.

What a definition holds itself is compared, without the definitions inside it, so that a changed method is
named and not its class. The comparison is by syntax: blanks between tokens do not count, comments are told
apart. It is a summary for a person beside the rows, and never in their place.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.context.languages import Language, language_of
from workbench.context.parse import parse
from workbench.context.symbols import Symbol, symbols

MAX_BYTES = 262_144
"""limit: beyond this, walking every token takes too long beside a person who waits."""
NAMED = 6
"""Names that one line holds; the rest is counted."""
_OUTSIDE = "outside definitions"

_Token = tuple[int, bytes, bool]
"""First byte, text, and whether it is a comment."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What one definition holds itself, without those inside it."""

    header: tuple[bytes, ...]
    code: tuple[bytes, ...]
    comments: tuple[bytes, ...]


def structure(before: bytes, after: bytes, path: str) -> tuple[str, ...]:
    """Return what changed in the definitions of a file, one line each kind; empty where that is not known."""
    language = language_of(path)
    if language is None or before == after or max(len(before), len(after)) > MAX_BYTES:
        return ()
    old, new = _parts(before, language), _parts(after, language)
    if old is None or new is None:
        return ()
    changed = [f"{name} ({how})" for name in new if name in old and (how := _how(old[name], new[name]))]
    if changed and all(line.endswith("(comment)") for line in changed) and old.keys() == new.keys():
        return (f"comment only: {_listed([line.removesuffix(' (comment)') for line in changed])}",)
    lines = (
        ("changed", changed),
        ("added", [name for name in new if name not in old]),
        ("removed", [name for name in old if name not in new]),
        ("moved", _moved([name for name in old if name in new], [name for name in new if name in old])),
    )
    return tuple(f"{word}: {_listed(names)}" for word, names in lines if names)


def _parts(source: bytes, language: Language) -> dict[str, _Part] | None:
    tree = parse(source, language)
    if tree is None:
        return None
    tokens: list[_Token] = []
    cursor = tree.walk()
    while True:
        node = cursor.node
        if node is not None and not node.child_count and node.end_byte > node.start_byte:
            tokens.append((node.start_byte, source[node.start_byte : node.end_byte], "comment" in node.type))
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return _shared_out(source, tokens, symbols(source, language))


def _shared_out(source: bytes, tokens: Sequence[_Token], found: Sequence[Symbol]) -> dict[str, _Part]:
    """Give each token to the innermost definition around it."""
    starts = [token[0] for token in tokens]
    owner = [-1] * len(tokens)
    for index, symbol in enumerate(found):
        for at in range(bisect_left(starts, symbol.start), bisect_left(starts, symbol.end)):
            owner[at] = index
    held: dict[int, list[_Token]] = {}
    for token, index in zip(tokens, owner, strict=True):
        held.setdefault(index, []).append(token)
    parts: dict[str, _Part] = {}
    for index in (-1, *range(len(found))):
        name = _OUTSIDE if index < 0 else found[index].qualified
        line = source.find(b"\n", found[index].start) if index >= 0 else -1
        parts[_unique(name, parts)] = _part(held.get(index, []), line)
    return parts


def _part(tokens: Sequence[_Token], header_end: int) -> _Part:
    code = [token for token in tokens if not token[2]]
    return _Part(
        tuple(text for start, text, _ in code if start < header_end),
        tuple(text for start, text, _ in code if start >= header_end),
        tuple(text for _, text, comment in tokens if comment),
    )


def _unique(name: str, known: dict[str, _Part]) -> str:
    number, found = 2, name
    while found in known:
        found, number = f"{name} #{number}", number + 1
    return found


def _how(old: _Part, new: _Part) -> str:
    if old.header != new.header:
        return "signature" if old.code == new.code else "signature, body"
    if old.code != new.code:
        return "body"
    return "comment" if old.comments != new.comments else ""


def _moved(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Return the names that left their place: all but a longest run that kept its order."""
    place = {name: index for index, name in enumerate(old)}
    tails: list[int] = []
    lengths: list[int] = []
    for name in new:
        at = bisect_left(tails, place[name])
        tails[at : at + 1] = [place[name]]
        lengths.append(at + 1)
    return list(_not_in_run(new, lengths, place))


def _not_in_run(new: Sequence[str], lengths: Sequence[int], place: dict[str, int]) -> Iterator[str]:
    wanted, below = max(lengths, default=0), len(place)
    moved: list[str] = []
    for name, length in zip(reversed(new), reversed(lengths), strict=True):
        if length == wanted and place[name] < below:
            wanted, below = wanted - 1, place[name]
        else:
            moved.append(name)
    return reversed(moved)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
