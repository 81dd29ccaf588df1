"""Starts the index's process, feeds it, and kills it when a file holds it up.

A file that takes longer than `SECONDS_PER_FILE` is quarantined: the process is killed, started again, and
told to keep of that file only its name. Nothing that happens there is more than a notice here.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import workbench
from workbench.context.index.store import IndexDamaged

SECONDS_PER_FILE: Final = 10.0
"""No source file of up to 1 MiB takes a tenth of it."""
START_SECONDS: Final = 60.0
"""For an interpreter on a busy machine with a slow disk."""
AHEAD: Final = 16
"""Files sent before the first of them is answered, so that reading and parsing overlap."""
_KEPT: Final = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR")


@dataclass(frozen=True, slots=True)
class File:
    """One file on its way into the index."""

    path: str
    blob: str
    """SHA-256 of the content."""
    changed_ns: int
    data: bytes


@dataclass(slots=True)
class _Sent:
    """One message since the last commit; all of them are sent again when the process had to be killed."""

    message: bytes
    file: File | None = None
    """For a message that is answered."""
    answered: bool = False


class IndexProcess:
    """The one writer of an index; used by one thread."""

    def __init__(self, database: Path, *, seconds_per_file: float = SECONDS_PER_FILE) -> None:
        """Start the process.

        Raises:
            IndexDamaged: It cannot be started.
        """
        self._database = database
        self._seconds = seconds_per_file
        self._sent: list[_Sent] = []
        self._received = b""
        self._child, self._given, self._answers = self._start()
        self._await_start()
        self.quarantined: list[str] = []
        """Paths whose content was too much for the parser, since the start."""

    def add(self, file: File) -> None:
        """Send one file; returns when there is room for more.

        Raises:
            IndexDamaged: The process reports that the index cannot be written.
        """
        self._send(_Sent(_message(file, "add"), file))
        while sum(not each.answered for each in self._sent if each.file) >= AHEAD:
            self._settle_one()

    def skip(self, path: str, size: int, changed_ns: int) -> None:
        """Have a file that is no text remembered, so that it is not looked at again until it changes."""
        header = {"do": "skip", "path": path, "size": size, "changed": changed_ns}
        self._send(_Sent(json.dumps(header).encode() + b"\n"))

    def forget(self, paths: Sequence[str]) -> None:
        """Take paths out of the index."""
        if paths:
            self._send(_Sent(json.dumps({"do": "gone", "paths": list(paths)}).encode() + b"\n"))

    def commit(self) -> None:
        """Wait until all that was sent can be searched.

        Raises:
            IndexDamaged: The process reports that the index cannot be written.
        """
        while any(each.file and not each.answered for each in self._sent):
            self._settle_one()
        self._write(b'{"do": "commit"}\n')
        if self._answer() is None:
            raise IndexDamaged(self._database, "its process does not answer")
        self._sent.clear()

    def close(self) -> None:
        """End the process; what was not committed is done again next time."""
        self._child.terminate()
        self._end()

    def _start(self) -> tuple[subprocess.Popen[bytes], int, int]:
        """Start the process and return it with our ends of its two pipes."""
        root = str(Path(workbench.__file__).parent.parent)
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        argv = [sys.executable, "-P", "-m", "workbench.context.index.worker", str(self._database)]
        given, ours = os.pipe()
        answers, theirs = os.pipe()
        try:
            child = subprocess.Popen(
                argv,
                stdin=given,
                stdout=theirs,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={**environment, "PYTHONPATH": root},
                start_new_session=True,
            )
        except OSError as error:
            os.close(ours)
            os.close(answers)
            raise IndexDamaged(self._database, error.strerror) from error
        finally:
            os.close(given)
            os.close(theirs)
        os.set_blocking(ours, False)
        return child, ours, answers

    def _send(self, sent: _Sent) -> None:
        self._write(sent.message)
        self._sent.append(sent)

    def _write(self, message: bytes) -> None:
        rest = memoryview(message)
        while rest:
            writable = _ready(self._given, select.POLLOUT, self._seconds)
            try:
                written = os.write(self._given, rest) if writable else 0
            except BrokenPipeError:
                written = 0
            if written:
                rest = rest[written:]
            else:
                # Held up by a file that was sent before: without it, this message begins again.
                self._without_the_oldest()
                rest = memoryview(message)

    def _settle_one(self) -> None:
        """Wait for the answer to the oldest file; without one, go on without that file."""
        if self._answer() is None:
            self._without_the_oldest()
        else:
            next(each for each in self._sent if each.file and not each.answered).answered = True

    def _without_the_oldest(self) -> None:
        """Kill the process, quarantine the file it was at, and send everything since the last commit again.

        Raises:
            IndexDamaged: It was at no file, or cannot be started again.
        """
        self._child.kill()
        self._end()
        held_up = next((each for each in self._sent if each.file and not each.answered), None)
        if held_up is None or held_up.file is None:
            raise IndexDamaged(self._database, "its process ended")
        self.quarantined.append(held_up.file.path)
        held_up.message = _message(held_up.file, "quarantine")
        again, self._sent = self._sent, []
        self._child, self._given, self._answers = self._start()
        self._await_start()
        for each in again:
            each.answered = False
            self._send(each)
            if each.file:
                self._settle_one()

    def _await_start(self) -> None:
        if self._answer(START_SECONDS) is None:
            raise IndexDamaged(self._database, "its process does not start")

    def _answer(self, seconds: float | None = None) -> dict[str, object] | None:
        """Return the next answer, or None when it does not come in time, or the process died.

        Raises:
            IndexDamaged: The answer is that the index cannot be written.
        """
        while b"\n" not in self._received:
            if not _ready(self._answers, select.POLLIN, seconds or self._seconds):
                return None
            piece = os.read(self._answers, 1 << 16)
            if not piece:
                return None
            self._received += piece
        line, _, self._received = self._received.partition(b"\n")
        answer: dict[str, object] = json.loads(line)
        if "failed" in answer:
            raise IndexDamaged(self._database, answer["failed"])
        return answer

    def _end(self) -> None:
        self._received = b""
        for descriptor in (self._given, self._answers):
            os.close(descriptor)
        self._child.wait()


def _ready(descriptor: int, event: int, seconds: float) -> bool:
    # `select` refuses descriptors from 1,024 on.
    poll = select.poll()
    poll.register(descriptor, event)
    return bool(poll.poll(seconds * 1000))


def _message(file: File, verb: str) -> bytes:
    header = {
        "do": verb,
        "path": file.path,
        "blob": file.blob,
        "size": len(file.data),
        "changed": file.changed_ns,
    }
    return json.dumps(header).encode() + b"\n" + file.data
