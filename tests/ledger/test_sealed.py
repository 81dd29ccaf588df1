"""A sealed value can be read by who has the key, by nobody once it is destroyed, and never be exchanged."""

from __future__ import annotations

import base64
import hashlib
import sqlite3

import pytest

from tests.ledger.places import ALICE, EDITOR, Place, read_of
from workbench.core.errors import LedgerUnavailable, UsageError
from workbench.core.records import Event
from workbench.ledger import Entry, EventRefused, SealError
from workbench.ledger.errors import ErasedError
from workbench.ledger.sealed import SealedValue, open_value

PROMPT = b"patient 4711: \xff\x00 do not leak this"


def sealed_event(**values: bytes) -> Event:
    return Event("inference.intent", EDITOR, phase="intent", op_id="op-1", sealed=values)


def seal_of(entry: Entry, name: str) -> dict[str, str]:
    sealed = entry.body["sealed"]
    assert isinstance(sealed, dict)
    seal = sealed[name]
    assert isinstance(seal, dict)
    return {key: str(value) for key, value in seal.items()}


def closed_with(place: Place, **values: bytes) -> Entry:
    with place.open() as ledger:
        entry = ledger.append(sealed_event(**values))
        ledger.append(Event("inference.outcome", EDITOR, phase="outcome", op_id="op-1"))
    return entry


def test_a_sealed_value_comes_back(place: Place) -> None:
    entry = closed_with(place, prompt=PROMPT, empty=b"")
    with place.reader() as reader:
        assert reader.open_sealed(entry, "prompt") == PROMPT
        assert reader.open_sealed(reader.entry(0), "empty") == b""
        with pytest.raises(UsageError):
            reader.open_sealed(entry, "other")
    assert place.verify().exit_code == 0


def test_no_file_of_the_ledger_shows_a_sealed_value(place: Place) -> None:
    entry = closed_with(place, prompt=PROMPT)
    assert PROMPT not in entry.raw
    for path in place.directory.iterdir():
        assert b"patient 4711" not in path.read_bytes(), path


def test_the_commitment_is_salted(place: Place) -> None:
    first, second = closed_with(place, prompt=PROMPT), closed_with(place, prompt=PROMPT)
    plain = base64.b64encode(hashlib.sha256(PROMPT).digest()).decode()
    commitments = {seal_of(entry, "prompt")["c"] for entry in (first, second)}
    assert len(commitments) == 2
    assert plain not in commitments


def test_a_wrong_salt_is_found() -> None:
    value = SealedValue.make("prompt", PROMPT, "ledger")
    other = SealedValue.make("prompt", PROMPT, "ledger")
    right = {"c": value.commitment, "ref": value.ref}
    stored = (value.nonce, value.ciphertext)
    assert open_value(right, "prompt", "ledger", stored, value.key) == PROMPT
    with pytest.raises(SealError, match="committed"):
        open_value({**right, "c": other.commitment}, "prompt", "ledger", stored, value.key)
    for seal, name, ledger in (
        (right, "argv", "ledger"),
        (right, "prompt", "other"),
        ({**right, "ref": "x"}, "prompt", "ledger"),
    ):
        with pytest.raises(SealError, match="changed"):
            open_value(seal, name, ledger, stored, value.key)


@pytest.mark.parametrize("column", ["ct", "nonce"])
def test_a_changed_ciphertext_is_found(place: Place, column: str) -> None:
    entry = closed_with(place, prompt=PROMPT)
    with place.attacker() as connection:
        (value,) = connection.execute(f"SELECT {column} FROM sealed").fetchone()
        connection.execute(f"UPDATE sealed SET {column} = ?", (bytes([value[0] ^ 1]) + value[1:],))
    with place.reader() as reader, pytest.raises(SealError):
        reader.open_sealed(entry, "prompt")
    assert place.verify().exit_code == 2


