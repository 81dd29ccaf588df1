"""Joins what was found out about the stretches of a ledger, and holds it against all that speaks of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from workbench.core.errors import LedgerBroken
from workbench.ledger import store
from workbench.ledger.anchors import Anchor
from workbench.ledger.envelope import NO_PREV
from workbench.ledger.epochs import Epochs
from workbench.ledger.note import VerifierKey
from workbench.ledger.report import INCOMPLETE, ROLLED_BACK, TAMPERED, Findings
from workbench.ledger.seal_check import Seals, report_problems
from workbench.ledger.stretch import Note, Plan, Stretch, open_note
from workbench.ledger.tree import Frontier, fold

_LISTED: Final = 10
_LEVELS: Final = 7
"""Levels of subroots that a 63-bit index can have."""


class Walk:
    """One pass over a snapshot, stretch by stretch."""

    def __init__(
        self, connection: sqlite3.Connection, plan: Plan, anchors: Iterable[Anchor], findings: Findings
    ) -> None:
        self._connection = connection
        self._plan = plan
        self._findings = findings
        self._frontier = Frontier()
        self._leaf = NO_PREV
        self._anchors: dict[int, list[Anchor]] = {}
        for anchor in anchors:
            self._anchors.setdefault(anchor.size, []).append(anchor)
        self._seals = Seals()
        self._signed = -1
        self._last_time = b""
        self._clock_back: list[int] = []
        self._unknown = 0
        self.epochs = Epochs(plan.genesis)
        """The epochs that the entries speak of."""
        self.first_bad: int | None = None
        """The first index that does not hold."""
        self.fitting: list[Anchor] = []
        """Anchors whose root the entries have."""
        self.covered: dict[int, str] = {}
        """By anchor size: the time of the last entry that the anchor covers."""
        self.uncovered: dict[int, str] = {}
        """By anchor size: the time of the first entry that it does not cover."""
        self.open_intents: dict[bytes, int] = {}
        """By operation id: intents whose outcome has not come."""

    @property
    def size(self) -> int:
        """Entries that hold."""
        return self._frontier.size if self.first_bad is None else self.first_bad

    def root(self) -> bytes | None:
        """Return the root over all entries, or None where one of them does not hold."""
        return self._frontier.root() if self.first_bad is None else None

    def join(self, stretch: Stretch) -> bool:
        """Go on by one stretch; returns whether all of it holds, so that the next one can be joined."""
        if stretch.count and stretch.prev != self._leaf:
            self._bad(stretch.start, "it does not hang on to the entry before it.")
            return False
        before = self._frontier.hashes()
        self._date_anchors(stretch)
        self._rotate(stretch)
        for size in sorted(stretch.at.keys() | {note.size for note in stretch.notes}):
            if size > stretch.start + stretch.count or self.first_bad is not None:
                break
            root = fold(before + stretch.at[size]) if size in stretch.at else b""
            self._at_size(size, root, [note for note in stretch.notes if note.size == size])
        if self.first_bad is None and stretch.problem:
            self._bad(stretch.start + stretch.count, stretch.problem)
        if self.first_bad is not None:
            return False
        self._take_in(stretch)
        return True

    def finish(self) -> None:
        """Report what can only be said once all stretches are joined."""
        size, findings = self._frontier.size, self._findings
        for filed, note in self._connection.execute(
            "SELECT size, note FROM checkpoint WHERE size > ? ORDER BY size", (size,)
        ):
            self._beyond_the_end(open_note(self._plan, filed, note))
        self._check_subroots_beyond(size)
        self._seals.finish(self._connection, findings)
        if self._signed < 0:
            findings.add(TAMPERED, "There is no signed checkpoint, although every ledger begins with one.")
        elif self._connection.execute("SELECT min(size) FROM checkpoint").fetchone()[0] != 0:
            findings.add(TAMPERED, "The checkpoint of size 0, with which every ledger begins, is gone.")
        elif self._signed < size:
            findings.add(
                INCOMPLETE, f"The last {size - self._signed} entries are not covered by a signed checkpoint."
            )
        if self.open_intents:
            shown = sorted(self.open_intents.values())
            listed = ", ".join(str(index) for index in shown[:_LISTED]) + (
                " …" if len(shown) > _LISTED else ""
            )
            findings.add(
                INCOMPLETE,
                f"{len(shown)} intents have no outcome (a crash, or still under way): entries {listed}.",
            )
        if self._unknown:
            findings.add(
                INCOMPLETE, f"{self._unknown} entries are of a type that this program does not know."
            )
        if self._clock_back:
            findings.note(
                f"The clock went back {len(self._clock_back)} times, first at entry {self._clock_back[0]}."
            )
        if len(self.epochs) != len(self._plan.epochs):
            findings.add(TAMPERED, "SQLite's index of types shows changes of the signing key that are none.")
        if len(self.epochs) > 1:
            findings.note(
                f"{len(self.epochs)} signing keys followed one another; each signed its own entries."
            )

    def _bad(self, index: int, problem: str) -> None:
        self.first_bad = index
        self._findings.add(TAMPERED, f"Entry {index}: {problem}")

    def _date_anchors(self, stretch: Stretch) -> None:
        for size in self._anchors:
            if size - 1 in stretch.times:
                self.covered[size] = stretch.times[size - 1]
            if size in stretch.times:
                self.uncovered[size] = stretch.times[size]

    def _rotate(self, stretch: Stretch) -> None:
        """Follow the changes of the signing key in a stretch; each needs a checkpoint of its own."""
        signed = {note.size for note in stretch.notes}
        for index, key in stretch.rotations:
            try:
                self.epochs.rotate(index, key)
                if index + 1 not in signed:
                    raise LedgerBroken(
                        "It changes the signing key, and no checkpoint of that moment is there."
                    )
                if self.epochs.last not in self._plan.epochs:
                    raise LedgerBroken("It changes the signing key, and SQLite's index of types hides it.")
            except LedgerBroken as error:
                # What comes before it is still compared with its checkpoints.
                stretch.problem = error.cause
                stretch.count = index - stretch.start
                return

    def _take_in(self, stretch: Stretch) -> None:
        completed = self._frontier.graft(stretch.hashes, stretch.count)
        for position, what in stretch.subroots:
            self._findings.add(TAMPERED, f"The subroot {position} of level 1 {what}.")
        for level, position, digest in store.completed_subroots(self._frontier.size, completed):
            if level > 1:
                self._check_subroot(level, position, digest)
        self._leaf = stretch.last or self._leaf
        if self._last_time and stretch.first_time < self._last_time and stretch.count:
            self._clock_back.append(stretch.start)
        self._clock_back += stretch.clock_back
        self._last_time = stretch.last_time or self._last_time
        for op_id in stretch.closed:
            self.open_intents.pop(op_id, None)
        self.open_intents |= stretch.opened
        self._unknown += stretch.unknown
        report_problems(stretch.seals, self._findings)
        self._seals.join(stretch.seals)

    def _check_subroot(self, level: int, position: int, digest: bytes) -> None:
        row = self._connection.execute(
            "SELECT hash FROM subroot WHERE level = ? AND idx = ?", (level, position)
        ).fetchone()
        if row is None or row[0] != digest:
            what = "is missing" if row is None else "is not that of its entries"
            self._findings.add(TAMPERED, f"The subroot {position} of level {level} {what}.")

    def _at_size(self, size: int, root: bytes, notes: list[Note]) -> None:
        """Compare what was signed, and what is anchored, at one size with the root there."""
        for note in notes:
            if note.problem:
                self._findings.add(TAMPERED, note.problem)
            elif note.root == root:
                self._signed = size
            else:
                self.first_bad = max(self._signed, 0)
                self._findings.add(
                    TAMPERED,
                    f"Entries {self.first_bad} to {size - 1} are not those that were signed: their"
                    f" hashes fit each other, but not the signed checkpoint of size {size}.",
                )
        for anchor in self._anchors.get(size, ()):
            if anchor.root != root:
                self._findings.add(ROLLED_BACK, f"The {anchor.by} saw another root at size {size}.")
            elif anchor.note and not self._is_signed(anchor):
                self._findings.add(
                    ROLLED_BACK,
                    f"The {anchor.by} was not signed by this ledger's key at size {size}.",
                )
            else:
                self.fitting.append(anchor)

    def _is_signed(self, anchor: Anchor) -> bool:
        return all(anchor.is_signed_by(key) for key in self._plan.epochs.signers(anchor.size))

    def _beyond_the_end(self, note: Note) -> None:
        if note.problem:
            self._findings.add(TAMPERED, note.problem)
        else:
            self._findings.add(
                ROLLED_BACK,
                f"A checkpoint was signed over {note.size} entries; there are {self.size}."
                " The end was cut off.",
            )

    def _check_subroots_beyond(self, size: int) -> None:
        for level, position in self._connection.execute("SELECT level, idx FROM subroot"):
            if not 1 <= level <= _LEVELS or position < 0:
                self._findings.add(
                    TAMPERED, f"There is a subroot {position} of level {level}, which cannot be."
                )
            elif (position + 1) << (level * store.TILE_HEIGHT) > size:
                self._findings.add(
                    ROLLED_BACK, f"The subroot {position} of level {level} covers entries that are not there."
                )


def plan_of(
    connection: sqlite3.Connection, directory: Path, genesis: VerifierKey, anchors: Iterable[Anchor]
) -> Plan:
    """Return what all stretches of one verification have in common.

    Raises:
        sqlite3.Error: If the file cannot be read.
    """
    return Plan(
        directory, genesis, Epochs.known(connection, genesis), frozenset(anchor.size for anchor in anchors)
    )
