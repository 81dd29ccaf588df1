"""Opens SQLite files so that they stay whole, and says in plain words why one could not be used."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from typing import Final

from workbench.core.errors import LedgerBroken, LedgerUnavailable, WorkbenchError

MAX_VALUE: Final = 16 * 1024 * 1024
"""Bytes in one value or row; bounds the memory a hostile file can take."""

FAULTS: Final = (sqlite3.Error, OSError, UnicodeDecodeError)
"""What using a file can raise; SQLite's own messages quote it, and need not be UTF-8 when it is damaged."""

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_TOOBIG})
_VERIFY: Final = "Run: workbench audit verify"


SQLITE_BROKEN: Final = ((3, 7, 0), (3, 51, 2))
"""First and last SQLite that two connections writing a log at once can corrupt (sqlite.org, 3.51.3)."""
SQLITE_BACKPORTS: Final = ((3, 44, 6), (3, 50, 7))
"""Older releases that were put right; later ones of the same series are, too."""


def sqlite_in_words(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str:
    """Return SQLite's version, whether it has the defect in resetting a log, and what is done about it."""
    name = ".".join(map(str, version[:3]))
    first, last = SQLITE_BROKEN
    repaired = any(version[:2] == fixed[:2] and version >= fixed for fixed in SQLITE_BACKPORTS)
    if not first <= version[:3] <= last or repaired:
        return f"{name} (free of the WAL-reset defect)"
    return (
        f"{name} (in the range 3.7.0 to 3.51.2 whose WAL-reset defect can corrupt a file that two connections"
        " write at once; the ledger lets only one write, by a lock around every commit)"
    )


def connect_writer(path: Path, timeout: float) -> sqlite3.Connection:
    """Open an existing file for durable writing; transactions are the caller's.

    Args:
        path: The file.
        timeout: Seconds to wait for someone who holds SQLite's own write lock.

    Raises:
        FAULTS: If it cannot be opened.
        LedgerUnavailable: If its file system has no shared memory.
    """
    connection = _connect(path, "mode=rw", timeout)
    try:
        for pragma in ("synchronous=FULL", "fullfsync=ON", "checkpoint_fullfsync=ON"):
            connection.execute(f"PRAGMA {pragma}")
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    except FAULTS:
        connection.close()
        raise
    if mode != "wal":
        connection.close()
        raise LedgerUnavailable(
            f"The file system of {path.parent} allows no write-ahead log.",
            "Set WORKBENCH_STATE to a directory on a local disk.",
        )
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open an existing file for reading only, also while it is written to, also on a read-only medium.

    Raises:
        FAULTS: If it cannot be read.
        LedgerUnavailable: If it could be read only where it can be written.
    """
    connection = _connect(path, "mode=ro", 5.0)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        log = path.with_name(path.name + "-wal")
        # Where no shared memory can be made there is no writer either, and without a log no older state.
        if error.sqlite_errorcode not in _NO_SHARED_MEMORY:
            raise
        if log.exists() and log.stat().st_size:
            raise LedgerUnavailable(
                f"{path} has entries in {log.name} that cannot be read from a read-only directory.",
                "Copy the whole directory to a disk that can be written to, and look at it there.",
            ) from error
        return _connect(path, "immutable=1", 5.0)
    except FAULTS:
        connection.close()
        raise
    return connection


def map_into_memory(connection: sqlite3.Connection) -> None:
    """Read pages without copying them: half the time for who reads a large file once.

    Only for a process that may die: if the file is cut off meanwhile, the kernel ends it.
    """
    connection.execute(f"PRAGMA mmap_size={1 << 40}").fetchall()


def explain(error: Exception, directory: Path) -> WorkbenchError:
    """Return the error a person can act on: `LedgerBroken` for a damaged file, else `LedgerUnavailable`."""
    if isinstance(error, WorkbenchError):
        return error
    if isinstance(error, sqlite3.Error):
        code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        return _explain_sqlite(error, code, directory)
    if isinstance(error, UnicodeDecodeError):
        return LedgerBroken(f"The ledger in {directory} is damaged.", _VERIFY)
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return _full(directory)
        return LedgerUnavailable(
            f"The ledger in {directory} cannot be used: {error.strerror or error}.",
            "Check that the directory exists and is yours, then start again.",
        )
    return LedgerUnavailable(f"The ledger in {directory} failed: {error!r}.", "Start again; " + _VERIFY)


def decode(data: bytes) -> str:
    """Return text as it stands in the file; what is damaged is compared and shown like any other."""
    return data.decode("utf-8", "replace")


def _connect(path: Path, query: str, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{query}",
        uri=True,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.text_factory = decode
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE)
    # A schema we did not write cannot call functions with side effects, nor a torn page pass as whole.
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")
    return connection


_NO_SHARED_MEMORY: Final = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_READONLY_CANTINIT,
        sqlite3.SQLITE_READONLY_DIRECTORY,
        sqlite3.SQLITE_READONLY_RECOVERY,
        sqlite3.SQLITE_IOERR_SHMOPEN,
    }
)


def _explain_sqlite(error: sqlite3.Error, code: int, directory: Path) -> WorkbenchError:
    primary = code & 0xFF
    if primary in _DAMAGED or isinstance(error, sqlite3.DataError):
        return LedgerBroken(f"The ledger in {directory} is damaged: {error}.", _VERIFY)
    if primary == sqlite3.SQLITE_FULL or (primary == sqlite3.SQLITE_IOERR and _is_full(directory)):
        return _full(directory)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LedgerUnavailable(
            f"Another program keeps the ledger in {directory} locked.", "End that program, then start again."
        )
    if primary in (
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
    ):
        return LedgerUnavailable(
            f"The ledger in {directory} cannot be opened for writing: {error}.",
            "Check that the directory exists and is yours, then start again.",
        )
    name = getattr(error, "sqlite_errorname", "")
    return LedgerUnavailable(
        f"The ledger in {directory} could not be written: {error} ({name}).", "Check the disk. " + _VERIFY
    )


def _full(directory: Path) -> LedgerUnavailable:
    return LedgerUnavailable(
        f"The disk that holds {directory} is full, so nothing can be recorded.",
        "Free some space, then start again.",
    )


def _is_full(directory: Path) -> bool:
    # SQLite reports a full disk as a plain I/O error when it was the shared memory that could not grow.
    try:
        found = os.statvfs(directory)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < 64 * 1024
