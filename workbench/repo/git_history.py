"""Reads a repository's past: which commits changed what, and what stood there before.

For measuring on a user's own history (`workbench bench`); the caller decides by path what it may look at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.core.safe_text import decode
from workbench.repo.git_runner import GitRunner

MAX_BATCH_BYTES = 512 << 20
"""Contents handed out at once."""

_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Touched:
    """One file that a commit changed."""

    path: str
    status: str
    """`A` added, `M` modified, `D` deleted, `T` type changed."""
    before: str
    """Git's id of the content before; empty where there was none."""
    after: str


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit with one parent."""

    id: str
    parent: str
    message: str


def commits(runner: GitRunner, limit: int) -> list[Commit]:
    """Return the newest `limit` commits that have exactly one parent, newest first."""
    words = ("rev-list", "--no-merges", "--parents", f"--max-count={max(0, limit)}", "HEAD")
    lines = [line.split() for line in decode(runner.run(*words).output).splitlines()]
    pairs = [(line[0], line[1]) for line in lines if len(line) == 2]
    raw = _batch(runner, [commit for commit, _ in pairs])
    return [
        Commit(commit, parent, decode(data.partition(b"\n\n")[2]))
        for (commit, parent), data in zip(pairs, raw, strict=True)
    ]


def changed(runner: GitRunner, before: str, after: str) -> list[Touched]:
    """Return the regular files that differ between two commits; renames are a deletion and an addition."""
    words = ("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", before, after)
    fields = iter(runner.run(*words).output.split(b"\0"))
    found = []
    for header in fields:
        path = next(fields, None)
        if path is None:
            break
        old_mode, new_mode, old, new, status = decode(header).lstrip(":").split(" ")
        if {old_mode, new_mode} & {"120000", "160000"}:
            continue
        gone, none = "0" * len(old), ""
        found.append(
            Touched(decode(path), status[0], none if old == gone else old, none if new == gone else new)
        )
    return found


def files(runner: GitRunner, commit: str) -> dict[str, str]:
    """Return the regular files of a commit: path → git's id of the content."""
    listed = runner.run("ls-tree", "-r", "-z", commit).output
    found = {}
    for entry in listed.split(b"\0"):
        header, _, path = entry.partition(b"\t")
        if header.startswith((b"100644", b"100755")):
            found[decode(path)] = decode(header).split()[2]
    return found


def contents(runner: GitRunner, ids: Sequence[str]) -> Iterator[bytes]:
    """Yield the contents that git keeps under `ids`, in their order."""
    for start in range(0, len(ids), 500):
        yield from _batch(runner, ids[start : start + 500])


def old_lines(runner: GitRunner, commit: Commit, path: str) -> list[tuple[int, int]]:
    """Return the ranges of lines, before the commit, that it changed in a file: first and last, from 1.

    Where lines were only added, the range is the line above them.
    """
    words = ("diff-tree", "-p", "-U0", "--no-ext-diff", "--no-textconv", "--no-renames", commit.parent)
    patch = runner.run(*words, commit.id, "--", path.encode("utf-8", "surrogateescape")).output
    ranges = []
    for match in _HUNK.finditer(patch):
        first, count = int(match[1]), int(match[2] or b"1")
        ranges.append((first, first + max(count, 1) - 1))
    return ranges


def _batch(runner: GitRunner, ids: Sequence[str]) -> Iterator[bytes]:
    given = "".join(f"{each}\n" for each in ids).encode()
    raw = memoryview(runner.run("cat-file", "--batch", given=given, max_bytes=MAX_BATCH_BYTES).output)
    position = 0
    for _ in ids:
        # Each object is preceded by "<id> <type> <size>" and followed by a newline (git-cat-file(1)).
        end = bytes(raw[position : position + 200]).index(b"\n")
        size = int(bytes(raw[position : position + end]).split(b" ")[2])
        start = position + end + 1
        yield bytes(raw[start : start + size])
        position = start + size + 1
