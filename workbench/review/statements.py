"""Writes what a person signs when they approve: an in-toto Statement about exactly the bytes to be written.

    _type          https://in-toto.io/Statement/v1
    subject        each file: its path, the digest it is to have, and in annotations the one it has
    predicateType  https://workbench.invalid/approval/v1
    predicate      decision, meaning, printed_name, role, time; what was shown, by its digest; which hunks;
                   what hidden was acknowledged; the policy; a commitment to the reason; and the checkpoint of
                   the ledger that the signer saw, by which every signer vouches for all that was before

The bytes are RFC 8785 (JCS): the same facts make the same bytes, so a stored statement is checked by making
it again. The reason itself is in no statement: a statement leaves the machine, and a reason can be erased.

Sources: in-toto attestation framework, Statement v1 and ResourceDescriptor v1; 21 CFR 11.50 (printed name,
time, meaning).
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

import rfc8785

from workbench.core.errors import Refused
from workbench.core.records import FileChange, Json
from workbench.core.safe_text import one_line

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://workbench.invalid/approval/v1"
# limit: a ledger row holds the statement, and at most 64 KiB in all.
MAX_STATEMENT = 24 << 10


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a statement says."""

    proposal_id: str
    changes: tuple[FileChange, ...]
    """What is put on disk: the proposal's changes, or what the approved hunks make of them."""
    shown_sha256: str
    hunks: tuple[int, ...]
    split: tuple[int, ...]
    acknowledged: int
    printed_name: str
    role: str
    time: str
    reason: str
    salt: bytes
    """Random bytes, so that a short reason cannot be found by trying."""
    policy_version: str
    policy_sha256: str
    ledger: tuple[str, int, str]
    """Origin, size and root (base64) of the checkpoint that the signer saw."""


def statement(facts: Facts) -> bytes:
    """Return the bytes to sign.

    Raises:
        Refused: They are too many for one row of the ledger.
    """
    origin, size, root = facts.ledger
    predicate: dict[str, Json] = {
        "decision": "approve",
        "meaning": "approval",
        "printed_name": one_line(facts.printed_name),
        "role": one_line(facts.role),
        "time": facts.time,
        "proposal": facts.proposal_id,
        "rendered_diff_sha256": facts.shown_sha256,
        "hunks": list(facts.hunks),
        "split": list(facts.split),
        "acknowledged": facts.acknowledged,
        "justification": {"c": commitment(facts.salt, facts.reason)},
        "policy": {"version": facts.policy_version, "sha256": facts.policy_sha256},
        "ledger": {"origin": origin, "size": size, "root": root},
    }
    made = rfc8785.dumps(
        {
            "_type": STATEMENT_TYPE,
            "subject": _subjects(facts.changes),
            "predicateType": PREDICATE_TYPE,
            "predicate": predicate,
        }
    )
    if len(made) > MAX_STATEMENT:
        raise Refused(
            "The item changes too many files for one signed approval.", "Have it proposed in smaller parts."
        )
    return made


def commitment(salt: bytes, reason: str) -> str:
    """Return what a statement holds in place of the reason: base64(SHA-256(salt || reason))."""
    return base64.b64encode(
        hashlib.sha256(salt + reason.encode("utf-8", "surrogateescape")).digest()
    ).decode()


def _subjects(changes: Sequence[FileChange]) -> list[Json]:
    return [_subject(change) for change in changes]


def _subject(change: FileChange) -> Json:
    notes: dict[str, Json] = {"change": change.kind, "mode": f"{change.mode & 0o777:o}"}
    if change.before_sha256 is not None:
        notes["before_sha256"] = change.before_sha256
    if change.renamed_from:
        notes["renamed_from"] = _text(change.renamed_from)
    if _text(change.path) != change.path:
        notes["path_b64"] = base64.b64encode(os.fsencode(change.path)).decode()
    # What is deleted has no digest after; the change in the notes says that this is the one before.
    digest = change.after_sha256 or change.before_sha256 or ""
    return {"name": _text(change.path), "digest": {"sha256": digest}, "annotations": notes}


def _text(path: str) -> str:
    """Return a path as JSON can hold it."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return one_line(path)
    return path
