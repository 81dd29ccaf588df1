"""Attacks on the record, by someone who can write every file of it but does not have the signing key.

One ledger is made and filled; every attack changes a copy of it, and the copy is verified. The ledger's own
guards against writing (triggers) are taken out of the way first, as such an attacker would.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import rfc8785

from workbench.core.errors import WorkbenchError
from workbench.core.records import SYSTEM, Event
from workbench.core.safe_text import one_line
from workbench.evidence import frame, message
from workbench.ledger import Ledger, LedgerReader, Report, file_anchor, head_anchors, verify
from workbench.ledger.tree import leaf_hash
from workbench.redteam.case import Attack, Breach, Case, Guard
from workbench.redteam.lab import Lab

HOLDS = "`workbench audit verify` calls it tampered with, or rolled back"
ENTRIES = 12
_FOUND = (2, 3)
"""Exit codes of a verification that found it: tampered, rolled back."""

Change = Callable[[sqlite3.Connection], None]


@dataclass(frozen=True, slots=True)
class Books:
    """A ledger and the newest checkpoint that is kept apart from it."""

    place: Path

    @property
    def ledger(self) -> Path:
        """The directory of the ledger."""
        return self.place / "ledger"

    @property
    def head(self) -> Path:
        """The file with the newest checkpoint."""
        return self.place / "head"

    def verify(self) -> Report:
        """Verify, with what the head file says."""
        return verify(self.ledger, head_anchors(self.head))


def filled(lab: Lab) -> Books:
    """Return a copy of a ledger with a dozen entries."""
    kept = lab.place / "books"
    if not kept.exists():
        kept.mkdir()
        books = Books(kept)
        with Ledger.open(books.ledger, head_file=books.head, session="redteam", app_version="0") as ledger:
            ledger.append_many([_event(number) for number in range(ENTRIES)])
    copied = lab.folder("books")
    shutil.copytree(kept, copied, dirs_exist_ok=True)
    return Books(copied)


def _event(number: int, path: str = "") -> Event:
    name = path or f"src/{number}.py"
    return Event("file.read", SYSTEM, fields={"obj": {"kind": "file", "path": name}, "purpose": "redteam"})


def _found(books: Books) -> str:
    report = books.verify()
    if report.exit_code not in _FOUND:
        raise Breach(f"verification ends with {report.exit_code}: {one_line(report.lines[-1])}")
    told = next(
        (line for line in report.lines if line.startswith("Entry") or "saw" in line), report.lines[-1]
    )
    return f"exit {report.exit_code}: {one_line(told)}"


def _changed(change: Change) -> Attack:
    def attack(lab: Lab) -> str:
        books = filled(lab)
        with closing(sqlite3.connect(books.ledger / "ledger.db", isolation_level=None)) as connection:
            triggers = connection.execute(
                "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
            ).fetchall()
            for name, _ in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            connection.execute("BEGIN")
            change(connection)
            connection.execute("COMMIT")
            for _, sql in triggers:
                connection.execute(sql)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return _found(books)

    return attack


def _body(connection: sqlite3.Connection, index: int) -> dict[str, object]:
    row = connection.execute("SELECT body FROM entry WHERE idx = ?", (index,)).fetchone()
    body: dict[str, object] = json.loads(row[0])
    return body


def _edit(connection: sqlite3.Connection) -> None:
    body = rfc8785.dumps(_body(connection, 4) | {"purpose": "harmless"})  # type: ignore[arg-type]
    connection.execute("UPDATE entry SET body = ? WHERE idx = 4", (body,))


def _edit_with_hash(connection: sqlite3.Connection) -> None:
    body = rfc8785.dumps(_body(connection, 4) | {"purpose": "harmless"})  # type: ignore[arg-type]
    connection.execute("UPDATE entry SET body = ?, leaf = ? WHERE idx = 4", (body, leaf_hash(body)))


def _rewrite_all(connection: sqlite3.Connection) -> None:
    """Change one entry and every hash after it, so that the chain itself fits again."""
    size = connection.execute("SELECT count(*) FROM entry").fetchone()[0]
    prev = None
    for index in range(size):
        body = _body(connection, index)
        if index == 4:
            body["purpose"] = "harmless"
        if prev is not None:
            body["prev"] = prev.hex()
        data = rfc8785.dumps(body)  # type: ignore[arg-type]
        leaf = leaf_hash(data)
        connection.execute("UPDATE entry SET body = ?, leaf = ? WHERE idx = ?", (data, leaf, index))
        if prev is not None:
            connection.execute("UPDATE entry SET prev = ? WHERE idx = ?", (prev, index))
        prev = leaf


def _delete(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM entry WHERE idx = 4")


def _delete_head(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM entry WHERE idx < 4")


def _reorder(connection: sqlite3.Connection) -> None:
    for before, after in ((4, -1), (5, 4), (-1, 5)):
        connection.execute("UPDATE entry SET idx = ? WHERE idx = ?", (after, before))


def _cut(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM entry WHERE idx >= 6")
    connection.execute("DELETE FROM checkpoint WHERE size > 6")


def _searched(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE entry SET path = 'src/harmless.py' WHERE idx = 4")


def _checkpoint(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE checkpoint SET note = replace(note, char(10), char(10) || 'x') WHERE size > 0")


def _no_checkpoints(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM checkpoint")


def _key(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE about SET value = replace(value, '+A', '+B') WHERE name = 'vkey'")


def _trigger(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TRIGGER helper AFTER INSERT ON about BEGIN SELECT 1; END")


def _table(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE session(id INTEGER PRIMARY KEY)")


def _blank(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE entry SET body = CAST(body || char(10) AS BLOB) WHERE idx = 4")


def _triggers_dropped(lab: Lab) -> str:
    books = filled(lab)
    with closing(sqlite3.connect(books.ledger / "ledger.db")) as connection, connection:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for (name,) in names:
            connection.execute(f"DROP TRIGGER {name}")
    return _found(books)


def _triggers_hold(lab: Lab) -> str:
    """The ordinary statements, without taking the triggers away."""
    books = filled(lab)
    statements = (
        "UPDATE entry SET body = '{}' WHERE idx = 4",
        "DELETE FROM entry WHERE idx = 4",
        "INSERT OR REPLACE INTO entry SELECT * FROM entry WHERE idx = 4",
        "DELETE FROM checkpoint",
        "UPDATE about SET value = 'x'",
    )
    with closing(sqlite3.connect(books.ledger / "ledger.db", isolation_level=None)) as connection:
        for statement in statements:
            try:
                done = connection.execute(statement).rowcount
            except sqlite3.Error:
                continue
            if done > 0:
                raise Breach(f"it took {statement!r}")
    return "every statement was aborted"


def _rolled_back(lab: Lab) -> str:
    """Put an older copy of the ledger back; the head file has seen the newer one."""
    books = filled(lab)
    older = lab.folder("older")
    shutil.copytree(books.ledger, older, dirs_exist_ok=True)
    with Ledger.open(books.ledger, head_file=books.head, session="redteam", app_version="0") as ledger:
        ledger.append_many([_event(number) for number in range(3)])
    shutil.rmtree(books.ledger)
    shutil.copytree(older, books.ledger)
    return _found(books)


def _another_ledger(lab: Lab) -> str:
    """Put the ledger of another repository in this one's place."""
    books, other = filled(lab), Books(lab.folder("other"))
    with Ledger.open(other.ledger, head_file=other.head, session="redteam", app_version="0") as ledger:
        ledger.append_many([_event(number) for number in range(ENTRIES)])
    shutil.rmtree(books.ledger)
    shutil.copytree(other.ledger, books.ledger)
    return _found(books)


