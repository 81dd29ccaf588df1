"""Runs one approved command to its end: output, deadline, refused sockets, and nothing left behind.

A process of its own for each command, forked from the runner. Whatever the command starts, however often it
forks and detaches, falls back to this process when its parent ends, and is killed with the rest.
"""

from __future__ import annotations

import _socket
import os
import select
import signal
import struct
import time
from functools import partial

from workbench.boundary import bubblewrap, command_messages, command_stage, kernel, notifications

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.boundary.command_messages import Request

_DESCRIPTOR = struct.Struct("i")
_LONGEST_WAIT_SECONDS = 3600.0
_DRAIN_SECONDS = 5.0
"""How long the last output may take to be read once every process of the command is dead."""


class Workplace:
    """Where one command runs."""

    __slots__ = ("bwrap", "home", "home_path", "shadow", "shadow_path", "tools")

    def __init__(
        self, *, shadow: int, shadow_path: str, home: int, home_path: str, tools: list[str], bwrap: str
    ) -> None:
        self.shadow = shadow
        """A descriptor of the copy that the command works on, which `shadow_path` names."""
        self.shadow_path = shadow_path
        self.home = home
        """A descriptor of the command's home directory, for temporary files and caches."""
        self.home_path = home_path
        self.tools = tools
        self.bwrap = bwrap
        """The path of a working bubblewrap, or an empty string."""


class Supervisor:
    """One command's run."""

    def __init__(
        self, channel: _socket.socket, run: int, request: Request, workplace: Workplace, cancelled: int
    ) -> None:
        """Prepare.

        Args:
            channel: The connected pair's end to the application.
            run: The run's number.
            request: What was asked for.
            workplace: Where it runs.
            cancelled: A pipe's end that closes when the run is to be stopped.
        """
        self._channel = channel
        self._run = run
        self._request = request
        self._workplace = workplace
        self._cancelled = cancelled
        self._poll = select.poll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._attempts = notifications.Attempts()
        self._deadline = 0.0
        self._bytes = 0
        self._reason = bytearray()
        self._stopped = ""
        self._child = -1
        self._status: int | None = None

    def run(self) -> dict[str, object]:
        """Run the command, and return what is to be told about it."""
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        began = time.monotonic()
        self._deadline = began + self._request.seconds
        output = self._start()
        while self._status is None:
            if time.monotonic() >= self._deadline:
                self._stop("timeout")
                self._deadline = float("inf")
            self._turn()
        seconds = time.monotonic() - began
        self._finish(output)
        return {
            "code": os.waitstatus_to_exitcode(self._status),
            "milliseconds": round(seconds * 1000),
            "bytes": self._bytes,
            "stopped": self._stopped,
            "reason": self._reason.decode("utf-8", "replace"),
            "isolated": bool(self._workplace.bwrap),
            "sockets": [[*key, count] for key, count in self._attempts.counts.items()],
        }

    def _start(self) -> int:
        """Start the command and watch over it; return the descriptor that its output comes from."""
        output, output_end = os.pipe()
        errors, errors_end = os.pipe()
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self._child = os.fork()
        if self._child == 0:
            self._become(output_end, errors_end, theirs.fileno())
        for descriptor in (output_end, errors_end):
            os.close(descriptor)
        theirs.close()
        self._watch(output, lambda: self._read_output(output))
        self._watch(errors, lambda: self._read_errors(errors))
        self._watch(ours.fileno(), lambda: self._take_listener(ours))
        self._watch(self._cancelled, lambda: self._stop("cancelled"))
        ended = os.pidfd_open(self._child)
        self._watch(ended, lambda: self._reap(ended))
        return output

    def _become(self, output: int, errors: int, listener: int) -> None:
        """Become the command, in the forked child."""
        try:
            os.setsid()
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for number, standard in ((nothing, 0), (output, 1), (output, 2)):
                os.dup2(number, standard)
            _close_all_but({0, 1, 2, errors, listener, self._workplace.shadow, self._workplace.home})
            order = self._order(errors, listener)
            if not self._workplace.bwrap:
                command_stage.become(order)
            self._become_isolated(order)
        finally:
            os._exit(command_stage.NOT_STARTED)

    def _order(self, errors: int, listener: int) -> command_stage.Order:
        work, request = self._workplace, self._request
        isolated = bool(work.bwrap)
        return command_stage.Order(
            argv=request.argv,
            directory=work.shadow_path if isolated else work.shadow,
            places=[*self._own_paths(), *bubblewrap.OWN] if isolated else [work.shadow, work.home],
            tools=work.tools,
            environment=request.environment,
            limits=request.limits,
            loopback=request.loopback and isolated,
            listener=listener,
            errors=errors,
        )

    def _own_paths(self) -> tuple[str, str]:
        return self._workplace.shadow_path, self._workplace.home_path

    def _become_isolated(self, order: command_stage.Order) -> None:
        work = self._workplace
        for number in (order.listener, order.errors):
            os.set_inheritable(number, True)
        around = bubblewrap.wrap(
            work.bwrap,
            directory=work.shadow_path,
            places=self._own_paths(),
            tools=work.tools,
        )
        words = [*around, *bubblewrap.stage(order.dump())]
        # bubblewrap itself becomes the first process inside, where the command could read its environment.
        os.execve(words[0], words, {})  # noqa: S606  # no shell is the purpose

    # What happens meanwhile

    def _watch(self, descriptor: int, handler: Callable[[], None]) -> None:
        self._handlers[descriptor] = handler
        self._poll.register(descriptor, select.POLLIN)

    def _forget(self, descriptor: int) -> None:
        del self._handlers[descriptor]
        self._poll.unregister(descriptor)

    def _turn(self) -> None:
        """Wait for something to happen, and deal with it."""
        for descriptor, _ in self._poll.poll(self._milliseconds_left()):
            if descriptor in self._handlers:
                self._handlers[descriptor]()
        for process in _children():
            if process != self._child:
                # Left by a parent that ended; once it has ended too, nobody else is there to note it.
                os.waitpid(process, os.WNOHANG)

    def _milliseconds_left(self) -> float:
        return max(0.0, min(self._deadline - time.monotonic(), _LONGEST_WAIT_SECONDS)) * 1000 + 1

    def _read_output(self, output: int) -> None:
        chunk = os.read(output, command_messages.OUTPUT_BYTES)
        if not chunk:
            self._forget(output)
            return
        room = max(0, self._request.output_bytes - self._bytes)
        self._bytes += len(chunk)
        if room:
            message = command_messages.pack(command_messages.OUTPUT, self._run, chunk[:room])
            send(self._channel, message, self._cancelled, self._milliseconds_left)

    def _read_errors(self, errors: int) -> None:
        text = os.read(errors, command_messages.OUTPUT_BYTES)
        self._reason += text
        if not text:
            self._forget(errors)

    def _take_listener(self, ours: _socket.socket) -> None:
        """Receive the listener of the command's filter; the other end closes when the command starts."""
        _, given, _, _ = ours.recvmsg(1, _socket.CMSG_SPACE(_DESCRIPTOR.size))
        for _, kind, data in given:
            if kind == _socket.SCM_RIGHTS:
                (listener,) = _DESCRIPTOR.unpack(data)
                os.set_inheritable(listener, False)
                self._watch(listener, partial(self._attempts.answer, listener))
        self._forget(ours.fileno())

    def _stop(self, why: str) -> None:
        if self._cancelled in self._handlers:
            self._forget(self._cancelled)
        if not self._stopped:
            self._stopped = why
            _kill(self._child)

    def _reap(self, ended: int) -> None:
        _, self._status = os.waitpid(self._child, 0)
        self._forget(ended)

    def _finish(self, output: int) -> None:
        """End every process that the command left behind, and read what they had still to say."""
        while children := _children():
            for child in children:
                _kill(child)
            # Those that fell back to us through a killed parent are found the next time round.
            os.waitpid(-1, 0)
        self._deadline = time.monotonic() + _DRAIN_SECONDS
        while output in self._handlers and time.monotonic() < self._deadline:
            self._turn()


