"""Defines what one detection rule is: a frozen record of a format, where it is documented and how it "
"is checked."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Klass(StrEnum):
    """What a finding is, and so which line of policy says what to do with it."""

    SECRET = "secret"  # noqa: S105 - a class of findings, not a password
    """Credentials: keys, tokens, passwords."""
    PAN = "pan"
    """Cardholder and account data: card numbers, track data, bank accounts."""
    PHI = "phi"
    """Identifiers of a person in the sense of 45 CFR 164.514(b)(2), and records that hold them."""


class Confidence(StrEnum):
    """How sure a finding is; `rank` orders them."""

    LOW = "low"
    """The shape alone, or a published test value: never more than a warning on an unlabelled path."""
    MEDIUM = "medium"
    """The shape in its context, or a check that chance passes too often."""
    HIGH = "high"
    """A prefix nothing else uses, or a checksum with a documented range."""

    @property
    def rank(self) -> int:
        """1 for low, 2 for medium, 3 for high."""
        return _RANKS[self]


_RANKS = {Confidence.LOW: 1, Confidence.MEDIUM: 2, Confidence.HIGH: 3}


@dataclass(frozen=True, slots=True, repr=False)
class Hit:
    """One match, as a rule's check sees it; it holds the text around it, so it has no `repr`."""

    view: bytes
    """The text that is searched (see `reading`)."""
    at: int
    """Where the whole match begins."""
    start: int
    """Where the value begins."""
    end: int

    @property
    def value(self) -> bytes:
        """The bytes that would be reported."""
        return self.view[self.start : self.end]


Check: TypeAlias = Callable[[Hit], bool]
"""Says whether a match is what the rule looks for."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One format that is looked for."""

    id: str
    """Such as `github-token`; what the ledger and the person are told."""
    klass: Klass
    kind: str
    """The kind of value in capitals, such as `SSN`: part of placeholders; kinds are what is counted in "
    "a file."""
    confidence: Confidence
    what: str
    """What it is, in words for a person."""
    source: str
    """Where the format is documented."""
    pattern: re.Pattern[bytes]
    """Linear in what it reads. The last group that takes part in a match is the value; else all of it."""
    needs: tuple[bytes, ...] = ()
    """Lower-case texts, one of which any match (or its neighbourhood) holds; asked before the pattern."""
    check: Check | None = None
    folded: bool = False
    """The pattern is written for lower-case text and is run on a lower-case copy."""
    extent: Callable[[bytes, int, int], int] | None = None
    """Given the text and a match, where the value really ends: for values that span many lines."""
    record: bool = False
    """The match only marks a record of a person: replacing it would leave the rest, so it cannot be "
    "redacted."""
    beside: bool = False
    """Reported only near another identifier of a person."""


def of_value(check: Callable[[bytes], bool]) -> Check:
    """Return a rule's check from a check that needs the value only."""
    return lambda hit: check(hit.value)


WORD_BEFORE = rb"(?<![A-Za-z0-9_])"
WORD_AFTER = rb"(?![A-Za-z0-9_])"


def secret(
    identifier: str,
    what: str,
    source: str,
    pattern: bytes,
    needs: str,
    *,
    check: Check | None = None,
    confidence: Confidence = Confidence.HIGH,
    flags: int = 0,
    folded: bool = False,
) -> Rule:
    """Return a rule for a credential; `needs` are words in one text."""
    return Rule(
        identifier,
        Klass.SECRET,
        "SECRET",
        confidence,
        what,
        source,
        re.compile(pattern, flags),
        tuple(needs.encode().split()),
        check,
        folded,
    )


def person(
    identifier: str,
    kind: str,
    what: str,
    source: str,
    pattern: bytes,
    needs: str = "",
    *,
    check: Check | None = None,
    confidence: Confidence = Confidence.MEDIUM,
    flags: int = 0,
    record: bool = False,
    beside: bool = False,
) -> Rule:
    """Return a rule for an identifier of a person; `needs` are words in one text."""
    return Rule(
        identifier,
        Klass.PHI,
        kind,
        confidence,
        what,
        source,
        re.compile(pattern, flags),
        tuple(needs.encode().split()),
        check,
        record=record,
        beside=beside,
    )


def account(
    identifier: str,
    kind: str,
    what: str,
    source: str,
    pattern: bytes,
    needs: str = "",
    *,
    check: Check | None = None,
    confidence: Confidence = Confidence.HIGH,
    flags: int = 0,
) -> Rule:
    """Return a rule for cardholder or account data; `needs` are words in one text."""
    return Rule(
        identifier,
        Klass.PAN,
        kind,
        confidence,
        what,
        source,
        re.compile(pattern, flags),
        tuple(needs.encode().split()),
        check,
    )
