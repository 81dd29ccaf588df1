"""Commits given bytes for given paths on the current branch, or on another, and disturbs nothing else.

The rules, in order:

1. In the middle of a merge, rebase or the like, nothing is committed. Neither is a path that git ignores,
   or one that a filter (such as Git LFS) would have to translate, since filters are programs.
2. The tree is built in an index of its own, outside the repository, from the checked-out commit and the
   given bytes only. What the user staged is not in it, and stays staged.
3. Git's index lock is held from before the checked-out commit is read until after the branch has moved.
4. The branch moves only from the commit that was read. Hooks do not run, and the commit is not signed.
5. In the user's index the committed paths are then brought up to date, but only where nothing was staged.
6. On another branch than the one checked out, the index has no part: it is neither read nor written.

Source: git-commit-tree(1), git-update-index(1), git-update-ref(1), gitattributes(5).
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from workbench.core.errors import RepositoryError, UsageError
from workbench.core.safe_text import decode, one_line
from workbench.repo import index_lock
from workbench.repo.beneath import components
from workbench.repo.git_runner import GitError, GitRunner
from workbench.repo.index_lock import IndexLock

After: TypeAlias = tuple[bytes, int]
"""A file's bytes and its permission bits after the change."""
Person: TypeAlias = tuple[str, str]
"""A name and an address, as git records them."""

_Entry: TypeAlias = tuple[str, str]
"""A mode and an object id, as in a tree or an index."""

_UNSAFE_IN_PERSON = re.compile(r"[\x00-\x1f\x7f<>]")
_REMOVED = "0"
"""The mode that takes an entry out of an index."""
# What "git add --intent-to-add" leaves in an index: an empty file that nobody has staged (SHA-1, SHA-256).
_EMPTY_BLOBS = frozenset(
    {
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    }
)


class CommitRefusedError(RepositoryError):
    """The change is on disk, and should not be committed now."""

    def __init__(self, reason: str, cause: str, next_step: str) -> None:
        super().__init__(cause, next_step)
        self.reason = reason
        """`under-way`, `filter`, `ignored`, `unchanged` or `moved`."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be committed; the arguments of `Git.commit_file`."""

    paths_after: Mapping[str, After | None]
    message: str
    author: Person
    committer: Person
    when: str
    branch: str = ""
    """Empty for the branch that is checked out."""


def commit(runner: GitRunner, request: Request, *, under_way: str | None) -> str:
    """Make the commit and return its id; see `workbench.repo.git.Git.commit_file`."""
    people = people_of(request.author, request.committer, request.when)
    message = _message(request.message)
    paths = {"/".join(components(path)): after for path, after in request.paths_after.items()}
    if not paths or any(part.casefold() == ".git" for path in paths for part in path.split("/")):
        raise UsageError("There is nothing that can be committed.", "Name files outside git's directory.")
    if under_way:
        raise CommitRefusedError(
            "under-way",
            f"A {under_way} is under way, so nothing was committed; the files on disk are written.",
            f"Finish or abort the {under_way}; the change can be committed with it.",
        )
    with tempfile.TemporaryDirectory(prefix="workbench-commit-", dir=runner.scratch) as scratch:
        work = _Commit(runner, Path(scratch), paths, message, people)
        if request.branch:
            return work.make_on(f"refs/heads/{request.branch}")
        with IndexLock(runner.directory) as lock:
            return work.make(lock)


def head(runner: GitRunner, name: str = "HEAD") -> str | None:
    """Return the id of the commit that is checked out, or that `name` names; None where there is none."""
    ended = runner.run("rev-parse", "--verify", "-q", f"{name}^{{commit}}", codes=(0, 1, 128))
    return decode(ended.output).strip() or None


def sweep(runner: GitRunner) -> tuple[str, ...]:
    """Finish or undo what a killed process left half done in git's directory."""
    return index_lock.sweep(runner.directory, head(runner))


