"""Lays the floor and every tier's globs out as bits: one match answers every question about a path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from workbench.core.records import Rule
from workbench.policy import executes, floor, globs
from workbench.policy.rules import Kind, Tier

COMPILED_IN = "compiled in"


@dataclass(frozen=True, slots=True)
class Line:
    """One glob as it is matched."""

    kind: Kind
    rule: Rule
    reason: str = ""
    """Why, for the rules that are compiled in."""


class Lines:
    """All globs of a policy; the bits that `match` returns are numbered in order of precedence."""

    def __init__(self, tiers: Sequence[Tier], own_paths: Iterable[str]) -> None:
        self._lines: list[Line] = []
        compiled: list[globs.Glob] = []
        for line, glob in _everything(tiers, own_paths):
            self._lines.append(line)
            compiled.append(glob)
        self._matcher = globs.Matcher(compiled)
        self.kinds = {kind: self._mask(kind) for kind in Kind}
        """The bits of each kind."""

    def match(self, path: str) -> int:
        """Return the bits of all globs that match `path` (see `workbench.policy.globs`)."""
        return self._matcher.match(path)

    def first(self, bits: int) -> Line:
        """Return the line of the lowest of `bits`: the one that is named as deciding."""
        return self._lines[(bits & -bits).bit_length() - 1]

    def __iter__(self) -> Iterator[Line]:
        """Yield every line, in order of precedence."""
        return iter(self._lines)

    def all(self, bits: int) -> Iterator[Line]:
        """Yield the lines of all `bits`, in order of precedence."""
        for number, line in enumerate(self._lines):
            if bits >> number & 1:
                yield line

    def of_tier(self, kind: Kind, tier: str) -> int:
        """Return the bits of one kind that one tier's file has."""
        return self._mask(kind, tier)

    def _mask(self, kind: Kind, tier: str | None = None) -> int:
        return sum(
            1 << number
            for number, line in enumerate(self._lines)
            if line.kind is kind and tier in (None, line.rule.tier)
        )


def _everything(tiers: Sequence[Tier], own_paths: Iterable[str]) -> Iterator[tuple[Line, globs.Glob]]:
    """Yield every line with its glob: the floor, the tiers from the highest, then the defaults."""
    own = floor.Group("workbench", "Workbench keeps its own state here.", tuple(map(globs.escape, own_paths)))
    number = 0
    for kind, group in [(Kind.READ_DENY, group) for group in (*floor.READ_DENY, own)] + [
        (Kind.EDIT_DENY, group) for group in floor.EDIT_DENY
    ]:
        first = number
        for entry in _group(kind, "floor", group):
            number += 1
            yield entry
        for name in group.exceptions:
            lifts = (1 << number) - (1 << first)
            rule = Rule(f'exception "{name}"', "floor", COMPILED_IN)
            yield Line(Kind.EXCEPTION, rule, group.name), globs.Glob(name, leaf=True, lifts=lifts)
        number += len(group.exceptions)
    for tier in tiers:
        for given in tier.globs:
            rule = Rule(f'{given.kind} "{given.pattern}"', tier.tier, given.source)
            yield Line(given.kind, rule), globs.Glob(given.pattern)
    for group in floor.READ_ASK:
        yield from _group(Kind.READ_ASK, "default", group)
    for group in executes.EXECUTES:
        yield from _group(Kind.EXECUTES, "default", group)


def _group(kind: Kind, tier: str, group: floor.Group) -> Iterator[tuple[Line, globs.Glob]]:
    for leaf, patterns in ((False, group.patterns), (True, group.names)):
        for pattern in patterns:
            rule = Rule(f'{kind} "{pattern}"', tier, COMPILED_IN)
            yield Line(kind, rule, group.reason), globs.Glob(pattern, leaf=leaf)
