"""Is the command runner: a process beside the sealed application that starts approved commands, confined.

It is forked before the seal, because what starts a command must be able to do more than the command's
starter: give it a filter with a listener, namespaces where bubblewrap works. It knows no model and no screen,
has no terminal, and takes from the application nothing but requests.

What a request cannot change is fixed at the fork (`Policy`). A command works in a directory beneath
`Policy.place`, opened there without following a link; it changes this directory and an empty home of its own.
When the application goes away, so do the runner and all that it started.
"""

from __future__ import annotations

import _socket
import os
import select
import shutil
import signal

from workbench.boundary import (
    bubblewrap,
    command_messages,
    command_stage,
    kernel,
    landlock,
    openat,
    privileges,
    profiles,
    supervisor,
)
from workbench.core.errors import BoundaryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from workbench.boundary.command_messages import Request
    from workbench.boundary.runner_start import Policy

_HOME_PREFIX = ".home-"
_TEMPORARY = "tmp"
_CARRIED = ("LANG", "LC_ALL", "LC_CTYPE", "TZ")
_SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")
# limit: more at once would only slow each other down, and a compromised application could ask for many.
MAX_RUNS = 8


def serve(channel: int, policy: Policy) -> None:
    """Serve the application at the other end of `channel` until it closes it."""
    runner = _Runner(channel, policy)
    runner.settle()
    runner.serve()


