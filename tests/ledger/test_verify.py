"""Verification says what holds, how far, by whose word, and what is missing."""

from __future__ import annotations

import shutil
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.ledger.places import EDITOR, Place, intent, outcome, read_of
from workbench.core.errors import UsageError
from workbench.core.records import Event
from workbench.ledger import file_anchor, head_anchors, trailer_anchors, verify


def test_an_honest_ledger_is_consistent_and_says_how_far(place: Place) -> None:
    report = place.filled(600).verify()
    assert (report.exit_code, report.size, report.first_bad) == (0, 600, None)
    assert report.lines[-1].startswith("consistent to size 600; newest external anchor size 600, age ")
    assert report.lines[-1].endswith("by head file")
    assert any(report.vkey in line for line in report.lines)
    found = place.reader().checkpoint()
    assert found is not None
    assert report.root == found.root


def test_a_ledger_can_be_verified_while_others_append(place: Place) -> None:
    worker = place.worker("2", "0")
    assert worker.stdout is not None
    sizes: list[int] = []
    for _ in range(8):
        for _ in range(40):
            assert worker.stdout.readline()
        report = place.verify()
        assert report.exit_code in (0, 4), report.lines
        assert report.first_bad is None
        sizes.append(report.size)
    worker.kill()
    worker.communicate()
    assert sizes == sorted(sizes)
    assert sizes[-1] >= 320


def test_an_anchor_may_be_older_than_the_ledger(place: Place) -> None:
    anchor = place.filled(5).head.read_text()
    place.filled(5)
    kept = place.root / "kept.note"
    kept.write_text(anchor)
    report = place.verify(file_anchor(kept), head=False)
    assert report.exit_code == 0, report.lines
    assert "newest external anchor size 5, age 0 seconds, by anchor file kept.note" in report.lines[-1]


def test_git_trailers_are_anchors_and_those_of_other_ledgers_are_counted(
    place: Place, other_place: Place
) -> None:
    with place.open() as ledger:
        ledger.append(read_of())
        mine = ledger.checkpoint().trailer()
        ledger.append(read_of())
    with other_place.open() as ledger:
        theirs = ledger.checkpoint().trailer()
    anchors = trailer_anchors([("git commit 1", mine), ("git commit 2", theirs), ("git commit 3", "rubbish")])
    report = place.verify(*anchors, head=False)
    assert report.exit_code == 0, report.lines
    assert report.lines[-1].endswith("by git commit 1")
    assert any("2 anchors belong to other ledgers" in line for line in report.lines)


def test_an_unsigned_tail_is_incomplete_evidence(place: Place) -> None:
    ledger = place.open()
    ledger.append_many([read_of(), read_of()])
    report = place.verify()
    assert (report.exit_code, report.size) == (4, 2)
    assert any("The last 2 entries are not covered" in line for line in report.lines)
    ledger.close()
    assert place.verify().exit_code == 0


def test_no_anchor_is_incomplete_evidence(place: Place) -> None:
    report = place.filled(5).verify(head=False)
    assert report.exit_code == 4
    assert "newest external anchor none" in report.lines[-1]


def test_an_anchor_over_nothing_vouches_for_nothing(place: Place) -> None:
    with place.open():
        anchor = place.head.read_text()
    place.filled(5)
    place.head.write_text(anchor)
    assert place.verify().exit_code == 4


def test_entries_that_waited_a_day_for_an_anchor_are_incomplete_evidence(place: Place) -> None:
    anchor = place.filled(5).head.read_text()
    place.filled(5)
    place.head.write_text(anchor)
    assert place.verify().exit_code == 0
    later = datetime.now(UTC) + timedelta(hours=25)
    report = verify(place.directory, head_anchors(place.head), now=later)
    assert report.exit_code == 4
    assert any("without an external anchor for 1 day" in line for line in report.lines)
    place.filled(1)
    assert verify(place.directory, head_anchors(place.head), now=later).exit_code == 0


def test_an_intent_without_an_outcome_is_incomplete_evidence(place: Place) -> None:
    with place.open() as ledger:
        ledger.append_many([intent("a"), intent("b"), outcome("a"), intent("c")])
    report = place.verify()
    assert (report.exit_code, report.open_intents) == (4, (1, 3))
    with place.open() as ledger:
        ledger.append(outcome("c"))
        ledger.append(Event("recovery.orphan", EDITOR, op_id="b"))
    assert place.verify().exit_code == 0


