"""Keeps checkpoints that somebody outside vouched for, in a directory apart from the ledger.

One file for each witness and size, the signed note with the cosignature under it. They are copies: what makes
one of them evidence is the witness's signature, and what the witness itself remembers.
"""

from __future__ import annotations

import re
from pathlib import Path

from workbench.core.errors import WorkbenchError
from workbench.core.safe_text import one_line
from workbench.evidence.cosignature import WitnessKey, cosignatures
from workbench.ledger import Anchor, Checkpoint, NoteError
from workbench.ledger.disk import make_directories, write_atomically
from workbench.ledger.note import MAX_NOTE

MOST = 500
"""Files read; the newest by size come first."""


def kept_directory(head_file: Path) -> Path:
    """Return where they are kept: beside the head file."""
    return head_file.with_suffix(".anchors")


def keep(directory: Path, checkpoint: Checkpoint, name: str) -> Path:
    """Store a cosigned checkpoint durably, and return where.

    Raises:
        WorkbenchError: It cannot be written.
    """
    path = directory / f"{checkpoint.size:012d}-{re.sub(r'[^A-Za-z0-9.-]+', '-', name)[:60]}.note"
    try:
        make_directories(directory)
        write_atomically(path, checkpoint.note.encode())
    except OSError as error:
        raise WorkbenchError(
            f"The cosigned checkpoint cannot be kept in {directory}: {error.strerror}.",
            "Check that the directory is yours and the disk has space.",
        ) from error
    return path


def kept_anchors(directory: Path, witnesses: tuple[WitnessKey, ...]) -> list[Anchor]:
    """Read what is kept; what cannot be read, or carries a false cosignature, comes as damaged."""
    paths = sorted(directory.glob("*.note"), reverse=True)[:MOST] if directory.is_dir() else []
    return [_anchor(path, witnesses) for path in paths]


def _anchor(path: Path, witnesses: tuple[WitnessKey, ...]) -> Anchor:
    by = f"kept checkpoint {one_line(path.name)}"
    try:
        with path.open("rb") as file:
            data = file.read(MAX_NOTE + 1)
        found = cosignatures(data, witnesses)
        checkpoint = read_checkpoint(data)
    except OSError as error:
        return Anchor(by, damage=f"{error.strerror or error}")
    except NoteError as error:
        return Anchor(by, damage=error.cause)
    if found:
        newest = max(found, key=lambda one: one.time)
        by = f"witness {newest.key.name} ({newest.time})"
    return Anchor(by, checkpoint.origin, checkpoint.size, checkpoint.root, checkpoint.note)


def read_checkpoint(data: bytes) -> Checkpoint:
    """Read a checkpoint whose signature is checked later, when the ledger's keys are known.

    Raises:
        NoteError: It is malformed.
    """
    return Checkpoint.parse(data)
