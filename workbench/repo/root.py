"""Finds the worktree at a path and says what it is: a git worktree, or a plain folder, and why.

Conservative on purpose: git features are on only for a `.git` that is an ordinary directory of its own. A
`.git` file (linked worktrees, submodules, or a hostile `gitdir:`), links inside `.git`, and a `commondir`
can each point git at another repository; such a worktree is opened as a plain folder, with a note.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from workbench.core.errors import RepositoryError, UsageError
from workbench.core.safe_text import one_line


class Kind(StrEnum):
    """What the worktree is."""

    GIT = "git"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class Worktree:
    """The directory that is worked on."""

    root: Path
    """Its real path."""
    kind: Kind
    notes: tuple[str, ...] = ()
    """What a person should know about how it was opened; empty in the ordinary case."""

    @property
    def is_git(self) -> bool:
        """Whether git features are on."""
        return self.kind is Kind.GIT


# What would let git read or write elsewhere if it were a link.
_OWN_ENTRIES = ("HEAD", "config", "objects", "refs", "index", "logs", "packed-refs", "info", "hooks")


def describe(path: Path) -> Worktree:
    """Return the worktree at `path`, or the git worktree that `path` is a directory of.

    Raises:
        UsageError: There is nothing at `path`, it is a file, may not be read, or lies inside `.git`.
        RepositoryError: It is a bare repository, which has no files to work on.
    """
    root = _directory(path)
    if ".git" in root.parts:
        raise UsageError(f"{_shown(path)} lies inside a .git directory.", "Open the worktree instead.")
    if (root / ".git").is_symlink() or (root / ".git").exists():
        return _with_git(root)
    if _is_bare(root):
        raise RepositoryError(
            f"{_shown(path)} is a bare repository, which has no files.", "Clone it, and open the clone."
        )
    above = _above(root)
    if above is not None:
        found = _with_git(above)
        note = f"{_shown(root)} is part of the worktree {_shown(above)}, which was opened."
        return Worktree(found.root, found.kind, (note, *found.notes))
    return Worktree(root, Kind.FOLDER)


def _directory(path: Path) -> Path:
    shown = _shown(path)
    try:
        root = Path(os.path.realpath(path, strict=True))
        status = root.stat()
    except FileNotFoundError:
        raise UsageError(f"{shown} does not exist.", "Give the path of a directory.") from None
    except PermissionError:
        raise UsageError(f"{shown} may not be read by this account.", "Change its permissions.") from None
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{shown} cannot be opened: {cause}.", "Give the path of a directory.") from None
    if not stat.S_ISDIR(status.st_mode):
        raise UsageError(f"{shown} is not a directory.", "Give the directory that the file is in.")
    if not os.access(root, os.R_OK | os.X_OK):
        raise UsageError(f"{shown} may not be read by this account.", "Change its permissions.")
    if root == Path("/"):
        raise UsageError("The whole file system cannot be opened as a worktree.", "Give one project's path.")
    return root


def _with_git(root: Path) -> Worktree:
    """Judge the `.git` entry of `root`."""
    directory = root / ".git"
    notes = []
    problem = _problem(directory)
    if problem:
        notes.append(f"{problem}; opened as a plain folder, without git features.")
        return Worktree(root, Kind.FOLDER, tuple(notes))
    if directory.stat().st_uid not in (os.geteuid(), root.stat().st_uid):
        notes.append("The .git directory belongs to another account than the worktree.")
    if os.path.lexists(directory / "objects" / "info" / "alternates"):
        notes.append("The repository borrows objects from another one (alternates).")
    return Worktree(root, Kind.GIT, tuple(notes))


def _problem(directory: Path) -> str:
    """Return why `.git` is not an ordinary directory of its own; empty if it is."""
    if directory.is_symlink():
        return ".git is a symbolic link"
    if not directory.is_dir():
        return ".git is a file that points elsewhere (a linked worktree or a submodule)"
    if not os.access(directory, os.R_OK | os.X_OK):
        return ".git may not be read by this account"
    if os.path.lexists(directory / "commondir"):
        return ".git shares another repository's directory (commondir)"
    for name in _OWN_ENTRIES:
        if (directory / name).is_symlink():
            return f".git/{name} is a symbolic link"
    if not ((directory / "HEAD").is_file() and (directory / "objects").is_dir()):
        return ".git is not a git repository"
    return ""


def _is_bare(root: Path) -> bool:
    return (root / "HEAD").is_file() and (root / "objects").is_dir() and (root / "refs").is_dir()


def _above(root: Path) -> Path | None:
    """Return the nearest directory above, on the same file system and of the same owner, that has `.git`."""
    status = root.stat()
    for above in root.parents:
        try:
            here = above.stat()
        except OSError:
            return None
        if here.st_dev != status.st_dev or above == Path("/"):
            return None
        if os.path.lexists(above / ".git"):
            return above if here.st_uid == status.st_uid else None
    return None


def _shown(path: Path) -> str:
    return one_line(str(path))
