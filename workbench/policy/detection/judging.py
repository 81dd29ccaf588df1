"""Decides what happens to a text in which something was found: allow, warn, redact or block.

The rules, in order:

1. Policy names one action for each class (`secret`, `pan`, `phi`) and for what could not be searched
   (`unscanned`): `off`, `warn`, `redact` or `block`.
2. A finding of medium confidence is at most redacted, one of low confidence at most warned about.
3. On a path labelled for the class (`secret`: secret, `cde`: pan, `phi`: phi) the action is one step
   stricter, and rule 2 holds no longer: medium counts as high, low is at most redacted.
4. Three or more kinds of identifiers of a person, where they would be redacted, block: together they
   identify.
5. A record of a person (HL7, X12, FHIR) cannot be redacted: it blocks where it would be redacted.
6. What was not searched cannot be redacted either. Any label makes it one step stricter.
7. The strictest action wins.

This is a pure function; it never sees a value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from workbench.core.errors import PolicyError
from workbench.policy.detection.finding import Finding, Scan
from workbench.policy.detection.rule import Confidence, Klass
from workbench.policy.detection.rules import BY_ID

ACTIONS = ("off", "warn", "redact", "block")
"""What policy can say, from the mildest to the strictest."""
UNSCANNED = "unscanned"
"""The key under which policy says what happens to a text that was not searched as a whole."""
DEFAULT_ACTIONS: Mapping[str, str] = {"secret": "block", "pan": "block", "phi": "block", UNSCANNED: "warn"}
"""What holds where policy says nothing."""
LABELS = {Klass.SECRET: "secret", Klass.PAN: "cde", Klass.PHI: "phi"}
"""The label of a path that makes a class stricter."""
KINDS_THAT_IDENTIFY = 3


class Ruling(StrEnum):
    """What happens to the text."""

    ALLOW = "allow"
    WARN = "warn"
    REDACT = "redact"
    BLOCK = "block"


_RULINGS = (Ruling.ALLOW, Ruling.WARN, Ruling.REDACT, Ruling.BLOCK)
_OFF, _WARN, _REDACT, _BLOCK = range(4)
_CEILING = {Confidence.HIGH: _BLOCK, Confidence.MEDIUM: _REDACT, Confidence.LOW: _WARN}
_LABELLED_CEILING = {Confidence.HIGH: _BLOCK, Confidence.MEDIUM: _BLOCK, Confidence.LOW: _REDACT}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What happens to one text, and why."""

    ruling: Ruling
    reasons: tuple[str, ...]
    """One sentence each, for a person; strictest first. They name kinds and numbers, never values."""
    redactions: tuple[Finding, ...] = ()
    """What to replace, where the text is redacted, or where a redacted view is offered instead of a "
    "block."""
    redactable: bool = True
    """Whether replacing `redactions` leaves nothing that was found."""


def decide(scan: Scan, actions: Mapping[str, str], labels: Collection[str] = ()) -> Judgement:
    """Return what happens to the text of `scan`.

    Args:
        actions: Action by class, and for `unscanned`; what is left out is as in `DEFAULT_ACTIONS`.
        labels: The labels of the text's path: `phi`, `cde`, `secret`.

    Raises:
        PolicyError: `actions` holds a word or a class that does not exist.
    """
    levels = _levels(actions)
    reasons: list[tuple[int, str]] = []
    counts: Counter[tuple[int, str]] = Counter()
    redactions = []
    redactable = True
    for finding in scan.findings:
        level = _level(finding, levels, labels)
        if level == _OFF:
            continue
        rule = BY_ID[finding.rule_id]
        if level >= _REDACT and rule.record:
            level, redactable = _BLOCK, False
        counts[level, finding.rule_id] += 1
        if level >= _REDACT:
            redactions.append(finding)
    for (level, rule_id), count in counts.items():
        reasons.append((level, _sentence(level, rule_id, count)))
    kinds = {BY_ID[finding.rule_id].kind for finding in redactions if finding.klass is Klass.PHI}
    if len(kinds) >= KINDS_THAT_IDENTIFY:
        listed = ", ".join(sorted(kinds))
        reasons.append(
            (_BLOCK, f"{len(kinds)} kinds of identifiers of persons are in one text ({listed}): block.")
        )
    if scan.gaps:
        level = _step(levels[UNSCANNED], stricter=bool(labels))
        level = _BLOCK if level == _REDACT else level
        redactable = redactable and level != _BLOCK
        if level > _OFF:
            reasons.append((level, _unsearched(scan, level)))
    strictest = max((level for level, _ in reasons), default=_OFF)
    ordered = tuple(text for _, text in sorted(reasons, key=lambda reason: -reason[0]))
    return Judgement(_RULINGS[strictest], ordered, tuple(redactions), redactable)


def _levels(actions: Mapping[str, str]) -> dict[str, int]:
    for key, word in actions.items():
        if key not in DEFAULT_ACTIONS:
            raise PolicyError(
                f"Nothing is detected under the name {key!r}.", f"Allowed: {', '.join(DEFAULT_ACTIONS)}."
            )
        if word not in ACTIONS:
            raise PolicyError(f"The action for {key} is {word!r}.", f"Allowed: {', '.join(ACTIONS)}.")
    return {key: ACTIONS.index(word) for key, word in {**DEFAULT_ACTIONS, **actions}.items()}


def _level(finding: Finding, levels: Mapping[str, int], labels: Collection[str]) -> int:
    labelled = LABELS[finding.klass] in labels
    ceiling = (_LABELLED_CEILING if labelled else _CEILING)[finding.confidence]
    return min(_step(levels[finding.klass.value], stricter=labelled), ceiling)


def _step(level: int, *, stricter: bool) -> int:
    return min(level + 1, _BLOCK) if stricter else level


def _sentence(level: int, rule_id: str, count: int) -> str:
    rule = BY_ID[rule_id]
    return f"{count} × {rule.what} ({rule_id}, {rule.confidence} confidence): {ACTIONS[level]}."


def _unsearched(scan: Scan, level: int) -> str:
    gap = min(scan.gaps, key=lambda gap: gap.start)
    place = f"From byte {gap.start:,} of {scan.size:,}"
    return f"{place} not everything was searched. {gap.reason} ({ACTIONS[level]})"