def _kept_checkpoint(lab: Lab) -> str:
    """Cut the end, and take the head file back with it: a checkpoint that somebody kept still tells."""
    books = filled(lab)
    older = lab.folder("older")
    shutil.copytree(books.place, older, dirs_exist_ok=True)
    with Ledger.open(books.ledger, head_file=books.head, session="redteam", app_version="0") as ledger:
        ledger.append_many([_event(number) for number in range(3)])
    kept = lab.folder("kept") / "checkpoint"
    shutil.copy(books.head, kept)
    report = verify(older / "ledger", [*head_anchors(older / "head"), file_anchor(kept)])
    if report.exit_code not in _FOUND:
        raise Breach(f"verification ends with {report.exit_code} although a kept checkpoint saw more")
    return f"exit {report.exit_code}: {one_line(report.lines[-1])}"


def _injected_line(lab: Lab) -> str:
    """A path that holds new lines, an escape and a formula, exported for a collector."""
    hostile = '=cmd|calc\n<110>1 - - forged - - -\x1b[2J"]\r\nx'
    books = filled(lab)
    with Ledger.open(books.ledger, head_file=books.head, session="redteam", app_version="0") as ledger:
        ledger.append(_event(0, hostile))
    with LedgerReader.open(books.ledger) as reader:
        sent = [message(entry) for entry in reader.entries()]
    for each in sent:
        if any(byte < 32 or byte > 126 for byte in each) or not frame(each).endswith(each):
            raise Breach("a message holds a control or a new line")
    return f"{len(sent)} messages, one line of printable ASCII each"