def test_a_missing_ledger_is_not_a_verdict(place: Place, tmp_path: Path) -> None:
    report = place.verify()
    assert report.exit_code == 1
    assert "could not run" in report.lines[-1]
    place.filled(5)
    shutil.rmtree(place.directory)
    assert place.verify(head=False).exit_code == 1


def test_a_deleted_ledger_is_found_against_what_was_kept_elsewhere(place: Place, other_place: Place) -> None:
    place.filled(5)
    with other_place.open() as ledger:
        ledger.append(read_of())
        trailer = ("git commit 1", ledger.checkpoint().trailer())
    shutil.rmtree(place.directory)
    report = place.verify()
    assert (report.exit_code, report.anchor_size) == (3, 5)
    assert any("saw one of 5 entries" in line for line in report.lines)
    assert place.verify(*trailer_anchors([trailer]), head=False).exit_code == 1


def test_an_anchor_file_that_cannot_be_read_is_the_callers_mistake(place: Place, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        file_anchor(tmp_path / "missing")
    (tmp_path / "rubbish").write_text("rubbish")
    with pytest.raises(UsageError):
        file_anchor(tmp_path / "rubbish")


def test_what_is_printed_cannot_drive_a_terminal(place: Place) -> None:
    place.filled(1)
    with place.attacker() as connection:
        connection.execute("UPDATE about SET value = ? WHERE name = 'origin'", ("\x1b]0;x\x07\u202e",))
        connection.execute("CREATE TABLE [\x1b[2J](x)")
    report = place.verify()
    assert report.exit_code == 2
    assert not any(char in line for line in report.lines for char in "\x1b\x07\u202e\n")


def test_a_flood_of_findings_is_cut_short(place: Place) -> None:
    place.filled(5)
    with place.attacker() as connection:
        connection.executemany(
            "INSERT INTO subroot VALUES (9, ?, x'00')", ((number,) for number in range(1000))
        )
    report = place.verify()
    assert report.exit_code == 2
    assert len(report.lines) < 30


def test_verifying_changes_nothing(place: Place) -> None:
    place.filled(300)
    before = {path: path.read_bytes() for path in place.root.rglob("*") if path.is_file()}
    place.verify()
    after = {
        path: path.read_bytes()
        for path in place.root.rglob("*")
        if path.is_file() and path.suffix != ".db-shm"
    }
    assert {path: data for path, data in after.items() if not path.name.endswith(("-shm", "-wal"))} == before


def test_the_root_is_the_one_that_openssl_and_a_shell_would_find(place: Place) -> None:
    """Recomputed from the file with nothing of ours but the rule of RFC 6962."""
    report = place.filled(7).verify()
    script = (
        "import hashlib, sqlite3, sys\n"
        "h = lambda b: hashlib.sha256(b).digest()\n"
        "rows = sqlite3.connect(sys.argv[1]).execute('SELECT body FROM entry ORDER BY idx').fetchall()\n"
        "def t(x):\n"
        "    if len(x) == 1: return h(b'\\0' + x[0])\n"
        "    k = 1 << (len(x) - 1).bit_length() - 1\n"
        "    return h(b'\\1' + t(x[:k]) + t(x[k:]))\n"
        "print(t([r[0] for r in rows]).hex())\n"
    )
    done = subprocess.run(
        ["python3", "-c", script, str(place.database)], capture_output=True, text=True, check=True
    )
    assert report.root is not None
    assert done.stdout.strip() == report.root.hex()


def test_several_verifications_at_once_do_not_disturb_each_other(place: Place) -> None:
    place.filled(500)
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(place.verify().exit_code)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0, 0, 0, 0]


def test_a_ledger_without_its_first_checkpoint_is_tampered_with(place: Place) -> None:
    place.filled(5)
    with place.attacker() as connection:
        connection.execute("DELETE FROM checkpoint WHERE size = 0")
    report = place.verify()
    assert report.exit_code == 2
    assert any("size 0" in line for line in report.lines)