def send(
    channel: _socket.socket, message: bytes, cancelled: int, milliseconds_left: Callable[[], float]
) -> None:
    """Send `message`; where the application does not read, wait as long as that makes sense.

    Args:
        channel: The connected pair's end to the application.
        message: One packet.
        cancelled: A pipe's end that closes when nobody wants to know any more.
        milliseconds_left: How long to go on waiting.
    """
    waiting = select.poll()
    waiting.register(channel.fileno(), select.POLLOUT)
    waiting.register(cancelled, select.POLLIN)
    while True:
        try:
            channel.send(message, _socket.MSG_DONTWAIT)
        except BlockingIOError:
            found = dict(waiting.poll(milliseconds_left()))
            if cancelled in found or not found:
                return
        except OSError:
            return  # the application is gone, and so is the pipe in a moment
        else:
            return


def send_last(channel: _socket.socket, message: bytes, cancelled: int) -> None:
    """Send the message that ends a run, however long the application takes to read it."""
    send(channel, message, cancelled, lambda: _LONGEST_WAIT_SECONDS * 1000)


def _kill(process: int) -> None:
    """Kill a process, and the group that it leads if it leads one."""
    for kill in (os.killpg, os.kill):
        try:
            kill(process, signal.SIGKILL)
        except OSError:
            continue


def _children() -> list[int]:
    """Return this process's children, adopted ones too (proc_pid_task_children(5))."""
    own = os.getpid()
    with open(f"/proc/{own}/task/{own}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def _close_all_but(kept: set[int]) -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:
                continue  # the one that listed the directory
