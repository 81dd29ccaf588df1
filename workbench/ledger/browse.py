"""Looks through a ledger from the newest entry back, also where it is damaged.

Nothing here is verified: an entry whose bytes do not have their hash is shown as damaged, and reading goes on
beside it. Filters are answered from indexes, except labels, for which the bodies are looked into.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

from workbench.core.errors import LedgerBroken, LedgerUnavailable
from workbench.ledger import store
from workbench.ledger.database import FAULTS, connect_reader, explain
from workbench.ledger.envelope import parse
from workbench.ledger.store import Entry
from workbench.ledger.tree import leaf_hash

_PAGE: Final = 256
_MANY: Final = 20_000
_LOOKED_AT_BY_ITSELF: Final = 20_000
"""Rows that are asked for one by one where SQLite cannot go through them in order."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """An entry that cannot be understood."""

    index: int
    cause: str


Found: TypeAlias = Entry | Damaged


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries to find; None asks for nothing."""

    path: str | None = None
    actor: str | None = None
    type: str | None = None
    label: str | None = None
    since: str | None = None
    """A UTC time as entries carry it; entries at or after it match."""
    until: str | None = None
    """A UTC time as entries carry it; entries before it match."""


class Browser:
    """An open ledger, looked at and not relied on. Made by `open`."""

    def __init__(self, connection: sqlite3.Connection, directory: Path, damage: str) -> None:
        self._connection = connection
        self._directory = directory
        self.damage = damage
        """Why the file as a whole is not what it was laid out as; empty where it is."""

    @classmethod
    def open(cls, directory: Path) -> Browser:
        """Open the ledger in `directory`.

        Raises:
            LedgerUnavailable: If there is none, or it cannot be read.
            LedgerBroken: If SQLite can read nothing of it.
        """
        path = directory / store.DATABASE_NAME
        if not path.exists():
            raise LedgerUnavailable(f"There is no ledger in {directory}.", "Check --repo and --state-dir.")
        try:
            connection = connect_reader(path)
        except FAULTS as error:
            raise explain(error, directory) from error
        try:
            store.check_schema(connection)
            damage = ""
        except LedgerBroken as error:
            damage = error.cause
        except FAULTS as error:
            damage = f"The file is damaged: {error}."
        return cls(connection, directory, damage)

    def origin(self) -> str:
        """Return which ledger this is, or nothing where the file does not say."""
        try:
            return store.about(self._connection)[0]
        except (*FAULTS, LedgerBroken):
            return ""

    def entry(self, index: int) -> Found | None:
        """Return one entry, or None where there is no such row."""
        try:
            row = self._connection.execute(
                "SELECT idx, leaf, body FROM entry WHERE idx = ?", (index,)
            ).fetchone()
        except FAULTS as error:
            return Damaged(index, f"It cannot be read: {error}.")
        return None if row is None else _found(row)

    def newest(self, wanted: Wanted, limit: int) -> list[Found]:
        """Return the newest entries that match, the newest first.

        Raises:
            LedgerBroken: If SQLite can find no entry at all.
        """
        found: list[Found] = []
        for each in self._backwards(wanted, min(limit, _PAGE)):
            if _has_label(each, wanted.label):
                found.append(each)
            if len(found) == limit:
                break
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _backwards(self, wanted: Wanted, page_size: int) -> Iterator[Found]:
        before: int | None = None
        try:
            low, before = self._bounds(wanted)
            clauses, values = _clauses(wanted)
            statement = (
                "SELECT idx, leaf, body FROM entry WHERE idx >= ? AND idx < ?"  # noqa: S608
                f"{clauses} ORDER BY idx DESC LIMIT {page_size}"
            )
            while True:
                page = self._connection.execute(statement, (low, before, *values)).fetchall()
                for row in page:
                    yield _found(row)
                if len(page) < page_size:
                    return
                before = page[-1][0]
        except FAULTS as error:
            found = explain(error, self._directory)
            if not isinstance(found, LedgerBroken) or before is None:
                raise found from error
            yield from self._one_by_one(wanted, before)

    def _bounds(self, wanted: Wanted) -> tuple[int, int]:
        """Return the indices between which the times lie; the clock may have gone back in between."""
        # The plus sign keeps SQLite from walking the whole table in the order of `idx` to find the first.
        low, high = 0, store.size_of(self._connection)
        if wanted.since is not None:
            # Where very many match, the newest of them are found at once without a lower bound.
            some = "SELECT idx FROM entry WHERE t >= ? LIMIT ?"
            counted = f"SELECT count(*), min(idx) FROM ({some})"  # noqa: S608
            count, first = self._connection.execute(counted, (wanted.since, _MANY + 1)).fetchone()
            if count <= _MANY:
                low = high if first is None else first
        if wanted.until is not None:
            row = self._connection.execute("SELECT max(+idx) FROM entry WHERE t < ?", (wanted.until,))
            last = row.fetchone()[0]
            high = low if last is None else last + 1
        return low, high

    def _one_by_one(self, wanted: Wanted, before: int) -> Iterator[Found]:
        for index in range(before - 1, max(-1, before - 1 - _LOOKED_AT_BY_ITSELF), -1):
            found = self.entry(index)
            if found is not None and (isinstance(found, Damaged) or _matches(found, wanted)):
                yield found


def _clauses(wanted: Wanted) -> tuple[str, tuple[Any, ...]]:
    """Return the conditions; the plus signs leave one index to choose from, the one that finds the fewest."""
    given: list[tuple[str, Any]] = []
    for name, value in (("path", wanted.path), ("actor", wanted.actor), ("type", wanted.type)):
        if value is not None:
            given.append((f" AND {'+' if given else ''}{name} = ?", value))
    if wanted.since is not None:
        given.append((" AND +t >= ?", wanted.since))
    if wanted.until is not None:
        given.append((" AND +t < ?", wanted.until))
    if wanted.label is not None:
        given.append((" AND instr(body, ?) > 0", json.dumps(wanted.label, ensure_ascii=False).encode()))
    return "".join(clause for clause, _ in given), tuple(value for _, value in given)


def _found(row: tuple[Any, ...]) -> Found:
    index, leaf, raw = row
    try:
        body = parse(raw)
    except LedgerBroken as error:
        return Damaged(index, error.cause)
    if leaf != leaf_hash(raw):
        return Damaged(index, "Its bytes do not have the hash they were filed under.")
    return Entry(index, leaf, body, raw)


def _has_label(found: Found, label: str | None) -> bool:
    if label is None or isinstance(found, Damaged):
        return True
    obj = found.body.get("obj")
    labels = obj.get("labels") if isinstance(obj, dict) else None
    return isinstance(labels, list) and label in labels


def _matches(entry: Entry, wanted: Wanted) -> bool:
    kind, _, _, when, actor, path = store.searched(entry.body)
    return (
        wanted.type in (None, kind)
        and wanted.actor in (None, actor)
        and wanted.path in (None, path)
        and (wanted.since is None or when >= wanted.since)
        and (wanted.until is None or when < wanted.until)
    )
