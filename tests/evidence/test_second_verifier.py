"""Two verifiers that share no code come to the same exit code, whatever was done to a ledger."""

from __future__ import annotations

import ast
import random
import sqlite3
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.evidence.second import FILE, check, ran, ran_json
from tests.ledger.attacks import ATTACKS, Attack, cut, edit, found_as
from tests.ledger.places import ALICE, EDITOR, Place, intent, outcome, read_of
from workbench.core.records import Event


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "one")


def _agree(place: Place, *, head: bool = True) -> int:
    if not head:
        place.head.unlink(missing_ok=True)
    first, other = place.verify(), check(place.directory)
    assert other.code == first.exit_code, (first.lines, other.lines)
    if first.exit_code in (0, 3, 4):
        assert (other.facts["size"], other.facts["origin"]) == (first.size, first.origin)
        assert other.facts["root"] == (first.root.hex() if first.root else None)
    return first.exit_code


def test_both_find_a_good_ledger_good(place: Place) -> None:
    assert _agree(place.filled(10)) == 0
    place.filled(600)
    assert _agree(place) == 0
    assert _agree(place, head=False) == 4


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_both_judge_an_attack_alike(place: Place, attack: Attack) -> None:
    place.filled(10)
    with place.attacker() as connection:
        attack(connection)
    assert _agree(place) == found_as(attack)


def test_both_find_a_cut_tail(place: Place) -> None:
    place.filled(10)
    with place.attacker() as connection:
        cut(connection, 5)
    assert _agree(place) == 3
    assert _agree(place, head=False) == 4
    with place.attacker() as connection:
        edit(connection)
    assert _agree(place) == 2


def test_both_judge_missing_and_foreign_files_alike(place: Place, tmp_path: Path) -> None:
    place.filled(3)
    for head in ("", "rubbish", place.head.read_text()[:-9]):
        place.head.write_text(head)
        assert _agree(place) == 3
    place.database.unlink()
    assert _agree(place) == 3
    assert _agree(place, head=False) == 1
    place.database.write_bytes(b"")
    assert _agree(place) == 2
    place.database.write_text("this is no database, and it is longer than a header of SQLite would be" * 9)
    assert _agree(place) == 2


def test_both_judge_sealed_values_alike(place: Place) -> None:
    with place.open() as ledger:
        kept, erased = (ledger.append(Event("file.read", EDITOR, sealed={"value": b"x"})) for _ in range(2))
        ledger.erase(erased, "value", by=ALICE, reason="asked")
    assert _agree(place) == 0
    with place.attacker() as connection:
        ref = kept.body["sealed"]["value"]["ref"]  # type: ignore[call-overload, index]
        connection.execute("UPDATE sealed SET ct = randomblob(40) WHERE ref = ?", (ref,))
    assert _agree(place) == 2
    (place.directory / "keys.db").unlink()
    assert _agree(place) == 4


def test_both_count_what_is_unfinished(place: Place) -> None:
    with place.open() as ledger:
        ledger.append_many([intent("a"), intent("b"), outcome("b")])
    assert _agree(place) == 4


def _grown(place: Place) -> Place:
    with place.open() as ledger:
        for number in range(3):
            ledger.append_many([read_of(f"src/ü{number}-{part}.py") for part in range(90)])
            ledger.append(Event("file.read", EDITOR, sealed={"value": b"secret"}))
    return place


A_BYTE = "a byte of the file"
UNCHANGED = "nothing"
COLUMNS = {
    "entry": ["leaf", "prev", "body", "type", "phase", "op_id", "t", "actor", "path"],
    "subroot": ["hash", "level", "idx"],
    "checkpoint": ["note", "size"],
    "sealed": ["nonce", "ct", "ref"],
    "about": ["value", "name"],
}


def _mutate_a_row(connection: sqlite3.Connection, chance: random.Random) -> str:
    table = chance.choices(list(COLUMNS), [12, 2, 3, 3, 1])[0]
    row = chance.choice(connection.execute(f"SELECT * FROM {table}").fetchall())
    names = [each[1] for each in connection.execute(f"PRAGMA table_info({table})")]
    key = " AND ".join(f"{name} IS ?" for name in names)
    if chance.random() < 0.15:
        connection.execute(f"DELETE FROM {table} WHERE {key}", row)
        return f"row of {table} deleted"
    column = chance.choice(COLUMNS[table])
    value = row[names.index(column)]
    if isinstance(value, int):
        changed: object = value + chance.choice([-1, 1, 256, 10_000])
    else:
        data = bytearray((value.encode() if isinstance(value, str) else value) or b"x")
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(7)
        changed = data.decode("utf-8", "replace") if isinstance(value, str | None) else bytes(data)
    with suppress(sqlite3.IntegrityError):  # a value that another row has already, or none at all
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key}", (changed, *row))
        return f"{table}.{column}"
    return UNCHANGED


@pytest.mark.parametrize("seed", range(3))
def test_both_judge_random_changes_alike_and_let_none_pass(place: Place, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    _grown(place)
    honest = place.database.read_bytes()
    for _ in range(15):
        place.database.write_bytes(honest)
        for name in ("ledger.db-wal", "ledger.db-shm"):
            (place.directory / name).unlink(missing_ok=True)
        what = A_BYTE
        if chance.random() < 0.6:
            with place.attacker() as connection:
                what = _mutate_a_row(connection, chance)
        else:
            changed = bytearray(honest)
            position = chance.randrange(len(changed))
            changed[position] ^= 1 << chance.randrange(8)
            place.database.write_bytes(changed)
        first, other = place.verify(), check(place.directory)
        assert other.code == first.exit_code, (what, first.lines, other.lines)
        if what not in (A_BYTE, UNCHANGED, "row of checkpoint deleted"):
            assert first.exit_code in (2, 3), (what, first.lines)


def test_it_runs_by_itself_without_any_package(place: Place) -> None:
    place.filled(20)
    said = ran_json("check", str(place.directory))
    assert (said.code, said.facts["size"]) == (0, 20)
    with place.attacker() as connection:
        edit(connection)
    assert ran_json("check", str(place.directory)).code == 2
    assert ran("selftest").returncode == 0
    assert "Traceback" not in ran("check", str(place.root / "nowhere")).stderr


def test_it_imports_nothing_but_the_standard_library_and_is_written_for_python_3_9() -> None:
    tree = ast.parse(FILE.read_text(), feature_version=(3, 9))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    roots = {name.partition(".")[0] for name in names}
    assert roots - set(sys.stdlib_module_names) == {"cryptography"}


def test_the_key_that_the_auditor_brought_is_compared(place: Place) -> None:
    place.filled(3)
    vkey = str(place.key().verifier)
    assert check(place.directory, "--key", vkey).code == 0
    other = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    assert check(place.directory, "--key", other).code == 3
    assert check(place.directory, "--key", "rubbish").code == 1
