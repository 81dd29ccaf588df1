"""The red team: attacks this installation in a scratch repository, and says what held.

A case (`case`) is one attack with what must hold against it. Each module whose name says what is attacked
(`reading`, `planting`, `commanding` …) ends with its cases; `suite` lists and makes them, `lab` is where they
are made, `record` writes what came of them into a ledger. The list stands in `docs/redteam.md`.
"""

from workbench.redteam.case import Breach, Case, Finding, Guard, Outcome, Skip
from workbench.redteam.lab import Lab
from workbench.redteam.record import digest, record, table
from workbench.redteam.suite import attempt, cases, choose, counts, groups, make

__all__ = [
    "Breach",
    "Case",
    "Finding",
    "Guard",
    "Lab",
    "Outcome",
    "Skip",
    "attempt",
    "cases",
    "choose",
    "counts",
    "digest",
    "groups",
    "make",
    "record",
    "table",
]
