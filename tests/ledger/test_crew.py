"""Several processes find what one finds, in the same order, and one that dies is no verdict."""

from __future__ import annotations

import importlib
import os
import signal
import threading
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import pytest

from tests.ledger.attacks import ATTACKS, Attack, delete_in_the_middle, edit, found_as
from tests.ledger.places import EDITOR, Place, intent, outcome, read_of
from workbench.core.errors import LedgerBroken, LedgerUnavailable
from workbench.core.records import Event
from workbench.ledger import crew, head_anchors, verify

verifying = importlib.import_module("workbench.ledger.verify")


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches of one tile each, and two processes."""
    monkeypatch.setattr(verifying, "WIDTH", 256)
    monkeypatch.setattr(crew, "processes", lambda: 2)


def busy(place: Place) -> Place:
    with place.open() as ledger:
        ledger.append_many([read_of(f"src/{number}.py") for number in range(250)])
        ledger.append_many([intent("a"), intent("b"), read_of(), outcome("a"), intent("c")])
        entry = ledger.append(Event("file.read", EDITOR, sealed={"value": b"x"}))
        ledger.rotate("asked")
        ledger.append_many([read_of(f"src/{number}.py") for number in range(400)])
        ledger.append(Event("recovery.orphan", EDITOR, op_id="b"))
        ledger.erase(entry, "value", by=EDITOR, reason="asked")
        ledger.checkpoint()
        ledger.append_many([read_of(f"src/{number}.py") for number in range(600)])
    return place


@pytest.mark.usefixtures("several")
def test_several_processes_find_what_one_finds(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    anchors, now = head_anchors(busy(place).head), datetime.now(UTC)
    together = verify(place.directory, anchors, now=now)
    monkeypatch.undo()
    alone = verify(place.directory, anchors, now=now)
    assert together == alone
    assert (alone.exit_code, alone.size) == (4, 1259)
    assert len(alone.open_intents) == 1


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_several_processes_find_every_attack(place: Place, attack: Attack) -> None:
    place.filled(10)
    with place.attacker() as connection:
        attack(connection)
    assert place.verify(head=False).exit_code == found_as(attack)


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize(("attack", "text"), [(edit, "hash"), (delete_in_the_middle, "missing")])
def test_the_first_bad_entry_is_named_wherever_it_is(place: Place, attack: Attack, text: str) -> None:
    place.filled(900)
    with place.attacker() as connection:
        attack(connection)
        connection.execute("UPDATE entry SET body = CAST(body || ' ' AS BLOB) WHERE idx = 700")
    report = place.verify()
    assert (report.exit_code, report.first_bad, report.size) == (2, 4, 4), report.lines
    assert any(text in line for line in report.lines)


def test_results_come_in_order_whoever_makes_them() -> None:
    work = [lambda number=number: (number, os.getpid()) for number in range(50)]
    found = list(crew.in_order(work, 3, begin_with=49))
    assert [number for number, _ in found] == list(range(50))
    assert os.getpid() not in {pid for _, pid in found}
    assert list(crew.in_order(work, 1)) == [(number, os.getpid()) for number in range(50)]


def test_large_results_come_whole() -> None:
    work = [partial(bytes, 3_000_000 + number) for number in range(6)]
    assert [len(data) for data in crew.in_order(work, 2)] == [3_000_000 + number for number in range(6)]


def test_an_error_of_ours_arrives_as_it_was_raised() -> None:
    def fail() -> None:
        raise LedgerBroken("cause", "next")

    results = crew.in_order([lambda: 1, fail, lambda: 3], 2)
    assert next(results) == 1
    with pytest.raises(LedgerBroken) as raised:
        next(results)
    assert (raised.value.cause, raised.value.next_step) == ("cause", "next")


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The processes that were forked."""
    found: list[int] = []
    real = os.fork

    def fork() -> int:
        child = real()
        if child:
            found.append(child)
        return child

    monkeypatch.setattr(os, "fork", fork)
    return found


def are_gone(children: list[int]) -> bool:
    """Whether all of them ended and were waited for."""
    for child in children:
        with suppress(ChildProcessError):
            os.waitpid(child, os.WNOHANG)
            return False
    return bool(children)


@pytest.mark.parametrize("how", ["killed", "broken"])
def test_a_process_that_dies_is_no_verdict(how: str, forked: list[int]) -> None:
    def die() -> None:
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise RuntimeError

    with pytest.raises(LedgerUnavailable, match="without a result"):
        list(crew.in_order([die, die, die], 2))
    assert are_gone(forked)


def test_no_process_is_left_when_the_results_are_not_wanted_any_more(forked: list[int]) -> None:
    results = crew.in_order([partial(int, number) for number in range(9)], 2)
    assert next(results) == 0
    results.close()
    assert are_gone(forked)


def test_a_process_with_threads_does_not_fork() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    assert crew.processes() == 1
    done.set()
    thread.join()
    assert crew.processes() >= 1
