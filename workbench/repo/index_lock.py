"""Holds git's index lock while a commit is made, and publishes the new index in one rename.

Git's own protocol: whoever creates `index.lock` may write the index, by renaming the lock over it. The
lock is made as a second name of `workbench-index-<process>-<start time>-…`, so that a lock left by a killed
process can be told from anybody else's. Just before the branch moves, that name takes on the id of the new
commit; `sweep` then knows whether to finish the rename or to take it back.

Source: gitformat-index(5); git's `lockfile.h`.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from workbench.core.errors import RepositoryError
from workbench.repo import owner

# limit: another git command holds the lock for as long as it writes the index; then the person is told.
SECONDS = 5.0
_PAUSE_SECONDS = 0.02
_PREFIX = "workbench-index-"
_TWIN = re.compile(re.escape(_PREFIX) + r"(\d+-\d+)-(?:x([0-9a-f]+)|([0-9a-f]{40,64}))")


class IndexLockedError(RepositoryError):
    """Another git command is changing the index."""


class IndexLock:
    """The index lock of the repository whose git directory is `directory`, as a context.

    Leaving the context without `publish` takes the lock back and leaves the index as it was.

    Raises:
        IndexLockedError: Another process holds the lock, and went on holding it.
        RepositoryError: The git directory cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = directory / "index.lock"
        self._twin = directory / f"{_PREFIX}{owner.tag()}-x{secrets.token_hex(8)}"
        self._held = False

    def __enter__(self) -> IndexLock:
        try:
            self._twin.touch(mode=0o644, exist_ok=False)
            self._take()
        except OSError as error:
            cause = f"Git's directory cannot be written: {error.strerror}."
            raise RepositoryError(cause, "The files on disk are written; nothing was committed.") from error
        finally:
            if not self._held:
                self._twin.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._held:
            self._lock.unlink(missing_ok=True)
        self._twin.unlink(missing_ok=True)

    def prepare(self, index: bytes, commit: str, mode: int) -> None:
        """Store the new index in the lock, durably, and note which commit it goes with."""
        with open(self._lock, "r+b") as file:
            file.write(index)
            file.truncate()
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        noted = self._directory / f"{_PREFIX}{owner.tag()}-{commit}"
        self._twin.rename(noted)
        self._twin = noted

    def publish(self) -> None:
        """Make the prepared index the index; this also ends the lock."""
        self._lock.rename(self._directory / "index")
        self._held = False

    def _take(self) -> None:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                self._create()
            except FileExistsError:
                if time.monotonic() > deadline:
                    raise IndexLockedError(
                        "Another git command is changing the index (index.lock exists).",
                        "Let it finish, or remove .git/index.lock if no git command is running.",
                    ) from None
                time.sleep(_PAUSE_SECONDS)
            else:
                self._held = True
                return

    def _create(self) -> None:
        try:
            os.link(self._twin, self._lock)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                raise
            # Without hard links a lock left by a killed process cannot be recognised, and stays.
            self._lock.touch(exist_ok=False)


def sweep(directory: Path, head: str | None) -> tuple[str, ...]:
    """Finish or undo the locks that killed processes left in a git directory.

    Args:
        directory: Git's directory.
        head: The commit that is checked out now.

    Returns:
        What was done, in words; empty in the ordinary case.
    """
    done = []
    lock = directory / "index.lock"
    for twin in sorted(directory.glob(f"{_PREFIX}*")):
        match = _TWIN.fullmatch(twin.name)
        if match is None or owner.is_alive(match[1]):
            continue
        with suppress(OSError):
            if lock.exists() and os.path.samestat(twin.lstat(), lock.lstat()):
                if head is not None and match[3] == head:
                    lock.rename(directory / "index")
                    done.append(f"git's index was brought to commit {head[:12]}")
                else:
                    lock.unlink()
                    done.append("a leftover lock on git's index was removed")
            twin.unlink()
    return tuple(done)
