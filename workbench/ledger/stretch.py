"""Checks one stretch of entries by itself, so that several can be checked at the same time.

A stretch begins at a multiple of `WIDTH`, so the perfect subtrees over its entries are also subtrees of the
whole tree: whoever joins the stretches (see `walk`) gets the root at any size without hashing anything
twice. A stretch takes on trust only the leaf hash it hangs on to; the one before it says what that was.
"""

from __future__ import annotations

import hashlib
import operator
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

from workbench.core.errors import LedgerBroken
from workbench.core.records import Json
from workbench.ledger import store
from workbench.ledger.database import FAULTS, decode, explain
from workbench.ledger.envelope import MAX_BODY, NO_PREV, check, parse
from workbench.ledger.epochs import Epochs
from workbench.ledger.events import EVENT, INTENT, RECOVERY, REDACTION, ROTATED, TYPES
from workbench.ledger.note import VerifierKey
from workbench.ledger.seal_check import SealCheck, Seals
from workbench.ledger.shapes import Shapes
from workbench.ledger.tree import Frontier, leaf_hash, parents

WIDTH: Final = store.TILE**2
"""Entries in a stretch: those under one subroot of level 2."""

_TYPES: Final = frozenset(name.encode() for name in TYPES)
_EVENT, _INTENT, _RECOVERY = EVENT.encode(), INTENT.encode(), RECOVERY.encode()
_PLAIN: Final = frozenset((kind, _EVENT) for kind in _TYPES - {_RECOVERY})
"""What neither begins nor ends anything."""
_ROWS: Final = f"SELECT {store.COLUMNS}, {store.SEARCHED} FROM entry"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Plan:
    """What all stretches of one verification have in common."""

    directory: Path
    genesis: VerifierKey
    epochs: Epochs
    """As SQLite's index of types shows them; `walk` compares them with what the entries say."""
    anchored: frozenset[int]
    """Sizes that anchors speak of."""


@dataclass(slots=True)
class Note:
    """A stored checkpoint, looked at without knowing the entries."""

    size: int
    root: bytes
    problem: str = ""
    """Why it does not hold whatever the entries are; empty where it may."""


@dataclass(slots=True)
class Stretch:
    """What was found out about one stretch."""

    start: int
    prev: bytes
    """The leaf hash that its first entry hangs on to."""
    count: int = 0
    """Entries that hold, from the first."""
    last: bytes = b""
    """Leaf hash of the last of them."""
    problem: str = ""
    """What is wrong with the entry after them; empty where all hold."""
    hashes: list[bytes] = field(default_factory=list)
    """The perfect subtrees over those that hold, largest first."""
    at: dict[int, list[bytes]] = field(default_factory=dict)
    """The same at the sizes of checkpoints and anchors."""
    notes: list[Note] = field(default_factory=list)
    """The stored checkpoints, by size."""
    subroots: list[tuple[int, str]] = field(default_factory=list)
    """Position, and what is wrong with the subroot of level 1 there."""
    rotations: list[tuple[int, Json]] = field(default_factory=list)
    """Index, and what the entry says of the keys."""
    times: dict[int, str] = field(default_factory=dict)
    """The times of the entries around the sizes of anchors."""
    first_time: bytes = b""
    last_time: bytes = b""
    clock_back: list[int] = field(default_factory=list)
    opened: dict[bytes, int] = field(default_factory=dict)
    """By operation id: intents whose outcome has not come within the stretch."""
    closed: set[bytes] = field(default_factory=set)
    """Operation ids of outcomes whose intent is not in the stretch."""
    unknown: int = 0
    seals: Seals = field(default_factory=Seals)


def examine(connection: sqlite3.Connection, plan: Plan, start: int, stop: int) -> Stretch:
    """Check the entries `[start, stop)`, and the checkpoints over them.

    Raises:
        sqlite3.Error: If the file cannot be read for a reason other than damage.
    """
    examination = _Examination(connection, plan, start, stop)
    try:
        return examination.run()
    finally:
        examination.close()


