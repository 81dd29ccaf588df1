"""Checks sealed values against their commitments, and erased ones against the record of their erasure."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.core.errors import LedgerUnavailable
from workbench.core.records import Json
from workbench.ledger.database import FAULTS
from workbench.ledger.errors import ErasedError, SealError
from workbench.ledger.report import INCOMPLETE, ROLLED_BACK, TAMPERED, Findings
from workbench.ledger.sealed import DataKeys, open_value


@dataclass(slots=True)
class Seals:
    """What was found out about the sealed values of one stretch of entries, or of several."""

    seen: int = 0
    rows_gone: int = 0
    """Of those seen, how many have no ciphertext."""
    keyless: dict[str, int] = field(default_factory=dict)
    """By reference: the entries of values that cannot be opened, with no erasure on record so far."""
    redacted: list[str] = field(default_factory=list)
    """References of values whose erasure is on record here."""
    erased: int = 0
    problems: list[str] = field(default_factory=list)
    without_keys: str = ""
    """Why the keys cannot be read; empty where they can."""

    def join(self, later: Seals) -> None:
        """Take in what was found out about the entries that follow."""
        for ref in later.redacted:
            # An erasure can only come after the entry it speaks of.
            if self.keyless.pop(ref, None) is not None:
                self.erased += 1
        self.keyless |= later.keyless
        self.seen += later.seen
        self.rows_gone += later.rows_gone
        self.erased += later.erased
        self.without_keys = self.without_keys or later.without_keys

    def finish(self, connection: sqlite3.Connection, findings: Findings) -> None:
        """Report on all of them."""
        if self.without_keys:
            findings.add(INCOMPLETE, f"The keys of the sealed values cannot be read: {self.without_keys}.")
        if self.erased:
            findings.note(f"{self.erased} sealed values were erased, each on record.")
        if self.keyless:
            findings.add(
                INCOMPLETE,
                f"{len(self.keyless)} sealed values cannot be opened here, and no entry records"
                f" that they were erased; first in entry {min(self.keyless.values())}.",
            )
        stored: int = connection.execute("SELECT count(*) FROM sealed").fetchone()[0]
        if stored > self.seen - self.rows_gone:
            findings.add(ROLLED_BACK, "There are sealed values that no entry names: the end was cut off.")


class SealCheck:
    """Looks at the sealed values of one stretch of entries."""

    def __init__(self, connection: sqlite3.Connection, directory: Path, ledger: str) -> None:
        self._connection = connection
        self._directory = directory
        self._ledger = ledger
        self._keys: DataKeys | None = None
        self._opened = False
        self.seals = Seals()

    def look_at(self, index: int, sealed: Mapping[str, Json]) -> None:
        """Check the sealed values of one entry."""
        for name, seal in sealed.items():
            if not isinstance(seal, dict) or not isinstance(seal.get("ref"), str):
                self.seals.problems.append(f"Entry {index}: the sealed value {name!r} has no reference.")
                continue
            self.seals.seen += 1
            ref = str(seal["ref"])
            stored = self._connection.execute("SELECT nonce, ct FROM sealed WHERE ref = ?", (ref,)).fetchone()
            self.seals.rows_gone += stored is None
            try:
                open_value(seal, name, self._ledger, stored, self._key(ref))
            except ErasedError:
                self.seals.keyless[ref] = index
            except SealError as error:
                self.seals.problems.append(f"Entry {index}: {error.cause}")

    def redacted(self, redaction: Json) -> None:
        """Take note of a recorded erasure."""
        ref = redaction.get("ref") if isinstance(redaction, dict) else None
        if not isinstance(ref, str):
            return
        if self.seals.keyless.pop(ref, None) is not None:
            self.seals.erased += 1
        else:
            self.seals.redacted.append(ref)

    def close(self) -> None:
        """Let go of the keys."""
        if self._keys is not None:
            self._keys.close()

    def _key(self, ref: str) -> bytes | None:
        try:
            if not self._opened:
                self._opened = True
                self._keys = DataKeys.read(self._directory)
            return self._keys.get(ref) if self._keys is not None else None
        except (*FAULTS, LedgerUnavailable) as error:
            self.seals.without_keys = self.seals.without_keys or str(error)
            return None


def report_problems(seals: Seals, findings: Findings) -> None:
    """Report sealed values that are not what their entries committed to."""
    for problem in seals.problems:
        findings.add(TAMPERED, problem)
