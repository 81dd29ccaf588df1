"""What was settled is signed and anchored at once, the rest within a minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ledger.places import Place, intent, outcome, read_of
from workbench.core.records import SYSTEM, Event
from workbench.evidence import Keeper, spool_file
from workbench.evidence.anchors import collect, named
from workbench.evidence.keeper import SETTLED
from workbench.ledger.checkpoint import Checkpoint
from workbench.ledger.events import TYPES


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "one")


def _until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit, "it did not come"
        time.sleep(0.005)


def _head(place: Place) -> int:
    return Checkpoint.parse(place.head.read_bytes()).size


def test_what_settles_is_in_the_closed_set() -> None:
    assert SETTLED <= TYPES


def test_a_settled_effect_is_in_the_head_file_and_the_spool_when_it_is_heard(place: Place) -> None:
    with place.open() as ledger:
        spool = spool_file(place.directory)
        keeper = Keeper(ledger, spool)
        ledger.append(read_of())
        keeper.heard([read_of()])
        assert _head(place) == 0
        assert not spool.exists()
        for event in (intent("a"), outcome("a")):
            ledger.append(event)
            keeper.heard([event])
        assert _head(place) == 3
        assert spool.read_text().endswith(f" {place.head.read_text().splitlines()[2]}\n")
        keeper.heard([Event("decision.recorded", SYSTEM)])
        assert spool.read_text().count("\n") == 1
        keeper.close()


def test_an_entry_that_nothing_settles_is_covered_after_a_while(place: Place) -> None:
    with place.open() as ledger:
        keeper = Keeper(ledger, None, seconds=0.02)
        ledger.append(read_of())
        _until(lambda: _head(place) == 1)
        keeper.close()


def test_a_spool_that_cannot_be_written_is_told_once_and_stops_nothing(place: Place) -> None:
    told: list[str] = []
    with place.open() as ledger:
        (place.directory / "outbox").write_text("in the way")
        keeper = Keeper(ledger, spool_file(place.directory), told.append)
        for operation in ("a", "b"):
            ledger.append(intent(operation))
            ledger.append(outcome(operation))
            keeper.heard([outcome(operation)])
        keeper.close()
    assert len(told) == 1
    assert _head(place) == 4


def test_a_closed_ledger_does_not_stop_the_keeper(place: Place) -> None:
    ledger = place.open()
    keeper = Keeper(ledger, None)
    ledger.close()
    assert keeper.settle() is None
    keeper.close()


def test_the_lines_of_the_spool_are_anchors(place: Place, tmp_path: Path) -> None:
    spool = spool_file(place.directory)
    for count in (3, 5):
        with place.open() as ledger:
            keeper = Keeper(ledger, spool)
            ledger.append_many([read_of() for _ in range(count)])
            keeper.close()
    collected = tmp_path / "collected.log"
    collected.write_bytes(spool.read_bytes() + b"Nov 25 host other: noise 12 notbase64\n")
    found = [anchor for anchor in collect(place.head, None, (), collected) if "system log" in anchor.by]
    assert [anchor.size for anchor in found] == [3, 8]
    assert place.verify(*found, head=False).exit_code == 0
    assert [anchor.size for anchor in named(str(collected), "")] == [3, 8]


def test_a_spool_that_grew_too_long_begins_anew(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.evidence.spool.MAX_BYTES", 100)
    spool = spool_file(place.directory)
    for _ in range(3):
        with place.open() as ledger:
            keeper = Keeper(ledger, spool)
            ledger.append(read_of())
            keeper.close()
    assert spool.read_text().count("\n") == 1
    assert spool.with_name("checkpoints.log.1").exists()
    assert spool.stat().st_mode & 0o077 == 0
