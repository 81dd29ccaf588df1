"""Keeps the worktree's paths in one sorted array, and answers the tree and the file finder from it.

Nothing here touches a widget or, once built, the disk. The paths of one directory are one slice of the
array, found by bisection; a directory is entered only when it is shown, so the visible rows cost what is
visible, whatever the size of the repository.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.repo.beneath import Beneath
from workbench.repo.tree import is_directory, walk

# limit: bounds the time and memory that a folder without git (a home directory, say) can take.
MAX_SCANNED_PATHS = 200_000
_AFTER_SLASH = chr(ord("/") + 1)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file tree."""

    path: str
    """Relative to the root, without a trailing slash."""
    name: str
    depth: int
    """0 for what lies directly in the root."""
    is_directory: bool
    is_open: bool
    """A directory whose content is shown below it."""
    files: int
    """How many files a directory holds, at any depth; 0 for a file."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer of the file finder."""

    path: str
    positions: tuple[int, ...]
    """Which characters of the path matched, for highlighting."""


class PathIndex:
    """The sorted paths of one worktree.

    Args:
        paths: Relative paths with `/`; duplicates are dropped.
        notes: What a person should know about the list, such as that it was cut.
    """

    def __init__(self, paths: Iterable[str], *, notes: Iterable[str] = ()) -> None:
        self.paths: tuple[str, ...] = tuple(sorted(set(paths)))
        """All paths, in code point order."""
        self.notes: tuple[str, ...] = tuple(notes)
        self._children: dict[str, tuple[Row, ...]] = {}
        self._folded: tuple[str, ...] = ()

    @classmethod
    def scan(cls, root: Path, *, limit: int = MAX_SCANNED_PATHS) -> PathIndex:
        """Return the index of a plain folder, read from the disk; `.git` directories are left out.

        Links are listed, and not followed. A list of more than `limit` paths is cut, with a note.

        Raises:
            RepositoryError: The folder cannot be opened.
        """
        with Beneath(root) as beneath:
            found: list[str] = []
            for path in _files(beneath):
                if len(found) == limit:
                    return cls(found, notes=(f"Only the first {limit:,} files of the folder are listed.",))
                found.append(path)
        return cls(found)

    def __len__(self) -> int:
        return len(self.paths)

    def __contains__(self, path: object) -> bool:
        if not isinstance(path, str):
            return False
        place = bisect.bisect_left(self.paths, path)
        return place < len(self.paths) and self.paths[place] == path

    def below(self, directory: str) -> tuple[str, ...]:
        """Return all paths in `directory`, at any depth; the empty string is the root."""
        start, end = self._slice(directory)
        return self.paths[start:end]

    def children(self, directory: str = "") -> tuple[Row, ...]:
        """Return what lies directly in `directory`, closed: directories first, then files, by name."""
        known = self._children.get(directory)
        if known is None:
            rows = sorted(self._read(directory), key=lambda row: (not row.is_directory, _order(row.name)))
            known = self._children[directory] = tuple(rows)
        return known

    def visible(self, expanded: Collection[str]) -> list[Row]:
        """Return the rows of the tree in which the directories `expanded` are open.

        A directory inside a closed one stays hidden, and is open again when that one is opened.
        """
        rows: list[Row] = []
        waiting = list(reversed(self.children()))
        while waiting:
            row = waiting.pop()
            if row.is_directory and row.path in expanded:
                row = Row(row.path, row.name, row.depth, is_directory=True, is_open=True, files=row.files)
                waiting += reversed(self.children(row.path))
            rows.append(row)
        return rows

    def find(self, query: str, *, limit: int = 50) -> list[Hit]:
        """Return the paths that hold the letters of `query` in their order, the best first.

        Case does not matter; words apart from each other may match anywhere. A whole word in the file's
        name ranks before one in its directories, and both before letters spread out; shorter paths first.
        """
        words = query.lower().split()
        if not words or limit < 1:
            return []
        if not self._folded:
            self._folded = tuple(path.lower() for path in self.paths)
        spread = [re.compile(".*?".join(map(re.escape, word)), re.DOTALL) for word in words]
        ranked = []
        for number, path in enumerate(self._folded):
            rank = 0
            for word, pattern in zip(words, spread, strict=True):
                cost = _cost(path, word, pattern)
                if cost is None:
                    break
                rank += cost
            else:
                ranked.append((rank, len(path), number))
        best = sorted(ranked)[:limit]
        return [Hit(self.paths[number], self._positions(number, words)) for _, _, number in best]

    def _slice(self, directory: str) -> tuple[int, int]:
        if not directory:
            return 0, len(self.paths)
        return (
            bisect.bisect_left(self.paths, f"{directory}/"),
            bisect.bisect_left(self.paths, f"{directory}{_AFTER_SLASH}"),
        )

    def _read(self, directory: str) -> Iterator[Row]:
        start, end = self._slice(directory)
        prefix = f"{directory}/" if directory else ""
        depth = prefix.count("/")
        while start < end:
            path = self.paths[start]
            name, slash, _ = path[len(prefix) :].partition("/")
            if slash:
                inside = bisect.bisect_left(self.paths, f"{prefix}{name}{_AFTER_SLASH}", start, end)
                count = inside - start
                yield Row(prefix + name, name, depth, is_directory=True, is_open=False, files=count)
                start = inside
            else:
                yield Row(path, name, depth, is_directory=False, is_open=False, files=0)
                start += 1

    def _positions(self, number: int, words: list[str]) -> tuple[int, ...]:
        path, folded = self.paths[number], self._folded[number]
        if len(path) != len(folded):
            # Lower-casing changed the length, so places in the one are not places in the other.
            return ()
        found: set[int] = set()
        for word in words:
            start = folded.rfind(word)
            if start >= 0:
                found.update(range(start, start + len(word)))
                continue
            start = 0
            for letter in word:
                start = folded.index(letter, start) + 1
                found.add(start - 1)
        return tuple(sorted(found))


def _files(beneath: Beneath) -> Iterator[str]:
    for directory, _, entries in walk(beneath):
        for entry in entries:
            if not is_directory(entry) and entry.name != ".git":
                yield f"{directory}/{entry.name}" if directory else entry.name


def _order(name: str) -> tuple[str, str]:
    return name.casefold(), name


def _cost(path: str, word: str, spread: re.Pattern[str]) -> int | None:
    """Return how badly `word` matches `path`: below 1,000 as a whole, more if spread out, None if not."""
    place = path.rfind(word)
    if place >= 0:
        name = path.rfind("/") + 1
        if place < name:
            return 200
        return 0 if place == name else 100
    match = spread.search(path)
    return None if match is None else 1000 + match.end() - match.start()
