"""Holds the secret of one session, under which values become digests: for the ledger and for placeholders.

A digest under a key that is thrown away cannot be tried out: without the key, the nine digits of a social
security number could be found from their plain hash in a second. Two uses get two derived keys, so a
placeholder that a model has seen says nothing about a digest in the ledger.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable
from typing import NoReturn

from workbench.core.records import Json
from workbench.policy.detection.finding import Finding

_KEY_BYTES = 32


class SessionKey:
    """A random key that lives in this process's memory and nowhere else."""

    __slots__ = ("_key",)

    def __init__(self) -> None:
        self._key = bytearray(os.urandom(_KEY_BYTES))

    def digest(self, purpose: str, value: bytes) -> str:
        """Return the HMAC-SHA-256 of `value` for one purpose, in hex; 64 digits."""
        derived = hmac.digest(self._key, purpose.encode(), "sha256")
        return hmac.new(derived, value, hashlib.sha256).hexdigest()

    def wipe(self) -> None:
        """Overwrite the key; digests made afterwards are of another key and match nothing."""
        self._key[:] = os.urandom(_KEY_BYTES)

    def __repr__(self) -> str:
        return "SessionKey()"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A session key is never written anywhere.")


def ledger_rows(findings: Iterable[Finding], data: bytes, key: SessionKey) -> list[Json]:
    """Return what the ledger keeps of findings: rule, class, confidence, offsets, a digest; never a value.

    Args:
        data: The bytes that were scanned.
    """
    return [
        {
            "rule": finding.rule_id,
            "class": finding.klass.value,
            "confidence": finding.confidence.value,
            "start": finding.start,
            "end": finding.end,
            "hmac": key.digest("ledger", data[finding.start : finding.end]),
        }
        for finding in findings
    ]
