"""Both verifiers follow the signing keys alike, and evidence that left the machine survives their change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.evidence.second import check, second
from tests.evidence.test_witness import Far
from tests.ledger.attacks import bodies_of, chained, edited, rewrite_everything
from tests.ledger.places import Place, read_of, rehash
from tests.ledger.test_epochs import rotated, sign_again
from workbench.evidence import witness
from workbench.evidence.proofs import entry_proof, key_chain
from workbench.evidence.tiles import export_tiles
from workbench.ledger.note import SignerKey


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "one")


def _agree(place: Place) -> int:
    code = place.verify().exit_code
    said = check(place.directory)
    assert said.code == code, (place.verify().lines, said.lines)
    return code


def test_both_follow_the_keys(place: Place) -> None:
    rotated(place, 5, 300, 5)
    assert _agree(place) == 0
    place.head.unlink()
    assert _agree(place) == 4


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM checkpoint WHERE size = 6",
        "DELETE FROM checkpoint WHERE size = 0",
        "DELETE FROM checkpoint",
        "UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 5) WHERE size = 6",
        "UPDATE entry SET type = 'file.read' WHERE idx = 5",
    ],
)
def test_both_miss_what_a_change_of_keys_needs(place: Place, statement: str) -> None:
    rotated(place, 5, 5)
    with place.attacker() as connection:
        connection.execute(statement)
    assert _agree(place) == 2


def test_both_hold_against_thieves_of_keys(place: Place, tmp_path: Path) -> None:
    keys = rotated(place, 5, 5, 5)
    mine = SignerKey.generate(keys[0].name)
    by: list[Callable[[int], list[SignerKey]]] = [
        lambda size: [keys[1]],
        lambda size: [keys[2]],
        lambda size: [mine],
        lambda size: [keys[0]] if size < 6 else [keys[0], keys[1]] if size == 6 else [keys[1]],
        lambda size: [keys[0]] if size <= 6 else [keys[1]] if size < 12 else [keys[1], keys[2]],
    ]
    for number, signers in enumerate(by):
        one = place.copy_to(tmp_path / str(number))
        with one.attacker() as connection:
            rewrite_everything(connection)
            sign_again(connection, signers)
        assert _agree(one) == 2, number


@pytest.mark.parametrize("change", [{"old_vkey": "x"}, {"new_vkey": "x"}, {"new_vkey": "first"}, {}])
def test_both_refuse_keys_that_do_not_follow_each_other(place: Place, change: dict[str, str]) -> None:
    keys = rotated(place, 5, 5)
    named = {"old_vkey": str(keys[0].verifier), "new_vkey": str(keys[1].verifier), "reason": "x"} | change
    if named["new_vkey"] == "first":
        named["new_vkey"] = named["old_vkey"]
    with place.attacker() as connection:
        bodies = bodies_of(connection)
        bodies[5] = edited(bodies[5], key=named if change else None)
        rehash(connection, chained(bodies))
        sign_again(connection, lambda size: [keys[0]] if size < 6 else [keys[0], keys[1]])
    assert _agree(place) == 2


def test_a_proof_from_a_later_epoch_needs_the_chain_of_keys(place: Place, tmp_path: Path) -> None:
    keys = rotated(place, 5, 5, 5)
    first = str(keys[0].verifier)
    with place.reader() as reader:
        proof, chain = tmp_path / "x.tlog-proof", tmp_path / "keys.json"
        proof.write_text(entry_proof(reader, 14), "utf-8")
        chain.write_text(key_chain(reader), "utf-8")
    assert check(proof, "--key", first, "--keys", str(chain)).code == 0
    assert check(proof, "--key", first).code == 2
    assert check(proof, "--key", str(keys[1].verifier), "--keys", str(chain)).code == 2
    honest = json.loads(chain.read_text())
    for rotations in (honest["rotations"][1:], honest["rotations"][::-1], honest["rotations"][:1], ["x"]):
        chain.write_text(json.dumps({**honest, "rotations": rotations}))
        assert check(proof, "--key", first, "--keys", str(chain)).code == 2


def test_tiles_of_a_ledger_with_several_keys_are_checked_from_the_first(place: Place, tmp_path: Path) -> None:
    keys = rotated(place, 5, 300, 5)
    tiles = tmp_path / "tiles"
    tiles.mkdir()
    with place.reader() as reader:
        export_tiles(reader, tiles)
    words = ("--key", str(keys[0].verifier), "--anchor", str(place.head))
    assert check(tiles, *words).code == 0
    (tiles / "checkpoint.6").unlink()
    assert check(tiles, *words).code == 2


def test_a_witness_follows_the_keys_and_believes_no_other(place: Place, tmp_path: Path) -> None:
    keys = rotated(place, 5)
    far = Far(tmp_path / "far").begin(place)
    request = tmp_path / "request"
    with place.reader() as reader:
        witness.write_request(reader, request, 0)
    assert far.sign(request)[0] == 0
    keys += rotated(place, 3)
    with place.open() as ledger:
        ledger.rotate("asked")
        ledger.append(read_of())
    with place.reader() as reader:
        witness.write_request(reader, request, 5)
    chain = request.with_name("request.keys")
    honest = chain.read_text()
    chain.unlink()
    assert far.sign(request)[1].startswith("403")
    forged = SignerKey.generate(keys[0].name)
    rotation = json.loads(honest)["rotations"][0]
    chain.write_text(json.dumps({"rotations": [rotation.replace("\nindex ", "\nindex 1")]}))
    assert far.sign(request)[1].startswith("403")
    chain.write_text(honest)
    text = request.read_text()
    note = text.partition("\n\n")[2]
    head = note.partition("\n\n")[0] + "\n"
    request.write_text(text.replace(note, forged.sign(head)))
    assert far.sign(request)[1].startswith("403")
    request.write_text(text)
    code, said, answer = far.sign(request)
    assert (code, said) == (0, "")
    with place.reader() as reader:
        (one,) = witness.take_answer(reader, answer, far.keys)
    assert second.Head.in_note(second.Note.parse(one.checkpoint.note.encode())).size == one.checkpoint.size
