"""Starts a program on a machine whose kernel, or whose container, forbids one of the two mechanisms.

A script: `launcher.py landlock|seccomp ENOSYS|EPERM PROGRAM WORD...`. It installs a filter of its own that
answers the calls in question, as a container's default filter does, and becomes the program.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))

from workbench.boundary import abi, seccomp

PR_SET_SECCOMP = 22
PRCTL = 167 if os.uname().machine == "aarch64" else 157
FORBIDDEN = {
    "landlock": ("landlock_create_ruleset", "landlock_restrict_self"),
    "seccomp": ("seccomp",),
}


def program(what: str, answer: int) -> list[seccomp.Instruction]:
    """Return a filter that answers the calls of `what`, and `prctl(PR_SET_SECCOMP)` with seccomp."""
    machine = abi.native()
    assert machine is not None
    refuse: seccomp.Instruction = (seccomp.RETURN, 0, 0, seccomp.ERRNO | answer)
    built: list[seccomp.Instruction] = [(seccomp.LOAD, 0, 0, seccomp.NUMBER_OFFSET)]
    for call in FORBIDDEN[what]:
        built += [(seccomp.JUMP_EQUAL, 0, 1, machine.calls[call]), refuse]
    if what == "seccomp":
        built += [
            (seccomp.JUMP_EQUAL, 0, 3, PRCTL),
            (seccomp.LOAD, 0, 0, seccomp.ARGUMENTS_OFFSET),
            (seccomp.JUMP_EQUAL, 0, 1, PR_SET_SECCOMP),
            refuse,
        ]
    return [*built, (seccomp.RETURN, 0, 0, seccomp.ALLOW)]


if __name__ == "__main__":
    native = abi.native()
    assert native is not None
    seccomp.install(native, program(sys.argv[1], getattr(errno, sys.argv[2])))
    os.execv(sys.argv[3], sys.argv[3:])
