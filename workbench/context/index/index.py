"""Keeps the index of one worktree in step with it, and answers requests from it.

The rules:

1. Only what the agent may read is indexed, through the broker, so that every file looked into is a read on
   record. What policy no longer allows leaves the index at the next look.
2. The look at the worktree (names, sizes, times of change) is the truth; whoever watches files only says
   when to look.
3. Files are read and parsed in batches, the process that parses behind the screen; the index answers from
   the first batch on.
4. A damaged index is moved aside and made again.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workbench.broker import Broker
from workbench.context.index import rank, store
from workbench.context.index.process import File, IndexProcess
from workbench.core.records import Principal

BATCH: Final = 64
"""Files read, and recorded, together."""
LOOK: Final = 1_000
"""Files looked at together: some milliseconds."""


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far one look at the worktree has come."""

    done: int
    total: int
    """Files that are new or changed."""


class Index:
    """The index of one worktree; `refresh` by one thread at a time, `search` by any."""

    def __init__(self, directory: Path, broker: Broker, actor: Principal) -> None:
        """Keep the index in `directory`, which is private and outside the worktree.

        Args:
            directory: Made when it is first needed.
            broker: Reads the files, on record.
            actor: Whose reads they are.
        """
        self._path = directory / store.DATABASE_NAME
        self._broker = broker
        self._actor = actor
        self._refreshing = threading.Lock()

    @property
    def path(self) -> Path:
        """The index's file."""
        return self._path

    def refresh(
        self,
        paths: Sequence[str],
        progress: Callable[[IndexProgress], None] = lambda _progress: None,
        stopped: Callable[[], bool] = lambda: False,
        rest: Callable[[], None] = lambda: None,
    ) -> IndexProgress:
        """Bring the index in step with the worktree, whose files are `paths`; return what was done.

        Args:
            paths: Every file of the worktree.
            progress: Told after each batch.
            stopped: Asked before each batch; ends the look.
            rest: Called between steps of some milliseconds; returns when it may go on.

        Raises:
            IndexDamaged: It cannot be made, or not be written (a full disk, say).
            LedgerUnavailable: Reads cannot be recorded, so nothing more is read.
        """
        with self._refreshing:
            try:
                return self._refresh(paths, progress, stopped, rest)
            except store.IndexDamaged:
                store.move_aside(self._path)
                return self._refresh(paths, progress, stopped, rest)

    def rebuild(self, paths: Sequence[str], progress: Callable[[IndexProgress], None]) -> IndexProgress:
        """Make the index anew.

        Raises:
            IndexDamaged: It cannot be made.
        """
        with self._refreshing:
            for ending in ("", "-wal", "-shm"):
                Path(f"{self._path}{ending}").unlink(missing_ok=True)
            return self._refresh(paths, progress, lambda: False, lambda: None)

    def search(
        self, request: str, *, first: Sequence[str] = (), files: int = 20, chunks: int = 60
    ) -> rank.Found:
        """Return what `request` is about; nothing while there is no index yet.

        What policy denies since it was indexed is left out.

        Raises:
            IndexDamaged: It cannot be read.
        """
        if not self._path.exists():
            return rank.Found()
        connection = store.connect(self._path, write=False)
        try:
            found = rank.search(connection, request, first=first, limit_files=files, limit_chunks=chunks)
        except sqlite3.Error as error:
            raise store.IndexDamaged(self._path, error) from error
        finally:
            connection.close()
        allowed = {path for path in {each.path for each in found.files} if self._broker.may_read(path)}
        allowed |= {path for path in {each.path for each in found.chunks} if self._broker.may_read(path)}
        return rank.Found(
            tuple(each for each in found.files if each.path in allowed),
            tuple(each for each in found.chunks if each.path in allowed),
        )

    def counts(self) -> store.Counts:
        """Return what the index holds; nothing while there is none.

        Raises:
            IndexDamaged: It cannot be read.
        """
        if not self._path.exists():
            return store.Counts(0, 0, 0, 0, (), 0)
        connection = store.connect(self._path, write=False)
        try:
            return store.counts(connection)
        except sqlite3.Error as error:
            raise store.IndexDamaged(self._path, error) from error
        finally:
            connection.close()

    def _refresh(
        self,
        paths: Sequence[str],
        progress: Callable[[IndexProgress], None],
        stopped: Callable[[], bool],
        rest: Callable[[], None],
    ) -> IndexProgress:
        known = self._known()
        stamps: dict[str, tuple[int, int]] = {}
        for start in range(0, len(paths), LOOK):
            rest()
            if stopped():
                return IndexProgress(0, 0)
            some = paths[start : start + LOOK]
            stamps |= self._broker.stamps(path for path in some if self._broker.may_read(path))
        changed = [path for path, stamp in stamps.items() if known.get(path) != stamp and _is_text(path)]
        gone = [path for path in known if path not in stamps]
        if not changed and not gone:
            return IndexProgress(0, 0)
        process = IndexProcess(self._path)
        done = 0
        try:
            process.forget(gone)
            for start in range(0, len(changed), BATCH):
                rest()
                if stopped():
                    break
                batch = changed[start : start + BATCH]
                read = self._broker.read_many(batch, actor=self._actor, purpose="index")
                for content in read:
                    process.add(File(content.path, content.sha256, stamps[content.path][1], content.data))
                for path in set(batch).difference(content.path for content in read):
                    process.skip(path, *stamps[path])
                process.commit()
                done = min(start + BATCH, len(changed))
                progress(IndexProgress(done, len(changed)))
            process.commit()
        finally:
            process.close()
        return IndexProgress(done, len(changed))

    def _known(self) -> dict[str, tuple[int, int]]:
        """Return what the index knows of the worktree; makes the index where there is none."""
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        connection = store.connect(self._path, write=True)
        try:
            if store.counts(connection).worn:
                connection.close()
                store.move_aside(self._path)
                connection = store.connect(self._path, write=True)
            return store.live(connection)
        except sqlite3.Error as error:
            raise store.IndexDamaged(self._path, error) from error
        finally:
            with suppress(sqlite3.Error):
                connection.close()


def _is_text(path: str) -> bool:
    """Return whether a path can be bound to a column: a name that is not UTF-8 is shown, never indexed."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
