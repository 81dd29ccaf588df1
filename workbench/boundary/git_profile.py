"""Starts git so that it can start nothing but itself, and change nothing but its own directory.

A repository's configuration can name programs: monitors, hooks, filters, converters, pagers. They are
switched off by flags (`workbench.repo.git_environment`); this is the second wall, which needs no list of what
to switch off. The kernel lets git execute git, its own commands and their loader. A shell is not among them.

Landlock confines threads. So git is started by a thread that lives for nothing else: it enters the rules and
starts git, which inherits them, and the rest of this process stays as it was. That costs a fraction of a
millisecond, where a program put before git would cost an interpreter's start on every call.

What is left: the loader itself may be executed, and maps any file that it may read. A planted `ld.so FILE`
runs that file, as git: without a network, and with nothing to change but git's directory.
"""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path
from typing import Any

from workbench.boundary import landlock, profiles, programs
from workbench.core.errors import BoundaryError


class GitProfile:
    """The rules for git on one repository, ready to be entered."""

    def __init__(self, ruleset: landlock.Ruleset) -> None:
        self._ruleset = ruleset

    @classmethod
    def build(cls, root: Path, scratch: Path) -> GitProfile | None:
        """Return the profile, or None where the kernel has no Landlock: git then starts as any program.

        Args:
            root: The worktree, with a `.git` directory.
            scratch: An existing directory for temporary files.

        Raises:
            BoundaryError: The kernel has Landlock and refused.
        """
        git = programs.find("git", not_beneath=str(root))
        ruleset = landlock.build(profiles.git(git, changes=(str(root / ".git"), str(scratch))))
        return None if ruleset is None else cls(ruleset)

    def start(self, *arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        """Start git as `subprocess.Popen` would, which takes the same arguments, under the rules.

        Raises:
            BoundaryError: The rules could not be entered, so nothing was started.
            OSError: Git could not be started.
        """
        start = _Start(self._ruleset, arguments, options)
        start.start()
        interrupted: BaseException | None = None
        while start.is_alive():
            try:
                start.join()
            except KeyboardInterrupt as error:
                # Git may just have been started: wait for the few instructions left, to know what to end.
                interrupted = error
        if interrupted is not None:
            if start.process is not None:
                start.process.kill()
                start.process.wait()
            raise interrupted
        if start.process is None:
            raise start.error or BoundaryError("Git was not started.")
        return start.process

    def close(self) -> None:
        """Let go of the rules in the kernel."""
        self._ruleset.close()


class _Start(threading.Thread):
    """The thread that enters the rules and starts one process."""

    def __init__(
        self, ruleset: landlock.Ruleset, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> None:
        super().__init__(name="workbench-git", daemon=True)
        self._ruleset = ruleset
        self._arguments = arguments
        self._options = options
        self.process: subprocess.Popen[bytes] | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._ruleset.enter()
            self.process = subprocess.Popen(*self._arguments, **self._options)
        except BaseException as error:  # noqa: BLE001  # the thread that asked raises it
            self.error = error
