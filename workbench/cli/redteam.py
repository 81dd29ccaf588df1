"""Attacks this installation in a scratch repository, prints what held, and records it."""

from __future__ import annotations

import json
import os
import shutil
from argparse import Namespace
from pathlib import Path

from workbench.core import places
from workbench.core.safe_text import one_line
from workbench.redteam import (
    Case,
    Finding,
    Lab,
    Outcome,
    choose,
    counts,
    digest,
    make,
    record,
    table,
)
from workbench.repo import describe

BREACHED = 3
"""The exit code of a run in which an attack got through."""
FOLDER = "redteam"
"""Beneath the state directory: the scratch places, and the ledger of runs that are about no repository."""


def run(options: Namespace) -> int:
    """Make the attacks; 0 when all held, 3 when one got through."""
    chosen = choose(options.only)
    if options.list:
        return _list(chosen, options.json)
    directory, head_file = _ledger(options.repo)
    base = places.state_root() / FOLDER
    _sweep(base)
    tell = (lambda _finding: None) if options.json else _print
    with Lab(base / f"lab-{os.getpid()}", thorough=options.thorough) as lab:
        measured = lab.measured
        if not options.json:
            print(f"boundary level {measured.level}: {measured.words}")
        found = make(chosen, lab, tell)
    index, origin = record(found, measured, directory, head_file)
    breaches = sum(finding.outcome is Outcome.BREACH for finding in found)
    if options.json:
        told = {
            "level": measured.level,
            "words": measured.words,
            "counts": counts(found),
            "digest": digest(found),
            "cases": table(found),
            "recorded": {"ledger": origin, "entry": index},
        }
        print(json.dumps(told))
    else:
        number = counts(found)
        print(
            f"{len(found)} attacks: {number['held']} held, {breaches} breach{'es' * (breaches != 1)}, "
            f"{number['skipped']} skipped"
        )
        print(f"table {digest(found)[:16]}, recorded as entry {index} of {origin}")
    return BREACHED if breaches else 0


def _print(finding: Finding) -> None:
    print(f"{finding.outcome.value:<8} {finding.case.id:<28} {finding.case.title}")
    if finding.outcome is not Outcome.HELD:
        print(f"{'':<9}{finding.detail}")


def _list(chosen: tuple[Case, ...], as_json: bool) -> int:
    if as_json:
        rows = [{"id": c.id, "title": c.title, "source": c.source, "holds": c.holds} for c in chosen]
        print(json.dumps(rows))
    else:
        for case in chosen:
            print(f"{case.id:<28} {one_line(case.title)} ({case.source})")
    return 0


def _ledger(repo: str | None) -> tuple[Path, Path]:
    """Return where the result is recorded: in the repository's ledger, or in one of our own."""
    if repo is None:
        base = places.state_root() / FOLDER
        return base / "ledger", base / "ledger.head"
    root = describe(Path(repo)).root
    return places.repository_state(root), places.head_file(root)


def _sweep(base: Path) -> None:
    """Remove the scratch places of runs that were killed."""
    for lab in base.glob("lab-*"):
        if not Path(f"/proc/{lab.name.removeprefix('lab-')}").exists():
            shutil.rmtree(lab, ignore_errors=True)
