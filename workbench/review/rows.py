"""Writes what happens to a proposal as rows for the ledger; words of people and models go in sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.broker import digest
from workbench.core.records import SYSTEM, Decision, Event, FileChange, Json, Principal, Proposal
from workbench.core.safe_text import one_line
from workbench.review.hidden import acknowledgement


@dataclass(frozen=True, slots=True)
class Signed:
    """The signature on a decision, as its row holds it."""

    fields: Mapping[str, Json]
    """The statement, the signature, and whose it is."""
    required: int
    """How many different people must have signed."""
    have: int
    """How many have, with this one."""


MAX_EVIDENCE = 300
"""Characters of a check's evidence in the ledger; the item has all of it."""


def created(proposal: Proposal) -> Event:
    """Return the row of a proposal that was made, or edited into being by a person."""
    made: dict[str, Json] = {
        "id": proposal.id,
        "task": proposal.task_id,
        "files": len(proposal.changes),
        "attempts": proposal.attempts,
    }
    made |= {"command": proposal.command.sha256} if proposal.command else {}
    made |= {"amends": proposal.amends, "amended_by": proposal.amended_by} if proposal.amends else {}
    made |= {"rolls_back": proposal.rolls_back} if proposal.rolls_back else {}
    fields: dict[str, Json] = {
        **_changed(proposal.changes),
        "proposal": made,
        "inference_ids": [inference.id for inference in proposal.inferences],
        "checks": [
            {
                "name": check.name,
                "verdict": check.verdict.value,
                "evidence": one_line(check.evidence)[:MAX_EVIDENCE],
                "dur_ms": check.milliseconds,
            }
            for check in proposal.checks
        ],
        "policy": {"sha256": proposal.policy_sha256},
    }
    sealed = {"task": proposal.task.encode(), "justification": proposal.justification.encode()}
    return Event("proposal.created", proposal.author, fields=fields, sealed=sealed)


def decided(
    decision: Decision,
    changes: Sequence[FileChange],
    *,
    withdraws: str = "",
    hidden: Mapping[str, int] | None = None,
    signed: Signed | None = None,
) -> Event:
    """Return the row of a decision.

    Args:
        decision: What was decided.
        changes: Of an approval, what it puts on disk; else what was proposed.
        withdraws: The id of the decision it takes back.
        hidden: The hidden characters that were acknowledged with it, and how many of each.
        signed: The signature of a person, where one was given.
    """
    made: dict[str, Json] = {
        "id": decision.id,
        "value": decision.value,
        "meaning": "approval" if decision.value == "approve" else "review",
        "hunks": list(decision.hunks),
        "required": signed.required if signed else 1,
        "have": signed.have if signed else 1,
    }
    if withdraws:
        made["withdraws"] = withdraws
    if decision.split:
        made["split"] = list(decision.split)
    if decision.left_out:
        made["left_out"] = [hunk.hunk for hunk in decision.left_out]
    fields: dict[str, Json] = {
        **_changed(changes),
        "proposal": {"id": decision.proposal_id, "diff_sha256": decision.shown_sha256},
        "decision": made,
        "policy": {"sha256": decision.policy_sha256},
    }
    if signed:
        fields["signed"] = dict(signed.fields)
    if hidden:
        fields["acknowledged"] = acknowledgement(hidden)
    sealed = {"reason": decision.reason.encode()} if decision.reason else {}
    reasons = {str(hunk.hunk): hunk.reason for hunk in decision.left_out if hunk.reason}
    if reasons:
        sealed["left_out_reasons"] = json.dumps(reasons, sort_keys=True).encode()
    return Event("decision.recorded", decision.by, fields=fields, sealed=sealed)


def drifted(proposal: Proposal, drift: str) -> Event:
    """Return the row of an item that went stale."""
    fields: dict[str, Json] = {
        **_changed(proposal.changes),
        "proposal": {"id": proposal.id},
        "outcome": {"status": "denied", "code": "stale", "detail": drift},
    }
    return Event("proposal.superseded", SYSTEM, fields=fields)


def amended(proposal: Proposal, into: str, by: Principal) -> Event:
    """Return the row of an item that a person edited into another."""
    fields: dict[str, Json] = {
        **_changed(proposal.changes),
        "proposal": {"id": proposal.id, "amended_into": into},
        "outcome": {"status": "success", "code": "amended", "detail": ""},
    }
    return Event("proposal.superseded", by, fields=fields)


def settled(proposal: Proposal, paths: Sequence[str], status: str, said: str) -> Event:
    """Return the row that says what a crash left of an approval."""
    fields: dict[str, Json] = {
        "obj": {"kind": "file", "path": ", ".join(paths)[:1000], "lines": len(paths)},
        "proposal": {"id": proposal.id},
        "outcome": {"status": status, "code": "", "detail": said},
    }
    return Event("recovery.orphan", SYSTEM, fields=fields)


def _changed(changes: Sequence[FileChange]) -> dict[str, Json]:
    """Name the files; the first stands where every row has its file, so that it is found by its path."""
    files: list[Json] = [
        {
            "path": change.path,
            "before": digest(change.before_sha256),
            "after": digest(change.after_sha256),
            "mode": f"{change.mode & 0o777:o}",
            "renamed_from": change.renamed_from,
        }
        for change in changes
    ]
    obj: dict[str, Json] = {"kind": "file", "path": ""}
    if changes:
        first = changes[0]
        obj |= {
            "path": first.path,
            "before": digest(first.before_sha256),
            "after": digest(first.after_sha256),
        }
    return {"obj": obj, "files": files} if len(changes) > 1 else {"obj": obj}
