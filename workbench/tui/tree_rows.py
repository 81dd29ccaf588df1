"""Holds the file tree as plain arrays: sorted paths in, the visible rows out; unfolding is a splice.

A folder is a range of the sorted paths, found by bisection, so that unfolding costs what it shows and not
what the repository holds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from workbench.session.views import TreeEntry


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One visible row of the tree."""

    path: str
    """Of a file, the entry's path; of a folder, its path with a slash at the end. Not safe to show."""
    name: str
    depth: int
    folder: bool
    entry: TreeEntry | None
    """None for a folder that is only part of other paths."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing of the worktree with what the tree needs of it; made beside the event loop."""

    entries: Sequence[TreeEntry]
    """Sorted by path."""
    paths: Sequence[str]
    changed: frozenset[str]
    """Folders in which git reports a change."""

    @classmethod
    def of(cls, entries: Sequence[TreeEntry]) -> Self:
        """Return the listing of `entries`."""
        paths = [entry.path for entry in entries]
        if any(first > second for first, second in pairwise(paths)):
            entries = sorted(entries, key=lambda entry: entry.path)
            paths = [entry.path for entry in entries]
        changed = (entry.path for entry in entries if entry.git_state.strip())
        return cls(entries, paths, frozenset(folder for path in changed for folder in _ancestors(path)))


class TreeRows:
    """The rows that are visible now."""

    def __init__(self) -> None:
        self._entries: Sequence[TreeEntry] = ()
        self._paths: Sequence[str] = ()
        self._folded: list[str] = []
        self._open: set[str] = set()
        self._changed: frozenset[str] = frozenset()
        self._proposed: set[str] = set()
        self.visible: list[TreeRow] = []
        self.filter = ""
        self.matches = 0
        """How many paths the filter lets through."""

    def __len__(self) -> int:
        return len(self._paths)

    @property
    def paths(self) -> Sequence[str]:
        """Every path listed, sorted; not safe to show."""
        return self._paths

    def load(self, listing: Listing) -> None:
        """Take a new listing; folders that were open stay open."""
        self._entries, self._paths, self._changed = listing.entries, listing.paths, listing.changed
        self._folded = []
        self.set_filter(self.filter)

    def set_filter(self, text: str) -> None:
        """Show only paths that hold every word of `text`, whatever the case; all of them when empty."""
        self.filter = text.strip()
        if self.filter:
            self.visible = self._matching()
            self.matches = len(self.visible)
        else:
            self.visible = list(self._unfolded("", 0))
            self.matches = len(self._paths)

    def is_open(self, row: TreeRow) -> bool:
        """Return whether the folder of `row` is unfolded."""
        return row.folder and row.path in self._open

    def holds_changes(self, row: TreeRow) -> bool:
        """Return whether git reports a change somewhere inside the folder of `row`."""
        return row.folder and row.path in self._changed

    def propose(self, paths: Iterable[str]) -> bool:
        """Take the paths for which a proposal waits; return whether that changes anything."""
        proposed = {part for path in paths for part in (path, *_ancestors(path))}
        changed, self._proposed = proposed != self._proposed, proposed
        return changed

    def is_proposed(self, row: TreeRow) -> bool:
        """Return whether a proposal waits for the file, or for one in the folder while it is folded."""
        return row.path in self._proposed and not self.is_open(row)

    def unfold(self, index: int) -> bool:
        """Show what is in the folder at `index`; False where there is nothing to unfold."""
        row = self.visible[index]
        if not row.folder or row.path in self._open or self.filter:
            return False
        self._open.add(row.path)
        self.visible[index + 1 : index + 1] = self._unfolded(row.path, row.depth + 1)
        return True

    def fold(self, index: int) -> int:
        """Hide what is in the folder at `index`, or around it; return the index of that folder."""
        row = self.visible[index]
        if not self.is_open(row):
            parent = self._parent(index)
            if parent is None:
                return index
            index, row = parent, self.visible[parent]
        self._open.discard(row.path)
        end = index + 1
        while end < len(self.visible) and self.visible[end].depth > row.depth:
            end += 1
        del self.visible[index + 1 : end]
        return index

    def reveal(self, path: str) -> int | None:
        """Unfold the way to the file at `path`; return its row, or None when it is not listed."""
        if self.filter:
            self.set_filter("")
        self._open.update(_ancestors(path))
        self.visible = list(self._unfolded("", 0))
        return next((index for index, row in enumerate(self.visible) if row.path == path), None)

    def _parent(self, index: int) -> int | None:
        depth = self.visible[index].depth
        return next((i for i in range(index - 1, -1, -1) if self.visible[i].depth < depth), None)

    def _matching(self) -> list[TreeRow]:
        if not self._folded:
            self._folded = [path.casefold() for path in self._paths]
        first, *others = self.filter.casefold().split()
        found = [i for i, path in enumerate(self._folded) if first in path]
        for word in others:
            found = [i for i in found if word in self._folded[i]]
        return [TreeRow(self._paths[i], self._paths[i], 0, False, self._entries[i]) for i in found]

    def _unfolded(self, prefix: str, depth: int) -> Iterator[TreeRow]:
        for row in self._children(prefix, depth):
            yield row
            if row.path in self._open:
                yield from self._unfolded(row.path, depth + 1)

    def _children(self, prefix: str, depth: int) -> list[TreeRow]:
        folders: list[TreeRow] = []
        files: list[TreeRow] = []
        paths, skip = self._paths, len(prefix)
        index = bisect_left(paths, prefix) if prefix else 0
        while index < len(paths) and paths[index].startswith(prefix):
            name, slash, rest = paths[index][skip:].partition("/")
            if slash and (rest or name):
                path = f"{prefix}{name}/"
                entry = self._entries[index] if not rest else None
                folders.append(TreeRow(path, name, depth, True, entry))
                # "0" follows "/": the first path after everything inside this folder.
                index = bisect_left(paths, f"{prefix}{name}0", index)
                continue
            if name:
                files.append(TreeRow(paths[index], name, depth, False, self._entries[index]))
            index += 1
        return folders + files


def _ancestors(path: str) -> Iterator[str]:
    at = path.find("/")
    while at >= 0:
        yield path[: at + 1]
        at = path.find("/", at + 1)
