"""Turns a proposal into the rows a person judges, and into the digest that binds the decision to them.

Hunks are counted from 1 through all files of the proposal. What a change does to a file itself (its name,
its mode, its being there) is a hunk without lines, so that it can be decided on like any other.

The digest covers the rows as shown, the bytes they stand for, the bytes they replace and the policy, so
that any difference between what was seen and what would be written is a different digest.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from workbench.core.records import FileChange, Proposal
from workbench.core.safe_text import decode, one_line, safe_text
from workbench.review.diff import Differ, Hunk, first_hunks, hunks, pieces
from workbench.review.facts import facts
from workbench.review.hidden import hidden_in

LARGE_BYTES = 256 * 1024
"""Of all contents before and after: what is larger takes longer than a person should wait for a look."""
FIRST_ROWS = 400
"""Lines of that first look; more than any terminal shows."""


class RowKind(StrEnum):
    """What a row of a diff is."""

    FILE = "file"
    """The heading of one file, where there are several."""
    HUNK = "hunk"
    CONTEXT = "context"
    DELETE = "delete"
    INSERT = "insert"
    WORD = "word"
    """One word of a command."""
    OUTPUT = "output"
    """A line that a command printed."""
    NOTE = "note"
    """A fact: about the line above it, as `no newline at end of file`, or above all rows about the file."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a diff."""

    kind: RowKind
    old: int | None
    """Line number before the change, counted from 1."""
    new: int | None
    text: str
    """Safe to show; tabs kept; without the line's end."""
    hunk: int
    """The hunk the row belongs to, counted from 1; 0 for a file's heading, and a fact about all of it."""
    file: int = 0
    """The file it belongs to, counted from 0 in the order of the proposal."""


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """One file's change as it is shown."""

    change: FileChange
    before: bytes
    after: bytes
    first: int
    """The number of its first hunk."""
    hunks: tuple[Hunk, ...]

    @property
    def added(self) -> int:
        """Lines it gains."""
        return sum(hunk.added for hunk in self.hunks)

    @property
    def removed(self) -> int:
        """Lines it loses."""
        return sum(hunk.removed for hunk in self.hunks)


@dataclass(frozen=True, slots=True)
class Rendering:
    """A proposal as it is shown."""

    files: tuple[RenderedFile, ...]
    rows: tuple[Row, ...]
    hidden: Mapping[str, int]
    """Characters made visible, and identifiers that imitate others, in what is added: how often."""
    split: tuple[int, ...]
    """The hunks shown in pieces, in the numbers they have unsplit."""
    origins: tuple[int, ...]
    """For each hunk shown, its number unsplit."""
    shown_sha256: str

    @property
    def hidden_count(self) -> int:
        """How many a person must acknowledge before approving."""
        return sum(self.hidden.values())

    @property
    def hunks(self) -> tuple[Hunk, ...]:
        """The hunks of all files; the first has number 1."""
        return tuple(hunk for file in self.files for hunk in file.hunks)


_KINDS = {" ": RowKind.CONTEXT, "-": RowKind.DELETE, "+": RowKind.INSERT}

HunkNamer = Callable[[bytes, int, str], str]
"""Given a file after the change, a line of it and its path, names the symbol around that line."""
Contents = Callable[[str | None], bytes]
"""Given a digest, returns the bytes; given None, no bytes."""


def render(
    proposal: Proposal,
    contents: Contents,
    differ: Differ,
    name_hunk: HunkNamer,
    split: Collection[int] = (),
) -> Rendering:
    """Return `proposal` as rows, with the digest a decision is bound to; `split` hunks are in pieces."""
    files: list[RenderedFile] = []
    rows: list[Row] = []
    origins: list[int] = []
    hidden: Counter[str] = Counter()
    unsplit = 0
    for index, change in enumerate(proposal.changes):
        before, after = contents(change.before_sha256), contents(change.after_sha256)
        first = len(origins) + 1
        shown: list[Hunk] = []
        for hunk in (*_of_file(change, before, after), *hunks(before, after, differ)):
            unsplit += 1
            parts = pieces(hunk) if unsplit in split else (hunk,)
            shown += parts
            origins += [unsplit] * len(parts)
        files.append(RenderedFile(change, before, after, first, tuple(shown)))
        if len(proposal.changes) > 1:
            rows.append(Row(RowKind.FILE, None, None, heading(files[-1]), 0, index))
        told = facts(change, before, after, shown)
        rows += [Row(RowKind.NOTE, None, None, fact, 0, index) for fact in told]
        for number, hunk in enumerate(shown, first):
            rows += _rows(files[-1], index, number, hunk, name_hunk)
        hidden.update(_hidden(files[-1]))
    kept = tuple(sorted(number for number in set(split) if origins.count(number) > 1))
    digest = _digest(proposal, kept, rows)
    return Rendering(tuple(files), tuple(rows), dict(hidden), kept, tuple(origins), digest)


