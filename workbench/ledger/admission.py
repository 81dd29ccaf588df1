"""Decides whether a ledger found on disk may be appended to.

A ledger must never sign what contradicts something it signed before. So, before the first append:

1. the schema is exactly ours, and it says which ledger it is;
2. the newest entries are what they were: bytes, leaf hashes, chain, subroots;
3. the signing keys followed one another, and the newest change of them is signed by both;
4. the newest signed checkpoint, and the head file kept elsewhere, have the root that the entries have;
5. the signing key beside it is the one in force.

This is quick and looks at the end only; `workbench audit verify` looks at everything. The file is left
as it was found.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workbench.core.errors import LedgerBroken
from workbench.ledger import store
from workbench.ledger.checkpoint import Checkpoint
from workbench.ledger.clock_check import Reading
from workbench.ledger.envelope import NO_PREV, check, parse
from workbench.ledger.epochs import Epochs
from workbench.ledger.errors import NoteError
from workbench.ledger.key_file import KeyFile
from workbench.ledger.note import MAX_NOTE, SignerKey, VerifierKey
from workbench.ledger.tree import Frontier, leaf_hash, root

_LOOKED_AT: Final = 4 * store.TILE
"""Entries that are read again when a ledger is opened: some milliseconds."""


@dataclass(slots=True)
class Tail:
    """Where a ledger ends, as far as one writer knows."""

    frontier: Frontier
    leaf: bytes
    """Leaf hash of the last entry; 32 zero bytes before the first."""
    reading: Reading | None = None
    """What the clocks said when it was written; None before the first."""

    @property
    def size(self) -> int:
        """Entries."""
        return self.frontier.size

    def take(self, row: tuple[int, bytes, bytes, bytes]) -> list[tuple[int, bytes]]:
        """Go on by one stored row, checking that it hangs on to the one before it.

        Raises:
            LedgerBroken: If it does not.
        """
        index, leaf, prev, body = row
        if not isinstance(body, bytes) or (index, prev, leaf) != (self.size, self.leaf, leaf_hash(body)):
            raise LedgerBroken(f"Entry {self.size} is not what was written.")
        return self.add(leaf)

    def add(self, leaf: bytes) -> list[tuple[int, bytes]]:
        """Go on by one entry, and return the subtrees that it completed."""
        self.leaf = leaf
        return self.frontier.append(leaf)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A ledger that may be appended to."""

    tail: Tail
    epochs: Epochs
    key: SignerKey
    """The signing key in force."""


def admit(connection: sqlite3.Connection, directory: Path, key_file: KeyFile, head_file: Path) -> Admitted:
    """Check a ledger and return where it ends and the key it goes on with.

    Raises:
        LedgerBroken: If it may not be appended to; says why and what to do.
        sqlite3.Error: If the file cannot be read.
        OSError: If the head file or the key file cannot be read.
    """
    try:
        store.check_schema(connection)
        origin, vkey = store.about(connection)
        genesis = VerifierKey.parse(vkey)
        if genesis.name != origin:
            raise LedgerBroken("Its verifier key has another name than the ledger.")
        tail = _check_end(connection, origin)
        epochs = Epochs.read(connection, genesis)
        _check_notes(connection, tail, epochs)
        key = key_file.load(epochs.last.key)
    except LedgerBroken as error:
        raise LedgerBroken(
            f"The ledger in {directory} cannot be appended to. {error.cause}",
            "Keep it as it is, and run: workbench audit verify",
        ) from error
    if head_file.exists():
        _check_head(connection, tail, epochs, head_file)
    return Admitted(tail, epochs, key)


def _check_notes(connection: sqlite3.Connection, tail: Tail, epochs: Epochs) -> None:
    note = store.last_checkpoint(connection)
    if note is None:
        raise LedgerBroken("It has no signed checkpoint.")
    _check_against(connection, tail, epochs.open(note.encode()), "its newest checkpoint")
    if epochs.last.first:
        change = store.checkpoint_of(connection, epochs.last.first)
        opened = epochs.open(change.encode()) if change is not None else None
        if opened is None or opened.size != epochs.last.first:
            raise LedgerBroken("Its signing key changed, and no checkpoint of that moment is signed by both.")
        _check_against(connection, tail, opened, "the checkpoint of its newest key")


def _check_end(connection: sqlite3.Connection, origin: str) -> Tail:
    size = store.size_of(connection)
    subtree = store.subtrees(connection)
    start = max(0, size - _LOOKED_AT) // store.TILE * store.TILE
    leaf = next((row[1] for row in store.rows(connection, start - 1, start)), NO_PREV)
    tail = Tail(Frontier.load(start, subtree), leaf)
    leaves: list[bytes] = []
    for row in store.rows(connection, start, size):
        previous = tail.leaf
        tail.take(row)
        try:
            body = parse(row[3])
            check(body, origin, row[0], previous)
        except LedgerBroken as error:
            raise LedgerBroken(f"Entry {row[0]}: {error.cause}") from error
        tail.reading = Reading.of(body)
        leaves.append(row[1])
        if len(leaves) == store.TILE:
            if subtree(tail.size - store.TILE, tail.size) != root(leaves):
                raise LedgerBroken(f"The subroot over the entries up to {row[0]} is not theirs.")
            leaves.clear()
    if tail.size != size:
        raise LedgerBroken(f"Entries are missing after {tail.size}.")
    return tail


def _check_head(connection: sqlite3.Connection, tail: Tail, epochs: Epochs, head_file: Path) -> None:
    try:
        with head_file.open("rb") as file:
            head = epochs.open(file.read(MAX_NOTE + 1))
        _check_against(connection, tail, head, "the head file")
    except LedgerBroken as error:
        what = "" if isinstance(error, NoteError) else " The ledger was cut, or replaced by an older copy."
        raise LedgerBroken(
            f"The ledger does not fit its head file {head_file}. {error.cause}{what}",
            f"Run: workbench audit verify. To go on with this ledger knowingly, move {head_file} elsewhere.",
        ) from error


def _check_against(connection: sqlite3.Connection, tail: Tail, known: Checkpoint, what: str) -> None:
    if known.size > tail.size:
        raise LedgerBroken(f"It has {tail.size} entries; {what} was signed over {known.size}.")
    at_size = tail.frontier
    if known.size < tail.size:
        at_size = Frontier.load(known.size, store.subtrees(connection))
    if at_size.root() != known.root:
        raise LedgerBroken(f"Its root at size {known.size} is not the one in {what}.")
