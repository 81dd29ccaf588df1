"""A ledger that was cut, replaced by an older copy or rewritten with its key is found against its anchors."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

from tests.ledger.attacks import cut, edit, rewrite_everything
from tests.ledger.places import EDITOR, Place, read_of
from workbench.core.records import Event
from workbench.ledger import trailer_anchors
from workbench.ledger.checkpoint import Checkpoint
from workbench.ledger.note import SignerKey
from workbench.ledger.tree import root


def test_a_cut_tail_is_found_against_the_anchor(place: Place) -> None:
    place.filled(10)
    with place.attacker() as connection:
        cut(connection, 5)
    report = place.verify()
    assert (report.exit_code, report.size) == (3, 5)
    assert any("head file saw 10 entries; there are 5" in line for line in report.lines)
    assert "rolled back" in report.lines[-1]


def test_a_cut_tail_without_an_anchor_is_at_least_incomplete(place: Place) -> None:
    place.filled(10)
    with place.attacker() as connection:
        cut(connection, 5)
    place.head.unlink()
    assert place.verify().exit_code == 4


def test_a_cut_tail_is_found_when_its_checkpoint_was_left(place: Place) -> None:
    place.filled(600)
    with place.attacker() as connection:
        connection.execute("DELETE FROM entry WHERE idx >= 200")
    assert place.verify(head=False).exit_code == 3


def test_a_cut_tail_is_found_when_its_sealed_values_were_left(place: Place) -> None:
    place.filled(5)
    with place.open() as ledger:
        ledger.append(Event("file.read", EDITOR, sealed={"value": b"x"}))
    with place.attacker() as connection:
        cut(connection, 5)
    assert place.verify(head=False).exit_code == 3


def test_a_restored_old_copy_is_found(place: Place, tmp_path: Path) -> None:
    place.filled(10)
    backup = place.copy_to(tmp_path / "backup")
    place.filled(10)
    shutil.rmtree(place.directory)
    shutil.copytree(backup.directory, place.directory)
    assert place.verify().exit_code == 3
    assert place.verify(head=False).exit_code == 4


def test_a_restored_old_copy_that_was_carried_on_is_found(place: Place, tmp_path: Path) -> None:
    place.filled(10)
    backup = place.copy_to(tmp_path / "backup")
    anchor = place.filled(10).head.read_bytes()
    backup.filled(20)
    shutil.rmtree(place.directory)
    shutil.copytree(backup.directory, place.directory)
    report = place.verify()
    assert report.exit_code == 3
    assert place.head.read_bytes() == anchor
    assert any("another root at size 20" in line for line in report.lines)


def test_a_history_rewritten_with_the_key_is_found_by_the_anchor_only(place: Place) -> None:
    place.filled(10)
    key = place.key()
    with place.attacker() as connection:
        rewrite_everything(connection)
        leaves = [row[0] for row in connection.execute("SELECT leaf FROM entry ORDER BY idx")]
        note = Checkpoint.sign(key, 10, root(leaves)).note
        connection.execute("UPDATE checkpoint SET note = ? WHERE size = 10", (note,))
    report = place.verify()
    assert report.exit_code == 3
    assert any("another root at size 10" in line for line in report.lines)
    assert place.verify(head=False).exit_code == 4


def test_a_head_file_of_another_ledger_or_key_is_a_mismatch(place: Place, other_place: Place) -> None:
    place.filled(10)
    other_place.filled(10)
    honest = place.head.read_text()
    place.head.write_text(other_place.head.read_text())
    assert place.verify().exit_code == 3
    forged = Checkpoint.sign(
        SignerKey.generate(place.key().name), 10, base64.b64decode(honest.split("\n")[2])
    )
    place.head.write_text(forged.note)
    report = place.verify()
    assert report.exit_code == 3
    assert any("not signed by this ledger's key" in line for line in report.lines)
    for damaged in ("", "rubbish", honest[:-10]):
        place.head.write_text(damaged)
        assert place.verify().exit_code == 3


def test_a_forged_trailer_is_a_mismatch(place: Place) -> None:
    with place.open() as ledger:
        ledger.append(read_of())
        origin = ledger.origin
    forged = f"{origin} 1 {base64.b64encode(bytes(32)).decode()}"
    assert place.verify(*trailer_anchors([("git commit 1", forged)])).exit_code == 3


def test_tampering_outweighs_a_rollback(place: Place) -> None:
    place.filled(10)
    with place.attacker() as connection:
        edit(connection)
        cut(connection, 8)
    assert place.verify().exit_code == 2
