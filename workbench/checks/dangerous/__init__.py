"""Finds dangerous constructs that a change introduces: what stood there before is not its doing.

A construct is introduced when the same rule does not find the same text in the file before the change; a line
that only moved, or was indented, is the same text. A line that is dangerous and was changed counts: somebody
must look at it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.checks.dangerous import compiled, javascript, python
from workbench.checks.dangerous.rule import Rule
from workbench.checks.dangerous.walk import Construct, constructs
from workbench.context import Language

__all__ = ["Danger", "introduced", "rules_of"]

_RULES: Mapping[str, Sequence[Rule]] = {
    "python": python.RULES,
    "javascript": javascript.RULES,
    "typescript": javascript.RULES,
    "tsx": javascript.RULES,
    "go": compiled.GO_RULES,
    "java": compiled.JAVA_RULES,
    "rust": compiled.RUST_RULES,
    "c": compiled.C_RULES,
}


@dataclass(frozen=True, slots=True)
class Danger:
    """One dangerous construct; its source is not part of it, since that may hold anything."""

    what: str
    weakness: str
    line: int
    """Of the file after the change, counted from 1."""

    def __str__(self) -> str:
        """Return it as one phrase for a person."""
        return f"line {self.line} {self.what} ({self.weakness})"


def rules_of(language: Language) -> Sequence[Rule]:
    """Return the rules for a language; none where there are none."""
    return _RULES.get(language.name, ())


def introduced(before: bytes, after: bytes, language: Language) -> tuple[Danger, ...]:
    """Return what is dangerous in `after` and was not there before."""
    old = Counter((rule.what, one.text) for rule, one in _found(before, language))
    fresh = []
    for rule, one in _found(after, language):
        key = (rule.what, one.text)
        if old[key]:
            old[key] -= 1
        else:
            fresh.append(Danger(rule.what, rule.weakness, one.line))
    return tuple(dict.fromkeys(fresh))


def _found(source: bytes, language: Language) -> list[tuple[Rule, Construct]]:
    rules = rules_of(language)
    held = constructs(source, language) if rules else ()
    return [(rule, one) for one in held for rule in rules if rule.applies(one)]
