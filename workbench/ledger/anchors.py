"""Reads anchors: copies of a ledger's size and root that were kept outside it.

A cut tail or a restored old copy looks whole from inside; only something outside can tell. An anchor
vouches for every entry up to its size.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workbench.core.errors import UsageError
from workbench.ledger.checkpoint import Checkpoint, parse_trailer
from workbench.ledger.errors import NoteError
from workbench.ledger.note import MAX_NOTE, VerifierKey


@dataclass(frozen=True, slots=True)
class Anchor:
    """What something outside the ledger says about it; not believed until it is compared."""

    by: str
    """Who says so, such as `head file` or `git commit 4f2a91c`."""
    origin: str = ""
    size: int = 0
    root: bytes = b""
    note: str = ""
    """The signed note, where there is one; its signature is checked with the ledger's key."""
    damage: str = ""
    """Why it cannot be read; empty where it can."""
    shared: bool = False
    """Whether anchors of other ledgers are to be expected in the same place."""

    def is_signed_by(self, key: VerifierKey) -> bool:
        """Say whether `key` signed this anchor's note."""
        try:
            Checkpoint.parse(self.note.encode(), key)
        except NoteError:
            return False
        return True


def head_anchors(*paths: Path) -> list[Anchor]:
    """Read head files. One that does not exist is left out; one that cannot be read is kept as damaged."""
    anchors: list[Anchor] = []
    for path in paths:
        try:
            data = _read(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            anchors.append(Anchor("head file", damage=f"{path}: {error.strerror or error}"))
            continue
        try:
            anchors.append(_from_note(data, "head file"))
        except NoteError as error:
            anchors.append(Anchor("head file", damage=f"{path}: {error.cause}"))
    return anchors


def file_anchor(path: Path) -> Anchor:
    """Read a signed checkpoint that someone kept.

    Raises:
        UsageError: If the file cannot be read or holds no checkpoint.
    """
    try:
        return _from_note(_read(path), f"anchor file {path.name}")
    except OSError as error:
        raise UsageError(f"The anchor file {path} cannot be read: {error.strerror or error}.") from error
    except NoteError as error:
        raise UsageError(f"The anchor file {path} holds no checkpoint: {error.cause}") from error


def trailer_anchors(trailers: Iterable[tuple[str, str]]) -> list[Anchor]:
    """Read `(by, "origin size base64root")` pairs, such as the trailers of git commits.

    A repository that several people share carries the trailers of several ledgers, and anyone may write
    a malformed one: such are kept, to be counted, and condemn nothing.
    """
    anchors: list[Anchor] = []
    for by, text in trailers:
        try:
            origin, size, root = parse_trailer(text)
        except NoteError as error:
            anchors.append(Anchor(by, damage=error.cause, shared=True))
        else:
            anchors.append(Anchor(by, origin, size, root, shared=True))
    return anchors


def _from_note(data: bytes, by: str) -> Anchor:
    checkpoint = Checkpoint.parse(data)
    return Anchor(by, checkpoint.origin, checkpoint.size, checkpoint.root, checkpoint.note)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_NOTE + 1)
