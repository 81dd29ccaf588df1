"""Runs git on one worktree, sealed: argument lists, deadlines, caps, and nothing of the repository's runs.

The worktree's own `.git` directory is named outright, so git never searches for a repository, and never
finds one that somebody embedded in a subdirectory.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from workbench.core.errors import RepositoryError
from workbench.core.safe_text import decode, one_line
from workbench.repo import git_environment, process

# Configuration by environment variables came with 2.31 (March 2021); an older git would silently ignore it.
MIN_VERSION = (2, 31)
# limits: a status of 100,000 files takes under a second; a listing of a million paths is 100 MB.
SECONDS = 60.0
MAX_OUTPUT_BYTES = 256 << 20

_Word = str | bytes


class GitError(RepositoryError):
    """Git said no; the cause carries the first line of what it said."""


class GitTimeoutError(GitError):
    """Git did not answer in time, and was stopped."""


class GitRunner:
    """Runs git on the repository at `root`.

    Args:
        root: The real path of the worktree; its `.git` is a directory.
        scratch: A directory outside the worktree for temporary files.
        launcher: Words put before git's own, for a caller that runs git inside a kernel profile.
        start: What starts git, for a caller whose kernel profile is entered in this process.

    Raises:
        RepositoryError: There is no git, it is too old, or `scratch` lies inside the worktree.
    """

    def __init__(
        self,
        root: Path,
        *,
        scratch: Path | None = None,
        launcher: Sequence[str] = (),
        start: process.Start = subprocess.Popen,
    ) -> None:
        self.root = Path(os.path.realpath(root))
        self.directory = self.root / ".git"
        """Git's own directory."""
        self.scratch = Path(os.path.realpath(scratch or tempfile.gettempdir()))
        if self.scratch.is_relative_to(self.root):
            # The system's directory for temporary files can lie inside a worktree that is all of the disk.
            raise RepositoryError(
                "The directory for temporary files lies inside the worktree.",
                "Set TMPDIR, or the state directory, to a place outside it.",
            )
        self._path = git_environment.search_path(self.root)
        self._argv = (*launcher, program(self._path))
        self._start = start
        self._settings: list[git_environment.Setting] = []
        self._seen: object = None

    def run(
        self,
        *words: _Word,
        given: bytes = b"",
        codes: Sequence[int] = (0,),
        seconds: float = SECONDS,
        max_bytes: int = MAX_OUTPUT_BYTES,
        extra: Mapping[str, str] | None = None,
    ) -> process.Finished:
        """Run `git WORDS…` and return how it ended.

        Args:
            words: The command and its arguments; paths come after `--`.
            given: Standard input.
            codes: The exit codes that are answers; any other is an error.
            seconds: The deadline.
            max_bytes: The cap on the answer.
            extra: Further environment variables.

        Raises:
            GitTimeoutError: The deadline passed.
            GitError: Another exit code, or too long an answer.
        """
        self._refresh_settings()
        return self._run(words, given, codes, seconds, max_bytes, extra or {})

    def ignored(self, paths: Sequence[bytes]) -> list[bytes]:
        """Return those of `paths` that are untracked and ignored."""
        if not paths:
            return []
        # check-ignore takes no literal pathspecs; after "./" nothing in a name is read as magic.
        given = b"\0".join(b"./" + path for path in paths)
        words, extra = ("check-ignore", "-z", "--stdin"), {"GIT_LITERAL_PATHSPECS": "0"}
        answer = self.run(*words, given=given, codes=(0, 1), extra=extra).output
        return [path.removeprefix(b"./") for path in answer.split(b"\0") if path]

    def configured(self) -> list[tuple[str, str]]:
        """Return the repository's own configuration, key and value, in git's order.

        Raises:
            GitError: It cannot be read, or includes files under a condition.
        """
        words = ("config", "--list", "-z", "--show-scope", "--includes")
        answer = self._run(words, b"", (0,), SECONDS, MAX_OUTPUT_BYTES, {})
        fields = answer.output.split(b"\0")
        found = []
        for scope, entry in zip(fields[::2], fields[1::2], strict=False):
            key, _, value = entry.partition(b"\n")
            if scope in (b"local", b"worktree"):
                found.append((decode(key), decode(value)))
        return found

    def _refresh_settings(self) -> None:
        """List what the repository configured, if that may have changed since the last call."""
        seen = self._config_state()
        if seen is not None and seen == self._seen:
            return
        keys = [key for key, _ in self.configured()]
        if any(map(git_environment.is_conditional, keys)):
            raise GitError(
                "The repository's git configuration includes files under a condition (includeIf).",
                "Git is not run on it; move that line to your own git configuration.",
            )
        self._settings = list(git_environment.blanks(keys))
        # With an include, what is configured depends on files that are not watched: list every time.
        included = any(key.lower().startswith("include.") for key in keys)
        self._seen = None if included else seen

    def _config_state(self) -> object:
        state = []
        for name in ("config", "config.worktree"):
            try:
                status = (self.directory / name).lstat()
                state.append((status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
            except FileNotFoundError:
                state.append((0, 0, 0, 0))
        return state

    def _run(
        self,
        words: Sequence[_Word],
        given: bytes,
        codes: Sequence[int],
        seconds: float,
        max_bytes: int,
        extra: Mapping[str, str],
    ) -> process.Finished:
        place = {"GIT_DIR": str(self.directory), "GIT_WORK_TREE": str(self.root)}
        environment = git_environment.environment(
            [*git_environment.ALWAYS, ("safe.directory", str(self.root)), *self._settings],
            path=self._path,
            extra=place | dict(extra),
        )
        return call(
            (*self._argv, "--no-pager", *words),
            directory=self.root,
            environment=environment,
            given=given,
            codes=codes,
            seconds=seconds,
            max_bytes=max_bytes,
            start=self._start,
        )


def call(
    argv: Sequence[_Word],
    *,
    directory: Path,
    environment: Mapping[str, str],
    given: bytes = b"",
    codes: Sequence[int] = (0,),
    seconds: float = SECONDS,
    max_bytes: int = MAX_OUTPUT_BYTES,
    start: process.Start = subprocess.Popen,
) -> process.Finished:
    """Run git once and turn every way of failing into one error.

    Raises:
        GitTimeoutError: The deadline passed.
        GitError: It could not be started, said too much, or ended with a code not in `codes`.
    """
    try:
        ended = process.run(
            argv,
            directory=directory,
            environment=environment,
            given=given,
            seconds=seconds,
            max_bytes=max_bytes,
            start=start,
        )
    except process.DeadlineMissedError:
        raise GitTimeoutError(f"Git did not answer within {seconds:g} seconds.", "Try again.") from None
    except process.TooMuchOutputError:
        cause = f"Git answered more than {max_bytes:,} bytes."
        raise GitError(cause, "The repository is larger than this program handles.") from None
    except (OSError, ValueError) as error:
        raise GitError(f"Git could not be started: {error}.", "Check that git is installed.") from error
    if ended.code not in codes:
        raise GitError(f"Git could not do it: {_said(ended)}", "Run git status in the worktree.")
    return ended


def _said(ended: process.Finished) -> str:
    """Return the line in which git says what went wrong, rather than a warning before it."""
    lines = decode(ended.errors).strip().splitlines() or [f"exit code {ended.code}"]
    return one_line(next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[0]))


@cache
def program(path: str) -> str:
    """Return the absolute path of git, which is recent enough.

    Raises:
        RepositoryError: There is none on `path`, or it is too old to be run safely.
    """
    found = shutil.which("git", path=path)
    if found is None:
        raise RepositoryError("Git was not found.", "Install git, or open the folder without git features.")
    environment = git_environment.environment((), path=path, extra={})
    answer = call((found, "version"), directory=Path("/"), environment=environment, seconds=10.0)
    match = re.search(rb"(\d+)\.(\d+)", answer.output)
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    if version < MIN_VERSION:
        needed = ".".join(map(str, MIN_VERSION))
        said = one_line(decode(answer.output.strip()))
        raise RepositoryError(
            f"{said} is too old to be run safely; {needed} is needed.", f"Install git {needed} or newer."
        )
    return found
