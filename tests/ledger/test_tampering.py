"""Whatever is changed inside a ledger is found, without help from outside."""

from __future__ import annotations

import random
import sqlite3

import pytest

from tests.ledger.attacks import (
    ATTACKS,
    Attack,
    bodies_of,
    chained,
    delete_in_the_middle,
    delete_the_head,
    edit,
    found_as,
    reorder,
    store_something_huge,
)
from tests.ledger.places import EDITOR, Place, read_of, rehash
from workbench.core.errors import LedgerBroken, LedgerUnavailable
from workbench.core.records import Event
from workbench.ledger.store import SEARCHED


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_an_attack_from_inside_is_found_without_any_anchor(place: Place, attack: Attack) -> None:
    place.filled(10)
    with place.attacker() as connection:
        attack(connection)
    report = place.verify(head=False)
    assert report.exit_code == found_as(attack), report.lines
    said = ("consistent only to", "nothing in it", "rolled back")
    assert any(words in report.lines[-1] for words in said)


@pytest.mark.parametrize(
    ("attack", "index"), [(edit, 4), (delete_in_the_middle, 4), (reorder, 4), (delete_the_head, 0)]
)
def test_the_first_bad_entry_is_named(place: Place, attack: Attack, index: int) -> None:
    place.filled(10)
    with place.attacker() as connection:
        attack(connection)
    report = place.verify()
    assert (report.first_bad, report.size, report.root) == (index, index, None)
    assert any(line.startswith(f"Entry {index}:") for line in report.lines)


@pytest.mark.parametrize("statement", ["UPDATE subroot SET hash = randomblob(32)", "DELETE FROM subroot"])
def test_a_changed_subroot_is_found(place: Place, statement: str) -> None:
    place.filled(300)
    with place.attacker() as connection:
        connection.execute(statement)
    assert place.verify().exit_code == 2


def test_every_flipped_byte_of_an_entry_is_found(place: Place) -> None:
    place.filled(6)
    chance = random.Random(6962)
    with sqlite3.connect(place.database) as connection:
        rows = connection.execute("SELECT idx, leaf, prev, body FROM entry").fetchall()
    connection.close()
    flips = [
        (row[0], column, offset) for row in rows for column in (1, 2, 3) for offset in range(len(row[column]))
    ]
    for index, column, offset in chance.sample(flips, 90):
        value = bytearray(rows[index][column])
        value[offset] ^= 1 << chance.randrange(8)
        name = ("idx", "leaf", "prev", "body")[column]
        with place.attacker() as connection:
            connection.execute(f"UPDATE entry SET {name} = ? WHERE idx = ?", (bytes(value), index))
        report = place.verify()
        assert report.exit_code == 2, (index, name, offset)
        assert report.first_bad == index
        with place.attacker() as connection:
            connection.execute(f"UPDATE entry SET {name} = ? WHERE idx = ?", (rows[index][column], index))
    assert place.verify().exit_code == 0


def test_a_byte_flipped_anywhere_in_the_file_is_never_an_unseen_change(place: Place) -> None:
    place.filled(40)
    chance = random.Random(9162)
    whole = place.database.read_bytes()
    with place.reader() as reader:
        honest = [entry.raw for entry in reader.entries()]
    unseen = 0
    for offset in chance.sample(range(len(whole)), 150):
        changed = bytearray(whole)
        changed[offset] ^= 1 << chance.randrange(8)
        place.database.write_bytes(changed)
        report = place.verify()
        assert report.exit_code in (0, 1, 2, 3), report.lines
        if report.exit_code == 0:
            # Free space and unused header fields carry nothing: the entries must be the same.
            unseen += 1
            with place.reader() as reader:
                assert [entry.raw for entry in reader.entries()] == honest
    assert unseen < 150
    place.database.write_bytes(whole)
    assert place.verify().exit_code == 0