def _unknown_event(lab: Lab) -> str:
    """An event of a type that nobody knows, which a reader would pass over."""
    books = filled(lab)
    with Ledger.open(books.ledger, head_file=books.head, session="redteam", app_version="0") as ledger:
        try:
            ledger.append(Event("file.borrowed", SYSTEM))
        except WorkbenchError as error:
            return one_line(error.cause)
    raise Breach("it was recorded")


_CHANGES: tuple[tuple[str, str, Change, str], ...] = (
    ("edit", "an entry is edited", _edit, "A56 S68"),
    ("edit_with_hash", "an entry is edited, with its hash", _edit_with_hash, "A56 S68"),
    ("rewrite", "an entry is edited, with every hash after it", _rewrite_all, "A56"),
    ("delete", "an entry is deleted", _delete, "A56 A57"),
    ("delete_head", "the first entries are deleted", _delete_head, "A57"),
    ("reorder", "two entries change places", _reorder, "A56"),
    ("cut", "the end is cut off, with what speaks of it", _cut, "A56"),
    ("searched", "the column that is searched says something else", _searched, "A60"),
    ("checkpoint", "a signed checkpoint is changed", _checkpoint, "A56"),
    ("no_checkpoints", "every checkpoint is deleted", _no_checkpoints, "A56"),
    ("key", "the verifier's key is replaced", _key, "A56"),
    ("trigger", "a trigger is added", _trigger, "A56"),
    ("table", "a table is added", _table, "A57"),
    ("blank", "a blank is added to an entry", _blank, "A56"),
)
_LARGER: tuple[tuple[str, str, Attack, str], ...] = (
    ("triggers_dropped", "the triggers that refuse changes are dropped", _triggers_dropped, "A57"),
    ("rolled_back", "an older copy is put back", _rolled_back, "A56"),
    ("another_ledger", "another ledger is put in its place", _another_ledger, "A56"),
    (
        "kept_checkpoint",
        "ledger and head file are both put back, but somebody kept a checkpoint",
        _kept_checkpoint,
        "A56",
    ),
)

CASES = (
    *(
        Case(f"audit.{name}", title, source, HOLDS, Guard.VERIFYING, _changed(change))
        for name, title, change, source in _CHANGES
    ),
    *(
        Case(f"audit.{name}", title, source, HOLDS, Guard.VERIFYING, attack)
        for name, title, attack, source in _LARGER
    ),
    Case(
        "audit.triggers_hold",
        "ordinary statements that change or delete",
        "A57 A60",
        "SQLite aborts every one",
        Guard.RECORDING,
        _triggers_hold,
    ),
    Case(
        "audit.injected_line",
        "a path that forges lines of the export",
        "A58",
        "one message is one line",
        Guard.RECORDING,
        _injected_line,
    ),
    Case(
        "audit.unknown_event",
        "an event of an unknown type",
        "A56",
        "the set of events is closed",
        Guard.RECORDING,
        _unknown_event,
    ),
)
