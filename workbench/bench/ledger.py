"""Measures the ledger on the disk it stands on: what an entry costs, and what it takes to check them all.

The rules:

1. An append is compared with a bare `sqlite3` loop with the same durability (write-ahead log and
   `synchronous=FULL`): as many bytes into the same columns and indexes, without triggers, hashes, chain,
   lock, thread or signature.
2. Both take turns in short rounds, and what counts is the median of the rounds' ratios: a disk that others
   use is as slow for the one as for the other.
3. The events are reads of files as the gate records them, about 900 bytes each.
4. Everything happens in a directory of its own beside the ledgers, which is removed afterwards.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from workbench.core.records import Event, Principal, sha256
from workbench.ledger import Ledger, LedgerReader, head_anchors, verify
from workbench.ledger.crew import processes
from workbench.ledger.database import connect_writer
from workbench.ledger.store import COLUMNS, SCHEMA, SEARCHED
from workbench.ledger.tree import verify_inclusion

BATCH: Final = 64
"""Entries in one commit, as in `workbench.ledger.writer`."""
ROUNDS: Final = 7
SINGLES: Final = 60
"""Appends of one entry in each round."""
BATCHES: Final = 30
"""Commits of `BATCH` entries in each round."""
AT_ONCE: Final = 5_000
"""Entries handed over together while the ledger to verify is filled."""
PAGE: Final = 50
"""Entries on the first page of `audit log`."""

_WHO: Final = Principal("agent", "agent:editor", "editor", "coder", 1000, "user:alice")
_INSERT: Final = f"INSERT INTO entry({COLUMNS}, {SEARCHED}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; times in seconds, rates in entries a second."""

    single: float
    single_bare: float
    single_ratio: float
    batched: float
    batched_bare: float
    batched_ratio: float
    entries: int
    """In the ledger that was verified, read and proved from."""
    filling: float
    verifying: float
    processes: int
    """That verified at the same time."""
    exit_code: int
    """Of the verification: 0."""
    first_page: float
    """To open the ledger and read the newest `PAGE` entries."""
    proof: float
    """To make and check one inclusion proof, in the median of a hundred."""
    proof_hashes: int

    def facts(self) -> dict[str, float | int]:
        """Return the figures by name."""
        return asdict(self)


def measure(directory: Path, entries: int, tell: Callable[[str], None] = lambda _: None) -> Figures:
    """Measure in `directory`, which is made and removed.

    Args:
        directory: Where; on the disk that ledgers stand on.
        entries: How many to verify.
        tell: Told what is going on.

    Raises:
        LedgerUnavailable: If a ledger cannot be written there.
        OSError: If the directory cannot be made.
    """
    directory.mkdir(mode=0o700, parents=True)
    try:
        tell(f"appending one at a time: {ROUNDS} rounds of {SINGLES}, ours and bare in turn")
        single = _in_turn(directory / "single", SINGLES, 1)
        tell(f"appending {BATCH} at a time: {ROUNDS} rounds of {BATCHES * BATCH}, ours and bare in turn")
        batched = _in_turn(directory / "batched", BATCHES * BATCH, BATCH)
        tell(f"filling a ledger with {entries:,} entries")
        place = directory / "long"
        filling = _timed(lambda: _fill(place, entries))
        tell(f"verifying {entries:,} entries")
        began = time.perf_counter()
        report = verify(place / "ledger", head_anchors(place / "heads" / "bench.head"))
        verifying = time.perf_counter() - began
        page = statistics.median(_timed(lambda: _first_page(place / "ledger")) for _ in range(5))
        proof, hashes = _prove(place / "ledger", report.size)
        return Figures(
            *single,
            *batched,
            report.size,
            filling,
            verifying,
            processes(),
            report.exit_code,
            page,
            proof,
            hashes,
        )
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def event(number: int) -> Event:
    """Return a read of a file, as the gate records it."""
    path = f"src/package_{number % 97}/module_{number % 1009}.py"
    return Event(
        "file.read",
        _WHO,
        fields={
            "obj": {
                "kind": "file",
                "path": path,
                "bytes": 4096,
                "before": sha256(path.encode()),
                "labels": [],
            },
            "policy": {"verdict": "allow", "rule": "default", "tier": "default", "source": "compiled in"},
            "outcome": {"status": "success", "code": "", "detail": ""},
            "purpose": "context",
        },
    )


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _in_turn(directory: Path, count: int, batch: int) -> tuple[float, float, float]:
    """Return our rate, the bare rate, and the median ratio of them."""
    directory.mkdir(mode=0o700)
    ours: list[float] = []
    bare: list[float] = []
    path = directory / "bare.db"
    path.touch(0o600)
    with _opened(directory) as ledger, closing(connect_writer(path, 10.0)) as connection:
        for statement in SCHEMA:
            if "TRIGGER" not in statement:
                connection.execute(statement)
        for turn in range(ROUNDS + 1):
            events = [event(number) for number in range(count)]
            rows = [_row(turn * count + number) for number in range(count)]

            def append(events: Sequence[Event] = events) -> None:
                for start in range(0, count, batch):
                    ledger.append_many(events[start : start + batch])

            def insert(rows: Sequence[tuple[object, ...]] = rows) -> None:
                for start in range(0, count, batch):
                    connection.execute("BEGIN IMMEDIATE")
                    for row in rows[start : start + batch]:
                        connection.execute(_INSERT, row)
                    connection.execute("COMMIT")

            # The first turn warms up files and caches, and does not count.
            for act, found in (
                ((append, ours), (insert, bare)) if turn % 2 else ((insert, bare), (append, ours))
            ):
                seconds = _timed(act)
                if turn:
                    found.append(count / seconds)
    ratio = statistics.median(mine / theirs for mine, theirs in zip(ours, bare, strict=True))
    return statistics.median(ours), statistics.median(bare), ratio


def _row(number: int) -> tuple[object, ...]:
    path = f"src/package_{number % 97}/module_{number % 1009}.py"
    searched = ("file.read", "event", "", "2026-01-31T00:00:00.000000Z", "agent:editor", path)
    return number, os.urandom(32), os.urandom(32), b"x" * 900, *searched


def _opened(directory: Path) -> Ledger:
    head = directory / "heads" / "bench.head"
    return Ledger.open(directory / "ledger", head_file=head, session="bench", app_version="bench")


def _fill(directory: Path, entries: int) -> None:
    with _opened(directory) as ledger:
        for start in range(0, entries, AT_ONCE):
            ledger.append_many([event(number) for number in range(start, min(start + AT_ONCE, entries))])


def _first_page(directory: Path) -> None:
    with LedgerReader.open(directory) as reader:
        reader.tail(PAGE)


def _prove(directory: Path, size: int) -> tuple[float, int]:
    """Return the seconds that one proof takes, and how many hashes the longest has."""
    seconds: list[float] = []
    longest = 0
    with LedgerReader.open(directory) as reader:
        checkpoint = reader.checkpoint()
        if checkpoint is None or checkpoint.size != size:
            return 0.0, 0
        for number in range(100):
            index = number * size // 100
            began = time.perf_counter()
            proof = reader.inclusion_proof(index, size)
            verify_inclusion(index, size, reader.entry(index).leaf, proof, checkpoint.root)
            seconds.append(time.perf_counter() - began)
            longest = max(longest, len(proof))
    return statistics.median(seconds), longest
