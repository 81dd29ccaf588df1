"""Merges two changes of one text with git's own three-way merge, away from any repository.

Source: git-merge-file(1).
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from workbench.core.errors import RepositoryError
from workbench.repo import git_environment, git_runner
from workbench.repo.diff import MAX_DIFF_BYTES, SECONDS

# limit: git counts conflicts up to this, and answers with more for an error (git-merge-file(1)).
_MAX_CONFLICTS = 127


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge came to."""

    data: bytes
    conflicts: int
    """Places that both changed; with any, `data` is of no use."""


def merge_texts(base: bytes, ours: bytes, theirs: bytes, *, directory: Path) -> Merged:
    """Return `ours` with the change from `base` to `theirs` made in it.

    Args:
        base: What both began as.
        ours: What one became.
        theirs: What the other became.
        directory: A directory outside the worktree for temporary files.

    Raises:
        GitTimeoutError: The deadline passed.
        RepositoryError: There is no git, the files are no texts, or the temporary files cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="workbench-merge-", dir=directory) as made:
            place = Path(os.path.realpath(made))
            for name, data in (("ours", ours), ("base", base), ("theirs", theirs)):
                (place / name).write_bytes(data)
            path = git_environment.search_path(place)
            environment = git_environment.environment(
                git_environment.ALWAYS, path=path, extra={"GIT_CEILING_DIRECTORIES": str(place.parent)}
            )
            ended = git_runner.call(
                (git_runner.program(path), "merge-file", "-p", "--quiet", "ours", "base", "theirs"),
                directory=place,
                environment=environment,
                codes=range(_MAX_CONFLICTS + 1),
                seconds=SECONDS,
                max_bytes=MAX_DIFF_BYTES,
            )
    except OSError as error:
        cause = f"The merge could not be made: {error.strerror}."
        raise RepositoryError(cause, "Check the directory for temporary files.") from error
    return Merged(ended.output, ended.code)
