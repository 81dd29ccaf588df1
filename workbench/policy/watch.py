"""Notices that a policy file changed, and says which policy is in force from then on: the new or the old.

It starts no thread and no watcher; whoever owns the session calls `poll` about once a second. The rules:

1. A change counts when two polls in a row see the same files. An editor that empties a file before it
   writes it, or renames it away for a moment, must not leave a moment without rules.
2. A file is known by device, inode, size and the times of its last change; only a change of these makes
   anything be read.
3. What was read counts only if the files were still the same afterwards.
4. A policy that cannot be read or understood never replaces the one in force. Its error is reported once,
   and stands until the files can be understood again.
5. What is new is decided by the policy's digest, so a touched file, or a changed comment, is no news.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from workbench.core import places
from workbench.core.errors import PolicyError, WorkbenchError
from workbench.policy.load import ADMIN_FILE, load
from workbench.policy.policy import Policy

_Identity: TypeAlias = tuple[int, int, int, int, int] | None
"""Device, inode, size, and nanoseconds of the last change of content and of status; None for no file.

Where a file cannot be looked at, the number of the error stands in the last place.
"""


@dataclass(frozen=True, slots=True)
class Reload:
    """What a poll found."""

    policy: Policy
    """The policy in force from now on."""
    old_sha256: str
    new_sha256: str
    """Digests before and after; equal where the policy in force stays the same."""
    error: WorkbenchError | None = None
    """Why the files as they are now do not count; None where they do."""

    @property
    def changed(self) -> bool:
        """Another policy is in force: to be recorded, and proposals made under the old one are stale."""
        return self.old_sha256 != self.new_sha256


class PolicyWatch:
    """Watches the files of one policy."""

    def __init__(
        self,
        policy: Policy,
        repository_file: Path,
        read_repository: Callable[[], bytes | None],
        *,
        admin_file: Path = ADMIN_FILE,
        user_file: Path | None = None,
        own_paths: Iterable[str] = (),
    ) -> None:
        """Watch the files that `policy` was loaded from.

        Args:
            policy: The policy in force.
            repository_file: The repository's policy file; only its identity is looked at.
            read_repository: Returns the bytes of that file, read through the gate, or None where there is
                none; may raise `WorkbenchError`. Called only after a change.
            admin_file: As given to `load`.
            user_file: As given to `load`.
            own_paths: As given to `load`.
        """
        self.policy = policy
        self.error: WorkbenchError | None = None
        """Why the files as they are now do not count; None where they do."""
        self._read_repository = read_repository
        self._user_file = places.config_root() / "policy.toml" if user_file is None else user_file
        self._admin_file = admin_file
        self._repository_file = repository_file
        self._own_paths = tuple(own_paths)
        # Nothing is known yet, so the first change to be noticed is any since `policy` was loaded.
        self._seen: tuple[_Identity, ...] | None = None
        self._loaded: tuple[_Identity, ...] | None = None

    def poll(self) -> Reload | None:
        """Look at the files; return what changed, or None where nothing did.

        A `Reload` with an error and one that says the error is over both leave the policy in force as it
        is, unless `changed` says otherwise.
        """
        seen = self._look()
        settled = seen == self._seen
        self._seen = seen
        # An error is tried again as long as it stands: not every one shows in the files' identities.
        if not settled or (seen == self._loaded and self.error is None):
            return None
        found: Policy | WorkbenchError
        try:
            found = self._again()
        except WorkbenchError as error:
            found = error
        self._seen = self._look()
        if self._seen != seen:
            return None
        self._loaded = seen
        return self._take(found)

    def _look(self) -> tuple[_Identity, ...]:
        return tuple(map(_identity, (self._admin_file, self._user_file, self._repository_file)))

    def _take(self, found: Policy | WorkbenchError) -> Reload | None:
        old, before = self.policy, self.error
        if isinstance(found, Policy):
            self.policy, self.error = found, None
        else:
            self.error = found
        told = before.diagnostics() if before else ""
        tells = self.error.diagnostics() if self.error else ""
        if told == tells and old.sha256 == self.policy.sha256:
            return None
        return Reload(self.policy, old.sha256, self.policy.sha256, self.error)

    def _again(self) -> Policy:
        try:
            repository = self._read_repository()
        except OSError as error:
            raise PolicyError(
                f"{self._repository_file} cannot be read: {error.strerror or type(error).__name__}.",
                "Make the file readable, or remove it if it should not apply.",
            ) from error
        return load(
            repository,
            admin_file=self._admin_file,
            user_file=self._user_file,
            own_paths=self._own_paths,
        )


def _identity(file: Path) -> _Identity:
    try:
        status = os.stat(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return 0, 0, 0, 0, error.errno or 0
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
