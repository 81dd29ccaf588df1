"""A signing key serves one epoch, vouches for nothing else, and is gone once the epoch is over."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ledger.attacks import bodies_of, chained, edited, rewrite_everything
from tests.ledger.places import EDITOR, Place, read_of, rehash
from workbench.core.errors import LedgerBroken
from workbench.core.records import Event
from workbench.ledger import EventRefused, Ledger, head_anchors, key_file
from workbench.ledger.appender import Appender
from workbench.ledger.checkpoint import Checkpoint
from workbench.ledger.envelope import Source
from workbench.ledger.epochs import Epochs
from workbench.ledger.key_file import KeyFile
from workbench.ledger.note import SignerKey
from workbench.ledger.tree import root


def rotated(place: Place, *counts: int) -> list[SignerKey]:
    """Write so many entries under each key, and return the keys; only the last still exists on disk."""
    keys: list[SignerKey] = []
    for count in counts:
        with place.open() as ledger:
            if keys:
                ledger.rotate("asked")
            ledger.append_many([read_of(str(number)) for number in range(count)])
        keys.append(place.key())
    return keys


def sign_again(connection: sqlite3.Connection, keys: Callable[[int], list[SignerKey]]) -> None:
    """Replace every checkpoint by one over what the entries are now, signed by the keys the attacker has."""
    leaves = [row[0] for row in connection.execute("SELECT leaf FROM entry ORDER BY idx")]
    for (size,) in connection.execute("SELECT size FROM checkpoint").fetchall():
        first, *others = keys(size)
        note = Checkpoint.sign(first, size, root(leaves[:size]), *others).note
        connection.execute("UPDATE checkpoint SET note = ? WHERE size = ?", (note, size))


def test_a_rotated_ledger_is_consistent_and_says_how_many_keys_it_had(place: Place) -> None:
    keys = rotated(place, 5, 5, 5)
    report = place.verify()
    assert (report.exit_code, report.size) == (0, 17), report.lines
    assert report.vkey == str(keys[0].verifier)
    assert any("3 signing keys followed one another" in line for line in report.lines)
    with place.reader() as reader:
        assert [epoch.first for epoch in reader.epochs()] == [0, 6, 12]
        newest = reader.checkpoint()
        assert newest is not None
        assert Checkpoint.parse(newest.note.encode(), keys[2].verifier).size == 17


def test_a_rotation_is_one_entry_and_one_checkpoint_signed_by_both_keys(place: Place) -> None:
    with place.open() as ledger:
        ledger.append(read_of())
        old = place.key()
        checkpoint = ledger.rotate("asked")
        new = place.key()
    assert old.verifier != new.verifier
    assert Checkpoint.parse(checkpoint.note.encode(), old.verifier, new.verifier).size == 2
    entry = place.reader().entry(1)
    assert entry.type == "key.rotated"
    assert entry.body["key"] == {
        "old_vkey": str(old.verifier),
        "new_vkey": str(new.verifier),
        "reason": "asked",
    }


def test_the_old_key_is_nowhere_in_the_directory(place: Place) -> None:
    with place.open() as ledger:
        ledger.append(read_of())
        secret = (place.directory / "ledger.key").read_bytes().strip().split(b"+", 4)[4]
        ledger.rotate("asked")
        files = [path for path in place.root.rglob("*") if path.is_file()]
        assert not any(secret in path.read_bytes() for path in files)
        assert not (place.directory / "ledger.key.next").exists()


def test_a_key_of_another_epoch_signs_nothing(place: Place) -> None:
    keys = rotated(place, 5, 5, 5)
    with place.reader() as reader:
        epochs = reader.epochs()
    for size in range(18):
        wanted = [key.id for key in epochs.signers(size)]
        epoch = 0 if size < 6 else 1 if size < 12 else 2
        both = size in (6, 12)
        assert wanted == [key.verifier.id for key in keys[epoch - both : epoch + 1]], size


@pytest.mark.parametrize("thief", [1, 2])
def test_a_thief_of_a_later_key_cannot_sign_yesterday_again(place: Place, thief: int) -> None:
    """The table of audit.md 2.1, `E under K`: past epochs stay evident without any anchor."""
    keys = rotated(place, 5, 5, 5)
    with place.attacker() as connection:
        rewrite_everything(connection)
        sign_again(connection, lambda size: [keys[thief]])
    report = place.verify(head=False)
    assert report.exit_code == 2
    assert any("does not hold" in line for line in report.lines)


def test_a_thief_of_the_present_key_can_rewrite_the_present_epoch_only_against_the_anchor(
    place: Place,
) -> None:
    keys = rotated(place, 5, 5)

    def signers(size: int) -> list[SignerKey]:
        return [keys[0]] if size < 6 else [keys[0], keys[1]] if size == 6 else [keys[1]]

    with place.attacker() as connection:
        bodies = bodies_of(connection)
        bodies[8] = edited(bodies[8], justification="x")
        rehash(connection, chained(bodies))
        honest = connection.execute("SELECT size, note FROM checkpoint WHERE size <= 6").fetchall()
        sign_again(connection, signers)
        connection.executemany("UPDATE checkpoint SET note = ?2 WHERE size = ?1", honest)
    assert place.verify(head=False).exit_code == 4
    assert place.verify().exit_code == 3


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM checkpoint WHERE size = 6", "no checkpoint of that moment"),
        ("DELETE FROM checkpoint", "no checkpoint"),
        (
            "UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 5) WHERE size = 6",
            "speaks of",
        ),
    ],
)
def test_an_epoch_without_its_checkpoint_is_found(place: Place, statement: str, said: str) -> None:
    rotated(place, 5, 5)
    with place.attacker() as connection:
        connection.execute(statement)
    report = place.verify(head=False)
    assert report.exit_code == 2
    assert any(said in line for line in report.lines), report.lines
    with pytest.raises(LedgerBroken):
        place.open()


@pytest.mark.parametrize("which", [0, 1])
def test_a_change_of_keys_signed_by_one_of_them_is_found(place: Place, which: int) -> None:
    keys = rotated(place, 5, 5)
    with place.attacker() as connection:
        leaves = [row[0] for row in connection.execute("SELECT leaf FROM entry ORDER BY idx")]
        note = Checkpoint.sign(keys[which], 6, root(leaves[:6])).note
        connection.execute("UPDATE checkpoint SET note = ? WHERE size = 6", (note,))
    assert place.verify(head=False).exit_code == 2
    with pytest.raises(LedgerBroken, match="did"):
        place.open()


def test_a_rotation_to_a_key_of_the_attackers_is_found(place: Place) -> None:
    keys = rotated(place, 5, 5)
    mine = SignerKey.generate(keys[0].name)
    with place.attacker() as connection:
        bodies = bodies_of(connection)
        key = {"old_vkey": str(keys[0].verifier), "new_vkey": str(mine.verifier), "reason": "asked"}
        bodies[5] = edited(bodies[5], key=key)
        rehash(connection, chained(bodies))
        sign_again(connection, lambda size: [keys[0]] if size < 6 else [mine])
    assert place.verify(head=False).exit_code == 2


@pytest.mark.parametrize(
    "change",
    [
        {"old_vkey": "x"},
        {"new_vkey": "x"},
        {"new_vkey": "again"},
        {"new_vkey": str(SignerKey.generate("workbench/other/1").verifier)},
    ],
)
def test_keys_that_do_not_follow_one_another_are_refused(place: Place, change: dict[str, str]) -> None:
    first, second = (SignerKey.generate("workbench/host/1").verifier for _ in range(2))
    epochs = Epochs(first)
    key = {"old_vkey": str(first), "new_vkey": str(second), "reason": ""} | change
    with pytest.raises(LedgerBroken):
        epochs.rotate(5, {**key, "new_vkey": str(first)} if change.get("new_vkey") == "again" else {**key})
    assert len(epochs) == 1


def test_a_caller_cannot_write_a_rotation(place: Place) -> None:
    with place.open() as ledger:
        for type_ in ("key.rotated", "clock.anomaly"):
            with pytest.raises(EventRefused, match="Only the ledger itself"):
                ledger.append(Event(type_, EDITOR))
        assert ledger.append(read_of()).index == 0


def test_a_key_serves_so_many_entries(place: Place) -> None:
    with Ledger.open(
        place.directory, head_file=place.head, session="s", app_version="0", rotate_after=10
    ) as ledger:
        for number in range(35):
            ledger.append(read_of(str(number)))
    with place.reader() as reader:
        assert [epoch.first for epoch in reader.epochs()] == [0, 11, 22, 33]
    assert place.verify().exit_code == 0


def test_a_session_that_begins_a_day_later_replaces_the_key(place: Place) -> None:
    place.filled(3)
    with place.open():
        pass
    assert place.reader().size() == 3
    with Ledger.open(
        place.directory, head_file=place.head, session="s", app_version="0", rotate_older_than=-1.0
    ) as ledger:
        assert ledger.size == 4
    assert place.reader().entry(3).type == "key.rotated"
    assert place.verify().exit_code == 0


def test_another_process_follows_a_rotation(place: Place) -> None:
    with place.open() as one, place.open() as other:
        one.append(read_of())
        for _ in range(3):
            one.rotate("asked")
            other.append(read_of())
            other.checkpoint()
            other.rotate("asked")
            one.append(read_of())
            one.checkpoint()
    report = place.verify()
    assert report.exit_code == 0, report.lines
    assert any("7 signing keys" in line for line in report.lines)


class PowerCutError(Exception):
    """Stands for a process that ends here."""


def _cut(*_: object, **__: object) -> None:
    raise PowerCutError


STEPS = [
    (key_file, "write_atomically", "before"),
    (KeyFile, "prepare", "after"),
    (Appender, "_insert", "after"),
    (Appender, "_sign", "after"),
    (KeyFile, "settle", "before"),
    (key_file, "_overwrite", "before"),
    (key_file, "_overwrite", "after"),
    (key_file, "sync_directory", "before"),
    (KeyFile, "settle", "after"),
    (Appender, "publish", "before"),
]


@pytest.mark.parametrize(("owner", "step", "when"), STEPS, ids=[f"{when} {step}" for _, step, when in STEPS])
def test_a_rotation_that_is_cut_short_leaves_a_ledger_that_opens(
    place: Place, monkeypatch: pytest.MonkeyPatch, owner: object, step: str, when: str
) -> None:
    place.filled(5)
    before = place.key()
    appender = Appender.open(place.directory, place.head, 1.0)
    real = getattr(owner, step)

    def cut_after(*args: object, **named: object) -> None:
        real(*args, **named)
        raise PowerCutError

    with monkeypatch.context() as patched:
        patched.setattr(owner, step, _cut if when == "before" else cut_after)
        with pytest.raises(PowerCutError), appender.locked():
            appender.rotate(_source(appender), "asked")
    appender.close()
    committed = place.reader().size() == 6
    assert committed == (STEPS.index((owner, step, when)) > 3)
    assert place.verify().exit_code == 0, place.verify().lines
    with place.open() as ledger:
        ledger.append(read_of())
    assert not (place.directory / "ledger.key.next").exists()
    assert (place.key().verifier != before.verifier) == committed
    report = place.verify()
    assert (report.exit_code, report.size) == (0, 7 if committed else 6), report.lines


def test_a_head_file_of_an_earlier_epoch_is_an_anchor_under_the_key_of_its_time(
    place: Place, tmp_path: Path
) -> None:
    place.filled(5)
    kept = tmp_path / "kept.head"
    kept.write_bytes(place.head.read_bytes())
    place.head.unlink()
    with place.open() as ledger:
        ledger.rotate("asked")
        ledger.append(read_of())
    assert place.verify(*head_anchors(kept), head=False).exit_code == 0
    text = kept.read_text().split("\n\n")[0] + "\n"
    kept.write_text(place.key().sign(text))
    report = place.verify(*head_anchors(kept), head=False)
    assert report.exit_code == 3
    assert any("not signed by this ledger's key at size 5" in line for line in report.lines)


def _source(appender: Appender) -> Source:
    return Source(appender.origin, appender.vkey, "s", "host", "0")
