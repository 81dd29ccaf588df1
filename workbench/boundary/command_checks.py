"""Has the command runner run a command that tries to break out, and turns what it says into checks."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from pathlib import Path

from workbench.boundary import command_attempt, file_attempts
from workbench.boundary.levels import Check
from workbench.boundary.runner import CommandLimits, CommandResult, Runner
from workbench.core.errors import WorkbenchError

SECONDS = 10.0
"""A command that has not ended by then counts as one that could not be confined."""

_NAMES = ("cmd.sockets", "cmd.read_outside", "cmd.write_outside", "cmd.terminal", "cmd.environment")


def try_command(runner: Runner | None) -> list[Check]:
    """Return what a command that was really run could do.

    Args:
        runner: The command runner, or None where there is none.
    """
    if runner is None:
        return [Check("cmd.confined", False, "not tried: no command runner, so commands are off")]
    try:
        result = _run(runner)
    except (OSError, WorkbenchError) as error:
        return [Check("cmd.confined", False, f"a command could not be tried: {error}")]
    return _checks(result)


def _run(runner: Runner) -> CommandResult:
    shadow = runner.place / f"self-test-{os.getpid()}-{secrets.token_hex(4)}"
    shadow.mkdir(mode=0o700)
    try:
        script = shadow / "attempt.py"
        script.write_bytes(Path(command_attempt.__file__).read_bytes())
        home = os.environ.get("HOME", "/")
        state = str(runner.place.parent)
        places = (home, f"{home}/.ssh", "/", "/etc/shadow", state, str(runner.place), file_attempts.outside())
        words = [sys.executable, "-I", "-S", script.name, str(os.getpid()), *places]
        return runner.run(words, shadow, CommandLimits(seconds=SECONDS))
    finally:
        shutil.rmtree(shadow, ignore_errors=True)


def _checks(result: CommandResult) -> list[Check]:
    found = {}
    for line in result.output.decode("utf-8", "replace").splitlines():
        held, name, detail = (*line.split(" ", 2), "", "")[:3]
        found[name] = (held == "1", detail)
    if result.code != 0 or not found:
        said = result.reason or result.output.decode("utf-8", "replace").strip()[-200:] or result.stopped
        return [Check("cmd.confined", False, f"a command could not be tried: {said}")]
    checks = [_check(name, *found.get(name, (False, "not tried"))) for name in _NAMES]
    noticed = {attempt.family for attempt in result.sockets}
    missed = sorted(set(command_attempt.FAMILIES) - noticed)
    checks.append(_check("cmd.noticed", not missed, " ".join(missed), "every refused socket was noticed"))
    checks.append(_check("info.signals", *found.get("info.signals", (False, "not tried"))))
    return [*checks, _isolated(found.get("isolated.namespaces", (False, ""))[1])]


def _check(name: str, held: bool, detail: str, fine: str = "refused to a command") -> Check:
    return Check(name, held, fine if held else f"within a command's reach: {detail}")


def _isolated(theirs: str) -> Check:
    """Compare the command's namespaces with ours: each has to be another one."""
    ours = command_attempt.namespaces().split()
    shared = sorted(set(ours) & set(theirs.split())) if theirs else ours
    if shared:
        return Check("isolated.namespaces", False, f"shared with a command: {', '.join(shared)}")
    return Check("isolated.namespaces", True, "a command has its own")
