"""A ledger for one test, events to put into it, and an attacker who can write to its files."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.core.records import Event, Json, Principal
from workbench.ledger import Anchor, Ledger, LedgerReader, Report, head_anchors, verify
from workbench.ledger.envelope import NO_PREV
from workbench.ledger.note import SignerKey
from workbench.ledger.store import SEARCHED, searched
from workbench.ledger.tree import leaf_hash

ALICE = Principal("human", "user:alice", "Alice", "approver", 1000)
EDITOR = Principal("agent", "agent:editor", "editor", "coder", 1000, on_behalf_of="user:alice")

WORKER = Path(__file__).with_name("worker.py")


def read_of(path: str = "src/app.py", **fields: Json) -> Event:
    """An event without a second half."""
    return Event("file.read", EDITOR, fields={"obj": {"kind": "file", "path": path}, **fields})


def intent(op_id: str) -> Event:
    return Event("edit.intent", EDITOR, phase="intent", op_id=op_id)


def outcome(op_id: str) -> Event:
    return Event(
        "edit.outcome", EDITOR, phase="outcome", op_id=op_id, fields={"outcome": {"status": "success"}}
    )


@dataclass(frozen=True)
class Place:
    """Where one test's ledger and its head file are."""

    root: Path

    @property
    def directory(self) -> Path:
        return self.root / "state" / "repo-1"

    @property
    def head(self) -> Path:
        return self.root / "state" / "heads" / "repo-1.head"

    @property
    def database(self) -> Path:
        return self.directory / "ledger.db"

    def open(self, *, lock_timeout: float = 10.0) -> Ledger:
        return Ledger.open(
            self.directory, head_file=self.head, session="s-1", app_version="0.1.0", lock_timeout=lock_timeout
        )

    def filled(self, count: int = 10) -> Place:
        """Write `count` reads and close, which signs them."""
        with self.open() as ledger:
            ledger.append_many([read_of(f"src/{number}.py") for number in range(count)])
        return self

    def reader(self) -> LedgerReader:
        return LedgerReader.open(self.directory)

    def verify(self, *anchors: Anchor, head: bool = True) -> Report:
        return verify(self.directory, [*(head_anchors(self.head) if head else []), *anchors])

    def key(self) -> SignerKey:
        return SignerKey.parse((self.directory / "ledger.key").read_text().strip())

    def copy_to(self, root: Path) -> Place:
        """Copy ledger and head file, as a backup would."""
        shutil.copytree(self.root, root)
        return Place(root)

    @contextmanager
    def attacker(self) -> Iterator[sqlite3.Connection]:
        """Open the file for writing with its triggers out of the way, and put them back as they were."""
        connection = sqlite3.connect(self.database, isolation_level=None)
        triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        connection.execute("BEGIN IMMEDIATE")
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in triggers:
            connection.execute(sql)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def worker(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a second process that appends to this ledger."""
        return subprocess.Popen(
            [sys.executable, str(WORKER), str(self.directory), str(self.head), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(WORKER.parents[2])},
        )


def rehash(connection: sqlite3.Connection, bodies: Iterable[bytes], start: int = 0) -> None:
    """Write bodies from index `start` on, with leaf hashes that fit them, as an attacker would."""
    row = connection.execute("SELECT leaf FROM entry WHERE idx = ?", (start - 1,)).fetchone()
    prev = row[0] if row else NO_PREV
    connection.execute("CREATE TEMP TABLE kept AS SELECT * FROM entry WHERE idx >= ?", (start,))
    connection.execute("DELETE FROM entry WHERE idx >= ?", (start,))
    for index, body in enumerate(bodies, start):
        leaf = leaf_hash(body)
        connection.execute(
            "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (index, leaf, prev, body, *_columns(connection, index, body)),
        )
        prev = leaf


def _columns(connection: sqlite3.Connection, index: int, body: bytes) -> tuple[str | None, ...]:
    """What a row is searched by: as its bytes say, or where they say nothing, what stood there."""
    try:
        return searched(json.loads(body))
    except (ValueError, KeyError, RecursionError):
        row = connection.execute(f"SELECT {SEARCHED} FROM kept WHERE idx = ?", (index,)).fetchone()
        return tuple(row)
