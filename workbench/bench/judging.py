"""Runs tests on a copy of a repository, confined as an approved command is, and says how they ended.

It is the bench's own judge: what a session found out about its drafts is not asked.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.boundary import CommandLimits, CommandResult, Runner
from workbench.core.errors import UsageError, WorkbenchError
from workbench.core.safe_text import decode, one_line

TEST_SECONDS = 2
"""What one test may take, where pytest-timeout is installed: many faults loop without end."""
PASSED, FAILED = 0, 1
"""Exit codes of pytest: every test passed; some failed."""
_HAS = "import importlib.util as u; print(*(n for n in ('pytest', 'pytest_timeout') if u.find_spec(n)))"
_FAILED = re.compile(r"^(?:FAILED|ERROR) ([^\s:]+\.py)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the tests ended."""

    code: int
    """The exit code of pytest; another number where it was stopped."""
    seconds: float
    failing: tuple[str, ...]
    """The test files with failing tests, in order, as pytest names them."""
    last: str
    """The last line that was printed, safe to show."""

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return self.code == PASSED


class Judge:
    """Judges repositories by their tests."""

    def __init__(self, runner: Runner, python: str) -> None:
        """Look at what is installed beside `python`, the interpreter that runs the tests.

        Raises:
            UsageError: It has no pytest, or cannot be run.
            WorkbenchError: The runner is gone.
        """
        self._runner = runner
        self._number = 0
        with self._place(lambda _place: None) as place:
            has = runner.run([python, "-c", _HAS], place, CommandLimits(seconds=60))
        installed = decode(has.output).split()
        if has.code != 0 or "pytest" not in installed:
            why = has.reason or ("it has no pytest" if has.code == 0 else f"it ended with {has.code}")
            raise UsageError(
                f"{python} cannot run tests: {one_line(why)}.",
                "Install pytest there, or put an environment with pytest into the directory's .venv.",
            )
        timeout = [f"--timeout={TEST_SECONDS}"] if "pytest_timeout" in installed else []
        self._argv = [python, "-m", "pytest", "-q", *timeout]

    def argv(self, tests: Sequence[str]) -> list[str]:
        """Return the command that runs these tests, as it is given to a task."""
        return [*self._argv, *tests]

    def run(
        self, lay_out: Callable[[Path], object], tests: Sequence[str], *, seconds: float = 120.0
    ) -> Verdict:
        """Run `tests` in a fresh directory that `lay_out` fills.

        Raises:
            WorkbenchError: They could not be run.
        """
        argv = [*self._argv, "--rootdir=.", "-p", "no:cacheprovider", *tests]
        with self._place(lay_out) as place:
            paths = [each for each in (place / "src", place) if each.is_dir()]
            environment = {"PYTHONPATH": os.pathsep.join(map(str, paths))}
            limits = CommandLimits(seconds=seconds, cpu_seconds=round(seconds))
            ran = self._runner.run(argv, place, limits, environment=environment)
        if ran.reason:
            raise WorkbenchError(f"The tests were not started: {one_line(ran.reason)}.")
        return _verdict(ran)

    @contextmanager
    def _place(self, lay_out: Callable[[Path], object]) -> Iterator[Path]:
        self._number += 1
        place = self._runner.place / f"judge-{os.getpid()}-{self._number}"
        place.mkdir(mode=0o700)
        try:
            lay_out(place)
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _verdict(ran: CommandResult) -> Verdict:
    text = decode(ran.output)
    last = next((line for line in reversed(text.split("\n")) if line.strip()), "")
    code = ran.code if not ran.stopped else -1
    return Verdict(code, ran.seconds, tuple(dict.fromkeys(_FAILED.findall(text))), one_line(last)[:200])
