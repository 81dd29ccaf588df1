"""Sees to it that a ledger is signed and anchored often enough.

A checkpoint is signed, and written to the head file and the spool of the system log,

1. when something was settled: a decision, an edit, a commit, a rollback or a command came to its end;
2. a minute after an entry that nothing covers yet;
3. when the session ends.

An anchor that cannot be written does not stop the work: the record itself is whole. It is told once, and
`audit verify` says how old the newest anchor is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from workbench.core.errors import WorkbenchError
from workbench.core.records import Event
from workbench.evidence import spool
from workbench.ledger import Checkpoint, Ledger

SECONDS = 60.0
"""How long an entry may stay without a checkpoint."""
SETTLED = frozenset(
    {"decision.recorded", "edit.outcome", "commit.outcome", "rollback.outcome", "command.outcome"}
    | {"session.start", "session.end", "policy.changed"}
)


def settles(events: Iterable[Event]) -> bool:
    """Say whether one of these events is the end of something."""
    return any(event.type in SETTLED for event in events)


class Keeper:
    """Signs and anchors one open ledger; ends with `close`."""

    def __init__(
        self,
        ledger: Ledger,
        spool_file: Path | None,
        on_problem: Callable[[str], None] = lambda _problem: None,
        seconds: float = SECONDS,
    ) -> None:
        """Begin to watch the time.

        Args:
            ledger: The open ledger.
            spool_file: Where lines for the system log go; None where policy switches that off.
            on_problem: Told once, in one line, when an anchor cannot be written.
            seconds: How long an entry may stay without a checkpoint.
        """
        self._ledger = ledger
        self._spool = spool_file
        self._on_problem = on_problem
        self._told = False
        self._signed = -1
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(
            target=self._watch, args=(seconds,), name="ledger-keeper", daemon=True
        )
        self._thread.start()

    def heard(self, events: Iterable[Event]) -> None:
        """Sign and anchor where one of these events is the end of something."""
        if settles(events):
            self.settle()

    def settle(self) -> Checkpoint | None:
        """Sign and anchor what is there now; returns None where the ledger is closed to us."""
        with self._lock:
            try:
                checkpoint = self._ledger.checkpoint()
            except WorkbenchError:
                return None  # Whoever appends next is told why.
            if checkpoint.size != self._signed:
                self._signed = checkpoint.size
                self._put(checkpoint)
            return checkpoint

    def close(self) -> None:
        """Stop; closing the ledger signs what is left."""
        self.settle()
        self._end.set()

    def _watch(self, seconds: float) -> None:
        while not self._end.wait(seconds):
            if self._ledger.size > self._signed:
                self.settle()

    def _put(self, checkpoint: Checkpoint) -> None:
        if self._spool is None:
            return
        try:
            spool.put(self._spool, checkpoint)
        except OSError as error:
            if not self._told:
                self._told = True
                self._on_problem(
                    f"Checkpoints cannot be handed to the system log ({self._spool}: {error.strerror})."
                )
