"""Writes what came of the attacks into a ledger: counts, breaches, and the digest of the whole table."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from workbench import __version__
from workbench.boundary import Measurement
from workbench.core.ids import uuid7
from workbench.core.records import Event, Json, sha256
from workbench.ledger import Ledger
from workbench.redteam.case import Finding, Outcome
from workbench.redteam.suite import counts
from workbench.session.person import person

MAX_LISTED = 100
"""Ids in the row; the rest is counted. A body holds at most 64 KiB."""


def table(findings: Iterable[Finding]) -> list[dict[str, Json]]:
    """Return the findings as `--json` prints them."""
    return [
        {
            "id": finding.case.id,
            "outcome": finding.outcome.value,
            "detail": finding.detail,
            "title": finding.case.title,
            "source": finding.case.source,
            "holds": finding.case.holds,
            "milliseconds": finding.milliseconds,
        }
        for finding in findings
    ]


def digest(findings: Iterable[Finding]) -> str:
    """Return the SHA-256 of which attack ended how: the same for two runs that found the same."""
    rows = [[finding.case.id, finding.outcome.value] for finding in findings]
    return sha256(json.dumps(rows, separators=(",", ":")).encode())


def record(
    findings: tuple[Finding, ...], measured: Measurement, directory: Path, head_file: Path
) -> tuple[int, str]:
    """Append one `redteam.completed` row, and return its index and the ledger's origin.

    Args:
        findings: What was found.
        measured: What held on this process before the attacks.
        directory: Where the ledger stands, or is made.
        head_file: Where its newest checkpoint is kept.

    Raises:
        WorkbenchError: It could not be written.
    """
    breaches = [finding.case.id for finding in findings if finding.outcome is Outcome.BREACH]
    skipped = [finding.case.id for finding in findings if finding.outcome is Outcome.SKIPPED]
    told: dict[str, Json] = {
        "counts": dict(counts(findings)),
        "digest": {"alg": "sha256", "v": digest(findings)},
        "breaches": list(breaches[:MAX_LISTED]),
        "skipped": list(skipped[:MAX_LISTED]),
    }
    fields: dict[str, Json] = {
        "redteam": told,
        "boundary": {"level": measured.level, "words": measured.words},
        "outcome": {"status": "failure" if breaches else "success", "code": "", "detail": ""},
    }
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with Ledger.open(directory, head_file=head_file, session=uuid7(), app_version=__version__) as ledger:
        entry = ledger.append(Event("redteam.completed", person(), fields=fields))
        return entry.index, ledger.origin
