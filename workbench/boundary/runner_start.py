"""Forks the command runner, while this process has one thread and no seal."""

from __future__ import annotations

import ctypes
import errno
import os

from workbench.boundary import abi, kernel


class Policy:
    """What holds for every command, whatever the application asks for later."""

    __slots__ = ("place", "tools")

    def __init__(self, place: str, tools: tuple[str, ...] = ()) -> None:
        self.place = place
        """The existing directory beneath which commands run, in the state directory."""
        self.tools = tools
        """Directories of programs, beside the system's, that commands may read and execute."""


def start(policy: Policy) -> int:
    """Fork the runner and return the descriptor by which it is asked; it survives an `execve`.

    Raises:
        OSError: No pair of sockets, or no process, could be made.
    """
    ours, theirs = _pair()
    child = os.fork()
    if child == 0:
        try:
            os.close(ours)
            # Only here: the application's first stage does not need what the runner is made of.
            from workbench.boundary.runner_process import serve

            serve(theirs, policy)
        finally:
            os._exit(0)
    os.close(theirs)
    return ours


def _pair() -> tuple[int, int]:
    machine = abi.native()
    if machine is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    ends = (ctypes.c_int * 2)()
    kernel.call(machine.calls["socketpair"], kernel.AF_UNIX, kernel.SOCK_SEQPACKET, 0, ctypes.addressof(ends))
    return ends[0], ends[1]