class _Examination:
    def __init__(self, connection: sqlite3.Connection, plan: Plan, start: int, stop: int) -> None:
        self._connection = connection
        self._plan = plan
        self._stop = stop
        leaf = next((row[1] for row in store.rows(connection, start - 1, start)), NO_PREV)
        self._found = Stretch(start, leaf if isinstance(leaf, bytes) else b"")
        self._found.notes = [self._note(size, note) for size, note in self._stored_notes(start, stop)]
        self._wanted = sorted({note.size for note in self._found.notes} | plan.anchored)
        self._timed = sorted(plan.anchored | {size - 1 for size in plan.anchored})
        self._subroots: dict[int, object] = dict(
            connection.execute(
                "SELECT idx, hash FROM subroot WHERE level = 1 AND idx >= ? AND idx < ?",
                (start // store.TILE, stop // store.TILE),
            )
        )
        self._shapes = Shapes()
        self._seal_check = SealCheck(connection, plan.directory, plan.genesis.name)
        self._tiles = Frontier()
        self._leaves: list[bytes] = []
        """Of the tile that is not full."""
        self._index = start
        self._leaf = self._found.prev
        # Without a lower bound in the first stretch: an index below zero must be seen.
        lower = "idx >= ? AND" if start else "? = 0 AND"
        self._cursor = connection.execute(f"{_ROWS} WHERE {lower} idx < ? ORDER BY idx", (start, stop))
        self._unreadable = ""

    def close(self) -> None:
        self._seal_check.close()

    def run(self) -> Stretch:
        found = self._found
        if found.start == 0 and 0 in self._wanted:
            found.at[0] = []
        # As they are stored: to decode six columns of every row would take longer than to hash its bytes.
        self._connection.text_factory = bytes
        try:
            while not found.problem and self._index < self._stop:
                found.problem = self._look_at_tile(self._rows())
        finally:
            self._connection.text_factory = decode
        found.hashes = self._hashes(self._leaves)
        found.seals = self._seal_check.seals
        return found

    def _look_at_tile(self, rows: list[tuple[Any, ...]]) -> str:
        """Check the rows of one tile and take in those that hold; returns what is wrong with the next one."""
        index = self._index
        if not rows:
            return self._unreadable or "it is missing."
        leaves, problem = self._hashed(rows)
        rows = rows[: len(leaves)]
        for offset, (row, prev) in enumerate(zip(rows, [self._leaf, *leaves], strict=False)):
            if not self._shapes.fits(row, b"%d" % (index + offset), prev.hex().encode()):
                wrong = self._look_at_body(index + offset, row[3], prev, row[4:])
                if wrong:
                    rows, leaves, problem = rows[:offset], leaves[:offset], wrong
                    break
        self._take_in(rows, leaves)
        return problem

    def _hashed(self, rows: list[tuple[Any, ...]]) -> tuple[list[bytes], str]:
        """Return the leaf hashes of rows that are filed as they must be, and what is wrong with the next."""
        index, prev, sha256 = self._index, self._leaf, hashlib.sha256
        sound = all(type(row[3]) is bytes and len(row[3]) <= MAX_BODY for row in rows)
        if sound:
            leaves = [sha256(b"\x00" + row[3]).digest() for row in rows]
            if [row[:3] for row in rows] == list(
                zip(count(index), leaves, [prev, *leaves[:-1]], strict=False)
            ):
                return leaves, ""
        leaves = []
        for row in rows:
            problem = _misfiled(row, index, prev)
            if problem:
                return leaves, problem
            prev, index = row[1], index + 1
            leaves.append(prev)
        return leaves, ""

    def _rows(self) -> list[tuple[Any, ...]]:
        """Return the rows of the next tile; those that can be read, where one cannot."""
        try:
            if not self._unreadable:
                return self._cursor.fetchmany(store.TILE)
        except FAULTS as error:
            if not isinstance(explain(error, self._plan.directory), LedgerBroken):
                raise
            self._unreadable = f"it cannot be read: {error}."
        # One by one: the cursor failed on one row, and the ones before it went with it.
        rows: list[tuple[Any, ...]] = []
        for index in range(self._index, min(self._index + store.TILE, self._stop)):
            try:
                row = self._connection.execute(f"{_ROWS} WHERE idx = ?", (index,)).fetchone()
            except FAULTS:
                break
            if row is None:
                break
            rows.append(row)
        return rows

    def _look_at_body(self, index: int, raw: bytes, prev: bytes, searched: tuple[Any, ...]) -> str:
        """Check a body in full; returns what is wrong with it, or nothing."""
        try:
            body = parse(raw)
            check(body, self._plan.genesis.name, index, prev)
        except LedgerBroken as error:
            return error.cause
        if searched != tuple(None if value is None else value.encode() for value in store.searched(body)):
            return "the columns it is searched by say something else than its bytes."
        if index == 0 and body.get("vkey") != str(self._plan.genesis):
            return "it names another signing key."
        self._take_in_fields(index, body)
        self._shapes.learn(raw, body)
        return ""

    def _take_in_fields(self, index: int, body: Mapping[str, Json]) -> None:
        if body["type"] == REDACTION:
            self._seal_check.redacted(body.get("redaction"))
        if body["type"] == ROTATED:
            self._found.rotations.append((index, body.get("key")))
        sealed = body["sealed"]
        if sealed and isinstance(sealed, dict):
            self._seal_check.look_at(index, sealed)

    def _take_in(self, rows: list[tuple[Any, ...]], leaves: list[bytes]) -> None:
        """Go on by the rows of one tile, or the first of them."""
        if not rows:
            return
        found, start = self._found, self._index
        self._look_at_times(start, [row[7] for row in rows])
        for index, row in enumerate(rows, start):
            if row[4:6] not in _PLAIN:
                self._look_at_phase(index, row)
        self._index += len(rows)
        self._leaf = found.last = leaves[-1]
        found.count = self._index - found.start
        for size in self._wanted[bisect_right(self._wanted, start) : bisect_right(self._wanted, self._index)]:
            found.at[size] = self._hashes(leaves[: size - start])
        self._leaves = leaves
        if len(leaves) == store.TILE:
            self._close_tile()

    def _look_at_phase(self, index: int, row: tuple[Any, ...]) -> None:
        found, kind, phase, op_id = self._found, row[4], row[5], row[6]
        found.unknown += kind not in _TYPES
        if phase == _INTENT:
            found.opened[op_id] = index
        elif (phase != _EVENT or kind == _RECOVERY) and found.opened.pop(op_id, None) is None:
            found.closed.add(op_id)

    def _look_at_times(self, start: int, times: list[bytes]) -> None:
        found = self._found
        found.first_time = found.first_time or times[0]
        before = [found.last_time, *times]
        if any(map(operator.lt, times, before)):
            found.clock_back += [start + n for n, time in enumerate(times) if time < before[n]]
        found.last_time = times[-1]
        for index in self._timed[
            bisect_left(self._timed, start) : bisect_left(self._timed, start + len(times))
        ]:
            found.times[index] = times[index - start].decode()

    def _close_tile(self) -> None:
        hashes = self._leaves
        while len(hashes) > 1:
            hashes = parents(hashes)
        self._tiles.append(hashes[0])
        self._leaves = []
        position = self._index // store.TILE - 1
        if self._subroots.get(position) != hashes[0]:
            what = "is not that of its entries" if position in self._subroots else "is missing"
            self._found.subroots.append((position, what))

    def _hashes(self, leaves: list[bytes]) -> list[bytes]:
        rest = Frontier()
        for leaf in leaves:
            rest.append(leaf)
        tiles = self._tiles
        if rest.size == store.TILE:
            tiles = tiles.copy()
            tiles.append(rest.hashes()[0])
            return tiles.hashes()
        return tiles.hashes() + rest.hashes()

    def _stored_notes(self, start: int, stop: int) -> list[tuple[object, object]]:
        lower = start + 1 if start else -(2**63)
        return self._connection.execute(
            "SELECT size, note FROM checkpoint WHERE size >= ? AND size <= ? ORDER BY size", (lower, stop)
        ).fetchall()

    def _note(self, size: object, note: object) -> Note:
        return open_note(self._plan, size, note)


def _misfiled(row: tuple[Any, ...], index: int, prev: bytes) -> str:
    """Return what is wrong with a row that should stand at `index` after the leaf `prev`, or nothing."""
    if row[0] != index:
        return f"it is missing; the next one found is {row[0]}."
    if type(row[3]) is not bytes or len(row[3]) > MAX_BODY:
        return "it is not a body that the ledger writes."
    if row[1] != leaf_hash(row[3]):
        return "its bytes do not have the hash they were filed under."
    return "" if row[2] == prev else "it does not hang on to the entry before it."


def open_note(plan: Plan, size: object, note: object) -> Note:
    """Check a stored checkpoint as far as that can be done without the entries."""
    filed = size if isinstance(size, int) else -1
    try:
        checkpoint = plan.epochs.open(str(note).encode("utf-8", "replace"))
    except LedgerBroken as error:
        return Note(filed, b"", f"The checkpoint of size {size} does not hold: {error.cause}")
    if checkpoint.origin != plan.genesis.name or checkpoint.size != size:
        return Note(filed, b"", f"The checkpoint filed under size {size} speaks of something else.")
    return Note(filed, checkpoint.root)
