"""Reads a ledger without being able to change it, also while others append to it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from workbench.core.errors import LedgerBroken, LedgerUnavailable, UsageError
from workbench.ledger import store, tree
from workbench.ledger.checkpoint import Checkpoint
from workbench.ledger.database import FAULTS, connect_reader, explain
from workbench.ledger.envelope import parse
from workbench.ledger.epochs import Epochs
from workbench.ledger.events import INTENT, OUTCOME, RECOVERY
from workbench.ledger.note import VerifierKey
from workbench.ledger.sealed import KEYS_NAME, DataKeys, open_value
from workbench.ledger.store import Entry

_PAGE: Final = 256
"""Entries fetched at a time, so that a slow reader holds no long read transaction."""
_VERIFY: Final = "Run: workbench audit verify"
_MOST: Final = 2**62

_OPEN_INTENTS: Final = (
    "SELECT a.idx FROM entry AS a WHERE a.op_id <> '' AND a.phase = ? AND a.idx >= ? AND a.idx < ?"
    " AND NOT EXISTS (SELECT 1 FROM entry AS b WHERE b.op_id <> '' AND b.op_id = a.op_id"
    " AND (b.phase = ? OR b.type = ?)) ORDER BY a.idx"
)


class LedgerReader:
    """An open ledger, read only. Made by `open`; can be used from several threads."""

    def __init__(self, connection: sqlite3.Connection, directory: Path) -> None:
        self._connection = connection
        self._keys: DataKeys | None = None
        self._directory = directory
        self._one_at_a_time = threading.Lock()
        self.origin, vkey = store.about(connection)
        self.vkey = VerifierKey.parse(vkey)
        """The genesis key; see `epochs` for the ones after it."""

    @classmethod
    def open(cls, directory: Path) -> LedgerReader:
        """Open the ledger in `directory`.

        Raises:
            LedgerUnavailable: If there is none, or it cannot be read.
            LedgerBroken: If the file is corrupt or not a ledger.
        """
        path = directory / store.DATABASE_NAME
        if not path.exists():
            raise LedgerUnavailable(f"There is no ledger in {directory}.", "Check --repo and --state-dir.")
        connection: sqlite3.Connection | None = None
        try:
            connection = connect_reader(path)
            store.check_schema(connection)
            return cls(connection, directory)
        except (*FAULTS, LedgerBroken) as error:
            if connection is not None:
                connection.close()
            if isinstance(error, LedgerBroken):
                raise LedgerBroken(f"{path}: {error.cause}", _VERIFY) from error
            raise explain(error, directory) from error

    def size(self) -> int:
        """Return the number of entries now."""
        return int(self._fetch("SELECT coalesce(max(idx) + 1, 0) FROM entry", ())[0][0])

    def entry(self, index: int) -> Entry:
        """Return one entry.

        Raises:
            UsageError: If there is no such entry.
            LedgerBroken: If it cannot be understood.
        """
        for found in self.entries(index, index + 1):
            return found
        raise UsageError(f"There is no entry {index}; the ledger has {self.size()}.")

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """Yield the entries `[start, stop)` in order; without `stop`, up to the newest.

        Raises:
            LedgerBroken: If one of them cannot be understood.
        """
        return self._pages("", (), start, stop)

    def tail(self, count: int) -> list[Entry]:
        """Return the newest `count` entries, oldest first."""
        return list(self.entries(max(0, self.size() - count)))

    def find(
        self,
        *,
        type: str | None = None,  # noqa: A002 - the name of the field
        path: str | None = None,
        actor: str | None = None,
        since: str | None = None,
        start: int = 0,
        stop: int | None = None,
    ) -> Iterator[Entry]:
        """Yield the entries that match everything asked for, in order; answered from indexes.

        Args:
            type: An event type.
            path: The `path` of the entry's `obj`.
            actor: The id of a principal, such as `user:alice`.
            since: A UTC time as entries carry it; entries at or after it match.
            start: The first index to look at.
            stop: The index to stop before.
        """
        wanted = {"type = ?": type, "path = ?": path, "actor = ?": actor, "t >= ?": since}
        given = {clause: value for clause, value in wanted.items() if value is not None}
        return self._pages("".join(f" AND {clause}" for clause in given), tuple(given.values()), start, stop)

    def open_intents(self, start: int = 0, stop: int | None = None) -> list[Entry]:
        """Return the intents that have neither an outcome nor a recovery: crashed, or still under way."""
        bounds = (INTENT, start, _MOST if stop is None else stop, OUTCOME, RECOVERY)
        return [self.entry(row[0]) for row in self._fetch(_OPEN_INTENTS, bounds)]

    def open_sealed(self, entry: Entry, name: str) -> bytes:
        """Return a sealed value, checked against what its entry committed to.

        Raises:
            UsageError: If the entry has no such sealed value.
            ErasedError: If it was erased.
            SealError: If it was changed.
            LedgerUnavailable: If the keys cannot be read.
        """
        sealed = entry.body.get("sealed")
        seal = sealed.get(name) if isinstance(sealed, dict) else None
        if not isinstance(seal, dict):
            raise UsageError(f"Entry {entry.index} has no sealed value {name!r}.")
        ref = str(seal.get("ref"))
        rows = self._fetch("SELECT ref, nonce, ct FROM sealed WHERE ref = ?", (ref,))
        return open_value(seal, name, self.origin, rows[0][1:] if rows else None, self._key(ref))

    def checkpoint(self) -> Checkpoint | None:
        """Return the newest checkpoint, its signature checked.

        Raises:
            NoteError: If it was not signed by the key of its epoch.
            LedgerBroken: If the ledger's keys do not follow from each other.
        """
        with self._reading():
            note = store.last_checkpoint(self._connection)
        return None if note is None else self.epochs().open(note.encode())

    def epochs(self) -> Epochs:
        """Return which key vouches for which entries, from the genesis key on.

        Raises:
            LedgerBroken: If the keys do not follow from each other.
        """
        with self._reading():
            return Epochs.read(self._connection, self.vkey)

    def checkpoint_of(self, size: int) -> Checkpoint:
        """Return the stored checkpoint over the first `size` entries.

        Raises:
            LedgerBroken: If there is none, or it does not hold.
        """
        rows = self._fetch("SELECT note FROM checkpoint WHERE size = ?", (size,))
        if not rows:
            raise LedgerBroken(f"The checkpoint of size {size} is gone.", _VERIFY)
        return self.epochs().open(str(rows[0][0]).encode("utf-8", "replace"))

    def checkpoints(self, limit: int) -> list[Checkpoint]:
        """Return the newest `limit` checkpoints, the newest first; their signatures are not checked."""
        rows = self._fetch("SELECT note FROM checkpoint ORDER BY size DESC LIMIT ?", (limit,))
        return [Checkpoint.parse(str(note).encode("utf-8", "replace")) for (note,) in rows]

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Return the proof that entry `index` stands under the root of the first `size` entries.

        Raises:
            ProofError: If there is no such entry.
            LedgerBroken: If hashes are missing.
        """
        with self._reading():
            return tree.inclusion_proof(index, size, store.subtrees(self._connection))

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the first `new` entries extend the first `old`.

        Raises:
            ProofError: If these sizes cannot be compared.
            LedgerBroken: If hashes are missing.
        """
        with self._reading():
            return tree.consistency_proof(old, new, store.subtrees(self._connection))

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        if self._keys is not None:
            self._keys.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _key(self, ref: str) -> bytes | None:
        # Opened late: without its keys, or with damaged ones, everything else can still be read.
        try:
            with self._one_at_a_time:
                if self._keys is None:
                    self._keys = DataKeys.read(self._directory)
                return self._keys.get(ref) if self._keys is not None else None
        except FAULTS as error:
            raise LedgerUnavailable(
                f"The keys of the sealed values in {self._directory} cannot be read: {error}.",
                f"Restore {KEYS_NAME} from a backup.",
            ) from error

    def _pages(self, where: str, values: tuple[str, ...], start: int, stop: int | None) -> Iterator[Entry]:
        statement = (
            f"SELECT idx, leaf, body FROM entry WHERE idx >= ? AND idx < ?{where} ORDER BY idx LIMIT {_PAGE}"  # noqa: S608
        )
        last = _MOST if stop is None else stop
        while start < last:
            page = self._fetch(statement, (start, last, *values))
            for index, leaf, raw in page:
                try:
                    entry = Entry(index, leaf, parse(raw), raw)
                except LedgerBroken as error:
                    raise LedgerBroken(f"Entry {index}: {error.cause}", _VERIFY) from error
                yield entry
            if len(page) < _PAGE:
                return
            start = page[-1][0] + 1

    def _fetch(self, statement: str, values: tuple[str | int, ...]) -> list[tuple[Any, ...]]:
        with self._reading():
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            with self._one_at_a_time:
                yield
        except FAULTS as error:
            raise explain(error, self._directory) from error
