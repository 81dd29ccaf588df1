"""Makes a new ledger, whole or not at all.

The order, so that a crash at any point is told from a deletion:

1. `ledger.db.new` is laid out, with a signed checkpoint of size 0, and made durable.
2. `ledger.key` takes its place.
3. `ledger.db.new` is renamed to `ledger.db`.

A key without `ledger.db` but with `ledger.db.new` is a creation that was cut short, and is finished. A key
alone, or a head file alone, means that a ledger was here and is gone: then nothing is made.
"""

from __future__ import annotations

import os
import re
import sqlite3
import uuid
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from workbench.core.errors import LedgerBroken
from workbench.ledger import store
from workbench.ledger.checkpoint import Checkpoint
from workbench.ledger.database import connect_writer
from workbench.ledger.disk import create_private_file, sync_directory
from workbench.ledger.key_file import KEY_NAME, KeyFile
from workbench.ledger.note import SignerKey
from workbench.ledger.tree import EMPTY_ROOT

_FRESH: Final = store.DATABASE_NAME + ".new"


def ensure(directory: Path, head_file: Path, timeout: float, *, second: bool = False) -> bool:
    """Make a ledger in `directory` unless there is one, signed a second time where that is wanted.

    The caller holds its lock.

    Returns:
        Whether one was made.

    Raises:
        LedgerBroken: If there was a ledger and its file is gone.
        OSError: If a file cannot be made.
        sqlite3.Error: If the database cannot be laid out.
    """
    database, key_file, fresh = (directory / name for name in (store.DATABASE_NAME, KEY_NAME, _FRESH))
    if database.exists():
        return False
    if key_file.exists() and fresh.exists():
        _finish(directory, fresh, database)
        return True
    left = key_file if key_file.exists() else head_file
    if left.exists():
        raise LedgerBroken(
            f"There was a ledger in {directory} and its file is gone: {left} is still there.",
            f"Restore {database} from a backup, or move {left} elsewhere to begin a new ledger knowingly.",
        )
    key = SignerKey.generate(f"workbench/{host()}/{uuid.uuid4()}", second=second)
    _lay_out(fresh, key, timeout)
    KeyFile(directory).create(key)
    _finish(directory, fresh, database)
    return True


def host() -> str:
    """Return this machine's name as it can stand in an origin."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", os.uname().nodename).strip("-.")[:64] or "host"


def _lay_out(path: Path, key: SignerKey, timeout: float) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()
    create_private_file(path)
    with closing(connect_writer(path, timeout)) as connection:
        store.create_schema(connection, key.name, str(key.verifier))
        note = Checkpoint.sign(key, 0, EMPTY_ROOT).note
        connection.execute("INSERT INTO checkpoint VALUES (0, ?)", (note,))
        _empty_log(connection)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _empty_log(connection: sqlite3.Connection) -> None:
    # The write-ahead log keeps the file's old name, so nothing may be left in it when the file is renamed.
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _finish(directory: Path, fresh: Path, database: Path) -> None:
    fresh.rename(database)
    sync_directory(directory)
