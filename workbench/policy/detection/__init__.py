"""Finds secrets, cardholder data and identifiers of persons in text, and says what policy makes of them.

No file is opened here, and nothing found ever leaves as a value: a finding is a rule, a class, a confidence
and two offsets. `scan` finds, `decide` judges, `Vault` replaces and restores, `ledger_rows` says what the
ledger keeps.
"""

from workbench.policy.detection.digests import SessionKey, ledger_rows
from workbench.policy.detection.finding import Finding, Gap, Scan
from workbench.policy.detection.judging import (
    ACTIONS,
    DEFAULT_ACTIONS,
    UNSCANNED,
    Judgement,
    Ruling,
    decide,
)
from workbench.policy.detection.material import Material, material_of
from workbench.policy.detection.rule import Confidence, Klass, Rule
from workbench.policy.detection.rules import BY_ID, RULES
from workbench.policy.detection.scanner import MAX_SCANNED_BYTES, scan
from workbench.policy.detection.vault import (
    ForeignPlaceholder,
    ForgedPlaceholder,
    PlaceholdersNotKept,
    Redacted,
    Restored,
    UnknownPlaceholder,
    Vault,
    VaultClosed,
    VaultError,
    escaped,
    holds_placeholder,
)

__all__ = [
    "ACTIONS",
    "BY_ID",
    "DEFAULT_ACTIONS",
    "MAX_SCANNED_BYTES",
    "RULES",
    "UNSCANNED",
    "Confidence",
    "Finding",
    "ForeignPlaceholder",
    "ForgedPlaceholder",
    "Gap",
    "Judgement",
    "Klass",
    "Material",
    "PlaceholdersNotKept",
    "Redacted",
    "Restored",
    "Rule",
    "Ruling",
    "Scan",
    "SessionKey",
    "UnknownPlaceholder",
    "Vault",
    "VaultClosed",
    "VaultError",
    "decide",
    "escaped",
    "holds_placeholder",
    "ledger_rows",
    "material_of",
    "scan",
]
