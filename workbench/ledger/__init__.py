"""The ledger: a tamper-evident record of everything that was read, inferred, decided, written and run.

One RFC 6962 Merkle log in one SQLite file. `Ledger` appends, `LedgerReader` reads, `verify` checks. The
format is laid down in `store` (the file), `envelope` (an entry's bytes), `tree` (the proofs), `note` and
`checkpoint` (the signatures) and `sealed` (what can be erased).
"""

from importlib import import_module
from typing import TYPE_CHECKING

from workbench.ledger.anchors import Anchor, file_anchor, head_anchors, trailer_anchors
from workbench.ledger.checkpoint import Checkpoint
from workbench.ledger.errors import ErasedError, EventRefused, NoteError, ProofError, SealError
from workbench.ledger.reader import LedgerReader
from workbench.ledger.report import Report
from workbench.ledger.store import Entry
from workbench.ledger.verify import verify

if TYPE_CHECKING:
    from workbench.ledger.writer import Ledger

__all__ = [
    "Anchor",
    "Checkpoint",
    "Entry",
    "ErasedError",
    "EventRefused",
    "Ledger",
    "LedgerReader",
    "NoteError",
    "ProofError",
    "Report",
    "SealError",
    "file_anchor",
    "head_anchors",
    "trailer_anchors",
    "verify",
]


def __getattr__(name: str) -> object:
    """Load what writes when it is first asked for: reading and verifying need none of it."""
    if name == "Ledger":
        return import_module("workbench.ledger.writer").Ledger
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
