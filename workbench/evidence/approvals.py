"""Reads signed approvals back from the ledger, and checks them without the desk that took them.

1. The statement has the digest that the entry names, and speaks of the entry's proposal, rendering, policy
   and files.
2. The signature over it is good for the file of allowed signers, at the time of the entry.
3. The name and the key are those that the entry names.

A statement that holds vouches, like any anchor, for the ledger's entries up to the size it names: nobody can
write it anew without the signer's key. One that does not hold, because its signer has left the file, vouches
for nothing and condemns nothing.

Source: audit.md of the design, section 2.2 (A4); in-toto Statement v1.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.core.errors import Refused, UsageError
from workbench.core.records import Json
from workbench.core.safe_text import one_line
from workbench.evidence.signatures import MAX_SIGNATURE, AllowedSigners, Signer, check
from workbench.ledger import Anchor, Entry, trailer_anchors

DECIDED = "decision.recorded"
MOST_CHECKED = 50
"""The newest signed entries that are checked for anchors: each costs the start of a program."""
_MAX_STATEMENT = 1 << 20


@dataclass(frozen=True, slots=True)
class Approval:
    """A signed approval as an entry holds it."""

    statement: bytes
    signature: bytes
    principal: str
    fingerprint: str


def approval_in(body: Mapping[str, Json]) -> Approval | None:
    """Return the signed approval in an entry's body, or None where it holds none that can be read."""
    signed = body.get("signed")
    if body.get("type") != DECIDED or not isinstance(signed, dict):
        return None
    fields = [signed.get(name) for name in ("statement", "signature", "principal", "key_fpr")]
    if not all(isinstance(field, str) for field in fields):
        return None
    statement, signature, principal, fingerprint = map(str, fields)
    return Approval(statement.encode(), signature.encode() + b"\n", principal, fingerprint)


def verified(body: Mapping[str, Json], allowed: AllowedSigners) -> Signer:
    """Return who signed the approval in an entry's body, after checking it as the module says.

    Raises:
        Refused: It does not hold; says why.
    """
    approval = approval_in(body)
    if approval is None:
        raise Refused("The entry holds no signed approval.")
    said, signed = _said(approval.statement), body["signed"]
    digest = hashlib.sha256(approval.statement).hexdigest()
    proposal, policy = _table(body.get("proposal")), _table(body.get("policy"))
    compared = (
        ("digest", digest, _table(signed).get("statement_sha256")),
        ("proposal", said.get("proposal"), proposal.get("id")),
        ("rendering", said.get("rendered_diff_sha256"), proposal.get("diff_sha256")),
        ("list of files", _stated(approval.statement), _recorded(body)),
        ("policy", _table(said.get("policy")).get("sha256"), policy.get("sha256")),
    )
    for what, stated, recorded in compared:
        if stated != recorded:
            raise Refused(f"The {what} in the statement is not the one in the entry.")
    signer = check(approval.statement, approval.signature, allowed, at=str(body.get("t", "")))
    if signer != Signer(approval.principal, approval.fingerprint):
        raise Refused(f"It was signed by {one_line(signer.principal)}, and the entry names somebody else.")
    return signer


def ledger_anchors(entries: Iterable[Entry], allowed: AllowedSigners) -> list[Anchor]:
    """Return what the signed approvals among `entries` vouch for."""
    found = []
    for entry in entries:
        approval = approval_in(entry.body)
        if approval is None:
            continue
        try:
            signer = verified(entry.body, allowed)
        except Refused as error:
            found.append(Anchor("signed approval", damage=error.cause, shared=True))
        else:
            found.append(_anchor(approval.statement, signer))
    return found


def file_anchors(path: Path, allowed: AllowedSigners | None) -> list[Anchor]:
    """Return what a statement that somebody kept vouches for; none where the file holds no statement.

    Args:
        path: The statement; its signature lies beside it, under the same name and `.sig`.
        allowed: Whose key is whose; None where policy does not say.

    Raises:
        UsageError: It is a statement, and does not hold.
    """
    try:
        statement = _read(path, _MAX_STATEMENT)
        said = _said(statement)
    except (OSError, Refused):
        return []
    if allowed is None:
        raise UsageError(
            "A signed approval counts where policy names the allowed signers.",
            "Set approvals.allowed_signers.",
        )
    try:
        signature = _read(path.with_name(f"{path.name}.sig"), MAX_SIGNATURE + 1)
    except OSError as error:
        raise UsageError(f"{path}.sig cannot be read: {error.strerror}.") from error
    try:
        return [_anchor(statement, check(statement, signature, allowed, at=str(said.get("time", ""))))]
    except Refused as error:
        raise UsageError(f"{path} vouches for nothing: {error.cause}", error.next_step) from error


def _anchor(statement: bytes, signer: Signer) -> Anchor:
    ledger = _table(_said(statement).get("ledger"))
    text = f"{ledger.get('origin')} {ledger.get('size')} {ledger.get('root')}"
    (read,) = trailer_anchors([(f"approval signed by {one_line(signer.principal)}", text)])
    return Anchor(read.by, read.origin, read.size, read.root, damage=read.damage, shared=bool(read.damage))


def _said(statement: bytes) -> dict[str, Any]:
    """Return the predicate of a statement."""
    try:
        said = json.loads(statement)["predicate"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Refused("It is not a statement.") from error
    return _table(said)


def _stated(statement: bytes) -> list[object]:
    """Return each file's digest before and after, as the statement has them."""
    found: list[object] = []
    for subject in json.loads(statement).get("subject", []):
        notes, after = _table(subject.get("annotations")), _table(subject.get("digest")).get("sha256")
        found.append((notes.get("before_sha256"), None if notes.get("change") == "delete" else after))
    return found


def _recorded(body: Mapping[str, Json]) -> list[object]:
    """Return each file's digest before and after, as the entry has them."""
    files = body.get("files") or [body.get("obj")]
    tables = map(_table, files if isinstance(files, list) else [])
    return [(_table(each.get("before")).get("v"), _table(each.get("after")).get("v")) for each in tables]


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _read(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most)
