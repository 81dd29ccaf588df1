"""Names the ledger's own errors, each under one of the two that the rest of the program knows."""

from __future__ import annotations

from workbench.core.errors import LedgerBroken, LedgerUnavailable


class EventRefused(LedgerUnavailable):
    """This event is not one the ledger can hold; nothing was written and the ledger stays open."""


class NoteError(LedgerBroken):
    """A signed note, checkpoint or key is malformed, or no known key signed it."""


class ProofError(LedgerBroken):
    """A Merkle proof does not prove what it claims."""


class SealError(LedgerBroken):
    """A sealed value does not match its commitment, or its ciphertext was changed."""


class ErasedError(SealError):
    """The key of a sealed value was destroyed, so the value can never be read again."""
