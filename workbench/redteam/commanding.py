"""Attacks by an approved command: what a program that a person let run tries behind their back.

Each attack is a line of shell, or a few lines of Python, run by the command runner as an approved command is.
It prints `GOT` and what it got where it gets through; the canary in its output is a breach as well.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import sys
from pathlib import Path

from workbench.boundary import CommandLimits, CommandResult, child_attempt, landlock
from workbench.core.errors import WorkbenchError
from workbench.core.safe_text import decode, one_line
from workbench.redteam.case import Attack, Breach, Case, Guard, Skip
from workbench.redteam.lab import COMMAND_SECONDS, Lab
from workbench.redteam.tries import APPLICATION, HOME, OUTSIDE, PRELUDE, SECRET, STATE, TRIES, WARD

HOLDS = "the kernel refuses it, or it is not there"

_INJECTED: tuple[tuple[str, str, str], ...] = (
    ("semicolon", ";", "; touch injected"),
    ("and", "&&", "&& touch injected"),
    ("or", "||", "; false || touch injected"),
    ("pipe", "|", "| touch injected"),
    ("background", "&", "& touch injected"),
    ("newline", "a new line", "\ntouch injected"),
    ("substitution", "$( )", "$(touch injected)"),
    ("backtick", "backticks", "`touch injected`"),
    ("process", "<( )", "<(touch injected)"),
    ("redirect", ">", "> injected"),
)


def _tried(kind: str, text: str) -> Attack:
    def attack(lab: Lab) -> str:
        _plant(lab)
        argv = {
            "sh": ["sh", "-c", _filled(lab, text)],
            "bash": ["bash", "-c", _filled(lab, text)],
            "py": [sys.executable, "-I", "-S", "-c", PRELUDE + _filled(lab, text)],
        }[kind]
        if "@PID, 0" in text and landlock.version() < landlock.SIGNALS_SINCE:
            raise Skip("this kernel's Landlock does not confine signals")
        return judged(lab, lab.run(argv))

    return attack


def judged(lab: Lab, result: CommandResult) -> str:
    """Return what an attempt said.

    Raises:
        Breach: It got something.
        Skip: It could not be started.
    """
    said = decode(result.output)
    if result.reason:
        raise Skip(result.reason)
    if lab.canary in said:
        raise Breach("the command read the file")
    if found := re.search(r"^GOT\b ?(.*)$", said, re.MULTILINE):
        raise Breach(f"the command got it {one_line(found[1])[:100]}".rstrip())
    lines = [line for line in said.splitlines() if line.strip()]
    return one_line(lines[-1])[:120] if lines else f"exit code {result.code}"


def _plant(lab: Lab) -> None:
    root = lab.ward.worktree.root
    (lab.outside / "secret").write_text(lab.canary)
    for name in (".env", ".git/stolen"):
        (root / name).write_text(lab.canary)


def _filled(lab: Lab, text: str) -> str:
    places = {
        SECRET: str(lab.outside / "secret"),
        OUTSIDE: str(lab.outside),
        HOME: os.environ.get("HOME", "/root"),
        STATE: str(lab.place),
        APPLICATION: str(os.getpid()),
        WARD: str(lab.ward.worktree.root),
    }
    for name, place in places.items():
        text = text.replace(name, place)
    return text


def _injected(word: str) -> Attack:
    def attack(lab: Lab) -> str:
        shadow = lab.shadow()
        try:
            lab.runner.run(["echo", "x", word], shadow, CommandLimits(seconds=COMMAND_SECONDS))
            if (shadow / "injected").exists():
                raise Breach("a word of the command was run as a line of shell")
        finally:
            shutil.rmtree(shadow, ignore_errors=True)
        return "the words were handed over as they are"

    return attack


def _shadowed(lab: Lab) -> str:
    shadow = lab.shadow()
    try:
        for name in ("ls", "true"):
            (shadow / name).write_text("#!/bin/sh\necho GOT\n")
            (shadow / name).chmod(0o755)
        return judged(lab, lab.runner.run(["ls"], shadow))
    finally:
        shutil.rmtree(shadow, ignore_errors=True)


def _directory(lab: Lab) -> str:
    place = lab.runner.place
    for where in (place, place / "..", lab.outside, Path("/")):
        try:
            lab.runner.run(["true"], where)
        except WorkbenchError:
            continue
        raise Breach(f"a command was run in {where}")
    return "no other directory was accepted"


def _foreign(way: str) -> Attack:
    def attack(lab: Lab) -> str:
        source = Path(child_attempt.__file__).read_text("utf-8")
        code = lab.run([sys.executable, "-I", "-S", "-c", source, way]).code
        if code == child_attempt.OPENED:
            raise Breach("a socket was opened through a foreign ABI")
        if code == child_attempt.NOT_TRIED:
            raise Skip("no executable page could be made to try it from")
        return "killed" if code == -signal.SIGSYS else f"ended with {code}"

    return attack


def _outliving(lab: Lab) -> str:
    mark = f"4{secrets.randbelow(10**8):08}"
    lab.run(
        ["sh", "-c", f"(setsid sleep {mark} >/dev/null 2>&1 &) ; nohup sleep {mark} >/dev/null 2>&1 & exit 0"]
    )
    left = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = Path(f"/proc/{process}/cmdline").read_bytes()
        except OSError:
            continue
        if b"sleep\0" + mark.encode() in line:
            left.append(int(process))
    for number in left:
        os.kill(number, signal.SIGKILL)
    if left:
        raise Breach("a process outlived its command")
    return "nothing was left running"


def _endless(lab: Lab) -> str:
    result = lab.run(["sleep", "2"], limits=CommandLimits(seconds=0.3))
    if result.stopped != "timeout":
        raise Breach("it ran past its time")
    return f"killed after {result.seconds:.1f} s"


def _flood(lab: Lab) -> str:
    result = lab.run(["head", "-c", "3000000", "/dev/zero"], limits=CommandLimits(output_bytes=1000))
    if len(result.output) > 1000:
        raise Breach(f"{len(result.output):,} bytes of output were kept")
    return f"1,000 of {result.output_bytes:,} bytes kept"


def _large_file(lab: Lab) -> str:
    line = "head -c 3000000 /dev/zero > big; [ $(wc -c < big) -gt 1000000 ] && echo GOT"
    return judged(lab, lab.run(["sh", "-c", line], limits=CommandLimits(file_bytes=1_000_000)))


def _memory(lab: Lab) -> str:
    program = "x = bytearray(400 << 20)\nprint('GOT memory')"
    argv = [sys.executable, "-I", "-S", "-c", program]
    return judged(lab, lab.run(argv, limits=CommandLimits(memory_bytes=200 << 20)))


def _told(lab: Lab) -> str:
    program = "import socket\ntry: socket.socket()\nexcept OSError: pass"
    result = lab.run([sys.executable, "-I", "-S", "-c", program])
    if not any(attempt.family == "AF_INET" for attempt in result.sockets):
        raise Breach("an attempt to open a socket was not reported")
    return f"{sum(attempt.count for attempt in result.sockets)} attempts reported, with program and family"


def _modes(lab: Lab) -> str:
    _plant(lab)
    result = lab.run(["sh", "-c", _filled(lab, "chmod 777 @OUTSIDE/secret && echo GOT")])
    if not result.isolated and b"GOT" in result.output:
        raise Skip("below level 4 the kernel does not govern modes and times of files outside")
    return judged(lab, result)


_LARGER: tuple[tuple[str, str, Attack, str], ...] = (
    ("path_shadowed", "a program of the worktree by the name of a system's", _shadowed, "A26"),
    ("directory", "a directory of the model's choosing", _directory, "A27 CVE-2025-59532"),
    ("x32", "a socket through x32", _foreign("x32"), "S54"),
    ("i386", "a socket through the 32-bit gate", _foreign("i386"), "S54"),
    ("outlive", "a process that outlives its command", _outliving, "S60"),
    ("endless", "a command that does not end", _endless, "S60 S61"),
    ("flood", "output without end", _flood, "S61"),
    ("large_file", "a file without end", _large_file, "S61"),
    ("memory", "memory without end", _memory, "S61"),
    ("told", "an attempt to open a socket that nobody is told of", _told, "S48"),
    ("modes", "the mode of a file outside", _modes, "S57"),
)

_ARGUED = {
    "x32": "most kernels have no x32, so nothing opens anyway; tests/boundary sees the filter kill it",
    "i386": "needs a kernel with 32-bit emulation; tests/boundary sees the filter kill it where there is one",
    "modes": "skipped below level 4, which this case says itself",
}

CASES = (
    *(
        Case(f"command.{name}", title, source, HOLDS, Guard.CONFINING, _tried(kind, text))
        for name, title, kind, text, source in TRIES
    ),
    *(
        Case(
            f"command.inject_{name}",
            f"{mark} in a word of a command",
            "A18 A19 S65",
            "a command is its words, never a line of shell",
            Guard.CONFINING,
            _injected(word),
        )
        for name, mark, word in _INJECTED
    ),
    *(
        Case(f"command.{name}", title, source, HOLDS, Guard.CONFINING, attack, _ARGUED.get(name, ""))
        for name, title, attack, source in _LARGER
    ),
)