class _Commit:
    """One commit in the making."""

    def __init__(
        self,
        runner: GitRunner,
        scratch: Path,
        paths: Mapping[str, After | None],
        message: bytes,
        people: Mapping[str, str],
    ) -> None:
        self._runner = runner
        self._scratch = scratch
        self._paths = paths
        self._message = message
        self._people = people
        self._names = [os.fsencode(path) for path in paths]

    def make(self, lock: IndexLock) -> str:
        """Commit on the branch that is checked out."""
        parent = head(self._runner)
        before, after, made = self._commit(parent)
        lock.prepare(*self._index(before, after, made))
        branch = decode(self._runner.run("symbolic-ref", "-q", "HEAD", codes=(0, 1)).output).strip()
        self._move([branch] if branch else ["--no-deref", "HEAD"], parent, made)
        lock.publish()
        return made

    def make_on(self, branch: str) -> str:
        """Commit on another branch, which begins at the checked-out commit."""
        tip = head(self._runner, branch)
        made = self._commit(tip or head(self._runner))[2]
        self._move([branch], tip, made)
        return made

    def _commit(self, parent: str | None) -> tuple[dict[bytes, list[_Entry]], dict[bytes, _Entry], str]:
        """Make the commit; return the entries of its paths before and after, and its id."""
        self._refuse_filters()
        self._refuse_ignored()
        before = self._entries("ls-tree", "-z", parent) if parent else {}
        after = self._store(before)
        tree = self._tree(parent, after)
        parents = ["-p", parent] if parent else []
        self._check_changes(parent, tree)
        words = ("commit-tree", "--no-gpg-sign", tree, *parents)
        ended = self._runner.run(*words, given=self._message, extra=self._people)
        return before, after, decode(ended.output).strip()

    def _refuse_filters(self) -> None:
        given = b"\0".join(self._names)
        fields = self._runner.run("check-attr", "-z", "--stdin", "filter", given=given).output.split(b"\0")
        for path, value in zip(fields[::3], fields[2::3], strict=False):
            if value not in (b"unspecified", b"unset", b"set"):
                shown, driver = one_line(decode(path)), one_line(decode(value))
                raise CommitRefusedError(
                    "filter",
                    f"{shown} goes through the git filter {driver!r}, which is not run here.",
                    "The file on disk is written; commit it with your own git.",
                )

    def _refuse_ignored(self) -> None:
        ignored = self._runner.ignored([os.fsencode(path) for path, after in self._paths.items() if after])
        if ignored:
            raise CommitRefusedError(
                "ignored",
                f"{one_line(decode(ignored[0]))} is ignored by git, so it was not committed.",
                "The file on disk is written; add it with git add -f if it belongs in the history.",
            )

    def _store(self, before: Mapping[bytes, list[_Entry]]) -> dict[bytes, _Entry]:
        """Write the new blobs, with line endings as git would store them; return the entries they make."""
        entries = {}
        keeps_mode = (
            self._line("config", "--type=bool", "--default=true", "--get", "core.fileMode") == "false"
        )
        for path, after in self._paths.items():
            name = os.fsencode(path)
            if after is None:
                if name not in before:
                    cause = f"{one_line(path)} is not in the last commit, so its removal cannot be committed."
                    raise CommitRefusedError("unchanged", cause, "There is nothing to commit for it.")
                entries[name] = (_REMOVED, "0" * len(before[name][0][1]))
                continue
            data, mode = after
            words = (b"hash-object", b"-w", b"-t", b"blob", b"--path=" + name, b"--stdin")
            oid = decode(self._runner.run(*words, given=data).output).strip()
            executable = "100755" if mode & 0o111 else "100644"
            entries[name] = (before[name][0][0] if keeps_mode and name in before else executable, oid)
        return entries

    def _tree(self, parent: str | None, after: Mapping[bytes, _Entry]) -> str:
        own = {"GIT_INDEX_FILE": str(self._scratch / "tree")}
        if parent:
            self._runner.run("read-tree", parent, extra=own)
        self._runner.run("update-index", "-z", "--index-info", given=_index_info(after), extra=own)
        # A partial clone lacks objects on purpose, and nothing may be fetched to check them.
        return self._line("write-tree", "--missing-ok", extra=own)

    def _check_changes(self, parent: str | None, tree: str) -> None:
        """Make sure that the new tree differs in the given paths, and in no other."""
        command = ("diff-tree", "--no-renames", parent, tree) if parent else ("ls-tree", tree)
        listed = self._runner.run(command[0], "-r", "-z", "--name-only", *command[1:]).output
        changed = [name for name in listed.split(b"\0") if name]
        if not changed:
            cause = "The last commit already holds this change."
            raise CommitRefusedError("unchanged", cause, "There is nothing left to commit.")
        others = [one_line(decode(name)) for name in changed if name not in self._names]
        if others:
            cause = f"The commit would also change {others[0]}, so it was not made."
            raise GitError(cause, "The files on disk are written; commit them with your own git.")

    def _index(
        self, before: Mapping[bytes, list[_Entry]], after: Mapping[bytes, _Entry], made: str
    ) -> tuple[bytes, str, int]:
        """Return the user's index with the committed paths brought up to date where nothing was staged."""
        theirs = self._runner.directory / "index"
        copy = self._scratch / "index"
        mode = 0o644
        own = {"GIT_INDEX_FILE": str(copy)}
        if theirs.exists():
            copy.write_bytes(theirs.read_bytes())
            mode = theirs.stat().st_mode & 0o777
        staged = self._entries("ls-files", "--stage", "-z", extra=own)
        update = {
            name: entry for name, entry in after.items() if _unstaged(before.get(name), staged.get(name))
        }
        if update or not copy.exists():
            self._runner.run("update-index", "-z", "--index-info", given=_index_info(update), extra=own)
        return copy.read_bytes(), made, mode

    def _entries(self, *words: str, extra: Mapping[str, str] | None = None) -> dict[bytes, list[_Entry]]:
        """Return mode and id of the paths, from a tree or an index; several where there is a conflict."""
        listed = self._runner.run(*words, "--", *self._names, extra=extra).output
        found: dict[bytes, list[_Entry]] = {}
        for line in listed.split(b"\0"):
            fields, _, name = line.partition(b"\t")
            if name in self._names:
                # "<mode> <type> <id>" in a tree, "<mode> <id> <stage>" in an index.
                mode, second, third = decode(fields).split()[:3]
                entries = found.setdefault(name, [])
                entries.append((mode, third if words[0] == "ls-tree" else second))
                if words[0] == "ls-files" and third != "0":
                    entries.append(("conflict", third))
        return found

    def _move(self, branch: Sequence[str], old: str | None, made: str) -> None:
        # An empty old value means that the branch must not exist yet (git-update-ref(1)).
        words = ("update-ref", "-m", "workbench: approved change", *branch, made, old or "")
        ended = self._runner.run(*words, extra=self._people, codes=(0, 1, 128))
        if ended.code != 0:
            raise CommitRefusedError(
                "moved",
                f"The branch could not be moved: {one_line(decode(ended.errors).strip())}",
                "Look at git log; the files on disk are written.",
            )

    def _line(self, *words: str, extra: Mapping[str, str] | None = None) -> str:
        return decode(self._runner.run(*words, extra=extra).output).strip()


