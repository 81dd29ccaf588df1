"""Says what the ledger keeps of a verdict of policy."""

from __future__ import annotations

from workbench.core.records import Json, Verdict
from workbench.policy import Policy


def judgement(policy: Policy, verdict: Verdict) -> dict[str, Json]:
    """Return a verdict as a row holds it."""
    return {
        "sha256": policy.sha256,
        "verdict": verdict.effect.value,
        "rule_id": verdict.rule.name,
        "tier": verdict.rule.tier,
        "source": verdict.rule.source,
    }
