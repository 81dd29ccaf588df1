"""Races: another process swaps what a name stands for, as fast as it can, while the name is used.

Beside every attempt of ours the same name is read as programs commonly do: its real path is looked at, then
the name is opened. How often that was fooled is part of the answer: a race that nobody loses shows nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.core.errors import WorkbenchError
from workbench.core.records import sha256
from workbench.redteam.case import Attack, Breach, Case, Guard, Skip
from workbench.redteam.lab import Lab
from workbench.repo import ReadGate, Writer

HOLDS = "not one read or write reaches what is outside"
HARMLESS = b"harmless\n"

_SWAP = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
one, other = (os.fsencode(name) for name in sys.argv[1:3])
sys.stdout.write("ready"); sys.stdout.flush()
while os.getppid() == int(sys.argv[3]):
    libc.renameat2(-100, one, -100, other, 2)
"""


@dataclass(frozen=True, slots=True)
class _Track:
    """What is raced for."""

    root: Path
    path: str
    one: Path
    other: Path
    target: Path
    """The file outside that a lost race reaches."""


def _track(lab: Lab, *, directory: bool) -> _Track:
    root, beyond = lab.folder("race"), lab.folder("beyond")
    target = beyond / "file"
    target.write_text(lab.canary)
    inside = root / "inside"
    inside.mkdir()
    if directory:
        (inside / "directory").mkdir()
        (inside / "directory" / "file").write_bytes(HARMLESS)
        (inside / "link").symlink_to(beyond)
        return _Track(root, "inside/directory/file", inside / "directory", inside / "link", target)
    (inside / "file").write_bytes(HARMLESS)
    (inside / "link").symlink_to(target)
    return _Track(root, "inside/file", inside / "file", inside / "link", target)


@contextmanager
def _swapping(track: _Track) -> Iterator[None]:
    argv = [sys.executable, "-I", "-S", "-c", _SWAP, str(track.one), str(track.other), str(os.getpid())]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        try:
            if process.stdout is None or process.stdout.read(5) != b"ready":
                raise Skip("no second process could be started")
            yield
        finally:
            process.kill()


def _naive(track: _Track) -> bytes:
    path = track.root / track.path
    try:
        inside = os.path.realpath(path).startswith(f"{track.root}/")
        return path.read_bytes() if inside else b""
    except OSError:
        return b""


def _race(lab: Lab, track: _Track, attempt: Callable[[], None]) -> str:
    canary = lab.canary.encode()
    done = refused = fooled = 0
    with _swapping(track):
        end = time.monotonic() + lab.race_seconds
        while time.monotonic() < end:
            try:
                attempt()
                done += 1
            except WorkbenchError:
                refused += 1
            fooled += canary in _naive(track)
    if not (done and refused):
        raise Skip(f"the race was never on: {done} went through, {refused} were refused")
    return (
        f"{done + refused:,} attempts, {refused:,} refused, 0 leaks; a naive reader leaked {fooled:,} times"
    )


def _reading(*, directory: bool, openat2: bool | None) -> Attack:
    def attack(lab: Lab) -> str:
        track = _track(lab, directory=directory)
        with ReadGate(track.root, openat2=openat2) as gate:
            if openat2 is None and not gate.uses_openat2:
                raise Skip("this kernel has no openat2; the other way is raced too")

            def attempt() -> None:
                if lab.canary.encode() in gate.read(track.path).data:
                    raise Breach("the gate gave the file outside")

            return _race(lab, track, attempt)

    return attack


def _writing(*, directory: bool) -> Attack:
    def attack(lab: Lab) -> str:
        track = _track(lab, directory=directory)
        with Writer(track.root) as writer:

            def attempt() -> None:
                writer.replace(track.path, HARMLESS, base_sha256=sha256(HARMLESS))
                if track.target.read_text() != lab.canary:
                    raise Breach("the file outside was written")

            found = _race(lab, track, attempt)
        if track.target.read_text() != lab.canary:
            raise Breach("the file outside was written")
        return found

    return attack


CASES = (
    Case(
        "race.file",
        "a file and a link to outside change names while it is read",
        "S26 A35",
        HOLDS,
        Guard.READING,
        _reading(directory=False, openat2=None),
    ),
    Case(
        "race.directory",
        "a directory and a link to outside change names",
        "S27 A35",
        HOLDS,
        Guard.READING,
        _reading(directory=True, openat2=None),
    ),
    Case(
        "race.file_walk",
        "the same, where the kernel has no openat2",
        "S26 A35",
        HOLDS,
        Guard.READING,
        _reading(directory=False, openat2=False),
    ),
    Case(
        "race.directory_walk",
        "a directory, where the kernel has no openat2",
        "S27 A35",
        HOLDS,
        Guard.READING,
        _reading(directory=True, openat2=False),
    ),
    Case(
        "race.write_file",
        "a file and a link change names while it is replaced",
        "A2 CVE-2026-39861",
        HOLDS,
        Guard.WRITING,
        _writing(directory=False),
    ),
    Case(
        "race.write_directory",
        "a directory and a link change names while a file in it is replaced",
        "A2 CVE-2026-39861",
        HOLDS,
        Guard.WRITING,
        _writing(directory=True),
    ),
)
