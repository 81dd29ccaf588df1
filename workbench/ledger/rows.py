"""Makes the rows of one transaction from drafts; a record of the clock comes before what does not fit it."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.core.records import SYSTEM, Event, Json
from workbench.ledger import store
from workbench.ledger.admission import Tail
from workbench.ledger.clock_check import Reading, anomaly
from workbench.ledger.envelope import Draft, Source, compose, copied
from workbench.ledger.errors import EventRefused
from workbench.ledger.events import CLOCK
from workbench.ledger.store import Entry
from workbench.ledger.tree import leaf_hash


class Rows:
    """The rows of one transaction, made from drafts; the tail goes on with them."""

    def __init__(self, tail: Tail, source: Source) -> None:
        self._tail = tail
        self._source = source
        self.entries: list[tuple[object, ...]] = []
        self.sealed: list[tuple[str, bytes, bytes]] = []
        self.subroots: list[tuple[int, int, bytes]] = []

    def take(self, drafts: Sequence[Draft]) -> list[Entry] | EventRefused:
        """Take in drafts that stand next to each other: all of them, or none."""
        made: list[tuple[Entry, Draft, Reading]] = []
        tail = self._tail
        size, prev, before = tail.size, tail.leaf, tail.reading
        try:
            for item in drafts:
                now = Reading.now()
                off = anomaly(before, now) if before is not None else None
                for draft in (self._anomaly(off), item) if off else (item,):
                    body, raw = compose(draft, self._source, size + len(made), prev, now)
                    prev = leaf_hash(raw)
                    made.append((Entry(size + len(made), prev, body, raw), draft, now))
                before = now
        except EventRefused as refusal:
            return refusal
        for entry, draft, reading in made:
            self._add(entry, draft)
            tail.reading = reading
        return [entry for entry, draft, _ in made if draft.type != CLOCK]

    def _add(self, entry: Entry, draft: Draft) -> None:
        tail = self._tail
        self.entries.append((entry.index, entry.leaf, tail.leaf, entry.raw, *store.searched(entry.body)))
        for value in draft.sealed:
            self.sealed.append((value.ref, value.nonce, value.ciphertext))
        completed = tail.add(entry.leaf)
        if len(completed) > store.TILE_HEIGHT:
            self.subroots += store.completed_subroots(tail.size, completed)

    def _anomaly(self, off: dict[str, Json]) -> Draft:
        return copied(Event(CLOCK, SYSTEM, fields={"clock": off}), self._source.ledger)
