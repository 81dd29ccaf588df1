"""Collects every rule, in the order in which they are tried."""

from workbench.policy.detection.rule import Rule
from workbench.policy.detection.rules import (
    accounts,
    cloud,
    contact,
    credentials,
    forges,
    persons,
    services,
)

RULES: tuple[Rule, ...] = (
    *cloud.RULES,
    *forges.RULES,
    *services.RULES,
    *credentials.RULES,
    *accounts.RULES,
    *persons.RULES,
    *contact.RULES,
)
"""All rules; ids are unique."""

BY_ID = {rule.id: rule for rule in RULES}
"""The rule of each id."""

__all__ = ["BY_ID", "RULES"]
