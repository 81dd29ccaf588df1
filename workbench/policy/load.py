"""Finds the policy files of the administrator and the user, and joins them with the repository's bytes.

The repository's file is handed in as bytes: nothing in this room opens a file inside the worktree.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from workbench.core import places
from workbench.policy.policy import Policy, build
from workbench.policy.reader import MAX_FILE_BYTES, parse_tier
from workbench.policy.rules import PolicyFileError, Tier

ADMIN_FILE = Path("/etc/workbench/policy.toml")
REPOSITORY_FILE = ".workbench/policy.toml"
"""Where a repository keeps its policy, beneath the worktree's root."""


def load(
    repository: bytes | None = None,
    *,
    admin_file: Path = ADMIN_FILE,
    user_file: Path | None = None,
    own_paths: Iterable[str] = (),
    repository_file: str = REPOSITORY_FILE,
) -> Policy:
    """Return the policy in force.

    Args:
        repository: The bytes of `.workbench/policy.toml` in the worktree, or None where there is none.
        admin_file: The administrator's file; a missing file is no policy, an unreadable one an error.
        user_file: The user's file; by default `policy.toml` in `places.config_root()`.
        own_paths: Paths beneath the worktree that hold this program's own state, such as a state directory
            that somebody put there; nothing in them is read or edited.
        repository_file: What the repository's file is called in rules and errors.

    Raises:
        PolicyFileError: One of the files cannot be read or understood; its `tier` says which. After a bad
            repository file the caller may load again without it, and should say so and allow no edits.
    """
    user_file = places.config_root() / "policy.toml" if user_file is None else user_file
    tiers: list[Tier] = []
    notes: list[str] = []
    for tier, file in (("admin", admin_file), ("user", user_file)):
        found = read(tier, file)
        if found is not None:
            data, writable_by = found
            tiers.append(parse_tier(data, tier=tier, file=str(file)))
            if writable_by:
                notes.append(f"{file} can be changed by {writable_by}.")
    if repository is not None:
        tiers.append(parse_tier(repository, tier="repository", file=repository_file))
    return build(tiers, own_paths=own_paths, notes=notes)


def read(tier: str, file: Path) -> tuple[bytes, str] | None:
    """Return a file's bytes and who may change it besides its rightful owner, or None if it is missing.

    Neither a device, nor a pipe, nor a file that grows can hold this up.

    Raises:
        PolicyFileError: It cannot be read, or is no regular file.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _unreadable(tier, file, f"cannot be opened: {reason}") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _unreadable(tier, file, "is not a regular file")
        data = b""
        while len(data) <= MAX_FILE_BYTES and (block := os.read(descriptor, MAX_FILE_BYTES)):
            data += block
        return data, _writable_by(tier, status)
    except OSError as error:
        raise _unreadable(tier, file, f"cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)


def _writable_by(tier: str, status: os.stat_result) -> str:
    if status.st_mode & stat.S_IWOTH:
        return "every account on this machine"
    if tier == "admin" and status.st_uid != 0:
        return "an account other than root"
    if status.st_mode & stat.S_IWGRP and (tier == "admin") and status.st_gid != 0:
        return "the members of its group"
    return ""


def _unreadable(tier: str, file: Path, problem: str) -> PolicyFileError:
    next_step = "Make the file readable, or remove it if it should not apply."
    return PolicyFileError(tier, str(file), 1, f"the policy file {problem}", next_step)