def first_page(proposal: Proposal, contents: Contents, differ: Differ) -> Rendering | None:
    """Return the first rows of a proposal that takes a while to be rendered; None for any other.

    Its digest is empty, so that nothing can be decided by it.
    """
    changes = [(each, contents(each.before_sha256), contents(each.after_sha256)) for each in proposal.changes]
    if sum(len(before) + len(after) for _, before, after in changes) < LARGE_BYTES:
        return None
    change, before, after = changes[0]
    shown = first_hunks(before, after, differ, FIRST_ROWS)
    file = RenderedFile(change, before, after, 1, shown)
    rows = [
        row
        for number, hunk in enumerate(shown, 1)
        for row in _rows(file, 0, number, hunk, lambda _after, _line, _path: "")
    ]
    empty = replace(file, before=b"", after=b"")
    return Rendering((empty,), tuple(rows), {}, (), tuple(range(1, len(shown) + 1)), "")


def heading(file: RenderedFile) -> str:
    """Return one line that names a file and what happens to it."""
    return f"{file.change.kind} {one_line(file.change.path)} +{file.added} -{file.removed}"


def _of_file(change: FileChange, before: bytes, after: bytes) -> Iterator[Hunk]:
    """Yield a hunk for each thing that changes about the file itself and no line of it shows."""
    if change.renamed_from:
        yield Hunk(0, 0, (), "name", f"renamed from {one_line(change.renamed_from)}")
    if change.mode_before is not None and change.mode_before != change.mode:
        yield Hunk(0, 0, (), "mode", f"mode {change.mode_before:o} to {change.mode:o}")
    if change.kind in ("new", "delete") and not before and not after:
        what = "new file, empty" if change.kind == "new" else "empty file deleted"
        yield Hunk(0, 0, (), "presence", what)


def _rows(file: RenderedFile, index: int, number: int, hunk: Hunk, name_hunk: HunkNamer) -> Iterator[Row]:
    yield Row(RowKind.HUNK, None, None, _header(file, hunk, name_hunk), number, index)
    end = line_end(file)
    old, new = hunk.old_start, hunk.new_start
    for line in hunk.lines:
        text = safe_text(decode(line.data.removesuffix(end))).text
        numbers = (None if line.sign == "+" else old, None if line.sign == "-" else new)
        yield Row(_KINDS[line.sign], *numbers, text, number, index)
        if not line.data.endswith(b"\n"):
            yield Row(RowKind.NOTE, None, None, "no newline at end of file", number, index)
        old += line.sign != "+"
        new += line.sign != "-"


def _hidden(file: RenderedFile) -> Mapping[str, int]:
    end, change = line_end(file), file.change
    added = (line.data for hunk in file.hunks for line in hunk.lines if line.sign == "+")
    return hidden_in((change.path, change.renamed_from), (decode(data.removesuffix(end)) for data in added))


def line_end(file: RenderedFile) -> bytes:
    """Return what ends every line of a file; where some end otherwise, `\\n`, and a `\\r` is shown."""
    crlf = _is_crlf(file.before or file.after) and _is_crlf(file.after or file.before)
    return b"\r\n" if crlf else b"\n"


def _header(file: RenderedFile, hunk: Hunk, name_hunk: HunkNamer) -> str:
    """Name the symbol the hunk is in; git's own guess is wrong for two hunks of three."""
    if hunk.what:
        return f"@@ {hunk.what}"
    line = hunk.new_start
    for entry in hunk.lines:
        if entry.sign != " ":
            break
        line += 1
    name = one_line(name_hunk(file.after, line, file.change.path))
    return f"@@ {name}" if name else f"@@ line {line}"


def _is_crlf(data: bytes) -> bool:
    return b"\r\n" in data and data.count(b"\n") == data.count(b"\r\n")


def _digest(proposal: Proposal, split: tuple[int, ...], rows: list[Row]) -> str:
    shown = {
        "proposal": proposal.id,
        "changes": [
            [
                change.path,
                change.renamed_from,
                change.before_sha256,
                change.after_sha256,
                change.mode_before,
                change.mode,
            ]
            for change in proposal.changes
        ],
        "policy": proposal.policy_sha256,
        "split": split,
        "rows": [[row.kind, row.file, row.old, row.new, row.text, row.hunk] for row in rows],
    }
    return hashlib.sha256(json.dumps(shown, ensure_ascii=True, sort_keys=True).encode()).hexdigest()
