"""Runs attacks in child processes, so that the seal never touches the process that runs the tests."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest

from workbench.boundary import abi, landlock, seccomp

T = TypeVar("T")

ROOT = Path(seccomp.__file__).parents[2]
NOBODY = 65534
USERS = ("root", "nobody") if os.geteuid() == 0 else ("user",)
"""As whom attacks are made: a container's root has rights that could matter, and so has their absence."""

needs_seal = pytest.mark.skipif(abi.native() is None, reason="no seal for this machine")
needs_landlock = pytest.mark.skipif(landlock.version() == 0, reason="no Landlock in this kernel")


class Ended(NamedTuple):
    """How a child ended that ran to no result."""

    status: int
    """Its exit code, or its signal as a negative number."""


def fork(work: Callable[[], T], *, user: str = USERS[0]) -> T | Ended:
    """Run `work` in a forked child and return its result, or how the child ended without one."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _work_and_exit(work, user, reading, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not answer:
        return Ended(status)
    result: T = pickle.loads(answer)
    return result


def fork_sealed(work: Callable[[], T], *, user: str = USERS[0]) -> T | Ended:
    """Run `work` in a forked child that has installed the filter."""

    def sealed_work() -> T:
        seal()
        return work()

    return fork(sealed_work, user=user)


def seal() -> None:
    """Install the application's filter in this (child) process."""
    machine = abi.native()
    assert machine is not None
    seccomp.install(machine, seccomp.build(machine))


def forbid(*calls: str, answer: int) -> None:
    """Put a filter of somebody else's in front of this (child) process, which answers some calls for it."""
    machine = abi.native()
    assert machine is not None
    program: list[seccomp.Instruction] = [(seccomp.LOAD, 0, 0, seccomp.NUMBER_OFFSET)]
    for call in calls:
        program += [
            (seccomp.JUMP_EQUAL, 0, 1, machine.calls[call]),
            (seccomp.RETURN, 0, 0, seccomp.ERRNO | answer),
        ]
    seccomp.install(machine, [*program, (seccomp.RETURN, 0, 0, seccomp.ALLOW)])


def outcome(call: Callable[[], object]) -> int:
    """Return the error number that `call` ends with, or 0."""
    try:
        call()
    except OSError as error:
        return error.errno or -1
    return 0


def start(
    program: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    keep: tuple[int, ...] = (),
    package_root: Path = ROOT,
    options: tuple[str, ...] = ("-P", "-s"),
) -> subprocess.CompletedProcess[str]:
    """Run the Python `program` in a new interpreter that finds our package in `package_root`."""
    prelude = f"import sys\nsys.path.insert(0, {str(package_root)!r})\n"
    return subprocess.run(
        [sys.executable, *options, "-c", prelude + program, *arguments],
        env=dict(os.environ) if environment is None else dict(environment),
        cwd=cwd,
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        pass_fds=keep,
        text=True,
        timeout=20,
        check=False,
    )


def copy_package(place: Path, *, cli: str) -> Path:
    """Copy the first stage to `place` with `cli` as its command line; return where to find it."""
    package = place / "workbench"
    package.mkdir(parents=True)
    for room in ("core", "boundary"):
        shutil.copytree(
            ROOT / "workbench" / room, package / room, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "workbench" / "__init__.py", package)
    (package / "__main__.py").write_text("from workbench.cli import main\nraise SystemExit(main())\n")
    (package / "cli.py").write_text(cli)
    return place


def _work_and_exit(work: Callable[[], T], user: str, reading: int, writing: int) -> None:
    """Become `user`, run `work`, send its result and end without the test runner's own clean-up.

    The result goes out by descriptor 1, which is the one that survives entering the seal.
    """
    code = 1
    try:
        os.close(reading)
        os.dup2(writing, 1)
        os.close(writing)
        if user == "nobody":
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        os.write(1, pickle.dumps(work()))
        code = 0
    except BaseException as error:  # noqa: BLE001  # the child has no one to raise to
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(code)
