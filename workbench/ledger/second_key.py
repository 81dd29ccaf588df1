"""Signs checkpoints a second time with ML-DSA-44, against a day when Ed25519 can be forged.

The line is that of C2SP `tlog-cosignature`: signature type 0x06, a time, and a signature (FIPS 204, empty
context) over a structure that names the signer, the ledger, the size and the root. The rules:

1. A second key belongs to one epoch, bears the ledger's name, and is named where the epoch's first key is.
2. A line of it that does not verify condemns the note. A missing one is no finding: a machine whose library
   has no ML-DSA must be able to go on with the ledger.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
import time
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from workbench.ledger.errors import NoteError

try:
    from cryptography.hazmat.primitives.asymmetric import mldsa
except ImportError:  # a library older than ML-DSA
    mldsa = None  # type: ignore[assignment]

_TYPE: Final = b"\x06"
_PRIVATE: Final = "PRIVATE+KEY+"
_PUBLIC_SIZE: Final = 1_312
_TIME: Final = struct.Struct(">Q")
_RANGE: Final = struct.Struct(">QQ")


@dataclass(frozen=True, slots=True)
class SecondVerifier:
    """A public ML-DSA-44 key with the name it signs under."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if len(self.public) != _PUBLIC_SIZE:
            raise NoteError(f"An ML-DSA-44 public key has {_PUBLIC_SIZE} bytes, not {len(self.public)}.")

    @classmethod
    def parse(cls, text: str) -> SecondVerifier:
        """Read `<name>+<key id in hex>+<base64>`.

        Raises:
            NoteError: If it is malformed, of another signature type, or its id is not its own.
        """
        parts = text.split("+", 2)
        data = _decoded(parts[2]) if len(parts) == 3 else b""
        if data[:1] != _TYPE:
            raise NoteError(f"Not an ML-DSA-44 verifier key: {text[:80]!r}.")
        key = cls(parts[0], data[1:])
        if str(key) != text:
            raise NoteError(f"The id of the verifier key {parts[0]!r} does not belong to its bytes.")
        return key

    @property
    def id(self) -> bytes:
        """The four bytes that stand before each signature of this key."""
        return hashlib.sha256(self.name.encode() + b"\n" + _TYPE + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_TYPE + self.public).decode()}"

    def accepts(self, origin: str, size: int, root: bytes, signature: bytes) -> bool:
        """Say whether this key may have made a line's signature; True also where the library cannot tell."""
        if mldsa is None:
            return True
        try:
            key = mldsa.MLDSA44PublicKey.from_public_bytes(self.public)
            signed = _message(self.name, signature[: _TIME.size], origin, size, root)
            key.verify(signature[_TIME.size :], signed)
        except UnsupportedAlgorithm:
            return True
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SecondSigner:
    """A private ML-DSA-44 key with the name it signs under; never shown in a `repr`."""

    name: str
    _seed: bytes = field(repr=False)

    @classmethod
    def generate(cls, name: str) -> SecondSigner | None:
        """Make a new key, or return None where the library has no ML-DSA-44."""
        if mldsa is None:
            return None
        try:
            return cls(name, mldsa.MLDSA44PrivateKey.generate().private_bytes_raw())
        except UnsupportedAlgorithm:
            return None

    @classmethod
    def parse(cls, text: str) -> SecondSigner | None:
        """Read `PRIVATE+KEY+<name>+<key id in hex>+<base64>`, or return None where it cannot be used here.

        Raises:
            NoteError: If it is malformed; the message never quotes the key.
        """
        parts = text.split("+", 4)
        data = _decoded(parts[4]) if len(parts) == 5 and text.startswith(_PRIVATE) else b""
        if data[:1] != _TYPE or len(data) != 33:
            raise NoteError("The second signing key is not an ML-DSA-44 key.")
        if mldsa is None:
            return None
        key = cls(parts[2], data[1:])
        try:
            known = key.verifier.id.hex() == parts[3]
        except UnsupportedAlgorithm:
            return None
        if not known:
            raise NoteError("The id of the second signing key does not belong to its bytes.")
        return key

    def export(self) -> str:
        """Return the key as the text that `parse` reads."""
        data = base64.b64encode(_TYPE + self._seed).decode()
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{data}"

    @property
    def verifier(self) -> SecondVerifier:
        """The public half."""
        private = mldsa.MLDSA44PrivateKey.from_seed_bytes(self._seed)
        return SecondVerifier(self.name, private.public_key().public_bytes_raw())

    def line(self, origin: str, size: int, root: bytes) -> str:
        """Return this key's signature line for a checkpoint."""
        now = _TIME.pack(int(time.time()))
        private = mldsa.MLDSA44PrivateKey.from_seed_bytes(self._seed)
        signature = private.sign(_message(self.name, now, origin, size, root))
        return f"— {self.name} {base64.b64encode(self.verifier.id + now + signature).decode()}\n"


def _message(name: str, now: bytes, origin: str, size: int, root: bytes) -> bytes:
    signer, log = name.encode(), origin.encode()
    if len(signer) > 255 or len(log) > 255:
        raise ValueError("a name of more than 255 bytes")
    counted = bytes([len(signer)]) + signer + now + bytes([len(log)]) + log
    return b"subtree/v1\n\x00" + counted + _RANGE.pack(0, size) + root


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise NoteError("The second key is not base64.") from error