def test_exchanged_ciphertexts_are_found(place: Place) -> None:
    with place.open() as ledger:
        ledger.append(Event("file.read", EDITOR, sealed={"a": b"first", "b": b"other"}))
    with place.attacker() as connection:
        (one, nonce_one, ct_one), (two, nonce_two, ct_two) = connection.execute(
            "SELECT * FROM sealed"
        ).fetchall()
        connection.execute("UPDATE sealed SET nonce = ?, ct = ? WHERE ref = ?", (nonce_two, ct_two, one))
        connection.execute("UPDATE sealed SET nonce = ?, ct = ? WHERE ref = ?", (nonce_one, ct_one, two))
    assert place.verify().exit_code == 2


def test_a_deleted_ciphertext_is_found(place: Place) -> None:
    closed_with(place, prompt=PROMPT)
    with place.attacker() as connection:
        connection.execute("DELETE FROM sealed")
    assert place.verify().exit_code == 2


def test_an_erased_value_is_gone_and_on_record(place: Place) -> None:
    entry = closed_with(place, prompt=PROMPT, argv=b"ls")
    key = (
        sqlite3.connect(place.directory / "keys.db")
        .execute("SELECT key FROM data_key WHERE ref = ?", (seal_of(entry, "prompt")["ref"],))
        .fetchone()[0]
    )
    with place.open() as ledger:
        record = ledger.erase(entry, "prompt", by=ALICE, reason="matter 12")
        with pytest.raises(UsageError):
            ledger.erase(entry, "other", by=ALICE, reason="matter 12")
    assert record.type == "redaction.applied"
    assert record.body["redaction"] == {
        "index": 0,
        "field": "prompt",
        "ref": seal_of(entry, "prompt")["ref"],
        "reason": "matter 12",
    }
    with place.reader() as reader:
        with pytest.raises(ErasedError, match="erased"):
            reader.open_sealed(entry, "prompt")
        assert reader.open_sealed(entry, "argv") == b"ls"
    for path in place.directory.iterdir():
        assert key not in path.read_bytes(), path
    report = place.verify()
    assert report.exit_code == 0, report.lines
    assert any("1 sealed values were erased" in line for line in report.lines)


def test_a_key_destroyed_without_a_record_is_reported(place: Place) -> None:
    closed_with(place, prompt=PROMPT)
    with sqlite3.connect(place.directory / "keys.db") as connection:
        connection.execute("DELETE FROM data_key")
    connection.close()
    report = place.verify()
    assert report.exit_code == 4
    assert any("no entry records" in line for line in report.lines)


def test_without_the_keys_the_entries_can_still_be_verified(place: Place) -> None:
    entry = closed_with(place, prompt=PROMPT)
    for path in place.directory.glob("keys.db*"):
        path.unlink()
    assert place.verify().exit_code == 4
    with place.reader() as reader, pytest.raises(ErasedError):
        reader.open_sealed(entry, "prompt")


def test_damaged_keys_are_reported_and_stop_sealing_only(place: Place) -> None:
    closed_with(place, prompt=PROMPT)
    (place.directory / "keys.db").write_bytes(b"garbage" * 1000)
    assert place.verify().exit_code == 4
    with place.open() as ledger:
        entry = ledger.append(read_of())
        with pytest.raises(LedgerUnavailable, match="nothing can be sealed"):
            ledger.append(sealed_event(prompt=PROMPT))
    with place.reader() as reader, pytest.raises(LedgerUnavailable, match="keys"):
        reader.open_sealed(reader.entry(0), "prompt")
    assert place.reader().size() == entry.index + 1


def test_a_value_that_is_too_large_is_refused(place: Place) -> None:
    with place.open() as ledger:
        with pytest.raises(EventRefused):
            ledger.append(sealed_event(prompt=bytes(8 * 1024 * 1024 + 1)))
        entry = ledger.append(sealed_event(prompt=bytes(8 * 1024 * 1024)))
    with place.reader() as reader:
        assert len(reader.open_sealed(entry, "prompt")) == 8 * 1024 * 1024
