"""Checks the cosignatures of witnesses (c2sp.org/tlog-cosignature, Ed25519).

A witness signs the text of a checkpoint with a time before it:

    cosignature/v1
    time <POSIX seconds>
    <text of the checkpoint>

and its signature line carries the time, 8 bytes big-endian, before the 64 bytes of the signature. A witness's
key is written like any verifier key, with the type byte 0x04.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from workbench.ledger import NoteError
from workbench.ledger.note import Note, check_name, decode_base64, parse_note

_TYPE: Final = b"\x04"


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """The public key of a witness, with its name."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> WitnessKey:
        """Read `<name>+<key id in hex>+<base64>`.

        Raises:
            NoteError: It is malformed, of another type, or its id is not its own.
        """
        parts = text.strip().split("+", 2)
        if len(parts) != 3:
            raise NoteError(f"Not a witness's verifier key: {text[:80]!r}.")
        check_name(parts[0])
        data = decode_base64(parts[2])
        if data[:1] != _TYPE or len(data) != 33:
            raise NoteError(f"The verifier key {parts[0]!r} is not one of an Ed25519 witness (type 4).")
        key = cls(parts[0], data[1:])
        if key.id.hex() != parts[1]:
            raise NoteError(f"The id of the verifier key {parts[0]!r} does not belong to its bytes.")
        return key

    @property
    def id(self) -> bytes:
        """The four bytes that stand before each of its signatures."""
        return hashlib.sha256(self.name.encode() + b"\n" + _TYPE + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_TYPE + self.public).decode()}"


@dataclass(frozen=True, slots=True)
class Cosignature:
    """What a known witness put under a checkpoint."""

    key: WitnessKey
    time: str
    """When, as the witness's clock said: UTC, to the second."""


def cosignatures(note: bytes, keys: tuple[WitnessKey, ...]) -> list[Cosignature]:
    """Return the cosignatures of known witnesses under a note; others are not looked at.

    Raises:
        NoteError: It is malformed, or a line that claims to be from one of `keys` is not.
    """
    parsed = parse_note(note)
    return [
        Cosignature(key, _time_of(parsed, line.signature, key))
        for line in parsed.signatures
        for key in keys
        if (key.name, key.id) == (line.name, line.key_id)
    ]


def _time_of(note: Note, signature: bytes, key: WitnessKey) -> str:
    seconds = int.from_bytes(signature[:8], "big")
    text = f"cosignature/v1\ntime {seconds}\n{note.text}".encode()
    try:
        if not seconds:
            raise ValueError("no time")
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature[8:], text)
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (InvalidSignature, ValueError, OverflowError, OSError) as error:
        raise NoteError(f"The cosignature of {key.name} does not belong to this checkpoint.") from error
