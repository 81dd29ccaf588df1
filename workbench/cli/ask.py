"""Runs one task without a screen: queues a proposal and decides nothing."""

from __future__ import annotations

import json
import shlex
import sys
import threading
from argparse import Namespace
from pathlib import Path

from workbench.core.errors import UsageError, WorkbenchError
from workbench.core.safe_text import one_line
from workbench.session import Options, Session
from workbench.session.views import (
    Activity,
    ReleaseWanted,
    SessionEvent,
    Speaker,
    StatusChanged,
    TaskEnded,
    UtteranceGrew,
    Uttered,
)

EXIT = {"queued": 0, "nothing": 3, "refused": 2, "failed": 1, "cancelled": 1}


class _Console:
    """Prints what is said, and knows when the model is there and when the task has ended."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self.changed = threading.Condition()
        self.ended = ""

    def hear(self, event: SessionEvent) -> None:
        # What goes wrong is printed once, when the command ends.
        if isinstance(event, Uttered) and event.utterance.speaker not in (Speaker.PERSON, Speaker.ERROR):
            self._print(f"\n{event.utterance.speaker}: {event.utterance.text}")
        elif isinstance(event, UtteranceGrew):
            self._print(event.text)
        elif isinstance(event, ReleaseWanted):
            path = one_line(event.path)
            self._print(f"\n`--release {path}` with the task lets the agent read {path} for this task.")
        elif isinstance(event, TaskEnded):
            self._print("\n")
        if isinstance(event, StatusChanged | TaskEnded):
            with self.changed:
                if isinstance(event, TaskEnded):
                    self.ended = event.outcome
                self.changed.notify_all()

    def _print(self, text: str) -> None:
        if not self._quiet:
            sys.stderr.write(text)
            sys.stderr.flush()


def run(options: Namespace) -> int:
    """Give the agent the task, wait for it, and say what was queued."""
    test = _argv(options.test)
    session = Session.open(Path(options.repo), Options(options.model, options.accept_unenforced))
    console = _Console(quiet=options.json)
    try:
        before = {item.id for item in session.queue()}
        session.start(console.hear)
        _wait_for_model(session, console)
        for path in options.release:
            session.releasing.give(path, scope="session", reason=options.reason)
        if found := session.foresee(options.task):
            print(found, file=sys.stderr)
        session.submit(options.task, tuple(options.file), test)
        with console.changed:
            while not console.ended:
                console.changed.wait()
        status = session.status()
        if status.error and not options.json:
            print(f"{status.error}\n{status.next_step}".rstrip(), file=sys.stderr)
        queued = [item for item in session.queue() if item.id not in before]
        if options.json:
            answer = {"outcome": console.ended, "queued": [item.id for item in queued], "error": status.error}
            print(json.dumps(answer))
        elif queued:
            print(queued[0].id)
        return EXIT[console.ended]
    except KeyboardInterrupt:
        session.cancel()
        raise
    finally:
        session.close()


def _wait_for_model(session: Session, console: _Console) -> None:
    with console.changed:
        while (status := session.status()).activity is Activity.LOADING:
            console.changed.wait(timeout=1.0)
    if status.error:
        raise WorkbenchError(status.error, status.next_step)


def _argv(text: str | None) -> list[str]:
    """Return the words of a test command.

    Raises:
        UsageError: A quotation is not closed, or there are no words.
    """
    if text is None:
        return []
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--test cannot be split into words: {error}.", "Close the quotes.") from error
    if not words:
        raise UsageError("--test is empty.", 'Give a command, as in --test "pytest -q".')
    return words