class _Runner:
    def __init__(self, channel: int, policy: Policy) -> None:
        self._channel = _socket.socket(fileno=channel)
        self._policy = policy
        self._place = -1
        self._bwrap = ""
        self._problem = ""
        self._poll = select.poll()
        self._runs: dict[int, _Run] = {}

    def settle(self) -> None:
        """Give up what the runner itself does not need, and tell the application how it stands."""
        os.setsid()
        os.chdir("/")
        for number in command_stage.IGNORED_BY_RUNNER:
            signal.signal(number, signal.SIG_IGN)
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):
            os.dup2(nothing, standard)
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        privileges.hide_memory()
        privileges.drop(keep=privileges.FOR_FILES)
        try:
            self._place = os.open(self._policy.place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._bwrap = bubblewrap.find()
            # bubblewrap cannot mount anything under Landlock; each command still gets its own rules.
            if (
                not self._bwrap
                and landlock.confine(profiles.commands(self._policy.tools, [self._place])) is None
            ):
                self._problem = "This kernel cannot confine a command, so none is started."
        except OSError as error:
            self._problem = f"{self._policy.place} cannot be used: {error.strerror}."
        except BoundaryError as error:
            self._problem = error.cause
        self._sweep()
        self._send(command_messages.READY, 0, {"isolated": bool(self._bwrap), "problem": self._problem})

    def serve(self) -> None:
        own = self._channel.fileno()
        self._poll.register(own, select.POLLIN)
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor != own:
                    self._end(descriptor)
                    continue
                try:
                    message = self._channel.recv(command_messages.MAX_BYTES)
                except OSError:
                    return
                if not message:
                    return
                self._take(message)

    def _take(self, message: bytes) -> None:
        try:
            kind, run, payload = command_messages.unpack(message)
            if kind == command_messages.START:
                self._begin(run, payload)
            elif kind == command_messages.CANCEL:
                for one in self._runs.values():
                    if one.number == run:
                        one.cancel()
        except ValueError:
            return  # not from our application as it was; there is no one to answer

    def _begin(self, run: int, payload: bytes) -> None:
        problem = self._problem
        if len(self._runs) >= MAX_RUNS:
            problem = f"{MAX_RUNS} commands are running already."
        try:
            request = command_messages.read_request(payload)
            shadow = -1 if problem else openat.directory_beneath(self._place, request.shadow)
        except ValueError as error:
            problem = problem or f"The request cannot be understood: {error}."
        except OSError as error:
            problem = problem or f"The command's directory cannot be opened: {error.strerror}."
        if problem:
            self._send(command_messages.ENDED, run, {"problem": problem})
            return
        self._fork(run, request, shadow)

    def _fork(self, run: int, request: Request, shadow: int) -> None:
        cancelled, cancel = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(cancel)
                self._supervise(run, request, shadow, cancelled)
                os._exit(0)
            finally:
                os._exit(1)
        os.close(cancelled)
        os.close(shadow)
        one = _Run(run, child, cancel)
        self._runs[one.ended] = one
        self._poll.register(one.ended, select.POLLIN)

    def _supervise(self, run: int, request: Request, shadow: int, cancelled: int) -> None:
        for other in self._runs.values():
            other.close()
        name = f"{_HOME_PREFIX}{os.getppid()}-{run}"
        home = self._make_home(name)
        try:
            home_path = os.path.join(self._policy.place, name)
            request.environment = self._environment(request, home_path)
            workplace = supervisor.Workplace(
                shadow=shadow,
                shadow_path=os.path.join(self._policy.place, request.shadow),
                home=home,
                home_path=home_path,
                tools=list(self._policy.tools),
                bwrap=self._bwrap,
            )
            fields = supervisor.Supervisor(self._channel, run, request, workplace, cancelled).run()
        finally:
            shutil.rmtree(name, ignore_errors=True, dir_fd=self._place)
        message = command_messages.pack_fields(command_messages.ENDED, run, fields)
        supervisor.send_last(self._channel, message, cancelled)

    def _make_home(self, name: str) -> int:
        os.mkdir(name, 0o700, dir_fd=self._place)
        os.mkdir(os.path.join(name, _TEMPORARY), 0o700, dir_fd=self._place)
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._place)

    def _environment(self, request: Request, home: str) -> dict[str, str]:
        """Return all of a command's environment: nothing of the person's but language and time zone."""
        path = [os.path.join(tool, "bin") for tool in self._policy.tools]
        return {
            **{name: os.environ[name] for name in _CARRIED if name in os.environ},
            "PATH": os.pathsep.join([*path, *_SYSTEM_PATH]),
            "HOME": home,
            "TMPDIR": os.path.join(home, _TEMPORARY),
            "PWD": os.path.join(self._policy.place, request.shadow),
            "TERM": "dumb",
            "PYTHONDONTWRITEBYTECODE": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            **request.environment,
        }

    def _end(self, ended: int) -> None:
        """Note that a supervisor ended; one that was killed could not say so itself."""
        one = self._runs.pop(ended)
        self._poll.unregister(ended)
        _, status = os.waitpid(one.process, 0)
        one.close()
        if status != 0:
            self._send(command_messages.ENDED, one.number, {"problem": "The command's supervisor failed."})

    def _send(self, kind: bytes, run: int, fields: dict[str, object]) -> None:
        try:
            self._channel.send(command_messages.pack_fields(kind, run, fields))
        except OSError:
            return  # the application is gone; the next read says so

    def _sweep(self) -> None:
        """Remove the homes that the commands of a killed runner left behind."""
        if self._place < 0:
            return
        for name in os.listdir(self._place):
            process = name.removeprefix(_HOME_PREFIX).partition("-")[0]
            if name.startswith(_HOME_PREFIX) and not os.access(f"/proc/{process}", os.F_OK):
                shutil.rmtree(name, ignore_errors=True, dir_fd=self._place)


class _Run:
    """One command that runs."""

    __slots__ = ("cancel_end", "ended", "number", "process")

    def __init__(self, number: int, process: int, cancel_end: int) -> None:
        self.number = number
        self.process = process
        self.ended = os.pidfd_open(process)
        self.cancel_end = cancel_end

    def cancel(self) -> None:
        """Have the command stopped, by closing the pipe that its supervisor listens to."""
        if self.cancel_end >= 0:
            os.close(self.cancel_end)
            self.cancel_end = -1

    def close(self) -> None:
        self.cancel()
        os.close(self.ended)
