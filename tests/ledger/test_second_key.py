"""The second line of a checkpoint is made and checked where the library can, and never asked for."""

from __future__ import annotations

import base64
import struct

import pytest

from tests.ledger.places import Place, read_of
from workbench.ledger import Ledger, NoteError, second_key
from workbench.ledger.checkpoint import Checkpoint
from workbench.ledger.note import SignerKey, parse_note
from workbench.ledger.second_key import SecondSigner, SecondVerifier

pytestmark = pytest.mark.skipif(
    SecondSigner.generate("x") is None, reason="second_key: this cryptography has no ML-DSA-44"
)
ROOT = bytes(range(32))


def opened(place: Place) -> Ledger:
    return Ledger.open(
        place.directory, head_file=place.head, session="s-1", app_version="0", second_signature=True
    )


def filled(place: Place, count: int) -> None:
    with opened(place) as ledger:
        ledger.append_many([read_of(str(number)) for number in range(count)])


def second(key: SignerKey) -> SecondSigner:
    assert key.second is not None
    return key.second


def test_a_key_reads_back_as_it_was_written() -> None:
    key = SignerKey.generate("workbench/host/1", second=True)
    again = SignerKey.parse(key.export())
    assert again == key
    assert SecondVerifier.parse(str(second(key).verifier)) == second(key).verifier
    assert len(second(key).verifier.public) == 1312


@pytest.mark.parametrize("change", ["", "x", "+", "a+b", "name+00000000+AAAA", "name+00000000+Bg==", "n+!+!"])
def test_what_is_no_second_key_is_refused(change: str) -> None:
    with pytest.raises(NoteError):
        SecondVerifier.parse(change)
    with pytest.raises(NoteError):
        SecondSigner.parse(change)


def test_the_line_signs_what_the_specification_says() -> None:
    """Put together here by hand, from c2sp.org/tlog-cosignature."""
    from cryptography.hazmat.primitives.asymmetric import mldsa

    key = second(SignerKey.generate("workbench/host/1", second=True))
    dash, name, data = key.line("workbench/host/1", 7, ROOT).rstrip("\n").split(" ")
    raw = base64.b64decode(data)
    assert (dash, name, raw[:4], len(raw)) == ("—", "workbench/host/1", key.verifier.id, 4 + 8 + 2420)
    label = b"subtree/v1\n\x00" + bytes([16]) + b"workbench/host/1" + raw[4:12]
    message = label + bytes([16]) + b"workbench/host/1" + struct.pack(">QQ", 0, 7) + ROOT
    mldsa.MLDSA44PublicKey.from_public_bytes(key.verifier.public).verify(raw[12:], message)


def test_a_second_signature_of_something_else_is_not_accepted() -> None:
    key = second(SignerKey.generate("workbench/host/1", second=True))
    raw = base64.b64decode(key.line("workbench/host/1", 7, ROOT).split(" ")[2])[4:]
    accepts = key.verifier.accepts
    assert accepts("workbench/host/1", 7, ROOT, raw)
    assert not accepts("workbench/host/2", 7, ROOT, raw)
    assert not accepts("workbench/host/1", 8, ROOT, raw)
    assert not accepts("workbench/host/1", 7, bytes(32), raw)
    assert not accepts("workbench/host/1", 7, ROOT, b"\x00" * 8 + raw[8:])
    assert not accepts("workbench/host/1", 7, ROOT, raw[:-1])
    assert not accepts("workbench/host/1", 7, ROOT, b"")


def test_every_epoch_has_a_second_key_of_its_own(place: Place) -> None:
    with opened(place) as ledger:
        ledger.append(read_of())
        first = place.key()
        ledger.rotate("asked")
        ledger.append(read_of())
        newest = ledger.checkpoint()
    assert place.reader().entry(0).body["vkey_pq"] == str(second(first).verifier)
    key = place.reader().entry(1).body["key"]
    assert isinstance(key, dict)
    assert key["new_vkey_pq"] == str(second(place.key()).verifier)
    ids = [line.key_id for line in parse_note(newest.note.encode()).signatures]
    assert ids == [place.key().verifier.id, second(place.key()).verifier.id]
    assert place.verify().exit_code == 0


def _with_second_line(note: str, line: str) -> str:
    text, _, lines = note.rpartition("\n\n")
    kept = [each for each in lines.splitlines(keepends=True) if len(each) < 1_000]
    return f"{text}\n\n{''.join(kept)}{line}"


def test_a_second_line_that_does_not_verify_condemns_the_checkpoint(place: Place) -> None:
    filled(place, 5)
    key = place.key()
    forged = second(key).line(key.name, 5, bytes(32))
    with place.attacker() as connection:
        (note,) = connection.execute("SELECT note FROM checkpoint WHERE size = 5").fetchone()
        changed = _with_second_line(note, forged)
        connection.execute("UPDATE checkpoint SET note = ? WHERE size = 5", (changed,))
    report = place.verify(head=False)
    assert report.exit_code == 2
    assert any("second signature" in line for line in report.lines)


def test_a_missing_second_line_is_no_finding(place: Place) -> None:
    filled(place, 5)
    with place.attacker() as connection:
        for size, note in connection.execute("SELECT size, note FROM checkpoint").fetchall():
            changed = _with_second_line(note, "")
            connection.execute("UPDATE checkpoint SET note = ? WHERE size = ?", (changed, size))
    assert place.verify().exit_code == 0
    filled(place, 1)


def test_a_machine_without_the_algorithm_goes_on(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(place, 5)
    monkeypatch.setattr(second_key, "mldsa", None)
    assert place.verify().exit_code == 0
    with opened(place) as ledger:
        ledger.append(read_of())
        assert len(parse_note(ledger.checkpoint().note.encode()).signatures) == 1
        ledger.rotate("asked")
        ledger.append(read_of())
    monkeypatch.undo()
    filled(place, 1)
    assert place.verify().exit_code == 0
    assert Checkpoint.parse(place.head.read_bytes()).size == 9


def test_without_being_asked_for_there_is_no_second_line(place: Place) -> None:
    place.filled(3)
    assert "vkey_pq" not in place.reader().entry(0).body
    with opened(place) as ledger:
        ledger.append(read_of())
        assert len(parse_note(ledger.checkpoint().note.encode()).signatures) == 1
        ledger.rotate("asked")
        ledger.append(read_of())
        assert len(parse_note(ledger.checkpoint().note.encode()).signatures) == 2
    with place.open() as ledger:
        ledger.rotate("asked")
        ledger.append(read_of())
        assert len(parse_note(ledger.checkpoint().note.encode()).signatures) == 1
    assert place.verify().exit_code == 0
