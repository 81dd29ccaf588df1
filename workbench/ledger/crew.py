"""Has several processes do pieces of one verification at the same time, and hands the results back in order.

Processes are forked, which is safe only while there is one thread; where it is not, or cannot be done, the
pieces are done one after the other, with the same results. A piece of work opens the file for itself.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, NoReturn

from workbench.core.errors import LedgerUnavailable, WorkbenchError

MOST: Final = 8
"""Processes at the most: beyond that the disk, or whoever else uses the machine, is what counts."""

_NUMBER: Final = struct.Struct(">I")
_LENGTH: Final = struct.Struct(">Q")
MOST_PIECES: Final = 8_192
"""Pieces whose numbers surely fit into a pipe; more are done in one process."""

Work = Callable[[], Any]


def processes() -> int:
    """Return how many processes can be had: one where forking is not safe."""
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST, cores)


def in_order(work: Sequence[Work], count: int, *, begin_with: int = 0) -> Generator[Any, None, None]:
    """Yield the result of each piece of work, in order, while `count` processes are at it.

    Args:
        work: The pieces.
        count: Processes; with one, each piece is done when its result is asked for.
        begin_with: The piece that several processes begin with, because it takes longest.

    Raises:
        LedgerUnavailable: If a process ended without a result.
        Exception: What a piece of work raised, in the place of its result.
    """
    crew = _Crew()
    try:
        if count > 1 and 1 < len(work) <= MOST_PIECES:
            crew.start(work, count, begin_with)
        yield from crew.results(len(work)) if crew.size else (piece() for piece in work)
    finally:
        crew.end()


class _Crew:
    """Forked processes that take the numbers of pieces from one pipe, and answer each through its own."""

    def __init__(self) -> None:
        self._children: dict[int, int] = {}

    @property
    def size(self) -> int:
        return len(self._children)

    def start(self, work: Sequence[Work], count: int, begin_with: int) -> None:
        numbers, give = os.pipe()
        order = sorted(range(len(work)), key=lambda number: number != begin_with)
        os.write(give, b"".join(_NUMBER.pack(number) for number in order))
        os.close(give)
        try:
            for _ in range(min(count, len(work))):
                answers, write = os.pipe()
                try:
                    child = os.fork()
                except OSError:
                    os.close(answers)
                    os.close(write)
                    break
                if child == 0:
                    _serve(work, numbers, write)
                os.close(write)
                self._children[answers] = child
        finally:
            os.close(numbers)

    def results(self, count: int) -> Iterator[Any]:
        early: dict[int, Any] = {}
        # Not `select`, which refuses descriptors from 1,024 on.
        poll = select.poll()
        for pipe in self._children:
            poll.register(pipe, select.POLLIN)
        open_pipes = set(self._children)
        for number in range(count):
            while number not in early:
                for pipe, _ in poll.poll() if open_pipes else ():
                    head = _read(pipe, _NUMBER.size + _LENGTH.size)
                    if not head:
                        open_pipes.remove(pipe)
                        poll.unregister(pipe)
                        continue
                    size = _LENGTH.unpack(head[_NUMBER.size :])[0]
                    early[_NUMBER.unpack(head[: _NUMBER.size])[0]] = pickle.loads(_read(pipe, size))  # noqa: S301 - from our own child
                if not open_pipes and number not in early:
                    raise LedgerUnavailable(
                        "A process that was verifying ended without a result.",
                        "Run it again; if that does not help, free some memory.",
                    )
            result = early.pop(number)
            if isinstance(result, Exception):
                raise result
            yield result

    def end(self) -> None:
        for pipe, child in self._children.items():
            os.close(pipe)
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        self._children.clear()


def _serve(work: Sequence[Work], numbers: int, answers: int) -> NoReturn:
    # Whatever happens, this process must not go on as if it were its parent.
    try:
        while number := os.read(numbers, _NUMBER.size):
            try:
                result = pickle.dumps(work[_NUMBER.unpack(number)[0]]())
            except WorkbenchError as error:
                result = pickle.dumps(error)
            _write(answers, number + _LENGTH.pack(len(result)) + result)
    finally:
        os._exit(0)


def _read(pipe: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = os.read(pipe, min(size, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(pipe: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(pipe, rest) :]
