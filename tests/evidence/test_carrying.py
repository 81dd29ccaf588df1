"""Proofs, tiles and keys that leave the machine are checked by the second verifier, without the ledger."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.evidence.second import check, second
from tests.ledger.places import Place, read_of
from workbench.core.errors import UsageError
from workbench.evidence.proofs import entry_proof, key_chain
from workbench.evidence.tiles import export_tiles, tile_path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "one")


def _written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_a_proof_proves_its_entry_and_nothing_else(place: Place, tmp_path: Path) -> None:
    place.filled(300)
    vkey = str(place.key().verifier)
    with place.reader() as reader:
        for index in (0, 1, 255, 256, 299):
            text = entry_proof(reader, index)
            said = check(_written(tmp_path / "x.tlog-proof", text), "--key", vkey)
            assert (said.code, said.facts["index"]) == (0, index)
            assert said.facts["body"] == reader.entry(index).body
    for position in range(0, len(text), 31):
        changed = text[:position] + ("B" if text[position] == "A" else "A") + text[position + 1 :]
        assert check(_written(tmp_path / "y.tlog-proof", changed), "--key", vkey).code == 2


def test_a_proof_without_a_key_is_incomplete_and_with_another_key_false(place: Place, tmp_path: Path) -> None:
    place.filled(5)
    with place.reader() as reader:
        path = _written(tmp_path / "x.tlog-proof", entry_proof(reader, 3))
    assert check(path).code == 4
    assert check(path, "--key", str(Place(tmp_path / "two").filled(1).key().verifier)).code == 2


def test_an_entry_that_is_not_signed_yet_has_no_proof(place: Place) -> None:
    place.filled(3)
    with place.open() as ledger:
        entry = ledger.append(read_of())
        with place.reader() as reader, pytest.raises(UsageError, match="not under a signed checkpoint"):
            entry_proof(reader, entry.index)


@pytest.mark.parametrize("count", [1, 255, 256, 257, 700])
def test_tiles_hold_the_whole_ledger(place: Place, tmp_path: Path, count: int) -> None:
    place.filled(count)
    tiles = tmp_path / "tiles"
    tiles.mkdir()
    with place.reader() as reader:
        export_tiles(reader, tiles)
    said = check(tiles, "--anchor", str(place.head), "--key", str(place.key().verifier))
    assert (said.code, said.facts["size"]) == (0, count), said.lines
    place.filled(300)
    with place.reader() as reader:
        export_tiles(reader, tiles)
    assert check(tiles, "--anchor", str(place.head)).facts["size"] == count + 300


def test_every_changed_byte_of_the_tiles_is_found(place: Place, tmp_path: Path) -> None:
    place.filled(300)
    tiles = tmp_path / "tiles"
    tiles.mkdir()
    with place.reader() as reader:
        export_tiles(reader, tiles)
    words = ("--anchor", str(place.head))
    for path in sorted(path for path in tiles.rglob("*") if path.is_file()):
        honest = path.read_bytes()
        for position in (0, len(honest) // 2, len(honest) - 1):
            changed = bytearray(honest)
            changed[position] ^= 1
            path.write_bytes(changed)
            assert check(tiles, *words).code == 2, (path, position)
        path.unlink()
        if path.name != "checkpoint":
            assert check(tiles, *words).code == 2, path
        path.write_bytes(honest)
    assert check(tiles, *words).code == 0


def test_tiles_of_another_ledger_are_not_mixed_in(place: Place, tmp_path: Path) -> None:
    tiles = tmp_path / "tiles"
    tiles.mkdir()
    for one in (place, Place(tmp_path / "two")):
        one.filled(3)
    with place.reader() as reader:
        export_tiles(reader, tiles)
    with Place(tmp_path / "two").reader() as reader, pytest.raises(UsageError, match="another ledger"):
        export_tiles(reader, tiles)


@pytest.mark.parametrize(
    ("index", "path"), [(0, "000"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067")]
)
def test_tiles_are_named_as_the_specification_says(index: int, path: str) -> None:
    assert tile_path(index) == second.tile_path(index) == path


def test_the_tiles_of_tessera_are_read(tmp_path: Path) -> None:
    root = os.environ.get("WORKBENCH_VECTORS", "")
    log = Path(root) / "transparency-dev+tessera" / "testdata" / "log"
    if not root or not log.exists():
        pytest.skip("transparency-dev+tessera is not fetched: set WORKBENCH_VECTORS")
    data, entries = (log / "tile" / "entries" / "000.p" / "15").read_bytes(), []
    while data:
        length = int.from_bytes(data[:2], "big")
        entries.append(data[2 : 2 + length])
        data = data[2 + length :]
    hashes = (log / "tile" / "0" / "000.p" / "15").read_bytes()
    assert b"".join(map(second.leaf_hash, entries)) == hashes


def test_the_chain_of_keys_names_the_first(place: Place) -> None:
    place.filled(3)
    with place.reader() as reader:
        chain = json.loads(key_chain(reader))
    assert chain == {"origin": place.key().name, "vkey": str(place.key().verifier), "rotations": []}
