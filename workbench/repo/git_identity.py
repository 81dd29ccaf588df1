"""Finds how the person's own git would commit, in configuration that the sealed runner keeps git from using.

`git config --file` only reads; it runs nothing, whatever the file says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.core.safe_text import decode, one_line
from workbench.repo.git_runner import GitError, GitRunner

_COMMIT_HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit")
_SYSTEM_FILE = Path("/etc/gitconfig")


@dataclass(frozen=True, slots=True)
class Identity:
    """A name and an address, and who says so."""

    name: str
    email: str
    source: str
    """The file the name stands in; `repository` for the repository's own, which came with it."""


def find(runner: GitRunner) -> Identity | None:
    """Return the identity git would use, or None where the name or the address is missing.

    As in git, the repository's configuration beats the user's, and the user's beats the system's.
    """
    name, email = ("", ""), ("", "")
    for source, key, value in _settings(runner):
        if key == "user.name":
            name = value, source
        elif key == "user.email":
            email = value, source
    if not name[0].strip() or not email[0].strip():
        return None
    return Identity(one_line(name[0].strip()), one_line(email[0].strip()), name[1])


def is_set(runner: GitRunner, wanted: str) -> bool:
    """Say whether the last value configured for the lower-case key `wanted` is a true one."""
    value = "false"
    for _, key, found in _settings(runner):
        if key == wanted:
            value = found
    # A key without a value is true, and is listed with an empty one (git-config(1), "Values").
    return value.lower() in ("", "true", "yes", "on", "1")


def commit_hooks(runner: GitRunner) -> tuple[str, ...]:
    """Return the names of the hooks that git would run for a commit: those that are there and executable."""
    place = runner.directory / "hooks"
    for _, key, value in _settings(runner):
        if key == "core.hookspath" and value:
            place = runner.root / Path(value).expanduser()
    return tuple(name for name in _COMMIT_HOOKS if os.access(place / name, os.X_OK))


def _settings(runner: GitRunner) -> Iterator[tuple[str, str, str]]:
    """Yield source, key and value from the weakest file to the strongest."""
    for file in _files():
        words = ("config", "--file", str(file), "--includes", "--list", "-z")
        try:
            listed = runner.run(*words).output
        except GitError:
            # A broken file of the user's is for the user's own git to complain about.
            continue
        for entry in listed.split(b"\0"):
            key, _, value = entry.partition(b"\n")
            yield str(file), decode(key), decode(value)
    yield from (("repository", key, value) for key, value in runner.configured())


def _files() -> Iterator[Path]:
    yield _SYSTEM_FILE
    home = os.environ.get("HOME", "")
    config = os.environ.get("XDG_CONFIG_HOME", "") or (f"{home}/.config" if home else "")
    if config.startswith("/"):
        yield Path(config) / "git" / "config"
    if home.startswith("/"):
        yield Path(home) / ".gitconfig"
