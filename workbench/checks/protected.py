"""Checks what a change adds that policy protects: secrets, cardholder data, identifiers of persons."""

from __future__ import annotations

from workbench.broker import Broker
from workbench.checks.draft import Draft
from workbench.checks.found import FAIL, PASS, WARN, Found


def secrets(draft: Draft, broker: Broker) -> Found:
    """Judge the credentials that a change adds; say how many protected values it keeps unseen."""
    verdict, evidence = _added(draft, broker, frozenset({"secret"}))
    if draft.kept:
        values = "value" if draft.kept == 1 else "values"
        evidence += f"; {draft.kept} protected {values} kept, not shown to the model"
    return verdict, evidence


def personal(draft: Draft, broker: Broker) -> Found:
    """Judge the card numbers and the identifiers of persons that a change adds."""
    return _added(draft, broker, frozenset({"pan", "phi"}))


def _added(draft: Draft, broker: Broker, classes: frozenset[str]) -> Found:
    """Judge what the change adds; what stood there before is judged when the file is read."""
    judged = broker.examiner.added(broker.policy, draft.path, draft.before or b"", draft.after, classes)
    if judged.ruling == "allow":
        return PASS, "none added"
    return (WARN if judged.ruling == "warn" else FAIL), f"adds {judged.reasons[0]}"
