"""Builds RFC 6962 Merkle trees and the proofs about them.

The rules (RFC 9162, section 2.1, which keeps the hashes of RFC 6962):

1. The hash of a leaf is `SHA-256(0x00 || entry)`, of a node `SHA-256(0x01 || left || right)`, of an
   empty tree `SHA-256("")`. The first byte keeps a node from passing as a leaf.
2. The left half of a tree of `n` leaves holds the largest power of two smaller than `n`.
3. An inclusion proof shows that a leaf stands at an index under a root; a consistency proof shows that
   a tree only grew. Both are checked from hashes alone.

Everything here is pure. Where a function takes a `Subtree`, it asks for the hash of the leaves
`[start, stop)`, so that a store can answer from hashes it keeps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from workbench.ledger.errors import ProofError

HASH_SIZE: Final = 32
"""Bytes in every hash."""

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""

Subtree: TypeAlias = Callable[[int, int], bytes]
"""Returns the hash of the tree over the leaves `[start, stop)`; `stop` is larger than `start`."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the leaf hash of an entry's bytes."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two hashes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: one hash for each perfect subtree, largest first.

    Appending costs one node hash on average, the root at most one for each bit of the size.
    """

    __slots__ = ("_hashes", "size")

    def __init__(self) -> None:
        self.size = 0
        """Leaves so far."""
        self._hashes: list[bytes] = []

    @classmethod
    def load(cls, size: int, subtree: Subtree) -> Frontier:
        """Return the frontier of the first `size` leaves, taking its hashes from `subtree`."""
        frontier = cls()
        start = 0
        for bit in reversed(range(size.bit_length())):
            if size >> bit & 1:
                frontier._hashes.append(subtree(start, start + (1 << bit)))
                start += 1 << bit
        frontier.size = size
        return frontier

    def copy(self) -> Frontier:
        """Return a frontier that grows on its own from here."""
        other = Frontier()
        other.size, other._hashes = self.size, self._hashes.copy()
        return other

    def append(self, leaf: bytes) -> list[tuple[int, bytes]]:
        """Add one leaf hash.

        Returns:
            `(height, hash)` of each perfect subtree that this leaf completed, lowest first; height 0
            is the leaf itself.
        """
        completed = [(0, leaf)]
        size = self.size
        while size & 1:
            leaf = node_hash(self._hashes.pop(), leaf)
            completed.append((len(completed), leaf))
            size >>= 1
        self._hashes.append(leaf)
        self.size += 1
        return completed

    def graft(self, hashes: Sequence[bytes], count: int) -> list[tuple[int, bytes]]:
        """Add `count` leaves by the hashes of their perfect subtrees, largest first.

        The leaves so far must be a multiple of the smallest power of two that is not below `count`.

        Returns:
            `(height, hash)` of the perfect subtrees that were completed from the height of `count` on, where
            `count` is a power of two; else nothing.
        """
        size = self.size
        self.size += count
        if not count or count & (count - 1):
            self._hashes += hashes
            return []
        height = count.bit_length() - 1
        completed = [(height, hashes[0])]
        while size >> height & 1:
            height += 1
            completed.append((height, node_hash(self._hashes.pop(), completed[-1][1])))
        self._hashes.append(completed[-1][1])
        return completed

    def hashes(self) -> list[bytes]:
        """Return the hash of each perfect subtree, largest first."""
        return self._hashes.copy()

    def root(self) -> bytes:
        """Return the root of the tree over all leaves so far."""
        return fold(self._hashes)


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over neighbouring perfect subtrees, largest first."""
    if not hashes:
        return EMPTY_ROOT
    result = hashes[-1]
    for left in reversed(hashes[:-1]):
        result = node_hash(left, result)
    return result


def parents(hashes: Sequence[bytes]) -> list[bytes]:
    """Return the nodes above an even number of neighbouring hashes."""
    sha256 = hashlib.sha256
    pairs = zip(hashes[::2], hashes[1::2], strict=True)
    return [sha256(b"\x01" + left + right).digest() for left, right in pairs]


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the root of the tree over these leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def subtrees_of(leaves: Sequence[bytes]) -> Subtree:
    """Return a `Subtree` that answers from leaf hashes held in memory."""
    return lambda start, stop: root(leaves[start:stop])


def split(width: int) -> int:
    """Return how many of `width` leaves (two or more) stand in the left half."""
    return 1 << (width - 1).bit_length() - 1


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Return the hashes that lead from leaf `index` to the root of the first `size` leaves (2.1.3.1).

    Raises:
        ProofError: If there is no such leaf.
    """
    if not 0 <= index < size:
        raise ProofError(f"There is no entry {index} in a tree of {size}.")
    proof: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + split(stop - start)
        if index < middle:
            proof.append(subtree(middle, stop))
            stop = middle
        else:
            proof.append(subtree(start, middle))
            start = middle
    proof.reverse()
    return proof


def consistency_proof(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """Return the hashes that show that the tree of `new` leaves extends the tree of `old` (2.1.4.1).

    Raises:
        ProofError: If `old` is zero (everything extends an empty tree) or larger than `new`.
    """
    _check_sizes(old, new)
    proof: list[bytes] = []
    start, stop = 0, new
    while stop != old:
        middle = start + split(stop - start)
        if old <= middle:
            proof.append(subtree(middle, stop))
            stop = middle
        else:
            proof.append(subtree(start, middle))
            start = middle
    if start:
        proof.append(subtree(start, stop))
    proof.reverse()
    return proof


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], expected: bytes) -> None:
    """Check that a leaf hash stands at `index` in the tree of `size` leaves with root `expected` (2.1.3.2).

    Raises:
        ProofError: If it does not, or the proof is malformed.
    """
    if not 0 <= index < size:
        raise ProofError(f"There is no entry {index} in a tree of {size}.")
    _check_hashes(leaf, expected, *proof)
    position, last, result = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise ProofError("The inclusion proof is too long.")
        if position & 1 or position == last:
            result = node_hash(step, result)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            result = node_hash(result, step)
        position, last = position >> 1, last >> 1
    if last:
        raise ProofError("The inclusion proof is too short.")
    if result != expected:
        raise ProofError(f"The proof does not lead from entry {index} to the root at size {size}.")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of `new` leaves extends the tree of `old` leaves (2.1.4.2).

    Raises:
        ProofError: If it does not, or the proof is malformed.
    """
    _check_sizes(old, new)
    _check_hashes(*proof)
    if old == new:
        if proof or old_root != new_root:
            raise ProofError(f"Two roots of the same size {old} differ, or come with a proof.")
        return
    if not proof:
        raise ProofError("The consistency proof is empty.")
    # A tree whose size is a power of two is itself a node of the larger one, so the proof leaves it out.
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    older = newer = path[0]
    for step in path[1:]:
        if last == 0:
            raise ProofError("The consistency proof is too long.")
        if position & 1 or position == last:
            older, newer = node_hash(step, older), node_hash(step, newer)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            newer = node_hash(newer, step)
        position, last = position >> 1, last >> 1
    if last or older != old_root or newer != new_root:
        raise ProofError(f"The tree of size {new} does not extend the tree of size {old}.")


def _check_sizes(old: int, new: int) -> None:
    if not 0 < old <= new:
        raise ProofError(f"A tree of size {new} cannot be shown to extend one of size {old}.")


def _check_hashes(*hashes: bytes) -> None:
    if any(len(item) != HASH_SIZE for item in hashes):
        raise ProofError(f"A hash in the proof is not {HASH_SIZE} bytes long.")
