"""Holds the rules for cardholder and account data: card numbers, track data, bank accounts."""

from __future__ import annotations

import re

from workbench.policy.detection import checksums
from workbench.policy.detection.rule import WORD_AFTER as END
from workbench.policy.detection.rule import WORD_BEFORE as START
from workbench.policy.detection.rule import Confidence, Hit, account, of_value

# Digits alone, or in the groups that cards print, with one separator: 4-4-4-4, 4-4-4-4-3, 4-6-5, 4-6-4.
# It begins with the digit, not with what must not stand before it, because the engine skips to a first
# character far faster than to a condition.
_NUMBER = (
    rb"[0-9](?<![0-9][0-9])(?<![0-9][.-][0-9])(?:[0-9]{11,18}"
    rb"|[0-9]{3}(?P<gap>[ -])(?:[0-9]{4}(?P=gap)[0-9]{4}(?P=gap)[0-9]{4}(?:(?P=gap)[0-9]{3})?"
    rb"|[0-9]{6}(?P=gap)[0-9]{4,5}))"
    rb"(?![0-9]|[-.][0-9])"
)


def _stands_alone(hit: Hit) -> bool:
    """Say whether nothing around the digits makes them part of a longer word, path or number."""
    before = hit.view[max(0, hit.start - 1) : hit.start]
    after = hit.view[hit.end : hit.end + 1]
    return not (before.isalnum() or after.isalnum() or before in (b"_", b"/", b"+") or after in (b"_", b"/"))


def _card(hit: Hit) -> bool:
    return checksums.card(hit.value) and _stands_alone(hit)


def _weak_card(hit: Hit) -> bool:
    return checksums.weak_card(hit.value) and _stands_alone(hit)


RULES = (
    account(
        "pan",
        "PAN",
        "payment card number",
        "ISO/IEC 7812-1; PCI DSS 4.0.1 requirement 3",
        _NUMBER,
        check=_card,
    ),
    account(
        "pan-shared-range",
        "PAN",
        "payment card number in a range that other numbers share (Maestro, old JCB)",
        "ISO/IEC 7812-1",
        _NUMBER,
        check=_weak_card,
        confidence=Confidence.MEDIUM,
    ),
    account(
        "pan-published",
        "PAN",
        "payment card number that is published for testing",
        "the card schemes' and payment providers' test card pages",
        _NUMBER,
        check=of_value(checksums.published_card),
        confidence=Confidence.LOW,
    ),
    account(
        "track-data",
        "TRACK",
        "magnetic stripe data",
        "ISO/IEC 7813; PCI DSS 4.0.1 requirement 3.3.1",
        rb"(?:;\d{13,19}+=\d{7,25}+\?|%?B\d{13,19}+\^[A-Z /.'-]{2,26}+\^\d{7,40}+[^\s?]{0,30}+\?)",
        "= ^",
        check=of_value(lambda value: checksums.luhn(re.findall(rb"\d{13,19}", value)[0])),
    ),
    account(
        "iban",
        "IBAN",
        "international bank account number",
        "ISO 13616-1; SWIFT IBAN registry",
        START + rb"[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}+(?:[ -]?[A-Za-z0-9]{1,3})?" + END,
        check=of_value(checksums.iban),
    ),
    account(
        "aba-routing",
        "ABA",
        "bank routing number",
        "ABA routing number policy and procedures",
        rb"\b(?:routing|aba|rtn|transit)[^\d\n]{1,30}(\d{9})(?!\d)",
        "routing aba rtn transit",
        check=of_value(checksums.aba),
        confidence=Confidence.MEDIUM,
        flags=re.IGNORECASE,
    ),
    account(
        "bank-account",
        "ACCOUNT",
        "bank account number after its name",
        "NACHA operating rules: account number field",
        rb"\b(?:account|acct)[ _-]?(?:number|no|num|nbr)\.?+[\"']?+[ \t]{0,4}+[:=#]"
        rb"[ \t]{0,4}+[\"']?+(\d{6,17}+)(?![\w-]|\.\d)",
        "account acct",
        check=of_value(lambda value: len(set(value)) > 3),
        confidence=Confidence.MEDIUM,
        flags=re.IGNORECASE,
    ),
)
