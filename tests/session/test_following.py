"""What changes outside the program shows in the tree by itself, and only while a face listens."""

from __future__ import annotations

import queue
from pathlib import Path

from workbench.session import Options, Session
from workbench.session.views import SessionEvent, TreeChanged


def _until(told: queue.Queue[SessionEvent]) -> None:
    while not isinstance(told.get(timeout=20), TreeChanged):
        pass


def test_a_change_on_disk_is_announced_and_listed(repository: Path) -> None:
    session = Session.open(repository, Options())
    told: queue.Queue[SessionEvent] = queue.Queue()
    try:
        session.start(told.put)
        session.tree()
        (repository / "added.py").write_text("x = 1\n")
        _until(told)
        assert "added.py" in {entry.path for entry in session.tree()}
    finally:
        session.close()


def test_a_command_that_lists_once_watches_nothing(repository: Path) -> None:
    session = Session.open(repository, Options())
    try:
        session.tree()
        watch = session._following._watch
        assert watch is not None
        assert watch._thread is None
    finally:
        session.close()
