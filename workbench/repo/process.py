"""Runs one program to its end with a deadline and a cap on what it may answer.

No shell, no terminal, no inherited descriptor or environment; the program gets a session of its own, so
that whatever it started ends with it.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

_BLOCK_BYTES = 1 << 16
# limit: what a program says on standard error is shown to a person, one line of it.
_MAX_ERROR_BYTES = 1 << 16


Start: TypeAlias = Callable[..., "subprocess.Popen[bytes]"]
"""Starts a program as `subprocess.Popen` does, and takes the same arguments."""


class DeadlineMissedError(Exception):
    """The program did not end in time, and was killed."""


class TooMuchOutputError(Exception):
    """The program answered more than the cap, and was killed."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended."""

    code: int
    """Its exit status; negative for a signal."""
    output: bytes
    errors: bytes
    """The start of what it wrote to standard error."""


def run(
    argv: Sequence[str | bytes],
    *,
    directory: Path,
    environment: Mapping[str, str],
    given: bytes = b"",
    seconds: float,
    max_bytes: int,
    start: Start = subprocess.Popen,
) -> Finished:
    """Run `argv` in `directory` and return how it ended.

    Args:
        argv: The program and its arguments.
        directory: Where it runs.
        environment: All of its environment.
        given: What it reads on standard input.
        seconds: When it is killed.
        max_bytes: How much it may write to standard output.
        start: What starts it, for a caller that does so inside a kernel profile.

    Raises:
        DeadlineMissedError: It ran longer than `seconds`.
        TooMuchOutputError: It wrote more than `max_bytes`.
        OSError: It could not be started.
    """
    process = start(
        list(argv), cwd=directory, env=dict(environment), start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        output, errors = _exchange(process, given, time.monotonic() + seconds, max_bytes)
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        process.wait()
    return Finished(process.returncode, output, errors)


def _exchange(
    process: subprocess.Popen[bytes], given: bytes, deadline: float, max_bytes: int
) -> tuple[bytes, bytes]:
    """Feed the program and collect its answers until it closes both streams."""
    assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018
    rest = memoryview(given)
    answers: dict[int, list[bytes]] = {process.stdout.fileno(): [], process.stderr.fileno(): []}
    room = {process.stdout.fileno(): max_bytes, process.stderr.fileno(): _MAX_ERROR_BYTES}
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            selector.register(stream, selectors.EVENT_READ)
        os.set_blocking(process.stdin.fileno(), False)
        selector.register(process.stdin, selectors.EVENT_WRITE)
        while selector.get_map():
            if time.monotonic() >= deadline:
                raise DeadlineMissedError
            for key, _ in selector.select(deadline - time.monotonic()):
                if key.fileobj is process.stdin:
                    rest = _feed(process.stdin.fileno(), rest)
                    if not rest:
                        selector.unregister(process.stdin)
                        process.stdin.close()
                    continue
                block = os.read(key.fd, _BLOCK_BYTES)
                if not block:
                    selector.unregister(key.fileobj)
                    continue
                room[key.fd] -= len(block)
                if room[key.fd] >= 0:
                    answers[key.fd].append(block)
                elif key.fileobj is process.stdout:
                    raise TooMuchOutputError
    _wait(process, deadline)
    output, errors = answers.values()
    return b"".join(output), b"".join(errors)


def _feed(descriptor: int, rest: memoryview) -> memoryview:
    try:
        return rest[os.write(descriptor, rest[:_BLOCK_BYTES]) :] if rest else rest
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        # The program has read enough; what it makes of that is in its answer.
        return rest[:0]


def _wait(process: subprocess.Popen[bytes], deadline: float) -> None:
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise DeadlineMissedError from None
