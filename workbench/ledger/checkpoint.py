"""Reads and writes checkpoints (c2sp.org/tlog-checkpoint): the signed size and root of a ledger."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final

from workbench.ledger.errors import NoteError
from workbench.ledger.note import SignerKey, VerifierKey, decode_base64, parse_note
from workbench.ledger.tree import HASH_SIZE

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
# Eighteen digits: what a signed 64-bit row number can hold.


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the ledger was at one moment: so many entries, under this root."""

    origin: str
    """Which ledger, such as `workbench/host/0198f2c0-…`."""
    size: int
    """Entries."""
    root: bytes
    note: str
    """The signed note, exactly as it was signed."""

    @classmethod
    def sign(cls, key: SignerKey, size: int, root: bytes, *others: SignerKey) -> Checkpoint:
        """Sign a size and a root, with `others` after the first key; the origin is the name of the key.

        The last of them signs a second time where it can (see `second_key`).
        """
        text = f"{key.name}\n{size}\n{base64.b64encode(root).decode()}\n"
        note = key.sign(text) + "".join(other.line(text) for other in others)
        second = (key, *others)[-1].second
        if second is not None:
            note += second.line(key.name, size, root)
        return cls(key.name, size, root, note)

    @classmethod
    def parse(cls, note: bytes, *keys: VerifierKey) -> Checkpoint:
        """Read a checkpoint and check that each of `keys` signed it; without keys, believe nothing of it.

        Raises:
            NoteError: If it is malformed, or one of them did not sign it.
        """
        parsed = parse_note(note)
        lines = parsed.text[:-1].split("\n")
        if len(lines) < 3 or not all(lines):
            raise NoteError("A checkpoint has an origin, a size and a root, each on its own line.")
        origin, size, root = parse_head(lines[0], lines[1], lines[2])
        if keys and len(parsed.signed_by(keys)) < len(keys):
            raise NoteError("Only one of the two keys that must have signed this note did.")
        return cls(origin, size, root, note.decode())

    def trailer(self) -> str:
        """Return `origin size base64root`, as it stands in a git trailer."""
        return f"{self.origin} {self.size} {base64.b64encode(self.root).decode()}"


def parse_trailer(text: str) -> tuple[str, int, bytes]:
    """Read `origin size base64root`.

    Raises:
        NoteError: If it is malformed.
    """
    parts = text.strip().split(" ")
    if len(parts) != 3:
        raise NoteError(f"Not an origin, a size and a root: {text[:120]!r}.")
    return parse_head(parts[0], parts[1], parts[2])


def parse_head(origin: str, size: str, root: str) -> tuple[str, int, bytes]:
    """Read the three parts of a checkpoint.

    Raises:
        NoteError: If one of them is malformed.
    """
    if not origin:
        raise NoteError("A checkpoint names no ledger.")
    if not _SIZE.fullmatch(size):
        raise NoteError(f"Not the size of a tree: {size[:80]!r}.")
    digest = decode_base64(root)
    if len(digest) != HASH_SIZE:
        raise NoteError(f"A root has {HASH_SIZE} bytes, not {len(digest)}.")
    return origin, int(size), digest
