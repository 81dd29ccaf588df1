"""Writes entries and checkpoints to the ledger's file, one thread at a time.

One commit looks like this; the caller decides what happens between its steps:

    with appender.locked():
        results, checkpoint = appender.commit(batch, sign=False)
        ...                                 # durable: answer those who wait
        if checkpoint:
            appender.publish(checkpoint)    # the head file, still under the lock, so that it never goes back
        if appender.epoch_size > limit:
            appender.rotate(source, "…")    # an entry and a checkpoint of its own, then a new key
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from workbench.core.errors import LedgerBroken, LedgerUnavailable, WorkbenchError
from workbench.core.records import SYSTEM, Event, Json
from workbench.ledger import genesis, store
from workbench.ledger.admission import Admitted, admit
from workbench.ledger.checkpoint import Checkpoint
from workbench.ledger.clock_check import Reading
from workbench.ledger.database import FAULTS, connect_reader, connect_writer, explain
from workbench.ledger.disk import (
    FileLock,
    identity,
    make_directories,
    private_directory,
    refuse_network_filesystem,
    tighten,
    write_atomically,
)
from workbench.ledger.envelope import Draft, Source, copied, parse
from workbench.ledger.errors import EventRefused
from workbench.ledger.events import ROTATED
from workbench.ledger.key_file import KeyFile
from workbench.ledger.note import SignerKey
from workbench.ledger.rows import Rows
from workbench.ledger.sealed import KEYS_NAME, DataKeys
from workbench.ledger.store import Entry
from workbench.ledger.tree import leaf_hash

CHECKPOINT_EVERY: Final = 256
"""Entries after which a checkpoint is signed without being asked for."""

_ROTATION: Final = b'"type":"key.rotated"'
"""What the bytes of a rotation hold; others may hold it too, so it only says where to look."""

_INSERT: Final = f"INSERT INTO entry({store.COLUMNS}, {store.SEARCHED}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608


class Appender:
    """An open ledger file, its lock, its signing key and its tail."""

    def __init__(
        self, directory: Path, head_file: Path, timeout: float, lock: FileLock, admitted: Admitted
    ) -> None:
        self.second = False
        """Whether the next epoch signs a second time, where the library can."""
        self._directory = directory
        self._database = directory / store.DATABASE_NAME
        self._head_file = head_file
        self._timeout = timeout
        self._lock = lock
        self._key_file = KeyFile(directory)
        self._key = admitted.key
        self._epochs = admitted.epochs
        self._tail = admitted.tail
        # What was read back from the file; it lags behind the tail until something is signed.
        self._proved = admitted.tail.frontier.copy()
        self._keys: DataKeys | None = None
        self._connection = connect_writer(self._database, timeout)
        self._version = -1
        self._signed = 0
        self._identity = identity(self._database)

    @classmethod
    def open(cls, directory: Path, head_file: Path, timeout: float, *, second: bool = False) -> Appender:
        """Open the ledger in `directory`, making it when there is none.

        Args:
            directory: Where it stands.
            head_file: Where its newest checkpoint is kept a second time.
            timeout: Seconds to wait for its lock.
            second: Whether epochs that begin sign a second time, where the library can.

        Raises:
            LedgerUnavailable: If it cannot be reached or locked.
            LedgerBroken: If it may not be appended to.
        """
        try:
            private_directory(directory)
            refuse_network_filesystem(directory)
            make_directories(head_file.parent)
            lock = FileLock(directory / store.LOCK_NAME)
            try:
                with lock.hold(timeout):
                    created = genesis.ensure(directory, head_file, timeout, second=second)
                    appender = cls._open_locked(directory, head_file, timeout, lock, created)
                    appender.second = second
                    return appender
            except BaseException:
                lock.close()
                raise
        except FAULTS as error:
            raise explain(error, directory) from error

    @classmethod
    def _open_locked(
        cls, directory: Path, head_file: Path, timeout: float, lock: FileLock, created: bool
    ) -> Appender:
        # Looked at without the right to write, so that a file that is not ours stays as it is.
        with closing(connect_reader(directory / store.DATABASE_NAME)) as connection:
            admitted = admit(connection, directory, KeyFile(directory), head_file)
        tighten(directory / store.DATABASE_NAME)
        appender = cls(directory, head_file, timeout, lock, admitted)
        if created:
            appender.publish(Checkpoint.sign(admitted.key, 0, admitted.tail.frontier.root()))
        return appender

    @property
    def origin(self) -> str:
        """Which ledger this is."""
        return self._key.name

    @property
    def directory(self) -> Path:
        """Where it stands."""
        return self._directory

    @property
    def vkey(self) -> str:
        """The key of its first epoch, which it is known by."""
        return str(next(iter(self._epochs)).key)

    @property
    def second_vkey(self) -> str:
        """The key of the second line in the epoch in force; empty where there is none."""
        return str(self._key.second.verifier) if self._key.second is not None else ""

    @property
    def epoch(self) -> int:
        """Number of the epoch in force, from 0."""
        return len(self._epochs) - 1

    @property
    def epoch_size(self) -> int:
        """Entries in the epoch in force."""
        return self._tail.size - self._epochs.last.first

    def epoch_began(self) -> str:
        """Return when the epoch in force had its first entry; empty where it has none.

        Raises:
            sqlite3.Error: If the file cannot be read.
        """
        first = self._epochs.last.first
        found = self._connection.execute("SELECT t FROM entry WHERE idx = ?", (first,)).fetchone()
        return str(found[0]) if found else ""

    @property
    def size(self) -> int:
        """Entries at the last look."""
        return self._tail.size

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out.

        Raises:
            LedgerUnavailable: If the lock cannot be had, or the ledger was moved or deleted.
            OSError: If the ledger's directory is gone.
        """
        with self._lock.hold(self._timeout):
            self._check_in_place()
            yield

    def commit(
        self, batch: Sequence[Sequence[Draft]], source: Source, *, sign: bool
    ) -> tuple[list[list[Entry] | EventRefused], Checkpoint | None]:
        """Append each group of drafts, all in one transaction, and sign when asked or when it is due.

        Returns:
            For each group its entries, or why it was refused; and the checkpoint, where one was signed.

        Raises:
            sqlite3.Error: If nothing could be written.
            LedgerBroken: If the file is not what this writer left, or others appended properly.
        """
        values = [value for group in batch for item in group for value in item.sealed]
        if values:
            # First, and durable on their own: an entry never names a key that a crash could lose.
            self._change_keys(lambda keys: keys.add(values))
        with self._transaction():
            results = self._insert(batch, source)
            checkpoint = self._sign() if sign or self._is_due() else None
        return results, checkpoint

    def rotate(self, source: Source, reason: str) -> Checkpoint:
        """End the epoch: a new signing key takes over, and the old one is destroyed (see `key_file`).

        Raises:
            sqlite3.Error: If nothing could be written.
            OSError: If a key file could not be written.
            LedgerBroken: If the file is not what this writer left, or others appended properly.
        """
        fresh = self._key_file.prepare(self.origin, second=self.second)
        with self._transaction():
            old = self._key
            key: dict[str, Json] = {
                "old_vkey": str(old.verifier),
                "new_vkey": str(fresh.verifier),
                "reason": reason,
            }
            if fresh.second is not None:
                key["new_vkey_pq"] = str(fresh.second.verifier)
            event = Event(ROTATED, SYSTEM, fields={"key": key})
            self._insert([[copied(event, self.origin)]], source)
            self._epochs.rotate(self._tail.size - 1, key)
            checkpoint = self._sign(fresh)
        self._key_file.settle()
        self._key = fresh
        self.publish(checkpoint)
        return checkpoint

    def catch_up(self) -> None:
        """Take in what other processes appended since the last look.

        Raises:
            sqlite3.Error: If the file cannot be read.
            LedgerBroken: If the file is not what this writer left, or others appended properly.
        """
        with self._transaction():
            pass

    def publish(self, checkpoint: Checkpoint) -> None:
        """Write the head file.

        Raises:
            OSError: If it cannot be written.
        """
        make_directories(self._head_file.parent)
        write_atomically(self._head_file, checkpoint.note.encode())

    def erase(self, ref: str) -> None:
        """Destroy the key of a sealed value.

        Raises:
            LedgerUnavailable: If it could not be destroyed.
        """
        self._change_keys(lambda keys: keys.erase(ref))

    def close(self) -> None:
        """Let go of the file; under the lock where it can be had, because closing may write."""
        with suppress(WorkbenchError, OSError, sqlite3.Error), self._lock.hold(self._timeout):
            self._connection.close()
        self._connection.close()
        if self._keys is not None:
            self._keys.close()
        self._lock.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._catch_up()
            yield
            self._connection.execute("COMMIT")
        except LedgerBroken as error:
            self._roll_back()
            raise LedgerBroken(
                f"The ledger in {self._directory} was changed by something else. {error.cause}",
                "Keep it as it is, and run: workbench audit verify",
            ) from error
        except BaseException:
            self._roll_back()
            raise
        # What was committed into a file that has no name any more is not kept.
        self._check_in_place()

    def _check_in_place(self) -> None:
        if identity(self._database) != self._identity:
            raise LedgerUnavailable(
                f"{self._database} was replaced while the ledger was open.",
                "Run: workbench audit verify",
            )

    def _roll_back(self) -> None:
        # The error that led here matters more than one that follows from it.
        with suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")

    def _catch_up(self) -> None:
        # SQLite counts what other connections commit; without that the file is as this writer left it.
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version == self._version:
            return
        self._version = version
        self._signed = store.signed_size(self._connection)
        size = store.size_of(self._connection)
        known = self._tail.size
        if (
            known
            and next((row[1] for row in store.rows(self._connection, known - 1, known)), None)
            != self._tail.leaf
        ):
            raise LedgerBroken(f"Entry {known - 1} is not what this program wrote.")
        raw = b""
        for row in store.rows(self._connection, known, size):
            self._tail.take(row)
            raw = row[3]
            if _ROTATION in raw:
                self._follow(row[0], parse(raw))
        if self._tail.size != size:
            raise LedgerBroken(f"Entries are missing after {self._tail.size}.")
        if raw:
            self._tail.reading = Reading.of(parse(raw))

    def _follow(self, index: int, body: Mapping[str, Json]) -> None:
        """Take over the key that another process rotated to."""
        if body.get("type") == ROTATED:
            self._epochs.rotate(index, body.get("key"))
            self._key = self._key_file.load(self._epochs.last.key)

    def _insert(self, batch: Sequence[Sequence[Draft]], source: Source) -> list[list[Entry] | EventRefused]:
        writing = Rows(self._tail, source)
        results = [writing.take(drafts) for drafts in batch]
        self._connection.executemany(_INSERT, writing.entries)
        if writing.sealed:
            self._connection.executemany("INSERT INTO sealed VALUES (?, ?, ?)", writing.sealed)
        if writing.subroots:
            self._connection.executemany("INSERT INTO subroot VALUES (?, ?, ?)", writing.subroots)
        return results

    def _sign(self, *others: SignerKey) -> Checkpoint:
        note = store.last_checkpoint(self._connection)
        if note is not None and self._signed == self._tail.size:
            return self._epochs.open(note.encode())
        for index, leaf, _, body in store.rows(self._connection, self._proved.size, self._tail.size):
            if leaf != leaf_hash(body):
                raise LedgerBroken(f"Entry {index} reads back differently from what was written.")
            self._proved.append(leaf)
        root = self._proved.root()
        if self._proved.size != self._tail.size or root != self._tail.frontier.root():
            raise LedgerBroken("The entries read back differently from what was written.")
        checkpoint = Checkpoint.sign(self._key, self._proved.size, root, *others)
        self._connection.execute("INSERT INTO checkpoint VALUES (?, ?)", (checkpoint.size, checkpoint.note))
        self._signed = checkpoint.size
        return checkpoint

    def _is_due(self) -> bool:
        return self._tail.size - self._signed >= CHECKPOINT_EVERY

    def _change_keys(self, change: Callable[[DataKeys], None]) -> None:
        try:
            if self._keys is None:
                self._keys = DataKeys.open(self._directory, timeout=self._timeout)
            change(self._keys)
        except FAULTS as error:
            found = explain(error, self._directory)
            if not isinstance(found, LedgerBroken):
                raise found from error
            raise LedgerUnavailable(
                f"The keys of the sealed values in {self._directory} are damaged, so nothing can be sealed.",
                f"Restore {KEYS_NAME} from a backup; to give up what is sealed so far, move it elsewhere.",
            ) from error
