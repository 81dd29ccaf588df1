"""Appends to a ledger from any thread, and answers only when the entry is durable.

The rules:

1. An append returns after `COMMIT` with `synchronous=FULL`. What waits meanwhile is committed together.
2. The lock is held from before `BEGIN IMMEDIATE` until after `COMMIT`, which also covers SQLite's own
   checkpoints (two processes at it at once can corrupt a database before SQLite 3.51.3).
3. Rows that other processes added are read, checked and taken into the tree before anything is added.
4. Before a root is signed, the rows under it are read back from the file.
5. A signing key serves one epoch: a day, or `rotate_after` entries. Then another takes over (see `epochs`).
6. The first failure closes the writer for good. Nothing is tried again: after a failed `fsync` nobody
   knows what is on the disk. Opening the ledger anew looks, and says.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeAlias

from workbench.core.errors import LedgerUnavailable, UsageError
from workbench.core.records import Event, Principal
from workbench.ledger import genesis
from workbench.ledger.appender import Appender
from workbench.ledger.checkpoint import Checkpoint
from workbench.ledger.database import FAULTS, explain
from workbench.ledger.envelope import Draft, Source, draft
from workbench.ledger.errors import EventRefused
from workbench.ledger.events import REDACTION
from workbench.ledger.report import age, utc_now
from workbench.ledger.store import Entry

EPOCH_ENTRIES: Final = 10_000
"""Entries after which the signing key is replaced."""
EPOCH_SECONDS: Final = 24 * 3600
"""Age at which the signing key is replaced when a session begins."""
BATCH: Final = 64
"""Events that one commit takes along when more are waiting; a single `append_many` is never split."""


@dataclass(slots=True)
class _Append:
    drafts: Sequence[Draft]
    done: Future[list[Entry]] = field(default_factory=Future)


@dataclass(slots=True)
class _Sign:
    done: Future[Checkpoint] = field(default_factory=Future)


@dataclass(slots=True)
class _Rotate:
    reason: str
    done: Future[Checkpoint] = field(default_factory=Future)


@dataclass(slots=True)
class _Erase:
    ref: str
    done: Future[None] = field(default_factory=Future)


@dataclass(slots=True)
class _Stop:
    done: Future[None] = field(default_factory=Future)


_Request: TypeAlias = _Append | _Sign | _Rotate | _Erase | _Stop


class Ledger:
    """An open ledger. Made by `open`, used from any thread, closed once."""

    def __init__(self, appender: Appender, source: Source, rotate_after: int) -> None:
        self._appender = appender
        self._source = source
        self._rotate_after = rotate_after
        self._size = appender.size
        self._pid = os.getpid()
        self._failure: LedgerUnavailable | None = None
        self._gate = threading.Lock()
        self._closed = False
        self._requests: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        # A daemon: a caller that was promised nothing must not keep a dying process alive.
        self._thread = threading.Thread(target=self._serve, name="ledger-writer", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        head_file: Path,
        session: str,
        app_version: str,
        lock_timeout: float = 10.0,
        rotate_after: int = EPOCH_ENTRIES,
        rotate_older_than: float = EPOCH_SECONDS,
        second_signature: bool = False,
    ) -> Ledger:
        """Open the ledger in `directory`, making it when there is none.

        Args:
            directory: A directory of its own, outside the worktree.
            head_file: Where the newest checkpoint is kept a second time, in another directory.
            session: Id of this session, written into every entry.
            app_version: Version of this program, written into every entry.
            lock_timeout: Seconds to wait for another process that writes.
            rotate_after: Entries after which the signing key is replaced.
            rotate_older_than: Seconds after which a session that begins replaces it.
            second_signature: Whether epochs that begin sign a second time (see `second_key`).

        Raises:
            LedgerUnavailable: If it cannot be reached or locked.
            LedgerBroken: If the file is corrupt, foreign, tampered with, or older than the head file.
        """
        appender = Appender.open(directory, head_file, lock_timeout, second=second_signature)
        source = Source(
            appender.origin, appender.vkey, session, genesis.host(), app_version, appender.second_vkey
        )
        try:
            _rotate_old_key(appender, source, rotate_older_than)
        except BaseException as error:
            appender.close()
            if isinstance(error, FAULTS):
                raise explain(error, directory) from error
            raise
        return cls(appender, source, rotate_after)

    @property
    def origin(self) -> str:
        """Which ledger this is: `workbench/<host>/<uuid>`."""
        return self._source.ledger

    @property
    def vkey(self) -> str:
        """The key of its first epoch, as a C2SP verifier key: what an auditor pins."""
        return self._source.vkey

    @property
    def session(self) -> str:
        """Id of this session."""
        return self._source.session

    @property
    def size(self) -> int:
        """Entries at the last look; other processes may have added more."""
        return self._size

    def append(self, event: Event) -> Entry:
        """Record one event; it is durable when this returns.

        Raises:
            EventRefused: If the ledger cannot hold this event; others can follow.
            LedgerUnavailable: If it could not be recorded; nothing can follow until it is opened anew.
        """
        return self.append_many([event])[0]

    def append_many(self, events: Sequence[Event]) -> list[Entry]:
        """Record several events next to each other in one commit: all of them or none.

        Raises:
            EventRefused: If the ledger cannot hold one of them; others can follow.
            LedgerUnavailable: If they could not be recorded; nothing can follow until it is opened anew.
        """
        drafts = [draft(event, self.origin) for event in events]
        if not drafts:
            return []
        request = _Append(drafts)
        self._put(request)
        return request.done.result()

    def checkpoint(self) -> Checkpoint:
        """Sign what there is now, store it and write the head file; returns the old one if nothing was added.

        Raises:
            LedgerUnavailable: If it could not be signed or stored.
        """
        request = _Sign()
        self._put(request)
        return request.done.result()

    def rotate(self, reason: str) -> Checkpoint:
        """Replace the signing key now, and return the checkpoint that both keys signed.

        Raises:
            LedgerUnavailable: If it could not be recorded, or a key file not be written.
        """
        request = _Rotate(reason)
        self._put(request)
        return request.done.result()

    def erase(self, entry: Entry, name: str, *, by: Principal, reason: str) -> Entry:
        """Record that a sealed value is erased, then destroy its key for good.

        Args:
            entry: The entry that holds the value.
            name: The sealed field.
            by: Who asked for it.
            reason: Why.

        Returns:
            The entry that records it.

        Raises:
            UsageError: If the entry has no such sealed value.
            LedgerUnavailable: If it could not be recorded, or the key not be destroyed.
        """
        sealed = entry.body.get("sealed")
        seal = sealed.get(name) if isinstance(sealed, dict) else None
        if not isinstance(seal, dict) or not isinstance(seal.get("ref"), str):
            raise UsageError(f"Entry {entry.index} has no sealed value {name!r}.")
        ref = str(seal["ref"])
        record = self.append(
            Event(
                REDACTION,
                by,
                fields={"redaction": {"index": entry.index, "field": name, "ref": ref, "reason": reason}},
            )
        )
        request = _Erase(ref)
        self._put(request)
        request.done.result()
        return record

    def failed(self) -> LedgerUnavailable | None:
        """Return what closed the writer, or None while it works."""
        return self._failure

    def close(self) -> None:
        """Sign what is not signed yet and let go of the file; a second call does nothing.

        Raises:
            LedgerUnavailable: If the last checkpoint could not be written.
        """
        if os.getpid() != self._pid:
            return
        request = _Stop()
        with self._gate:
            if self._closed:
                return
            self._closed = True
            self._requests.put(request)
        self._thread.join()
        request.done.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _put(self, request: _Request) -> None:
        # Asked before the gate, which another thread may have held at the moment of the fork.
        if os.getpid() != self._pid:
            raise LedgerUnavailable(
                "The ledger was opened by another process.", "Open it again after a fork."
            )
        # One gate for callers and for `close`: nothing can join the queue behind the last request.
        with self._gate:
            if self._failure is not None:
                raise _again(self._failure)
            if self._closed:
                raise LedgerUnavailable("The ledger is closed.", "Open it again.")
            self._requests.put(request)

    def _serve(self) -> None:
        stopped = False
        while not stopped:
            batch = self._next_batch()
            stopped = isinstance(batch[-1], _Stop)
            if self._failure is None:
                try:
                    self._write(batch)
                except Exception as error:  # noqa: BLE001 - a thread that dies would leave its callers waiting
                    self._latch(error, batch)
            self._refuse(batch)
        self._appender.close()

    def _next_batch(self) -> list[_Request]:
        batch = [self._requests.get()]
        events = 0
        while isinstance(last := batch[-1], _Append):
            events += len(last.drafts)
            if events >= BATCH:
                break
            try:
                batch.append(self._requests.get_nowait())
            except queue.Empty:
                break
        return batch

    def _write(self, batch: Sequence[_Request]) -> None:
        appends = [request for request in batch if isinstance(request, _Append)]
        last = batch[-1]
        with self._appender.locked():
            results, checkpoint = self._appender.commit(
                [request.drafts for request in appends], self._source, sign=isinstance(last, _Sign | _Stop)
            )
            self._size = self._appender.size
            for request, result in zip(appends, results, strict=True):
                if isinstance(result, EventRefused):
                    request.done.set_exception(result)
                else:
                    request.done.set_result(result)
            if checkpoint is not None:
                self._appender.publish(checkpoint)
            if isinstance(last, _Erase):
                self._appender.erase(last.ref)
            if isinstance(last, _Rotate):
                checkpoint = self._appender.rotate(self._source, last.reason)
            elif self._appender.epoch_size >= self._rotate_after:
                self._appender.rotate(self._source, f"{self._appender.epoch_size} entries")
            self._size = self._appender.size
        if isinstance(last, _Sign | _Rotate) and checkpoint is not None:
            last.done.set_result(checkpoint)
        elif isinstance(last, _Erase | _Stop):
            last.done.set_result(None)

    def _latch(self, error: Exception, batch: Sequence[_Request]) -> None:
        found = explain(error, self._appender.directory)
        failure = LedgerUnavailable(found.cause, found.next_step or "Run: workbench audit verify")
        with self._gate:
            self._failure = failure
        if isinstance(last := batch[-1], _Stop):
            last.done.set_exception(_again(failure))

    def _refuse(self, batch: Sequence[_Request]) -> None:
        for request in batch:
            if request.done.done():
                continue
            if isinstance(request, _Stop):
                # What failed earlier was told to whoever it concerned; closing is not a new failure.
                request.done.set_result(None)
            elif self._failure is not None:
                request.done.set_exception(_again(self._failure))


def _rotate_old_key(appender: Appender, source: Source, seconds: float) -> None:
    with appender.locked():
        appender.catch_up()
        began = appender.epoch_began()
        if began and (waited := age(began, utc_now())) is not None and waited > seconds:
            appender.rotate(source, f"began {began}")


def _again(failure: LedgerUnavailable) -> LedgerUnavailable:
    # A new one for each caller: an exception carries the traceback of whoever raised it.
    return LedgerUnavailable(failure.cause, failure.next_step)
