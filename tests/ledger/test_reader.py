"""What is read is what was written, found by index, by search and by proof."""

from __future__ import annotations

import itertools
import sqlite3

import pytest

from tests.ledger.places import ALICE, Place, intent, outcome, read_of
from workbench.core.errors import LedgerBroken, LedgerUnavailable, UsageError
from workbench.core.records import Event
from workbench.ledger import LedgerReader, ProofError
from workbench.ledger.tree import verify_consistency, verify_inclusion


def test_entries_come_in_order_and_in_parts(place: Place) -> None:
    place.filled(700)
    with place.reader() as reader:
        assert reader.size() == 700
        assert [entry.index for entry in reader.entries()] == list(range(700))
        assert [entry.index for entry in reader.entries(250, 520)] == list(range(250, 520))
        assert [entry.index for entry in reader.tail(3)] == [697, 698, 699]
        assert [entry.index for entry in reader.tail(10_000)] == list(range(700))
        assert reader.entry(699).index == 699
        for missing in (-1, 700):
            with pytest.raises(UsageError, match="the ledger has 700"):
                reader.entry(missing)


def test_a_reader_sees_what_is_appended_after_it_was_opened(place: Place) -> None:
    with place.open() as ledger, place.reader() as reader:
        assert reader.size() == 0
        ledger.append(read_of())
        assert reader.size() == 1
        entry = ledger.append(Event("file.read", ALICE, sealed={"value": b"x"}))
        assert reader.open_sealed(entry, "value") == b"x"


def test_entries_are_found_by_type_path_actor_and_time(place: Place) -> None:
    with place.open() as ledger:
        ledger.append_many([read_of("a"), read_of("b"), intent("1"), outcome("1")])
        late = ledger.append(Event("decision.recorded", ALICE))
    with place.reader() as reader:

        def found(**wanted: str) -> list[int]:
            return [entry.index for entry in reader.find(**wanted)]  # type: ignore[arg-type]

        assert found(type="file.read") == [0, 1]
        assert found(path="b") == [1]
        assert found(actor="user:alice") == [4]
        assert found(type="file.read", path="a", actor="agent:editor") == [0]
        assert found(type="file.read", actor="user:alice") == []
        assert found(since=late.time) == [4]
        assert found() == [0, 1, 2, 3, 4]
        assert [entry.index for entry in reader.find(type="file.read", start=1, stop=2)] == [1]
        assert found(path="' OR 1=1 --") == []


def test_searches_use_an_index(place: Place) -> None:
    place.filled(5)
    with sqlite3.connect(place.database) as connection:
        for clause in ("type = 'x'", "actor = 'x'", "path = 'x'", "t >= 'x'"):
            plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT idx FROM entry WHERE {clause}").fetchall()
            assert "USING" in plan[0][3], plan
    connection.close()


def test_open_intents_are_those_without_an_outcome_or_a_recovery(place: Place) -> None:
    with place.open() as ledger:
        ledger.append_many([intent("a"), intent("b"), outcome("a"), read_of(), intent("c"), intent("d")])
        ledger.append(Event("recovery.orphan", ALICE, op_id="b"))
    with place.reader() as reader:
        assert [entry.op_id for entry in reader.open_intents()] == ["c", "d"]
        assert [entry.op_id for entry in reader.open_intents(start=5)] == ["d"]


def test_proofs_hold_against_signed_roots(place: Place) -> None:
    checkpoints = []
    with place.open() as ledger:
        for count in (5, 300, 256, 400):
            ledger.append_many([read_of(str(number)) for number in range(count)])
            checkpoints.append(ledger.checkpoint())
    with place.reader() as reader:
        for checkpoint in checkpoints:
            for index in {0, 4, 255, 256, 512, checkpoint.size - 1}:
                if index < checkpoint.size:
                    proof = reader.inclusion_proof(index, checkpoint.size)
                    verify_inclusion(index, checkpoint.size, reader.entry(index).leaf, proof, checkpoint.root)
        for old, new in itertools.pairwise(checkpoints):
            proof = reader.consistency_proof(old.size, new.size)
            verify_consistency(old.size, new.size, old.root, new.root, proof)
        with pytest.raises(ProofError):
            reader.inclusion_proof(961, 961)


def test_a_missing_ledger_is_told(place: Place) -> None:
    with pytest.raises(LedgerUnavailable, match="no ledger") as raised:
        LedgerReader.open(place.directory)
    assert raised.value.next_step


@pytest.mark.parametrize("garbage", [b"", b"rubbish", b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_file_that_is_no_ledger_is_told(place: Place, garbage: bytes) -> None:
    place.filled(1)
    place.database.write_bytes(garbage)
    with pytest.raises(LedgerBroken):
        LedgerReader.open(place.directory)


def test_an_entry_that_cannot_be_understood_is_named(place: Place) -> None:
    place.filled(3)
    with place.attacker() as connection:
        connection.execute("UPDATE entry SET body = x'7b' WHERE idx = 1")
    with place.reader() as reader, pytest.raises(LedgerBroken, match="Entry 1"):
        list(reader.entries())
