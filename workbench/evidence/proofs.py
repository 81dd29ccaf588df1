"""Writes proofs that stand alone: of one entry (c2sp.org/tlog-proof), and of how the signing keys followed.

A proof holds the entry itself as its extra data, so that whoever has the file and the ledger's first verifier
key needs nothing else. Where the key was replaced since, the chain of keys leads from the first to the one
that signed: for each rotation, the proof of its entry under the checkpoint that both keys signed.
"""

from __future__ import annotations

import base64
import json

from workbench.core.errors import UsageError
from workbench.core.records import Json
from workbench.ledger import Anchor, Checkpoint, Entry, LedgerReader
from workbench.ledger.note import parse_note
from workbench.ledger.tree import verify_inclusion

ROTATED = "key.rotated"


def entry_proof(reader: LedgerReader, index: int, checkpoint: Checkpoint | None = None) -> str:
    """Return the proof that entry `index` stands under a checkpoint, as text.

    Args:
        reader: The ledger.
        index: The entry.
        checkpoint: A signed one that is larger than `index`; by default the newest.

    Raises:
        UsageError: There is no such entry, or none is signed yet that covers it.
        LedgerBroken: The ledger does not hold what it should.
    """
    entry = reader.entry(index)
    checkpoint = checkpoint or reader.checkpoint()
    if checkpoint is None or checkpoint.size <= index:
        raise UsageError(
            f"Entry {index} is not under a signed checkpoint yet.", "Run: workbench audit anchor"
        )
    path = reader.inclusion_proof(index, checkpoint.size)
    lines = ["c2sp.org/tlog-proof@v1", f"extra {_b64(entry.raw)}", f"index {index}", *map(_b64, path)]
    return "\n".join(lines) + f"\n\n{checkpoint.note}"


def key_chain(reader: LedgerReader) -> str:
    """Return, as JSON, the ledger's first verifier key and the proof of each rotation since.

    Raises:
        LedgerBroken: A rotation has no checkpoint.
    """
    rotations: list[Json] = [
        entry_proof(reader, entry.index, reader.checkpoint_of(entry.index + 1))
        for entry in reader.find(type=ROTATED)
    ]
    chain: dict[str, Json] = {"origin": reader.origin, "vkey": str(reader.vkey), "rotations": rotations}
    return json.dumps(chain, indent=1) + "\n"


def strongest(kept: list[Anchor], origin: str, index: int) -> Checkpoint | None:
    """Return the newest cosigned checkpoint that covers an entry, or None."""
    covering = [
        anchor for anchor in kept if anchor.origin == origin and anchor.size > index and not anchor.damage
    ]
    if not covering:
        return None
    best = max(covering, key=lambda anchor: anchor.size)
    return Checkpoint(best.origin, best.size, best.root, best.note)


def show_place(reader: LedgerReader, entry: Entry, kept: list[Anchor]) -> dict[str, object]:
    """Return under which signed checkpoint an entry stands, its proof checked, and who signed.

    Raises:
        UsageError: No signed checkpoint covers it yet.
        LedgerBroken: The proof does not hold.
    """
    checkpoint = reader.checkpoint()
    if checkpoint is None or checkpoint.size <= entry.index:
        raise UsageError("It is not under a signed checkpoint yet.", "Run: workbench audit anchor")
    path = reader.inclusion_proof(entry.index, checkpoint.size)
    verify_inclusion(entry.index, checkpoint.size, entry.leaf, path, checkpoint.root)
    signers = [line.name for line in parse_note(checkpoint.note.encode()).signatures]
    vouching = [anchor for anchor in kept if anchor.size > entry.index and not anchor.damage]
    return {
        "under": f"size {checkpoint.size}, root {_b64(checkpoint.root)}",
        "signed by": signers,
        "cosigned": [f"size {anchor.size} by {anchor.by}" for anchor in vouching[:5]],
        "path": [_b64(step) for step in path],
    }


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
