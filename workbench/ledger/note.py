"""Reads, signs and checks signed notes (c2sp.org/signed-note) with Ed25519.

A note is text ending in a newline, an empty line, and signature lines of the form

    — <key name> base64(4-byte key id || signature)

The rules:

1. The text counts for nothing until a known key has signed it.
2. A signature is matched by key name and key id together; unknown ones are ignored, because a witness
   may have added its own; a known one that fails condemns the whole note.
3. A key id is the first four bytes of `SHA-256(name || 0x0A || 0x01 || public key)`.
4. Whatever is malformed raises `NoteError`, never anything else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from workbench.ledger.errors import NoteError
from workbench.ledger.second_key import SecondSigner

_ED25519: Final = b"\x01"
_PRIVATE: Final = "PRIVATE+KEY+"

MAX_NOTE: Final = 64 * 1024
"""Bytes in a note; bounds the work a hostile anchor file can cause (16 post-quantum lines would fit)."""
MAX_SIGNATURES: Final = 64
"""Signature lines in a note; the specification asks for at least 16."""


def decode_base64(text: str) -> bytes:
    """Return the bytes behind standard base64, written in the one way there is to write them.

    Raises:
        NoteError: If it is not base64, or could also be written otherwise.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise NoteError(f"Not base64: {text[:80]!r}.") from error
    if base64.b64encode(data).decode("ascii") != text:
        raise NoteError(f"Base64 with stray bits or padding: {text[:80]!r}.")
    return data


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name it signs under."""

    name: str
    public: bytes
    """The 32 bytes of RFC 8032."""

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public) != 32:
            raise NoteError(f"An Ed25519 public key has 32 bytes, not {len(self.public)}.")

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read `<name>+<key id in hex>+<base64>`.

        Raises:
            NoteError: If it is malformed, of another signature type, or its id is not its own.
        """
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise NoteError(f"A verifier key has three parts joined by plus signs: {text[:80]!r}.")
        data = decode_base64(parts[2])
        if data[:1] != _ED25519:
            raise NoteError(f"The verifier key {parts[0]!r} is not an Ed25519 key.")
        key = cls(parts[0], data[1:])
        if key.id.hex() != parts[1]:
            raise NoteError(f"The id of the verifier key {parts[0]!r} does not belong to its bytes.")
        return key

    @property
    def id(self) -> bytes:
        """The four bytes that stand before each signature of this key."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    def accepts(self, text: str, signature: bytes) -> bool:
        """Say whether this key made `signature` over the note text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A private key with the name it signs under; never shown in a `repr`."""

    name: str
    _seed: bytes = field(repr=False)
    second: SecondSigner | None = field(default=None, repr=False)
    """The key of the same epoch that signs a second line; None where the library has none."""

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self._seed) != 32:
            raise NoteError("An Ed25519 private key has 32 bytes.")

    @classmethod
    def generate(cls, name: str, *, second: bool = False) -> SignerKey:
        """Make a new key, with a second one where that is wanted and the library can."""
        other = SecondSigner.generate(name) if second else None
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw(), other)

    @classmethod
    def parse(cls, text: str) -> SignerKey:
        """Read `PRIVATE+KEY+<name>+<key id in hex>+<base64>`, and a second such line where there is one.

        Raises:
            NoteError: If it is malformed; the message never quotes the key.
        """
        text, _, rest = text.partition("\n")
        second = SecondSigner.parse(rest.strip()) if rest.strip() else None
        parts = text.split("+", 4)
        if len(parts) != 5 or not text.startswith(_PRIVATE):
            raise NoteError("The file does not hold a signing key.")
        try:
            data = decode_base64(parts[4])
        except NoteError:
            raise NoteError("The signing key is not base64.") from None
        if data[:1] != _ED25519:
            raise NoteError("The signing key is not an Ed25519 key.")
        key = cls(parts[2], data[1:], second)
        if key.verifier.id.hex() != parts[3]:
            raise NoteError("The id of the signing key does not belong to its bytes.")
        return key

    def export(self) -> str:
        """Return the key as the text that `parse` reads."""
        data = base64.b64encode(_ED25519 + self._seed).decode()
        second = f"\n{self.second.export()}" if self.second is not None else ""
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{data}{second}"

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        private = Ed25519PrivateKey.from_private_bytes(self._seed)
        return VerifierKey(self.name, private.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """Return the note that holds `text` and this key's signature.

        Raises:
            NoteError: If `text` cannot be the text of a note.
        """
        _check_text(text)
        return f"{text}\n{self.line(text)}"

    def line(self, text: str) -> str:
        """Return this key's signature line for a note that holds `text`."""
        signature = Ed25519PrivateKey.from_private_bytes(self._seed).sign(text.encode())
        return f"— {self.name} {base64.b64encode(self.verifier.id + signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line; proves nothing until its key has been asked."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note taken apart and not yet believed."""

    text: str
    """Ends in a newline."""
    signatures: tuple[Signature, ...]

    def signed_by(self, keys: Sequence[VerifierKey]) -> tuple[VerifierKey, ...]:
        """Return those of `keys` that signed this note.

        Raises:
            NoteError: If none did, or if a line that claims to be from one of them is not.
        """
        found: dict[VerifierKey, None] = {}
        for line in self.signatures:
            for key in keys:
                if (key.name, key.id) == (line.name, line.key_id):
                    if not key.accepts(self.text, line.signature):
                        raise NoteError(f"The signature of {key.name} does not belong to this text.")
                    found[key] = None
        if not found:
            raise NoteError("No known key signed this note.")
        return tuple(found)


def parse_note(data: bytes) -> Note:
    """Take a note apart.

    Raises:
        NoteError: If it is not a signed note, or larger than `MAX_NOTE` bytes.
    """
    if len(data) > MAX_NOTE:
        raise NoteError(f"A note of {len(data)} bytes is larger than the {MAX_NOTE} that are read.")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteError("The note is not UTF-8.") from error
    text, gap, tail = whole.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise NoteError("The note has no signature lines.")
    text += "\n"
    _check_text(text)
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"The note has {len(lines)} signature lines; {MAX_SIGNATURES} are read.")
    return Note(text, tuple(_parse_line(line) for line in lines))


def check_name(name: str) -> None:
    """Check that `name` can name a key or a log: not empty, no spaces, plus signs or controls.

    Raises:
        NoteError: If it cannot.
    """
    if not name or "+" in name or any(char.isspace() or ord(char) < 0x20 for char in name):
        raise NoteError(f"A key cannot be named {name[:80]!r}.")
    _check_utf8(name)


def _parse_line(line: str) -> Signature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—":
        raise NoteError(f"Not a signature line: {line[:80]!r}.")
    check_name(parts[1])
    data = decode_base64(parts[2])
    if len(data) < 5:
        raise NoteError("A signature line holds no signature.")
    return Signature(parts[1], data[:4], data[4:])


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteError("The text of a note ends in a newline.")
    if any(ord(char) < 0x20 and char != "\n" for char in text):
        raise NoteError("The text of a note holds a control character.")
    _check_utf8(text)


def _check_utf8(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NoteError("The text of a note is not UTF-8.") from error
