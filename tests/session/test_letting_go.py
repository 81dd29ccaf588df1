"""A session that is closed has given everything back, and works where a process has many files open."""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import time
from pathlib import Path

import pytest

from tests.model.scripted import ScriptedEngine
from tests.repositories import GOOD_ANSWER
from tests.session.driving import SECONDS, driving


def test_a_closed_session_leaves_no_descriptor_open(repository: Path) -> None:
    def once() -> None:
        with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
            driver.run("Fix `median`")
            driver.session.tree()
        gc.collect()

    once()
    before = _open()
    for _ in range(3):
        once()
    # The kernel may still be ending the last process, whose pipes are closed when it is gone.
    limit = time.monotonic() + SECONDS
    while len(left := _open()) > len(before) and time.monotonic() < limit:
        time.sleep(0.05)
    assert len(left) <= len(before), sorted(set(left.items()) - set(before.items()))


def _open() -> dict[str, str]:
    """Return what each open descriptor of this process leads to."""
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found[entry.name] = str(entry.readlink())
    return found


def test_a_task_ends_also_where_a_thousand_files_are_open(repository: Path) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 2000:
        pytest.skip("this process may not open 2,000 files")
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
            assert driver.run("Fix `median`") == "queued"
    finally:
        for descriptor in taken:
            os.close(descriptor)
