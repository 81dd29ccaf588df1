"""Reads a unified diff into hunks, splits hunks, and applies a choice of hunks to the old bytes.

The diff is made by git's Myers (through `workbench.broker`), never by `difflib`, which takes minutes on
repetitive files. Hunks hold bytes: what is applied is what was compared, whatever the encoding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from workbench.core.errors import WorkbenchError

_HEADER = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")

Differ = Callable[[bytes, bytes], bytes]
"""Makes a unified diff of two versions of a file; raises `WorkbenchError` past its deadline."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a hunk."""

    sign: str
    """`" "`, `-` or `+`."""
    data: bytes
    """With the line's end, where it has one."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """A run of changed lines with the unchanged lines around it."""

    old_start: int
    """First line before the change, counted from 1."""
    new_start: int
    lines: tuple[Line, ...]
    of: str = ""
    """For a hunk without lines, what of the file itself it changes: `name`, `mode` or `presence`."""
    what: str = ""
    """The same in words, such as `mode 644 to 755`."""

    @property
    def added(self) -> int:
        """Lines the hunk adds."""
        return sum(line.sign == "+" for line in self.lines)

    @property
    def removed(self) -> int:
        """Lines the hunk removes."""
        return sum(line.sign == "-" for line in self.lines)


def hunks(before: bytes, after: bytes, differ: Differ) -> tuple[Hunk, ...]:
    """Return the hunks between two versions of a file.

    Where git cannot compare them in time, the one hunk says: all of this goes, all of that comes.
    """
    if before == after:
        return ()
    try:
        found = tuple(_parse(differ(before, after)))
    except WorkbenchError:
        found = ()
    # A diff that does not rebuild the new bytes (git calls them binary, or was stopped) is not shown.
    if found and select(before, found, range(1, len(found) + 1)) == after:
        return found
    return (_replacement(before, after),)


def first_hunks(before: bytes, after: bytes, differ: Differ, lines: int) -> tuple[Hunk, ...]:
    """Return the hunks in the first `lines` lines of the diff, the last one cut off; for a first look only.

    Nothing where git cannot compare them in time.
    """
    try:
        diff = differ(before, after)
    except WorkbenchError:
        return ()
    end = 0
    for _ in range(lines):
        end = diff.find(b"\n", end) + 1
        if not end:
            return tuple(_parse(diff))
    return tuple(_parse(diff[:end]))


def pieces(hunk: Hunk) -> tuple[Hunk, ...]:
    """Return the parts a hunk can be split into, each one run of changed lines; itself where it is one run.

    Unchanged lines between two runs go with the run before them, so that no line is in two pieces.
    """
    found: list[list[Line]] = [[]]
    for line in hunk.lines:
        if line.sign != " " and found[-1] and found[-1][-1].sign == " " and _changes(found[-1]):
            found.append([])
        found[-1].append(line)
    if len(found) == 1:
        return (hunk,)
    old, new = _first(hunk, "+"), _first(hunk, "-")
    made = []
    for lines in found:
        olds, news = (sum(line.sign != sign for line in lines) for sign in "+-")
        # A side without lines is numbered by the line before it, as in git's own headers.
        made.append(Hunk(old if olds else old - 1, new if news else new - 1, tuple(lines)))
        old, new = old + olds, new + news
    return tuple(made)


def _changes(lines: Sequence[Line]) -> bool:
    return any(line.sign != " " for line in lines)


def _first(hunk: Hunk, absent: str) -> int:
    """Return the number of the first line on the side that has no lines with the sign `absent`."""
    start = hunk.new_start if absent == "-" else hunk.old_start
    return start if any(line.sign != absent for line in hunk.lines) else start + 1


def select(before: bytes, found: Sequence[Hunk], chosen: Iterable[int]) -> bytes:
    """Return `before` with only the chosen hunks (counted from 1) applied."""
    lines = _split(before)
    wanted = set(chosen)
    result: list[bytes] = []
    position = 0
    for number, hunk in enumerate(found, 1):
        old = [line.data for line in hunk.lines if line.sign != "+"]
        start = hunk.old_start - 1 if old else hunk.old_start
        result += lines[position:start]
        result += [line.data for line in hunk.lines if line.sign != "-"] if number in wanted else old
        position = start + len(old)
    return b"".join([*result, *lines[position:]])


def _split(data: bytes) -> list[bytes]:
    # git's lines end at \n only; `bytes.splitlines` would also break at a lone \r.
    parts = data.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _replacement(before: bytes, after: bytes) -> Hunk:
    gone = tuple(Line("-", data) for data in _split(before))
    come = tuple(Line("+", data) for data in _split(after))
    return Hunk(1 if gone else 0, 1 if come else 0, gone + come)


def _parse(diff: bytes) -> Iterable[Hunk]:
    body: list[Line] = []
    start: tuple[int, int] | None = None
    for raw in _split(diff):
        match = _HEADER.match(raw)
        if match:
            if start is not None:
                yield Hunk(*start, tuple(body))
            start, body = (int(match[1]), int(match[3])), []
        elif start is not None and raw[:1] in b" -+" and raw[:1]:
            body.append(Line(chr(raw[0]), raw[1:]))
        elif start is not None and raw.startswith(b"\\") and body:
            # "\ No newline at end of file" speaks of the line above it.
            body[-1] = Line(body[-1].sign, body[-1].data.removesuffix(b"\n"))
    if start is not None:
        yield Hunk(*start, tuple(body))