def _unstaged(before: list[_Entry] | None, staged: list[_Entry] | None) -> bool:
    """Say whether the user has staged nothing on a path: its index entry is the last commit's."""
    if before is None and staged is not None:
        return len(staged) == 1 and staged[0][1] in _EMPTY_BLOBS
    return staged == before


def _index_info(entries: Mapping[bytes, _Entry]) -> bytes:
    # Removals first, so that a file can make room for a directory of its name.
    ordered: Iterable[tuple[bytes, _Entry]] = sorted(entries.items(), key=lambda item: item[1][0] != _REMOVED)
    return b"".join(f"{mode} {oid}\t".encode() + name + b"\0" for name, (mode, oid) in ordered)


def people_of(author: Person, committer: Person, when: str) -> dict[str, str]:
    """Return the environment that names author, committer and time, and nothing that git would drop."""
    try:
        moment = datetime.strptime(when, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        cause = f"{one_line(when)!r} is not a UTC time."
        raise UsageError(cause, "Write it as 2026-01-31T12:00:00.000000Z.") from None
    found: dict[str, str] = {}
    for role, (name, email) in (("AUTHOR", author), ("COMMITTER", committer)):
        for text in (name, email):
            if not text.strip() or _UNSAFE_IN_PERSON.search(text) or not _is_utf8(text):
                cause = f"{one_line(text)!r} cannot be recorded by git as a name or an address."
                raise UsageError(cause, "Use plain text without < > and control characters.")
        found |= {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": email}
        found[f"GIT_{role}_DATE"] = f"@{int(moment.timestamp())} +0000"
    return found


def _message(text: str) -> bytes:
    if not text.strip() or "\0" in text or not _is_utf8(text):
        raise UsageError("The commit message cannot be stored by git.", "Write a message in plain text.")
    return text.rstrip("\n").encode() + b"\n"


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
