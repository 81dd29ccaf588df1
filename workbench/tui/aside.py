"""Runs blocking calls of the session beside the event loop, on daemon threads that never hold up exit.

Textual's own thread workers would: the program could not end before they do. Each kind of call runs one
at a time; of calls of one kind that wait, only the newest is made, and an answer that a newer call has
overtaken is dropped.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from workbench.core.errors import WorkbenchError

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Call:
    number: int
    work: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[WorkbenchError], None]


class Aside:
    """Makes calls beside the loop and brings the answers back to it."""

    def __init__(self, hand_over: Callable[[Callable[[], None]], object]) -> None:
        """Take `hand_over`, which is called from any thread and runs a function on the loop."""
        self._hand_over = hand_over
        self._number = 0
        self._running: dict[str, _Call] = {}
        self._next: dict[str, _Call] = {}

    @property
    def under_way(self) -> frozenset[str]:
        """The kinds of which a call runs or waits."""
        return frozenset(self._running)

    def run(
        self,
        kind: str,
        work: Callable[[], Answer],
        done: Callable[[Answer], None],
        failed: Callable[[WorkbenchError], None],
    ) -> None:
        """Call `work` on a thread, then `done` or `failed` on the loop.

        Args:
            kind: Calls of one kind replace each other.
            work: What may block; it touches no widget.
            done: Gets the answer, unless a newer call of this kind was made meanwhile.
            failed: Gets the error.
        """
        self._number += 1
        call = _Call(self._number, work, done, failed)
        if kind in self._running:
            self._next[kind] = call
        else:
            self._begin(kind, call)

    def _begin(self, kind: str, call: _Call) -> None:
        self._running[kind] = call
        threading.Thread(target=self._work, args=(kind, call), name=f"tui-{kind}", daemon=True).start()

    def _work(self, kind: str, call: _Call) -> None:
        answer: Any = None
        error: WorkbenchError | None = None
        try:
            answer = call.work()
        except WorkbenchError as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001  a fault in one call must be shown, not end the screen
            _log.exception("%s failed", kind)
            error = WorkbenchError(
                f"Internal error in {kind}: {type(raised).__name__}.", "The log file has the details."
            )
        self._hand_over(lambda: self._finish(kind, call, answer, error))

    def _finish(self, kind: str, call: _Call, answer: Any, error: WorkbenchError | None) -> None:
        del self._running[kind]
        newer = self._next.pop(kind, None)
        if newer is not None:
            self._begin(kind, newer)
        elif error is not None:
            call.failed(error)
        else:
            call.done(answer)