def test_a_damaged_file_is_refused_with_an_error_of_ours_or_used_as_it_was(place: Place) -> None:
    place.filled(40)
    chance = random.Random(8785)
    refusals: list[LedgerBroken | LedgerUnavailable] = []
    whole = place.database.read_bytes()
    for offset in chance.sample(range(len(whole)), 60):
        changed = bytearray(whole)
        changed[offset] ^= 1 << chance.randrange(8)
        place.database.write_bytes(changed)
        try:
            with place.open() as ledger:
                assert ledger.size == 40
        except (LedgerBroken, LedgerUnavailable) as error:
            refusals.append(error)
        try:
            with place.reader() as reader:
                assert sum(1 for _ in reader.entries()) <= 40
        except (LedgerBroken, LedgerUnavailable) as error:
            refusals.append(error)
        for suffix in ("-wal", "-shm"):
            place.database.with_name(f"ledger.db{suffix}").unlink(missing_ok=True)
    assert refusals
    assert all(error.next_step and "\n" not in error.cause for error in refusals)


@pytest.mark.parametrize("garbage", [b"", b"rubbish", b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_file_that_is_no_ledger_is_told_in_plain_words(place: Place, garbage: bytes) -> None:
    place.filled(5)
    place.database.write_bytes(garbage)
    report = place.verify()
    assert report.exit_code == 2
    assert all("Traceback" not in line and "\n" not in line for line in report.lines)


def test_an_index_that_hides_an_entry_is_found(place: Place) -> None:
    place.filled(10)
    with sqlite3.connect(place.database) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'entry_path'"
        ).fetchone()
        (width,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    whole = bytearray(place.database.read_bytes())
    at = whole.index(b"src/4.py", (page - 1) * width, page * width)
    whole[at : at + 8] = b"src/4.pz"
    place.database.write_bytes(whole)
    with place.reader() as reader:
        assert list(reader.find(path="src/4.py")) == []
    report = place.verify()
    assert (report.exit_code, report.size) == (2, 10)
    assert any("entry_path" in line for line in report.lines)


def test_a_body_too_large_to_be_one_is_not_read_into_memory(place: Place) -> None:
    place.filled(10)
    with place.attacker() as connection:
        store_something_huge(connection)
    report = place.verify()
    assert (report.exit_code, report.first_bad) == (2, 9)
    assert any("Entry 9: it cannot be read" in line for line in report.lines)
    assert not any("cut off" in line for line in report.lines)


def test_two_ledgers_spliced_together_are_found(place: Place, other_place: Place) -> None:
    place.filled(10)
    other_place.filled(10)
    with sqlite3.connect(other_place.database) as connection:
        foreign = bodies_of(connection)
    connection.close()
    with place.attacker() as attacked:
        bodies = bodies_of(attacked)
        rehash(attacked, chained(bodies[:5] + foreign[5:]))
    report = place.verify()
    assert report.exit_code == 2
    assert any("another ledger" in line for line in report.lines)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET path = 'x' WHERE idx = 3",
        "DELETE FROM entry WHERE idx = 9",
        "INSERT OR REPLACE INTO entry SELECT * FROM entry WHERE idx = 3",
        "REPLACE INTO entry SELECT * FROM entry WHERE idx = 9",
        f"INSERT INTO entry SELECT 11, randomblob(32), randomblob(32), body, {SEARCHED}"
        " FROM entry WHERE idx = 3",
        f"INSERT INTO entry SELECT NULL, randomblob(32), randomblob(32), body, {SEARCHED}"
        " FROM entry WHERE idx = 3",
        f"INSERT INTO entry SELECT 10, randomblob(32), randomblob(32), body, {SEARCHED}"
        " FROM entry WHERE idx = 3",
        f"INSERT OR REPLACE INTO entry SELECT 10, leaf, randomblob(32), body, {SEARCHED}"
        " FROM entry WHERE idx = 3",
        "UPDATE checkpoint SET note = 'x'",
        "DELETE FROM checkpoint",
        "INSERT OR REPLACE INTO checkpoint SELECT * FROM checkpoint",
        "INSERT INTO checkpoint VALUES (4, 'x')",
        "UPDATE sealed SET ct = x''",
        "INSERT OR REPLACE INTO sealed SELECT * FROM sealed",
        "UPDATE about SET value = 'x'",
        "DELETE FROM about",
        "INSERT OR REPLACE INTO about VALUES ('vkey', 'x')",
    ],
)
def test_the_triggers_refuse_all_but_the_next_entry(place: Place, statement: str) -> None:
    with place.open() as ledger:
        ledger.append_many([read_of(str(number)) for number in range(9)])
        ledger.append(Event("file.read", EDITOR, sealed={"value": b"x"}))
    before = place.verify()
    connection = sqlite3.connect(place.database, isolation_level=None)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    connection.close()
    assert place.verify() == before
