"""Compares two texts with git's diff, away from any repository and within a deadline.

Python's own `difflib` takes minutes on a long repetitive file, and git takes milliseconds.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from workbench.core.errors import RepositoryError
from workbench.repo import git_environment, git_runner

# limit: the longest a person should wait for a diff before being offered the two texts instead.
SECONDS = 5.0
MAX_DIFF_BYTES = 64 << 20


def diff_blobs(
    before: bytes,
    after: bytes,
    *,
    directory: Path,
    context: int = 3,
    ignore_whitespace: bool = False,
    seconds: float = SECONDS,
) -> bytes:
    """Return the hunks, each from its `@@` line on, that turn `before` into `after`; empty if equal.

    Args:
        before: The old text, of any encoding; it is compared by lines, whatever it holds.
        after: The new text.
        directory: A directory outside the worktree for two temporary files.
        context: Unchanged lines around each change.
        ignore_whitespace: Treat lines that differ only in white space as equal. What is then shown is not
            all that changes.
        seconds: The deadline.

    Raises:
        GitTimeoutError: The deadline passed.
        RepositoryError: There is no git, or the temporary files cannot be written.
    """
    words = ["diff", "--no-index", "--no-ext-diff", "--no-textconv", "--no-color", "--text"]
    words += ["--diff-algorithm=myers", "--inter-hunk-context=0", f"--unified={max(0, context)}"]
    words += ["--ignore-all-space"] if ignore_whitespace else []
    try:
        with tempfile.TemporaryDirectory(prefix="workbench-diff-", dir=directory) as made:
            place = Path(os.path.realpath(made))
            (place / "before").write_bytes(before)
            (place / "after").write_bytes(after)
            path = git_environment.search_path(place)
            environment = git_environment.environment(
                git_environment.ALWAYS, path=path, extra={"GIT_CEILING_DIRECTORIES": str(place.parent)}
            )
            ended = git_runner.call(
                (git_runner.program(path), "--no-pager", *words, "--", "before", "after"),
                directory=place,
                environment=environment,
                codes=(0, 1),
                seconds=seconds,
                max_bytes=MAX_DIFF_BYTES,
            )
    except OSError as error:
        cause = f"The diff could not be made: {error.strerror}."
        raise RepositoryError(cause, "Check the directory for temporary files.") from error
    start = 0 if ended.output.startswith(b"@@") else ended.output.find(b"\n@@ ") + 1
    return ended.output[start:] if start or ended.output.startswith(b"@@") else b""
