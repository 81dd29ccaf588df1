"""Whoever changes a file between show and apply, at whatever instant: no byte is written over theirs.

`WORKBENCH_ROUNDS=1000 pytest tests/review/test_race.py` runs as many; by default a sample runs.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.repositories import make_folder
from tests.review.desks import OnDesk, desk_on
from workbench.core.records import ProposalState
from workbench.repo import GateRefused

ROUNDS = int(os.environ.get("WORKBENCH_ROUNDS", "60"))
PATHS = ("a.txt", "b.txt", "c.txt")
pytestmark = [pytest.mark.timeout(0)] if ROUNDS > 60 else []
LINES = b"".join(b"line %d\n" % n for n in range(300))


def _replace(path: Path, data: bytes) -> None:
    """Save as an editor does that keeps a backup: another file takes the name."""
    other = path.with_suffix(".theirs")
    other.write_bytes(data)
    other.replace(path)


def _rewrite(path: Path, data: bytes) -> None:
    """Save into the file itself, in one write."""
    descriptor = os.open(path, os.O_WRONLY)
    os.pwrite(descriptor, data, 0)
    os.close(descriptor)


@pytest.mark.parametrize("save", [_replace, _rewrite])
def test_no_unapproved_byte_is_written(
    tmp_path: Path, private_places: Path, save: Callable[[Path, bytes], None]
) -> None:
    policy = private_places / "config" / "workbench" / "policy.toml"
    policy.parent.mkdir(parents=True)
    policy.write_text('[commit]\nmode = "off"\n')
    rng = random.Random(5)
    seen: Counter[str] = Counter()
    with desk_on(make_folder(tmp_path / "folder", dict.fromkeys(PATHS, LINES))) as on:
        longest = _duration(on)
        number = 0
        # More rounds where the machine is so busy that one side came first every time.
        while number < ROUNDS // 2 or (number < 5 * ROUNDS and not (seen["stale"] and seen["applied"])):
            seen[_round(on, number, rng.random() * longest, rng.choice(PATHS), save)] += 1
            number += 1
    # Both sides of the race were run, or this shows nothing.
    assert seen["stale"] > 0, seen
    assert seen["applied"] > 0, seen


def _duration(on: OnDesk) -> float:
    """Return how long a decision takes here, in seconds, and somewhat more."""
    for _ in range(3):
        _reset(on)
        item = on.propose(*((path, LINES + b"x\n") for path in PATHS))
        began = time.perf_counter()
        on.approve(item)
    return 1.5 * (time.perf_counter() - began)


def _reset(on: OnDesk) -> None:
    for path in PATHS:
        (on.root / path).write_bytes(LINES)


def _round(
    on: OnDesk, number: int, delay: float, path: str, save: Callable[[Path, bytes], None]
) -> ProposalState:
    _reset(on)
    approved = LINES.replace(b"line 7\n", b"approved %04d\n" % number)
    # Of the same length, so that a save into the file itself covers all of either.
    theirs = LINES.replace(b"line 290\n", b"theirs line 290\n")
    item = on.propose(*((each, approved) for each in PATHS))
    shown = on.desk.rendering(on.queue.get(item.id)).shown_sha256
    start = threading.Barrier(2)

    def race() -> None:
        start.wait()
        # The random instant; nothing is synchronised by it.
        threading.Event().wait(delay)
        save(on.root / path, theirs)

    racer = threading.Thread(target=race)
    racer.start()
    start.wait()
    try:
        state = on.desk.approve(item.id, shown).state
    except GateRefused:  # It changed while it was read: refused, and the item waits.
        state = ProposalState.QUEUED
    racer.join()
    now = {each: (on.root / each).read_bytes() for each in PATHS}
    others = {data for each, data in now.items() if each != path}
    assert others == {approved if state is ProposalState.APPLIED else LINES}, (state, number)
    if save is _replace or state is not ProposalState.APPLIED:
        # Their file took the name before ours, which is then stale, or after: theirs is never written over.
        assert now[path] == theirs, (state, number)
    else:
        assert now[path] in (theirs, approved), (state, number)
    return state
