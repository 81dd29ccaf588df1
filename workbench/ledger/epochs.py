"""Knows which key vouches for which part of a ledger.

An epoch is a run of entries under one key. The rules:

1. Epoch 0 has the key that entry 0 names: the genesis key, which an auditor pins.
2. An entry `key.rotated` at index i, with `key` = {old_vkey, new_vkey, reason}, is the last of its epoch. The
   old key is the one in force; the new one bears the ledger's name and was never in force before.
3. A checkpoint of size i + 1 is signed by both keys; any other, by the key of the epoch that its last entry
   belongs to. A later key vouches for nothing earlier, an earlier one for nothing later.

So whoever steals today's key cannot sign yesterday again: the keys of past epochs were destroyed.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from workbench.core.errors import LedgerBroken
from workbench.core.records import Json
from workbench.ledger.checkpoint import Checkpoint
from workbench.ledger.envelope import parse
from workbench.ledger.errors import NoteError
from workbench.ledger.events import ROTATED
from workbench.ledger.note import VerifierKey, parse_note
from workbench.ledger.second_key import SecondVerifier
from workbench.ledger.tree import leaf_hash

_ROTATIONS: Final = "SELECT idx, leaf, body FROM entry WHERE type = ? ORDER BY idx"


@dataclass(frozen=True, slots=True)
class Epoch:
    """A run of entries under one key."""

    first: int
    """Index of its first entry."""
    key: VerifierKey
    second: SecondVerifier | None = None
    """The key of its checkpoints' second line; None where they have none."""


class Epochs:
    """The epochs of one ledger, as far as they are known."""

    __slots__ = ("_firsts", "_list")

    def __init__(self, genesis: VerifierKey) -> None:
        self._list = [Epoch(0, genesis)]
        self._firsts = [0]

    @classmethod
    def read(cls, connection: sqlite3.Connection, genesis: VerifierKey) -> Epochs:
        """Return the epochs of a stored ledger, found through SQLite's index of types.

        Raises:
            LedgerBroken: If its rotations do not follow from each other.
        """
        epochs = cls(genesis)
        epochs._extend(connection)
        return epochs

    @classmethod
    def known(cls, connection: sqlite3.Connection, genesis: VerifierKey) -> Epochs:
        """Return the epochs of a stored ledger up to the first rotation that does not follow.

        Raises:
            sqlite3.Error: If the file cannot be read.
        """
        epochs = cls(genesis)
        with suppress(LedgerBroken):
            epochs._extend(connection)
        return epochs

    def _extend(self, connection: sqlite3.Connection) -> None:
        for (body,) in connection.execute("SELECT body FROM entry WHERE idx = 0"):
            self._list[0] = Epoch(0, self._list[0].key, self._second(parse(body).get("vkey_pq")))
        for index, leaf, body in connection.execute(_ROTATIONS, (ROTATED,)):
            if not isinstance(body, bytes) or leaf != leaf_hash(body):
                raise LedgerBroken(f"Entry {index} is not what was written.")
            fields = parse(body)
            if fields.get("type") != ROTATED:
                raise LedgerBroken(f"Entry {index} is filed under another type than it has.")
            self.rotate(index, fields.get("key"))

    def __len__(self) -> int:
        return len(self._list)

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self._list)

    @property
    def last(self) -> Epoch:
        """The epoch in force."""
        return self._list[-1]

    def rotate(self, index: int, key: Json) -> None:
        """Take in the rotation that stands at `index`, with what its field `key` says.

        Raises:
            LedgerBroken: If it does not follow from what is known; the cause is one clause about "it".
        """
        if not isinstance(key, dict) or key.get("old_vkey") != str(self.last.key):
            raise LedgerBroken("It does not replace the signing key in force.")
        try:
            new = VerifierKey.parse(str(key.get("new_vkey")))
        except NoteError as error:
            raise LedgerBroken(f"It names a signing key that is none: {error.cause}") from error
        if new.name != self.last.key.name:
            raise LedgerBroken("It names the signing key of another ledger.")
        if any(epoch.key.id == new.id for epoch in self._list):
            raise LedgerBroken("It names a signing key that was used before.")
        if index < self.last.first:
            raise LedgerBroken("It stands before the epoch that it ends.")
        self._list.append(Epoch(index + 1, new, self._second(key.get("new_vkey_pq"))))
        self._firsts.append(index + 1)

    def _second(self, text: Json) -> SecondVerifier | None:
        if text is None:
            return None
        try:
            found = SecondVerifier.parse(str(text))
        except NoteError as error:
            raise LedgerBroken(f"It names a second signing key that is none: {error.cause}") from error
        if found.name != self.last.key.name:
            raise LedgerBroken("It names the second signing key of another ledger.")
        return found

    def signers(self, size: int) -> tuple[VerifierKey, ...]:
        """Return the keys that must have signed a checkpoint over `size` entries: two where one gave way."""
        upcoming = bisect_left(self._firsts, max(size, 1))
        keys = [self._list[upcoming - 1].key]
        if size and upcoming < len(self._list) and self._firsts[upcoming] == size:
            keys.append(self._list[upcoming].key)
        return tuple(keys)

    def open(self, note: bytes) -> Checkpoint:
        """Read a checkpoint and check that it is signed as its size demands.

        Raises:
            NoteError: If it is not.
        """
        size = Checkpoint.parse(note).size
        signers = self.signers(size)
        checkpoint = Checkpoint.parse(note, *signers)
        second = next(epoch.second for epoch in reversed(self._list) if epoch.key == signers[-1])
        if second is not None:
            for line in parse_note(note).signatures:
                if (line.name, line.key_id) == (second.name, second.id) and not second.accepts(
                    checkpoint.origin, size, checkpoint.root, line.signature
                ):
                    raise NoteError("The second signature does not belong to this checkpoint.")
        return checkpoint
