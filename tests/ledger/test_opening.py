"""A ledger is made whole or not at all, and one that is not what it was is never appended to."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.ledger.places import Place, read_of, rehash
from workbench.core.errors import LedgerBroken
from workbench.ledger import LedgerReader, genesis
from workbench.ledger.database import sqlite_in_words
from workbench.ledger.key_file import KeyFile


def digest_of(path: Path) -> bytes:
    return path.read_bytes()


def test_a_new_ledger_is_empty_signed_and_anchored(place: Place) -> None:
    with place.open() as ledger:
        assert ledger.size == 0
        report = place.verify()
    assert (report.exit_code, report.size, report.anchor_size) == (0, 0, 0), report.lines


@pytest.mark.parametrize("name", ["a b", "what?#%41&x=y", "\udcff", "naïve", "';--"])
def test_a_directory_may_have_any_name(tmp_path: Path, name: str) -> None:
    place = Place(tmp_path / name).filled(3)
    assert place.verify().exit_code == 0
    assert place.reader().size() == 3


@pytest.mark.parametrize("garbage", [b"", b"not a database at all", b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_file_that_is_no_database_is_refused_and_kept(place: Place, garbage: bytes) -> None:
    place.filled(1)
    place.database.write_bytes(garbage)
    with pytest.raises(LedgerBroken) as raised:
        place.open()
    assert raised.value.next_step
    assert "\n" not in raised.value.cause
    assert place.database.read_bytes() == garbage


def test_a_database_of_another_program_is_refused_and_kept(place: Place) -> None:
    place.filled(1)
    place.database.unlink()
    with sqlite3.connect(place.database) as connection:
        connection.execute("CREATE TABLE bookmarks(url TEXT)")
    connection.close()
    before = digest_of(place.database)
    with pytest.raises(LedgerBroken, match="another program"):
        place.open()
    with pytest.raises(LedgerBroken, match="another program"):
        LedgerReader.open(place.directory)
    assert digest_of(place.database) == before
    assert place.verify().exit_code == 2


def test_a_ledger_of_a_later_version_is_refused(place: Place) -> None:
    place.filled(1)
    with place.attacker() as connection:
        connection.execute("PRAGMA user_version=2")
    with pytest.raises(LedgerBroken, match="version 2"):
        place.open()


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER entry_no_update",
        "DROP TRIGGER entry_at_the_end",
        "DROP INDEX entry_path",
        "CREATE TRIGGER x AFTER INSERT ON entry BEGIN SELECT 1; END",
        "CREATE VIEW v AS SELECT 1",
        "DROP TRIGGER entry_no_update;"
        " CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT 'harmless'; END",
        "DROP INDEX entry_path; CREATE INDEX entry_path ON entry(path) WHERE path <> 'src/hidden.py'",
        "CREATE TABLE t(x)",
    ],
)
def test_a_changed_schema_is_refused(place: Place, statement: str) -> None:
    place.filled(1)
    with sqlite3.connect(place.database) as connection:
        connection.executescript(statement)
    connection.close()
    with pytest.raises(LedgerBroken):
        place.open()
    assert place.verify().exit_code == 2


def test_a_changed_entry_near_the_end_is_refused(place: Place) -> None:
    place.filled(600)
    with place.attacker() as connection:
        connection.execute(
            "UPDATE entry SET body = CAST(replace(body, '/300.py', '/301.py') AS BLOB) WHERE idx = 300"
        )
    with pytest.raises(LedgerBroken, match="Entry 300"):
        place.open()


def test_a_rewritten_history_is_refused(place: Place) -> None:
    place.filled(10)
    with place.attacker() as connection:
        bodies = [row[0] for row in connection.execute("SELECT body FROM entry WHERE idx < 9 ORDER BY idx")]
        rehash(connection, bodies)
    with pytest.raises(LedgerBroken, match="checkpoint"):
        place.open()


def test_an_older_copy_is_refused_because_of_the_head_file(place: Place, tmp_path: Path) -> None:
    place.filled(5)
    old = place.copy_to(tmp_path / "backup")
    place.filled(5)
    shutil.rmtree(place.directory)
    shutil.copytree(old.directory, place.directory)
    before = place.head.read_bytes()
    with pytest.raises(LedgerBroken, match="5 entries; the head file was signed over 10") as raised:
        place.open()
    assert str(place.head) in raised.value.next_step
    assert place.head.read_bytes() == before
    place.head.unlink()
    with place.open() as ledger:
        assert ledger.append(read_of()).index == 5


def test_a_damaged_head_file_is_refused(place: Place) -> None:
    place.filled(5)
    place.head.write_bytes(b"")
    with pytest.raises(LedgerBroken, match="head file"):
        place.open()


def test_a_deleted_ledger_is_not_silently_begun_anew(place: Place) -> None:
    place.filled(5)
    place.database.unlink()
    with pytest.raises(LedgerBroken, match="is gone"):
        place.open()
    shutil.rmtree(place.directory)
    with pytest.raises(LedgerBroken, match="is gone"):
        place.open()
    place.head.unlink()
    shutil.rmtree(place.directory)
    with place.open() as ledger:
        assert ledger.size == 0


def test_a_ledger_without_its_key_is_refused(place: Place, other_place: Place) -> None:
    place.filled(5)
    other_place.filled(5)
    key = place.directory / "ledger.key"
    key.unlink()
    with pytest.raises(LedgerBroken, match="key"):
        place.open()
    shutil.copy(other_place.directory / "ledger.key", key)
    with pytest.raises(LedgerBroken, match="another ledger"):
        place.open()
    key.write_text("garbage")
    with pytest.raises(LedgerBroken, match="damaged"):
        place.open()


def test_a_creation_that_was_cut_short_is_finished_or_begun_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerCutError(Exception):
        pass

    def cut(*_: object) -> None:
        raise PowerCutError

    for owner, step in ((KeyFile, "create"), (genesis, "_finish")):
        with monkeypatch.context() as patched:
            patched.setattr(owner, step, cut)
            with pytest.raises(PowerCutError):
                place.open()
        assert not place.database.exists()
    place.filled(3)
    assert place.verify().exit_code == 0
    assert not (place.directory / "ledger.db.new").exists()


@pytest.mark.parametrize(
    ("version", "broken"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 54, 1), False),
    ],
)
def test_the_sqlite_that_can_corrupt_a_log_is_named(version: tuple[int, int, int], broken: bool) -> None:
    words = sqlite_in_words(version)
    assert words.startswith(".".join(map(str, version)))
    assert ("only one write" in words) is broken
