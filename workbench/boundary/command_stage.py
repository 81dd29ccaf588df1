"""Confines this process to what an approved command may do, then becomes the command.

The steps, in order: no capability → Landlock → seccomp → limits → the command. If one of them fails, nothing
is started. The session of its own, without a terminal, is made where the process is forked.

The command runner calls `become` in a fresh fork. Inside bubblewrap this file is run as a script, in an
isolated interpreter, with the order as its only argument: `python -I -S command_stage.py ORDER`.
"""

from __future__ import annotations

import _socket
import json
import os
import resource
import signal
import struct
import sys

if __name__ == "__main__":
    # Our package is found by its place. At the end of the search path it can shadow nothing.
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from workbench.boundary import abi, kernel, landlock, privileges, profiles, seccomp
from workbench.boundary.command_messages import LIMITS
from workbench.core.errors import BoundaryError, WorkbenchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

NOT_STARTED = 127
"""The exit code of a process that did not become the command; why stands in the error descriptor."""
CORE_BYTES = 1
"""As for the application itself; see `workbench.boundary.stage0`."""

_LISTENER_SENT = b"L"
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
IGNORED_BY_RUNNER = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Order:
    """What to become, and how confined."""

    __slots__ = (
        "argv",
        "directory",
        "environment",
        "errors",
        "limits",
        "listener",
        "loopback",
        "places",
        "tools",
    )

    def __init__(
        self,
        *,
        argv: list[str],
        directory: int | str,
        places: list[int | str],
        tools: list[str],
        environment: dict[str, str],
        limits: dict[str, int],
        loopback: bool,
        listener: int,
        errors: int,
    ) -> None:
        self.argv = argv
        self.directory = directory
        """Where the command starts: an open descriptor, or a path."""
        self.places = places
        """The directories that the command may change."""
        self.tools = tools
        self.environment = environment
        """All of the command's environment."""
        self.limits = limits
        self.loopback = loopback
        self.listener = listener
        """The descriptor of a connected socket that takes the listener for `notifications`."""
        self.errors = errors
        """The descriptor that is told why nothing was started; it closes when the command starts."""

    def dump(self) -> str:
        """Return the order as the argument of this script."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})


def become(order: Order) -> NoReturn:
    """Become the command of `order`; where that fails, say why and end with `NOT_STARTED`."""
    try:
        _confine(order)
        os.execvpe(order.argv[0], order.argv, order.environment)  # noqa: S606  # no shell is the purpose
    except WorkbenchError as error:
        reason = error.cause
    except OSError as error:
        reason = f"{order.argv[0]}: {error.strerror}"
    except BaseException as error:  # noqa: BLE001  # nothing of this process may go on as the runner
        reason = f"{type(error).__name__}: {error}"
    try:
        os.write(order.errors, reason.encode("utf-8", "replace")[:1000])
    finally:
        os._exit(NOT_STARTED)


def _confine(order: Order) -> None:
    for number in (order.listener, order.errors):
        os.set_inheritable(number, False)
    for number in (*_IGNORED_BY_PYTHON, *IGNORED_BY_RUNNER):
        signal.signal(number, signal.SIG_DFL)
    if isinstance(order.directory, int):
        os.fchdir(order.directory)
    else:
        os.chdir(order.directory)
    privileges.drop(keep=privileges.NONE)
    enforced = landlock.confine(profiles.commands(order.tools, order.places), signals=True)
    machine = abi.native()
    if enforced is None or machine is None:
        raise BoundaryError("This kernel cannot confine a command, so none is started.")
    program = seccomp.build_for_command(
        machine,
        ask_listener=True,
        loopback=order.loopback,
        refuse_truncate=enforced.abi < landlock.TRUNCATE_SINCE,
    )
    listener = seccomp.install_with_listener(machine, program)
    channel = _socket.socket(fileno=order.listener)
    descriptor = struct.pack("i", listener)
    channel.sendmsg([_LISTENER_SENT], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptor)])
    os.close(listener)
    _limit(order.limits)


def _limit(limits: dict[str, int]) -> None:
    _lower(resource.RLIMIT_CORE, CORE_BYTES)
    for name, value in limits.items():
        beside = _tasks_of_this_user() if name == "processes" else 0
        _lower(getattr(resource, LIMITS[name]), value + beside)


def _lower(number: int, value: int) -> None:
    """Set a limit of this process, but never above the one it came with."""
    _, hard = resource.getrlimit(number)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(number, (value, value))


def _tasks_of_this_user() -> int:
    """Return how many processes and threads this user runs: the kernel counts them all against the limit."""
    own, count = str(os.getuid()), 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/status", encoding="utf-8", errors="replace") as file:
                fields = dict(line.split(":", 1) for line in file if line.startswith(("Uid:", "Threads:")))
        except OSError:
            continue
        if fields.get("Uid", "").split()[:1] == [own]:
            count += int(fields.get("Threads", "1"))
    return count


if __name__ == "__main__":
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    become(Order(**json.loads(sys.argv[1])))
