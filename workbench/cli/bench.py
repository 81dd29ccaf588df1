"""Measures this installation on this machine, and prints the figures with their settings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from workbench.core import places


def run(options: Namespace) -> int:
    """Run one bench."""
    return BENCHES[options.verb](options)


def scratch() -> Path:
    """Return where benches may write: beside the ledgers, on the disk whose speed counts."""
    return places.state_root() / "bench"


def _ledger(options: Namespace) -> int:
    from workbench.bench.ledger import BATCH, PAGE, measure

    found = measure(
        scratch() / f"ledger-{os.getpid()}", options.entries, lambda line: print(f"… {line}", file=sys.stderr)
    )
    if options.json:
        print(json.dumps(found.facts()))
        return 0
    print(f"{'':<28}{'ours':>12}{'bare sqlite3':>14}{'ratio':>8}")
    for name, ours, bare, ratio in (
        ("append, one a commit", found.single, found.single_bare, found.single_ratio),
        (f"append, {BATCH} a commit", found.batched, found.batched_bare, found.batched_ratio),
    ):
        print(f"{name:<28}{ours:>10,.0f}/s{bare:>12,.0f}/s{ratio:>7.2f}x")
    rate = found.entries / found.verifying
    print(f"fill with {found.entries:,} entries: {found.filling:.1f} s")
    print(
        f"verify {found.entries:,} entries: {found.verifying:.2f} s ({rate:,.0f}/s, "
        f"{found.processes} process(es)), exit code {found.exit_code}"
    )
    print(f"first page of the log ({PAGE} entries): {found.first_page * 1000:.1f} ms")
    print(f"one inclusion proof, made and checked: {found.proof * 1000:.2f} ms, {found.proof_hashes} hashes")
    return 0


def _retrieval(options: Namespace) -> int:
    from workbench.bench.retrieval import measure
    from workbench.boundary import GitProfile
    from workbench.policy import load
    from workbench.repo import Git, describe

    root = describe(Path(options.repo)).root
    place = scratch() / f"retrieval-{os.getpid()}"
    place.mkdir(mode=0o700, parents=True)
    try:
        profile = GitProfile.build(root, place)
        git = Git(root, scratch=place, start=profile.start if profile else subprocess.Popen)
        found = measure(git, load(None), place, options.commits, _counted)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if options.json:
        print(json.dumps(asdict(found)))
        return 0
    print(f"{found.commits} commits of {root.name}, {found.files:,} files in the index")
    print(f"first file is one that was changed      {found.hit_at_1:.3f}")
    print(f"changed files among the first ten       {found.recall_at_10:.3f}")
    print(f"changed functions inside 4,096 tokens   {found.function_recall_4k:.3f}")
    print(f"one request, median and 95th percentile {found.query_ms_p50:.0f} ms, {found.query_ms_p95:.0f} ms")
    print(f"index of the oldest commit from nothing {found.index_seconds:.1f} s, one process")
    return 0


def _counted(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {total} commits" + ("\n" if done == total else ""))
        sys.stderr.flush()


def _latency(options: Namespace) -> int:
    from workbench.cli.bench_latency import measure
    from workbench.cli.figures import show

    return show("latency", measure(small=options.small), as_json=options.json)


def _edits(options: Namespace) -> int:
    from workbench.cli.bench_edits import run as measure_edits

    return measure_edits(options, scratch())


BENCHES: dict[str, Callable[[Namespace], int]] = {
    "ledger": _ledger,
    "retrieval": _retrieval,
    "latency": _latency,
    "edits": _edits,
}
"""What runs each bench; `arguments` names them with their options."""
