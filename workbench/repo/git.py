"""Asks git about one worktree: where it stands, what is in it, what changed, what the log says.

Every call goes through the sealed runner (`workbench.repo.git_runner`). Paths are given and returned as
`os.fsdecode` makes them, so that a name that is not UTF-8 comes back as the same name. Whether a path may be
read is for policy; `blob` in particular reads history, where a denied file may live on.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.core.errors import RepositoryError, UsageError
from workbench.core.records import FileContent
from workbench.core.safe_text import decode, one_line
from workbench.repo import git_commit, git_history, git_identity, git_notes
from workbench.repo.diff import SECONDS, diff_blobs
from workbench.repo.git_commit import After, Person
from workbench.repo.git_history import Commit, Touched
from workbench.repo.git_identity import Identity
from workbench.repo.git_runner import GitError, GitRunner
from workbench.repo.process import Start

# limit: as for files on disk; larger blobs are not reviewed as text.
MAX_BLOB_BYTES = 64 << 20
_MAX_LOG_BYTES = 64 << 20

_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*(?:[~^][0-9]*)*")
_GITLINK = b"160000"
# What git keeps in its directory while it waits for a person, and what it is called.
_UNDER_WAY = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "sequencer": "cherry-pick or revert",
    "BISECT_LOG": "bisect",
}


@dataclass(frozen=True, slots=True)
class Trailer:
    """One trailer line of one commit."""

    commit: str
    value: str


class Git:
    """Git, on one worktree, sealed.

    Args:
        root: The worktree, which `workbench.repo.describe` called a git worktree.
        scratch: A directory outside the worktree for temporary files; by default the system's.
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
        start: Start = subprocess.Popen,
    ) -> None:
        self._runner = GitRunner(root, scratch=scratch, launcher=launcher, start=start)

    @property
    def root(self) -> Path:
        """The real path of the worktree."""
        return self._runner.root

    def is_repository(self) -> bool:
        """Say whether git itself takes the worktree's `.git` directory for a repository."""
        if not self._runner.directory.is_dir() or self._runner.directory.is_symlink():
            return False
        try:
            return self._runner.run("rev-parse", "--git-dir", codes=(0, 128)).code == 0
        except GitError:
            return False

    def head(self) -> str | None:
        """Return the id of the commit that is checked out, or None before the first commit."""
        return git_commit.head(self._runner)

    def branch(self) -> str | None:
        """Return the current branch's name, or None on a detached HEAD."""
        ended = self._runner.run("symbolic-ref", "-q", "HEAD", codes=(0, 1))
        return decode(ended.output).strip().removeprefix("refs/heads/") or None

    def under_way(self) -> str | None:
        """Return what git is in the middle of, such as `merge`, or None; nothing is committed meanwhile."""
        for name, what in _UNDER_WAY.items():
            if os.path.lexists(self._runner.directory / name):
                return what
        return None

    def ls_files(self) -> list[str]:
        """Return the paths that git tracks, and the untracked ones it does not ignore, sorted.

        Submodules and repositories inside the worktree are left out, with everything in them. A tracked
        file that was deleted on disk is still listed; `status` tells.
        """
        tracked = self._runner.run("ls-files", "--stage", "-z").output
        others = self._runner.run("ls-files", "--others", "--exclude-standard", "-z").output
        paths = {path for path in others.split(b"\0") if path and not path.endswith(b"/")}
        for entry in tracked.split(b"\0"):
            fields, _, path = entry.partition(b"\t")
            if path and not fields.startswith(_GITLINK):
                paths.add(path)
        return sorted(map(os.fsdecode, paths))

    def ignored(self, paths: Iterable[str]) -> frozenset[str]:
        """Return those of `paths` that are untracked and ignored."""
        return frozenset(map(os.fsdecode, self._runner.ignored(list(map(os.fsencode, paths)))))

    def status(self) -> dict[str, str]:
        """Return each changed path with its two letters (index, worktree), such as `.M`, `A.` or `??`.

        Submodules and repositories inside the worktree are not entered. The index is not refreshed.
        """
        words = ("status", "--porcelain=v2", "-z", "--untracked-files=all", "--ignore-submodules=all")
        entries = iter(self._runner.run(*words, "--no-renames").output.split(b"\0"))
        found = {}
        for entry in entries:
            kind = entry[:1]
            if kind == b"?":
                letters, path = "??", entry[2:]
            elif kind in (b"1", b"2", b"u"):
                # Fields before the path, by kind of entry (git-status(1), "Porcelain Format Version 2").
                path = entry.split(b" ", {b"1": 8, b"2": 9, b"u": 10}[kind])[-1]
                letters = decode(entry[2:4])
                if kind == b"2":
                    next(entries, None)
            else:
                continue
            if not path.endswith(b"/"):
                found[os.fsdecode(path)] = letters
        return found

    def diff_blobs(
        self,
        before: bytes,
        after: bytes,
        *,
        context: int = 3,
        ignore_whitespace: bool = False,
        seconds: float = SECONDS,
    ) -> bytes:
        """Return the hunks between two texts; see `workbench.repo.diff.diff_blobs`."""
        return diff_blobs(
            before,
            after,
            directory=self._runner.scratch,
            context=context,
            ignore_whitespace=ignore_whitespace,
            seconds=seconds,
        )

    def blob(self, path: str, revision: str = "HEAD") -> FileContent | None:
        """Return the file as it was committed, or None if that commit has no such file.

        Args:
            path: Relative to the root.
            revision: A commit id, a branch, a tag, or `HEAD`, with `~` and `^` steps.

        Raises:
            UsageError: `revision` is not of that form.
            RepositoryError: It names no commit, or the path is not a file in it.
        """
        commit = self._commit(revision)
        listed = self._runner.run("ls-tree", "-z", commit, "--", os.fsencode(path)).output
        for entry in listed.split(b"\0"):
            fields, _, name = entry.partition(b"\t")
            if name != os.fsencode(path):
                continue
            mode, kind, oid = decode(fields).split()[:3]
            if kind != "blob" or mode not in ("100644", "100755", "100664"):
                cause = f"{one_line(path)} is not a file in that commit."
                raise RepositoryError(cause, "Links, directories and submodules are not read.")
            data = self._runner.run("cat-file", "blob", oid, max_bytes=MAX_BLOB_BYTES).output
            return FileContent(path, data, int(mode, 8) & 0o777)
        return None

    def log_trailers(self, key: str, limit: int = 1000) -> list[Trailer]:
        """Return the trailers called `key` in the newest `limit` commits, the newest first.

        A trailer is a line `Key: value` in the last paragraph of a message, as git-interpret-trailers(1)
        writes it; the key is compared without regard to case.
        """
        if self.head() is None:
            return []
        ids = self._runner.run("rev-list", f"--max-count={max(0, limit)}", "HEAD").output
        raw = self._runner.run("cat-file", "--batch", given=ids, max_bytes=_MAX_LOG_BYTES).output
        found = []
        while raw:
            # Each object is preceded by "<id> <type> <size>" and followed by a newline (git-cat-file(1)).
            header, _, rest = raw.partition(b"\n")
            commit, _, size = decode(header).split(" ")
            message = rest[: int(size)].partition(b"\n\n")[2]
            raw = rest[int(size) + 1 :]
            found += [Trailer(commit, value) for name, value in _trailers(message) if name == key.lower()]
        return found

    def commits(self, limit: int) -> list[Commit]:
        """Return the newest `limit` commits with one parent; see `workbench.repo.git_history`."""
        return git_history.commits(self._runner, limit)

    def changed(self, before: str, after: str) -> list[Touched]:
        """Return the regular files that differ between two commits, by their ids."""
        return git_history.changed(self._runner, before, after)

    def files_of(self, commit: str) -> dict[str, str]:
        """Return the regular files of a commit, by its id: path → git's id of the content."""
        return git_history.files(self._runner, commit)

    def contents(self, ids: Sequence[str]) -> Iterator[bytes]:
        """Yield the contents that git keeps under `ids`, in their order."""
        return git_history.contents(self._runner, ids)

    def old_lines(self, commit: Commit, path: str) -> list[tuple[int, int]]:
        """Return the ranges of lines, before `commit`, that it changed in the file at `path`."""
        return git_history.old_lines(self._runner, commit, path)

    def identity(self) -> Identity | None:
        """Return who git would commit as here, or None where no name and address are configured."""
        return git_identity.find(self._runner)

    def wants_signatures(self) -> bool:
        """Say whether git is configured to sign commits here; commits made by this program are not signed."""
        return git_identity.is_set(self._runner, "commit.gpgsign")

    def commit_hooks(self) -> tuple[str, ...]:
        """Return the names of the hooks that the person's own git would run for a commit here."""
        return git_identity.commit_hooks(self._runner)

    def commit_file(
        self,
        paths_after: Mapping[str, After | None],
        *,
        message: str,
        author: Person,
        committer: Person,
        when: str,
        branch: str = "",
    ) -> str:
        """Commit exactly these paths on the current branch, and return the new commit's id.

        The user's staged work, stash and worktree are left as they are; hooks do not run; the commit is not
        signed. In the user's index the committed paths are brought up to date, but only those on which
        nothing had been staged.

        Args:
            paths_after: For each path its bytes and permission bits after the change; None deletes it.
            message: The whole message, with any trailers.
            author: Name and address of who made the change: the agent.
            committer: Name and address of who approved it.
            when: UTC, as `workbench.core.clock.utc_now` gives it.
            branch: Another branch to commit on, which is made from the checked-out commit where it is
                missing. What is checked out, and the index, are then left as they are.

        Raises:
            UsageError: A path, name, address, time or message that git cannot store.
            CommitRefusedError: It should not be committed now; its `reason` says why. The files on disk
                stay as they are.
            GitError: Git failed; the branch and the index are as they were.
        """
        request = git_commit.Request(paths_after, message, author, committer, when, branch)
        return git_commit.commit(self._runner, request, under_way=self.under_way())

    def add_note(self, commit: str, text: str, *, ref: str, by: Person, when: str) -> None:
        """Attach `text` to a commit under `refs/notes/<ref>`; replaces what that ref had on the commit.

        Raises:
            GitError: Git failed; the commit is as it was.
        """
        git_notes.add(self._runner, commit, text, ref=ref, by=by, when=when)

    def notes(self, ref: str, limit: int = 1000) -> list[Trailer]:
        """Return up to `limit` notes under `refs/notes/<ref>`, each with the commit it is attached to."""
        return [Trailer(commit, text) for commit, text in git_notes.read(self._runner, ref, limit)]

    def sweep(self) -> tuple[str, ...]:
        """Finish or undo what a killed process left half done in git's directory; return what was done."""
        return git_commit.sweep(self._runner)

    def _commit(self, revision: str) -> str:
        if not _REVISION.fullmatch(revision) or ".." in revision:
            raise UsageError(f"{one_line(revision)!r} is not a revision.", "Give a commit id, branch or tag.")
        words = ("rev-parse", "--verify", "-q", "--end-of-options", f"{revision}^{{commit}}")
        ended = self._runner.run(*words, codes=(0, 1, 128))
        if ended.code != 0:
            raise RepositoryError(f"There is no commit called {one_line(revision)}.", "See git log.")
        return decode(ended.output).strip()


def _trailers(message: bytes) -> list[tuple[str, str]]:
    last = decode(message).rstrip().split("\n\n")[-1]
    pairs = (line.partition(":") for line in last.splitlines())
    return [
        (name.strip().lower(), value.strip())
        for name, colon, value in pairs
        if colon and re.fullmatch(r"[A-Za-z0-9-]+\s*", name)
    ]
