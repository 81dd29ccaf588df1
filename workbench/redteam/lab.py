"""The place where the attacks are made: scratch repositories and a state of their own, gone afterwards.

Nothing here touches a repository, ledger or model of the person. The program's policy files are the ones in
force on this machine: it is this installation that is attacked.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType

from workbench.boundary import (
    CommandLimits,
    CommandResult,
    Measurement,
    Runner,
    command_runner,
    measure,
    programs,
)
from workbench.core.records import Principal
from workbench.redteam.case import Skip
from workbench.session.opening import Options, Parts, open_parts
from workbench.session.person import editor_for, person

RACE_SECONDS = 1.0
THOROUGH_RACE_SECONDS = 10.0
COMMAND_SECONDS = 20.0
"""A command of ours takes milliseconds; a machine that is busy gets this long."""

_GIT = ("-c", "user.name=Red", "-c", "user.email=red@workbench.invalid", "-c", "commit.gpgSign=false")


class Lab:
    """A scratch directory beneath the state directory, and what is made in it on demand."""

    def __init__(self, place: Path, *, thorough: bool = False) -> None:
        """Use `place`, which is made, private, and removed at the end."""
        self.place = place
        self.thorough = thorough
        self.canary = f"workbench-canary-{secrets.token_hex(8)}"
        """Stands in every file that nobody may get; whoever holds it has read one."""
        self._before: str | None = None
        self._numbers = 0
        self._wards: list[Parts] = []

    def __enter__(self) -> Lab:
        self.measured = measure(thorough=True)
        self.place.mkdir(mode=0o700, parents=True)
        self._before = os.environ.get("WORKBENCH_STATE")
        os.environ["WORKBENCH_STATE"] = str(self.place / "state")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for ward in self._wards:
            close(ward)
        if self._before is None:
            del os.environ["WORKBENCH_STATE"]
        else:
            os.environ["WORKBENCH_STATE"] = self._before
        shutil.rmtree(self.place, ignore_errors=True)

    measured: Measurement
    """What holds on this process, measured before the first attack."""

    @property
    def race_seconds(self) -> float:
        """How long two processes race for one name."""
        return THOROUGH_RACE_SECONDS if self.thorough else RACE_SECONDS

    @cached_property
    def agent(self) -> Principal:
        """The agent, as it acts for the person at this keyboard."""
        return editor_for(person())

    @cached_property
    def outside(self) -> Path:
        """A directory beside the worktrees; its file `secret` holds the canary."""
        folder = self.folder("outside")
        (folder / "secret").write_text(self.canary)
        return folder

    def folder(self, name: str) -> Path:
        """Return a new directory."""
        self._numbers += 1
        made = self.place / f"{self._numbers}-{name}"
        made.mkdir()
        return made

    # Repositories

    @cached_property
    def _template(self) -> Path:
        root = self.folder("template")
        (root / "a.txt").write_bytes(b"one\n")
        (root / "plain.py").write_bytes(SOURCE)
        for words in (("init", "-q", "-b", "main", "--template="), ("add", "-A"), ("commit", "-qm", "Begin")):
            self.git(root, *words)
        self.git(root, "config", "user.name", "Red")
        self.git(root, "config", "user.email", "red@workbench.invalid")
        return root

    def repository(self, files: Mapping[str, str | bytes] | None = None) -> Path:
        """Return a new repository with one commit, and `files` that are not committed."""
        self._numbers += 1
        root = self.place / f"{self._numbers}-repository"
        shutil.copytree(self._template, root, symlinks=True)
        for name, content in (files or {}).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    def git(self, root: Path, *words: str) -> bytes:
        """Run plain git, to build what is then attacked; never on what an attack has planted.

        Raises:
            Skip: There is no git here.
        """
        program = programs.find("git")
        if not program:
            raise Skip("git is not installed")
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.place),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        done = subprocess.run(
            [program, *_GIT, *words], cwd=root, env=environment, capture_output=True, check=True, timeout=60
        )
        return done.stdout

    @contextmanager
    def opened(self, root: Path) -> Iterator[Parts]:
        """Open everything a session is made of, on a scratch repository."""
        parts = open_parts(root, Options(accept_unenforced=True))
        try:
            yield parts
        finally:
            close(parts)

    @cached_property
    def ward(self) -> Parts:
        """One opened repository, for the many attacks that only read."""
        parts = open_parts(self.repository(), Options(accept_unenforced=True))
        self._wards.append(parts)
        return parts

    # Commands

    @cached_property
    def runner(self) -> Runner:
        """What runs approved commands.

        Raises:
            Skip: There is none on this machine, so no command is ever run.
        """
        found = command_runner()
        if found is None:
            raise Skip("no command can be confined here, so commands are off")
        return found

    def shadow(self) -> Path:
        """Return a new directory for a command to work on."""
        made = self.runner.place / f"redteam-{os.getpid()}-{secrets.token_hex(4)}"
        made.mkdir(mode=0o700)
        return made

    def run(self, argv: list[str], *, limits: CommandLimits | None = None) -> CommandResult:
        """Run a command as an approved one, in a copy of its own that is gone afterwards."""
        shadow = self.shadow()
        try:
            return self.runner.run(argv, shadow, limits or CommandLimits(seconds=COMMAND_SECONDS))
        finally:
            shutil.rmtree(shadow, ignore_errors=True)


SOURCE = b'''"""Counts beds."""


def free(beds, taken):
    """Return how many beds are free."""
    return beds - taken
'''
"""What the scratch repositories hold, beside what an attack plants."""


def close(parts: Parts) -> None:
    """Close what `open_parts` opened."""
    parts.broker.close()
    parts.ledger.close()
    parts.reader.close()
    parts.queue.close()
