"""Seals values that may be sensitive, so that they can be erased without touching the ledger.

The rules:

1. A body holds only `SHA-256(salt || value)`, with 16 random bytes of salt: a bare digest of a short
   number could be found by trying them all.
2. Salt and value are stored encrypted (AES-256-GCM), each under a random key of its own, beside the entry.
3. The key is stored in another file, `keys.db`, which no archive and no export ever takes along. To erase
   a value everywhere is to destroy its key.
4. Opening a value checks it against the commitment in the body.

Destroying a key overwrites it in the file. A file system or flash memory may keep older blocks: encrypt
the disk as well.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from workbench.core.ids import uuid7
from workbench.core.records import Json
from workbench.ledger.database import connect_reader, connect_writer
from workbench.ledger.disk import create_private_file
from workbench.ledger.errors import ErasedError, EventRefused, SealError

KEYS_NAME: Final = "keys.db"
MAX_VALUE: Final = 8 * 1024 * 1024
"""Bytes in one sealed value; bounds the memory that opening it takes."""

_SALT: Final = 16
_NONCE: Final = 12
_TABLE: Final = "CREATE TABLE IF NOT EXISTS data_key(ref TEXT PRIMARY KEY, key BLOB NOT NULL) STRICT"


@dataclass(frozen=True, slots=True)
class SealedValue:
    """One value, sealed and not yet stored."""

    name: str
    ref: str
    commitment: str
    """`base64(SHA-256(salt || value))`."""
    nonce: bytes
    ciphertext: bytes
    key: bytes = field(repr=False)

    @classmethod
    def make(cls, name: str, value: bytes, ledger: str) -> SealedValue:
        """Seal `value` for an entry of the ledger with this origin.

        Raises:
            EventRefused: If it is larger than `MAX_VALUE`.
        """
        if len(value) > MAX_VALUE:
            raise EventRefused(
                f"The value {name!r} has {len(value)} bytes; at most {MAX_VALUE} can be sealed."
            )
        ref, key, nonce = uuid7(), os.urandom(32), os.urandom(_NONCE)
        plain = os.urandom(_SALT) + bytes(value)
        ciphertext = AESGCM(key).encrypt(nonce, plain, _bound_to(ledger, ref, name))
        return cls(name, ref, _commit(plain), nonce, ciphertext, key)


def open_value(
    seal: Mapping[str, Json], name: str, ledger: str, stored: tuple[bytes, bytes] | None, key: bytes | None
) -> bytes:
    """Return the value behind a commitment.

    Args:
        seal: The `{c, ref}` of the body.
        name: The field it stands under.
        ledger: The origin of the ledger.
        stored: Nonce and ciphertext, or None where the row is gone.
        key: The data key, or None where it is gone.

    Raises:
        ErasedError: If the key was destroyed.
        SealError: If the ciphertext is gone or changed, or is not what the body committed to.
    """
    if key is None:
        raise ErasedError(f"The sealed value {name!r} was erased: its key no longer exists.")
    if stored is None:
        raise SealError(f"The ciphertext of the sealed value {name!r} is gone.")
    nonce, ciphertext = stored
    try:
        plain = AESGCM(key).decrypt(nonce, ciphertext, _bound_to(ledger, str(seal.get("ref")), name))
    except (InvalidTag, ValueError, TypeError, OverflowError) as error:
        raise SealError(f"The ciphertext of the sealed value {name!r} was changed.") from error
    if len(plain) < _SALT or not hmac.compare_digest(_commit(plain), str(seal.get("c"))):
        raise SealError(f"The sealed value {name!r} is not the one its entry committed to.")
    return plain[_SALT:]


class DataKeys:
    """The keys of sealed values, in a file of their own.

    Used by one thread at a time. Whoever writes holds the ledger's lock.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, directory: Path, *, timeout: float) -> DataKeys:
        """Open the keys for writing, making the file when there is none.

        Raises:
            sqlite3.Error: If the file cannot be opened or is not ours.
            OSError: If it cannot be made.
        """
        path = directory / KEYS_NAME
        create_private_file(path)
        connection = connect_writer(path, timeout)
        # A destroyed key is overwritten with zeros, not only unlinked.
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute(_TABLE)
        return cls(connection)

    @classmethod
    def read(cls, directory: Path) -> DataKeys | None:
        """Open the keys for reading, or return None where there are none.

        Raises:
            sqlite3.Error: If the file cannot be read.
        """
        path = directory / KEYS_NAME
        if not path.exists():
            return None
        return cls(connect_reader(path))

    def add(self, values: Iterable[SealedValue]) -> None:
        """Store the keys of `values` durably, before any entry names them."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO data_key VALUES (?, ?)", ((v.ref, v.key) for v in values))
        self._connection.execute("COMMIT")

    def get(self, ref: str) -> bytes | None:
        """Return a key, or None where it was destroyed."""
        row = self._connection.execute("SELECT key FROM data_key WHERE ref = ?", (ref,)).fetchone()
        return row[0] if row else None

    def erase(self, ref: str) -> None:
        """Destroy a key, also in the write-ahead log."""
        self._connection.execute("DELETE FROM data_key WHERE ref = ?", (ref,))
        with closing(self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")) as cursor:
            cursor.fetchone()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _commit(plain: bytes) -> str:
    return base64.b64encode(hashlib.sha256(plain).digest()).decode()


def _bound_to(ledger: str, ref: str, name: str) -> bytes:
    # Ties a ciphertext to its place, so that one row cannot stand in for another.
    return f"{ledger}\n{ref}\n{name}".encode()
