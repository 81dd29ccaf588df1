"""What detects what: every attack against every defence, each with its exit code.

The columns: a local signed checkpoint whose key is safe; the same with the present key stolen; the key stolen
while that of the epoch attacked was destroyed; and any anchor outside, whatever was stolen. An attack that
nothing inside can show leaves exit code 4, never 0: without an anchor the evidence is incomplete.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ledger.attacks import (
    bodies_of,
    chained,
    cut,
    delete_and_close_up,
    delete_in_the_middle,
    delete_the_head,
    edit,
    edited,
    insert_in_the_middle,
    reorder,
    rewrite_everything,
)
from tests.ledger.places import Place, read_of, rehash
from workbench.ledger import file_anchor
from workbench.ledger.checkpoint import Checkpoint
from workbench.ledger.note import SignerKey
from workbench.ledger.tree import root

TAMPERED, ROLLED_BACK, INCOMPLETE, NOT_RUN = 2, 3, 4, 1


def sign_again(connection: sqlite3.Connection, key: SignerKey) -> None:
    """Sign what is there now, at every size that was signed; with the key of today, whatever was in force."""
    leaves = [row[0] for row in connection.execute("SELECT leaf FROM entry ORDER BY idx")]
    connection.execute("DELETE FROM checkpoint WHERE size > ?", (len(leaves),))
    for (size,) in connection.execute("SELECT size FROM checkpoint").fetchall():
        note = Checkpoint.sign(key, size, root(leaves[:size])).note
        connection.execute("UPDATE checkpoint SET note = ? WHERE size = ?", (note, size))
    note = Checkpoint.sign(key, len(leaves), root(leaves)).note
    connection.execute("INSERT OR REPLACE INTO checkpoint VALUES (?, ?)", (len(leaves), note))


def drop_the_head_and_renumber(connection: sqlite3.Connection) -> None:
    """Retention as an attacker would fake it: the oldest entries never were."""
    bodies = bodies_of(connection)
    vkey = connection.execute("SELECT value FROM about WHERE name = 'vkey'").fetchone()[0]
    bodies = [edited(bodies[4], vkey=vkey), *bodies[5:]]
    connection.execute("DELETE FROM subroot")
    rehash(connection, chained(bodies))


Attack = Callable[[sqlite3.Connection], None]
UNHASHED = [edit, reorder, delete_in_the_middle, delete_the_head]
REHASHED = [rewrite_everything, insert_in_the_middle, delete_and_close_up, drop_the_head_and_renumber]
SHORTER = [delete_and_close_up, drop_the_head_and_renumber]


def attacked(place: Place, attack: Attack, *, stolen: bool, erased: bool) -> Place:
    """Attack a ledger of ten entries: from its first epoch, where there are two."""
    with place.open() as ledger:
        ledger.append_many([read_of(f"src/{number}.py") for number in range(10)])
        if erased:
            ledger.rotate("asked")
            ledger.append(read_of())
    with place.attacker() as connection:
        attack(connection)
        if stolen:
            sign_again(connection, place.key())
    return place


@pytest.mark.parametrize("attack", UNHASHED, ids=lambda attack: attack.__name__)
@pytest.mark.parametrize(
    ("stolen", "erased"), [(False, False), (True, False), (True, True)], ids=["key safe", "stolen", "over"]
)
def test_a_change_without_new_hashes_is_always_found(
    place: Place, attack: Attack, stolen: bool, erased: bool
) -> None:
    attacked(place, attack, stolen=stolen, erased=erased)
    assert place.verify(head=False).exit_code == TAMPERED
    assert place.verify().exit_code == TAMPERED


@pytest.mark.parametrize("attack", REHASHED, ids=lambda attack: attack.__name__)
@pytest.mark.parametrize(
    ("stolen", "erased", "inside"),
    [(False, False, TAMPERED), (True, False, INCOMPLETE), (True, True, TAMPERED)],
    ids=["key safe", "key stolen", "key stolen, epoch over"],
)
def test_a_history_with_new_hashes(
    place: Place, attack: Attack, stolen: bool, erased: bool, inside: int
) -> None:
    attacked(place, attack, stolen=stolen, erased=erased)
    if inside == TAMPERED and not stolen and attack in SHORTER:
        # All that is left fits, and the signed checkpoint over more shows that there was more.
        inside = ROLLED_BACK
    assert place.verify(head=False).exit_code == inside
    assert place.verify().exit_code == (TAMPERED if inside == TAMPERED else ROLLED_BACK)


@pytest.mark.parametrize("stolen", [False, True])
def test_a_cut_tail(place: Place, stolen: bool) -> None:
    attacked(place, lambda connection: cut(connection, 5), stolen=stolen, erased=False)
    assert place.verify(head=False).exit_code == INCOMPLETE
    assert place.verify().exit_code == ROLLED_BACK


@pytest.mark.parametrize("carried_on", [False, True])
def test_an_old_copy_with_its_keys(place: Place, tmp_path: Path, carried_on: bool) -> None:
    old = place.filled(5).copy_to(tmp_path / "old")
    place.filled(5)
    if carried_on:
        old.filled(7)
    shutil.rmtree(place.directory)
    shutil.copytree(old.directory, place.directory)
    assert place.verify(head=False).exit_code == INCOMPLETE
    assert place.verify().exit_code == ROLLED_BACK


def test_an_old_copy_without_its_keys_is_not_even_opened(place: Place, tmp_path: Path) -> None:
    old = place.filled(5).copy_to(tmp_path / "old")
    with place.open() as ledger:
        ledger.rotate("asked")
    key = (place.directory / "ledger.key").read_bytes()
    shutil.rmtree(place.directory)
    shutil.copytree(old.directory, place.directory)
    (place.directory / "ledger.key").write_bytes(key)
    place.head.unlink()
    with pytest.raises(Exception, match="or later epoch"):
        place.open()


def test_a_deleted_ledger(place: Place) -> None:
    place.filled(5)
    shutil.rmtree(place.directory)
    assert place.verify(head=False).exit_code == NOT_RUN
    assert place.verify().exit_code == ROLLED_BACK


def test_two_histories_shown_to_two_people(place: Place, tmp_path: Path) -> None:
    other = place.filled(5).copy_to(tmp_path / "other")
    place.filled(3)
    other.filled(3)
    assert place.verify().exit_code == other.verify().exit_code == 0
    # Each of them is whole; whoever compares what they were shown sees that it is not one history.
    assert place.verify(file_anchor(other.head), head=False).exit_code == ROLLED_BACK
    assert other.verify(file_anchor(place.head), head=False).exit_code == ROLLED_BACK
