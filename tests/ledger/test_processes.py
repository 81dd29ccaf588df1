"""Several processes share one ledger, and any of them may die at any instant."""

from __future__ import annotations

import os
import signal
import sqlite3

import pytest

from tests.ledger.places import Place, read_of
from workbench.core.errors import LedgerUnavailable


def test_processes_and_threads_append_without_a_loss_or_a_fork(place: Place) -> None:
    workers = [place.worker("2", "100") for _ in range(4)]
    lines = [line for worker in workers for line in worker.communicate(timeout=60)[0].decode().splitlines()]
    assert [worker.returncode for worker in workers] == [0, 0, 0, 0]
    acknowledged = {int(index): (leaf, mark) for index, leaf, mark in (line.split(" ") for line in lines)}
    assert sorted(acknowledged) == list(range(800))
    assert len({mark for _, mark in acknowledged.values()}) == 800
    with place.reader() as reader:
        for entry in reader.entries():
            obj = entry.body["obj"]
            assert isinstance(obj, dict)
            assert (entry.leaf.hex(), obj["path"]) == acknowledged[entry.index]
    report = place.verify()
    assert (report.exit_code, report.size) == (0, 800), report.lines


def test_what_was_acknowledged_survives_kill_9(place: Place) -> None:
    acknowledged: dict[int, str] = {}
    for round_ in range(10):
        worker = place.worker("3", "0")
        assert worker.stdout is not None
        for _ in range(5 + round_ * 9):
            _take(worker.stdout.readline(), acknowledged)
        worker.kill()
        for line in worker.stdout.read().splitlines(keepends=True):
            _take(line, acknowledged)
        assert worker.wait() == -signal.SIGKILL
    with sqlite3.connect(place.database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with place.reader() as reader:
        stored = {entry.index: entry.leaf.hex() for entry in reader.entries()}
    assert acknowledged.items() <= stored.items()
    with place.open() as ledger:
        assert ledger.append(read_of()).index == len(stored)
    assert place.verify().exit_code == 0


def test_a_writer_that_hangs_makes_others_fail_closed(place: Place) -> None:
    place.filled(1)
    ledger = place.open(lock_timeout=0.2)
    holder = place.open()
    with (
        holder._appender.locked(),
        pytest.raises(LedgerUnavailable, match=r"0\.2 seconds") as raised,
    ):
        ledger.append(read_of())
    assert raised.value.next_step
    with pytest.raises(LedgerUnavailable, match=r"0\.2 seconds"):
        ledger.append(read_of())
    assert str(ledger.failed()) == str(raised.value)
    ledger.close()
    holder.close()
    with place.open() as again:
        assert again.append(read_of()).index == 1


def test_a_program_that_locks_the_database_makes_appends_fail_closed(place: Place) -> None:
    place.filled(1)
    ledger = place.open(lock_timeout=0.2)
    intruder = sqlite3.connect(place.database, isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailable, match="locked"):
        ledger.append(read_of())
    intruder.execute("ROLLBACK")
    with pytest.raises(LedgerUnavailable, match="locked"):
        ledger.append(read_of())
    ledger.close()
    assert place.reader().size() == 1


def test_a_forked_child_does_not_write_with_its_parents_ledger(place: Place) -> None:
    with place.open() as ledger:
        ledger.append(read_of())
        child = os.fork()
        if child == 0:
            # Ends a child that waits for a thread it does not have.
            signal.alarm(5)
            try:
                ledger.append(read_of("child"))
            except LedgerUnavailable:
                ledger.close()
                os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert ledger.append(read_of()).index == 1
    assert place.verify().exit_code == 0


def _take(line: bytes, acknowledged: dict[int, str]) -> None:
    if line.endswith(b"\n"):
        index, leaf, _ = line.decode().split(" ")
        acknowledged[int(index)] = leaf
