"""Exports a ledger as tiles and entry bundles (c2sp.org/tlog-tiles).

    checkpoint              the newest signed checkpoint; written last, so that a cut export has none
    checkpoint.<size>       the first one, and those with which signing keys followed each other
    tile/<level>/<index>    256 hashes, or `.p/<width>` of them at the right edge
    tile/entries/<index>    256 entries, each with its length in 16 bits before it

Sealed values are not exported: a bundle holds only what the tree was built over. Full tiles never change, so
exporting into the same directory again adds what is new.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from workbench.core.errors import UsageError
from workbench.evidence.proofs import ROTATED
from workbench.ledger import Checkpoint, LedgerReader
from workbench.ledger.tree import leaf_hash, root

WIDTH = 256
"""Hashes in a full tile, entries in a full bundle."""


def export_tiles(reader: LedgerReader, directory: Path) -> Checkpoint:
    """Write the ledger, up to its newest checkpoint, into `directory`; returns that checkpoint.

    Raises:
        UsageError: The directory holds another ledger, or cannot be written to.
        LedgerBroken: The ledger does not hold what it should.
    """
    checkpoint = reader.checkpoint()
    if checkpoint is None:
        raise UsageError("There is no signed checkpoint yet.", "Run: workbench audit anchor")
    try:
        _refuse_another(directory, checkpoint)
        _write_all(reader, directory, checkpoint)
    except OSError as error:
        raise UsageError(
            f"The tiles cannot be written to {directory}: {error.strerror}.", "Name another directory."
        ) from error
    return checkpoint


def _refuse_another(directory: Path, checkpoint: Checkpoint) -> None:
    try:
        there = (directory / "checkpoint").read_text("utf-8", "replace").partition("\n")[0]
    except FileNotFoundError:
        return
    if there != checkpoint.origin:
        raise UsageError(f"{directory} holds the export of another ledger.", "Name an empty directory.")


def _write_all(reader: LedgerReader, directory: Path, checkpoint: Checkpoint) -> None:
    levels: dict[int, list[bytes]] = {}
    for index, bundle in enumerate(_bundles(reader, checkpoint.size)):
        data = b"".join(struct.pack(">H", len(raw)) + raw for raw in bundle)
        _write(directory / "tile" / "entries", index, len(bundle), data)
        _grow(levels, directory, 0, index, [leaf_hash(raw) for raw in bundle])
    for level, hashes in levels.items():
        if hashes:
            index = checkpoint.size >> (8 * (level + 1))
            _write(directory / "tile" / str(level), index, len(hashes), b"".join(hashes))
    for size in (0, *(entry.index + 1 for entry in reader.find(type=ROTATED, stop=checkpoint.size))):
        _write_file(directory / f"checkpoint.{size}", reader.checkpoint_of(size).note.encode())
    _write_file(directory / "checkpoint", checkpoint.note.encode())


def _grow(
    levels: dict[int, list[bytes]], directory: Path, level: int, index: int, hashes: list[bytes]
) -> None:
    """Take the hashes of a tile of this level; a full one is written and counts one level up."""
    if level == 0:
        _write(directory / "tile" / "0", index, len(hashes), b"".join(hashes))
        full = len(hashes) == WIDTH
    else:
        row = levels.setdefault(level, [])
        row += hashes
        full = len(row) == WIDTH
        if full:
            _write(directory / "tile" / str(level), index, WIDTH, b"".join(row))
            hashes = row.copy()
            row.clear()
    if full:
        _grow(levels, directory, level + 1, index // WIDTH, [root(hashes)])


def _bundles(reader: LedgerReader, size: int) -> Iterator[list[bytes]]:
    bundle: list[bytes] = []
    for entry in reader.entries(0, size):
        bundle.append(entry.raw)
        if len(bundle) == WIDTH:
            yield bundle
            bundle = []
    if bundle:
        yield bundle


def _write(folder: Path, index: int, width: int, data: bytes) -> None:
    path = folder / tile_path(index)
    if width < WIDTH:
        path = path.with_name(path.name + ".p") / str(width)
    elif path.exists() and path.stat().st_size == len(data):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_file(path, data)


def _write_file(path: Path, data: bytes) -> None:
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def tile_path(index: int) -> str:
    """Return a tile's index in groups of three digits: 1234067 is `x001/x234/067`."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03d}")
    return "/".join(reversed(groups))
