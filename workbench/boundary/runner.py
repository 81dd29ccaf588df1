"""Has approved commands run by the command runner, and says what came of each.

A command is its words, never a line for a shell. It works on the copy it is given, which lies beneath
`Policy.place`; the copy is made and compared by whoever asks.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TypeAlias, cast

from workbench.boundary import command_messages, kernel, runner_start
from workbench.boundary.runner_start import Policy
from workbench.core.errors import BoundaryError, UsageError

_GONE = "The command runner has ended, so no command can be run."
_AGAIN = "Start Workbench again."

_Message: TypeAlias = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class CommandLimits:
    """What one command may take. None leaves the limit that this program was started with."""

    seconds: float = 600.0
    """Until everything it started is killed."""
    output_bytes: int = 1 << 20
    """How much of its output is kept; the rest is counted."""
    cpu_seconds: int | None = None
    """Processor time of each process."""
    memory_bytes: int | None = 8 << 30
    """Address space of each process."""
    file_bytes: int | None = 1 << 30
    """Size of each file it writes."""
    processes: int | None = 512
    """How many it may run beside those that this user runs already; the kernel does not heed it for root."""
    open_files: int | None = 4096
    """Descriptors of each process."""


@dataclass(frozen=True, slots=True)
class SocketAttempt:
    """One program's refused attempts to open a socket."""

    process: int
    """Its process id; 0 where these are the attempts beyond the first fifty kinds."""
    program: str
    """Its name as the kernel knows it, which the program chose."""
    family: str
    """Such as AF_INET."""
    count: int


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended."""

    code: int
    """Its exit code, or its signal as a negative number; 127 with `reason` where it was not started."""
    output: bytes
    """Standard output and standard error together, as far as the limit goes."""
    output_bytes: int
    """How much it wrote in all."""
    seconds: float
    stopped: str
    """`timeout` or `cancelled` where it was killed, else empty."""
    reason: str
    """Why it was not started; empty where it was."""
    isolated: bool
    """Whether it ran in namespaces of its own."""
    sockets: tuple[SocketAttempt, ...]
    """Every attempt to open a socket; all were refused."""

    @property
    def truncated(self) -> bool:
        """Whether `output` is not all that it wrote."""
        return self.output_bytes > len(self.output)


class Runner:
    """The application's end of the command runner; any thread may use it."""

    def __init__(self, descriptor: int, place: str) -> None:
        """Take over the `descriptor` that `workbench.boundary.runner_start.start` returned.

        Args:
            descriptor: Of the connected pair.
            place: `Policy.place` of the runner at its other end.
        """
        self._descriptor = descriptor
        self._place = os.path.realpath(place)
        self._lock = threading.Lock()
        self._runs: dict[int, SimpleQueue[_Message | None]] = {}
        self._count = 0
        self._reader: threading.Thread | None = None
        os.set_inheritable(descriptor, False)

    @classmethod
    def start(cls, policy: Policy) -> Runner:
        """Fork a runner; this process must not have been sealed, and should have one thread.

        Raises:
            OSError: It cannot be forked.
        """
        return cls(runner_start.start(policy), policy.place)

    @property
    def place(self) -> Path:
        """The directory beneath which every command works."""
        return Path(self._place)

    def run(
        self,
        argv: Sequence[str],
        shadow: Path,
        limits: CommandLimits | None = None,
        on_output: Callable[[bytes], None] | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        loopback: bool = False,
    ) -> CommandResult:
        """Run one command to its end.

        Args:
            argv: The program, looked for on the runner's own PATH, and its words.
            shadow: The directory it works on, beneath `place`.
            limits: What it may take.
            on_output: Told each piece of output as it comes, in this thread; what it raises stops the run.
            environment: Variables beside those the runner sets.
            loopback: Allow local sockets where the command has a network of its own, and only there.

        Raises:
            BoundaryError: The runner is gone, or cannot confine a command, so none was started.
            UsageError: The directory is not beneath `place`, or the request is too long.
        """
        limits = limits or CommandLimits()
        fields = self._fields(argv, shadow, limits, environment or {}, loopback)
        number, answers = self._open()
        try:
            self._send(command_messages.pack_fields(command_messages.START, number, fields))
            return self._collect(answers, limits, on_output or (lambda _chunk: None))
        except BaseException:
            self._cancel(number)
            raise
        finally:
            with self._lock:
                self._runs.pop(number, None)

    def cancel(self) -> bool:
        """Stop every command that runs; return whether there was one."""
        with self._lock:
            running = list(self._runs)
        for number in running:
            self._cancel(number)
        return bool(running)

    def close(self) -> None:
        """Let go of the runner, which then ends with all that it started; runs that wait are told."""
        with self._lock:
            if self._descriptor < 0:
                return
            kernel.shut_down(self._descriptor)
            reader = self._reader
        if reader is None:
            self._end()
        else:
            reader.join()

    def _fields(
        self,
        argv: Sequence[str],
        shadow: Path,
        limits: CommandLimits,
        environment: Mapping[str, str],
        loopback: bool,
    ) -> dict[str, object]:
        place = os.path.relpath(os.path.realpath(shadow), self._place)
        if place == os.curdir or place.startswith(os.pardir):
            raise UsageError(
                f"The command's directory is not beneath {self._place}.", "Make a copy of the worktree there."
            )
        kept = {name: getattr(limits, name) for name in command_messages.LIMITS}
        return {
            "argv": list(argv),
            "shadow": place,
            "environment": dict(environment),
            "limits": {name: value for name, value in kept.items() if value is not None},
            "milliseconds": round(limits.seconds * 1000),
            "output_bytes": limits.output_bytes,
            "loopback": loopback,
        }

    def _open(self) -> tuple[int, SimpleQueue[_Message | None]]:
        answers: SimpleQueue[_Message | None] = SimpleQueue()
        with self._lock:
            if self._descriptor < 0:
                raise BoundaryError(_GONE, _AGAIN)
            if self._reader is None:
                self._reader = threading.Thread(target=self._read, name="workbench-commands", daemon=True)
                self._reader.start()
            self._count += 1
            self._runs[self._count] = answers
            return self._count, answers

    def _send(self, message: bytes) -> None:
        if len(message) > command_messages.MAX_BYTES:
            raise UsageError("The command is too long.", "Put what it needs into a file.")
        try:
            with self._lock:
                os.write(self._descriptor, message)
        except OSError as error:
            raise BoundaryError(_GONE, _AGAIN) from error

    def _cancel(self, number: int) -> None:
        try:
            with self._lock:
                os.write(self._descriptor, command_messages.pack(command_messages.CANCEL, number))
        except OSError:
            return  # with the runner, the command is gone too

    def _collect(
        self,
        answers: SimpleQueue[_Message | None],
        limits: CommandLimits,
        on_output: Callable[[bytes], None],
    ) -> CommandResult:
        output = bytearray()
        while (answer := answers.get()) is not None:
            kind, payload = answer
            if kind == command_messages.OUTPUT:
                chunk = payload[: limits.output_bytes - len(output)]
                output += chunk
                on_output(chunk)
            elif kind == command_messages.ENDED:
                return _result(command_messages.read_fields(payload), bytes(output))
        raise BoundaryError(_GONE, _AGAIN)

    def _read(self) -> None:
        """Hand every message to the run it is about, until the runner is gone; in a thread of its own."""
        while True:
            try:
                message = os.read(self._descriptor, command_messages.MAX_BYTES)
                kind, number, payload = command_messages.unpack(message)
            except (OSError, ValueError):
                break
            with self._lock:
                answers = self._runs.get(number)
            if answers is not None:
                answers.put((kind, payload))
        self._end()

    def _end(self) -> None:
        with self._lock:
            os.close(self._descriptor)
            # From now on writing fails, also where the number has been given to another file.
            self._descriptor = -1
            for answers in self._runs.values():
                answers.put(None)


def _result(fields: dict[str, object], output: bytes) -> CommandResult:
    problem = fields.get("problem")
    if isinstance(problem, str):
        raise BoundaryError(problem, "`workbench doctor` shows what this machine can do.")
    sockets = cast("list[tuple[int, str, str, int]]", fields["sockets"])
    return CommandResult(
        code=cast("int", fields["code"]),
        output=output,
        output_bytes=cast("int", fields["bytes"]),
        seconds=cast("int", fields["milliseconds"]) / 1000,
        stopped=str(fields["stopped"]),
        reason=str(fields["reason"]),
        isolated=fields["isolated"] is True,
        sockets=tuple(SocketAttempt(*attempt) for attempt in sockets),
    )
