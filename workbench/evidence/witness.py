"""Talks to witnesses by files (c2sp.org/tlog-witness): a USB stick goes where HTTP goes elsewhere.

The rules:

1. A request is the size that the witness saw last, the proof that the ledger only grew since, and the newest
   signed checkpoint. Beside it, in `<request>.keys`, stands how the signing keys followed each other.
2. An answer is signature lines; only those of witnesses that policy names count. What a witness signed is put
   together with our own copy of the checkpoint, never with one that came back.
3. An answer that is a bare number says what the witness saw last (409): the request is made again from there.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path

from workbench.core.errors import UsageError
from workbench.evidence.cosignature import Cosignature, WitnessKey, cosignatures
from workbench.evidence.proofs import key_chain
from workbench.ledger import Anchor, Checkpoint, LedgerReader, NoteError

MAX_ANSWER = 64 * 1024
"""Bytes read of an answer."""

ASKED_BEFORE = 5_000
"""Checkpoints that an answer can be for, from the newest on: a second of checking."""

_SIZE = re.compile(r"(0|[1-9][0-9]{0,17})\n?")


@dataclass(frozen=True, slots=True)
class Answered:
    """A checkpoint with a known witness's signature under it."""

    checkpoint: Checkpoint
    by: Cosignature


def request(reader: LedgerReader, old: int) -> str:
    """Return the request for a cosignature on the newest checkpoint, for a witness that last saw `old`.

    Raises:
        UsageError: There is no checkpoint yet, or the witness saw more than there is.
        LedgerBroken: The ledger does not hold what it should.
    """
    checkpoint = reader.checkpoint()
    if checkpoint is None:
        raise UsageError("There is no signed checkpoint yet.", "Run: workbench audit anchor")
    if old > checkpoint.size:
        raise UsageError(
            f"The witness saw {old} entries; the newest checkpoint has {checkpoint.size}.",
            "Run: workbench audit verify. A ledger that was restored from an old copy looks like this.",
        )
    proof = reader.consistency_proof(old, checkpoint.size) if 0 < old < checkpoint.size else []
    lines = [f"old {old}", *(base64.b64encode(step).decode() for step in proof)]
    return "\n".join(lines) + f"\n\n{checkpoint.note}"


def write_request(reader: LedgerReader, path: Path, old: int) -> None:
    """Write the request and, beside it, the chain of keys.

    Raises:
        UsageError: They cannot be written, or see `request`.
    """
    text, chain = request(reader, old), key_chain(reader)
    try:
        path.write_text(text, "utf-8")
        path.with_name(path.name + ".keys").write_text(chain, "utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Name another file.") from error


def last_seen(anchors: list[Anchor], origin: str, witnesses: tuple[WitnessKey, ...]) -> int:
    """Return the size from which every known witness can be asked: the smallest of what each saw last."""
    seen = dict.fromkeys(witnesses, 0)
    for anchor in anchors:
        if anchor.origin == origin and anchor.note:
            for found in cosignatures(anchor.note.encode(), witnesses):
                seen[found.key] = max(seen[found.key], anchor.size)
    return min(seen.values(), default=0)


def size_in_answer(data: bytes) -> int | None:
    """Return the size that an answer consists of, or None where it is another answer."""
    found = _SIZE.fullmatch(data.decode("ascii", "replace"))
    return int(found[1]) if found else None


def is_answer(data: bytes) -> bool:
    """Say whether a file holds what a witness answers, and not a request."""
    return data.startswith("\u2014 ".encode()) or size_in_answer(data) is not None


def take_answer(reader: LedgerReader, data: bytes, witnesses: tuple[WitnessKey, ...]) -> list[Answered]:
    """Return what known witnesses signed, each under the checkpoint that it was made for.

    Args:
        reader: The ledger; an answer does not say which of its checkpoints was sent.
        data: The answer.
        witnesses: Those that policy names.

    Raises:
        UsageError: No known witness signed one of this ledger's checkpoints.
    """
    if not witnesses:
        raise UsageError(
            "Policy names no witness, so no cosignature counts.",
            "List the witness's verifier key under anchors.witnesses in your policy.",
        )
    lines = data.decode("utf-8", "replace").splitlines()
    known = [
        f"{line}\n" for line in lines if any(line.startswith(f"\u2014 {key.name} ") for key in witnesses)
    ]
    for checkpoint in reader.checkpoints(ASKED_BEFORE) if known else ():
        found = [_answered(checkpoint, line, witnesses) for line in known]
        if any(found):
            return [one for one in found if one is not None]
    raise UsageError(
        "The answer holds no signature of a known witness on a checkpoint of this ledger.",
        "See that the answer is for this repository, and that policy has the witness's present key.",
    )


def _answered(checkpoint: Checkpoint, line: str, witnesses: tuple[WitnessKey, ...]) -> Answered | None:
    note = checkpoint.note + line
    try:
        by = cosignatures(note.encode(), witnesses)
    except NoteError:
        return None
    signed = Checkpoint(checkpoint.origin, checkpoint.size, checkpoint.root, note)
    return Answered(signed, by[0]) if by else None
