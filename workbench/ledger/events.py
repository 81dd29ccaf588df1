"""Knows which events the ledger holds: a closed set, so that no new effect is recorded as something vague."""

from __future__ import annotations

from typing import Final

from workbench.ledger.errors import EventRefused

INTENT: Final = "intent"
"""Durable before the effect."""
OUTCOME: Final = "outcome"
"""Written after the effect, with the `op_id` of its intent."""
EVENT: Final = "event"
"""Something that happened at once and has no second half."""

PHASES: Final = frozenset({INTENT, OUTCOME, EVENT})

RECOVERY: Final = "recovery.orphan"
"""Closes an intent whose outcome was lost in a crash; carries the `op_id` of that intent."""
REDACTION: Final = "redaction.applied"
"""Names a sealed value whose key was destroyed, who asked for it and why."""

ROTATED: Final = "key.rotated"
"""Ends an epoch: names the signing key that was in force and the one that is; see `epochs`."""
CLOCK: Final = "clock.anomaly"
"""Stands before the first entry whose clock reading does not fit the ones before it."""

OURS: Final = frozenset({ROTATED, CLOCK})
"""What only the ledger itself writes."""

TYPES: Final = frozenset(
    {
        "session.start", "session.end",
        "auth.ok", "auth.fail",
        "boundary.measured", "boundary.acknowledged",
        "task.submitted", "task.ended",
        "file.read", "file.read_denied", "file.listed",
        "search.run", "index.built",
        "model.verified", "model.loaded",
        "inference.intent", "inference.outcome",
        "proposal.created", "proposal.superseded",
        "scan.completed",
        "decision.recorded",
        "edit.intent", "edit.outcome", "edit.denied",
        "commit.intent", "commit.outcome",
        "rollback.intent", "rollback.outcome",
        "command.proposed", "command.decided", "command.intent", "command.outcome", "command.denied",
        "shadow.synced",
        "egress.denied",
        "policy.loaded", "policy.changed",
        "redteam.completed",
        "release.given", "release.revoked", "release.ended",
        "ledger.opened", "ledger.closed", "ledger.read", "ledger.verified", "ledger.verify_failed",
        "ledger.exported", "ledger.archived", "ledger.restored", "ledger.purged", "ledger.paused",
        REDACTION,
        "hold.placed", "hold.released",
        "key.created", ROTATED, "key.revoked",
        "anchor.created", "anchor.checked",
        RECOVERY,
        CLOCK, "gap.detected",
    }
)  # fmt: skip


def check_event(type_: str, phase: str, op_id: str) -> None:
    """Check that a type, a phase and an operation id belong together.

    Raises:
        EventRefused: If the type or phase is unknown, only the ledger itself writes the type, a type named
            for a phase comes with another one, or an intent or outcome has no operation to belong to.
    """
    if type_ not in TYPES:
        raise EventRefused(
            f"The ledger has no event type {type_!r}.", "Use one of workbench.ledger.events.TYPES."
        )
    if type_ in OURS:
        raise EventRefused(f"Only the ledger itself writes a {type_} event.", "Leave it to the ledger.")
    if phase not in PHASES:
        raise EventRefused(f"An event has no phase {phase!r}.", "Use intent, outcome or event.")
    suffix = type_.rpartition(".")[2]
    if suffix in (INTENT, OUTCOME) and phase != suffix:
        raise EventRefused(f"A {type_} event has phase {phase!r}.", f"Record it with phase {suffix!r}.")
    if phase != EVENT and not op_id:
        raise EventRefused(
            f"A {type_} event has phase {phase!r} and no op_id.",
            "Give an intent and its outcome the same op_id.",
        )
