"""Keeps the signing key of the present epoch in a file, and destroys the one before it.

A key is replaced in this order, under the ledger's lock; a crash after any step leaves a ledger that opens:

1. `prepare`: the new key is written to `ledger.key.next` and made durable.
2. The caller commits the rotation: entry and checkpoint in one transaction (see `epochs`).
3. `settle`: `ledger.key` is overwritten with zeros and made durable;
4. then `ledger.key.next` is renamed to `ledger.key`.

Which key is in force is learned from the entries, never from the files. Before step 2 that is the key in
`ledger.key`, and a left-over `ledger.key.next` is destroyed; after it, the key in `ledger.key.next`, and the
steps that are missing are done.

Overwriting destroys a key in the file. Snapshots and flash memory may keep older blocks: encrypt the disk.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from workbench.core.errors import LedgerBroken
from workbench.ledger.disk import sync_directory, tighten, write_atomically
from workbench.ledger.errors import NoteError
from workbench.ledger.note import MAX_NOTE, SignerKey, VerifierKey

KEY_NAME: Final = "ledger.key"
NEXT_NAME: Final = "ledger.key.next"


class KeyFile:
    """Where the signing key of one ledger stands. Used under the ledger's lock."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / KEY_NAME
        self._next = directory / NEXT_NAME

    def create(self, key: SignerKey) -> None:
        """Write the first key of a new ledger.

        Raises:
            OSError: If it cannot be written.
        """
        write_atomically(self._path, _text(key))

    def load(self, in_force: VerifierKey) -> SignerKey:
        """Return the key in force, finishing or undoing a rotation that a crash cut short.

        Raises:
            LedgerBroken: If the key is missing, damaged, or another ledger's.
            OSError: If a file cannot be read or written.
        """
        key = _read(self._path)
        if key is not None and key.verifier == in_force:
            if self._next.exists():
                _overwrite(self._next)
                self._next.unlink()
            return key
        prepared = _read(self._next)
        if prepared is not None and prepared.verifier == in_force:
            self.settle()
            return prepared
        if not self._path.exists():
            raise LedgerBroken(f"The signing key {self._path} is gone.", "Restore it from a backup.")
        if key is None:
            raise LedgerBroken(f"The signing key {self._path} is damaged.", "Restore it from a backup.")
        raise LedgerBroken("The signing key beside it is another ledger's, or of an earlier or later epoch.")

    def prepare(self, name: str, *, second: bool = False) -> SignerKey:
        """Make the key of the next epoch, durable and not yet in force; with a second one where wanted.

        Raises:
            OSError: If it cannot be written.
        """
        key = SignerKey.generate(name, second=second)
        write_atomically(self._next, _text(key))
        return key

    def settle(self) -> None:
        """Destroy the key of the epoch that ended and put the prepared one in its place.

        Raises:
            OSError: If a file cannot be written.
        """
        if self._path.exists():
            _overwrite(self._path)
        self._next.rename(self._path)
        sync_directory(self._path.parent)


def _text(key: SignerKey) -> bytes:
    return key.export().encode() + b"\n"


def _read(path: Path) -> SignerKey | None:
    """Return the key in a file, or None where there is none that can be read."""
    try:
        tighten(path)
        return SignerKey.parse(path.read_bytes()[:MAX_NOTE].decode("utf-8").strip())
    except (FileNotFoundError, NoteError, UnicodeDecodeError):
        return None


def _overwrite(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.write(descriptor, bytes(os.fstat(descriptor).st_size))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
