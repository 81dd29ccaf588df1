"""A clock that was set is on record, before the first entry that shows it, and once."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest

from tests.ledger.places import Place, read_of
from workbench.core import clock
from workbench.ledger import Entry
from workbench.ledger.clock_check import Reading, anomaly

HOUR = 3_600


@dataclass
class Clocks:
    """The machine's clocks, which a test can set."""

    wall_ns: int = 1_795_000_000 * 10**9
    mono_ns: int = 5 * 10**9
    boot: str = "boot-1"
    set_back: list[int] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        self.wall_ns += int(seconds * 10**9)
        self.mono_ns += int(seconds * 10**9)

    def set(self, seconds: float) -> None:
        self.wall_ns += int(seconds * 10**9)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    found = Clocks()
    monkeypatch.setattr(time, "time_ns", lambda: found.wall_ns)
    monkeypatch.setattr(clock, "monotonic_ns", lambda: found.mono_ns)
    monkeypatch.setattr(clock, "boot_id", lambda: found.boot)
    return found


def anomalies(place: Place) -> list[Entry]:
    with place.reader() as reader:
        return list(reader.find(type="clock.anomaly"))


def test_a_clock_that_goes_back_is_recorded_once(place: Place, clocks: Clocks) -> None:
    with place.open() as ledger:
        before = ledger.append(read_of())
        clocks.run(1)
        clocks.set(-HOUR)
        assert ledger.append(read_of()).index == 2
        clocks.run(1)
        assert ledger.append_many([read_of(), read_of()])[1].index == 4
    (entry,) = anomalies(place)
    assert entry.index == 1
    assert entry.body["clock"] == {"before": before.time, "after": entry.time, "off_ms": -HOUR * 1000}
    report = place.verify()
    assert report.size == 5
    assert any("The clock went back 1 times, first at entry 1." in line for line in report.lines)


def test_a_clock_set_back_by_less_than_passed_since_is_recorded_too(place: Place, clocks: Clocks) -> None:
    with place.open() as ledger:
        ledger.append(read_of())
        clocks.run(2 * HOUR)
        clocks.set(-HOUR)
        ledger.append(read_of())
    (entry,) = anomalies(place)
    assert entry.body["clock"]["off_ms"] == -HOUR * 1000  # type: ignore[index,call-overload]


def test_a_clock_set_forward_while_the_machine_was_up_is_recorded(place: Place, clocks: Clocks) -> None:
    with place.open() as ledger:
        ledger.append(read_of())
        clocks.set(HOUR)
        ledger.append(read_of())
        clocks.run(10 * HOUR)
        ledger.append(read_of())
    (entry,) = anomalies(place)
    assert entry.body["clock"]["off_ms"] == HOUR * 1000  # type: ignore[index,call-overload]
    assert place.verify().size == 4


def test_a_clock_that_is_put_right_a_little_is_not_an_event(place: Place, clocks: Clocks) -> None:
    with place.open() as ledger:
        ledger.append(read_of())
        clocks.run(100)
        clocks.set(-50)
        ledger.append(read_of())
        clocks.set(50)
        ledger.append(read_of())
    assert anomalies(place) == []


def test_time_that_passed_while_the_machine_was_off_is_not_an_event(place: Place, clocks: Clocks) -> None:
    place.filled(2)
    clocks.set(1_000 * HOUR)
    clocks.boot, clocks.mono_ns = "boot-2", 10**9
    place.filled(2)
    assert [entry.type for entry in anomalies(place)] == []
    clocks.set(-2_000 * HOUR)
    clocks.boot, clocks.mono_ns = "boot-3", 10**9
    place.filled(2)
    (entry,) = anomalies(place)
    assert place.verify(head=False).size == entry.index + 3


def test_another_process_that_sees_the_clock_go_back_records_it(place: Place, clocks: Clocks) -> None:
    with place.open() as one, place.open() as other:
        one.append(read_of())
        clocks.run(1)
        clocks.set(-HOUR)
        assert other.append(read_of()).index == 2
        assert one.append(read_of()).index == 3
    assert len(anomalies(place)) == 1


def test_an_entry_of_another_making_is_not_compared_with() -> None:
    honest = {"t": "2026-01-31T00:00:00.000000Z", "mono_ns": "5", "boot_id": "b"}
    assert Reading.of(honest) == Reading("2026-01-31T00:00:00.000000Z", 1_769_817_600_000, 5, "b")
    for change in ({"mono_ns": "x"}, {"mono_ns": "٣"}, {"t": "x"}, {"t": None}, {"mono_ns": None}):
        assert Reading.of({**honest, **change}) is None
    now = Reading.of(honest)
    assert now is not None
    assert anomaly(now, now) is None
