"""Reports what this machine measures: boundary, versions, places; exits 0 if what policy demands holds."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from argparse import Namespace
from importlib import metadata
from pathlib import Path

from workbench import __version__
from workbench.boundary import measure
from workbench.core import places
from workbench.core.errors import WorkbenchError
from workbench.ledger.database import sqlite_in_words
from workbench.policy import load as load_policy
from workbench.repo import ReadGate, Worktree, describe
from workbench.session.opening import repository_policy

FULL_PERCENT = 90
"""How full the disk of the ledgers may be without a word."""
LIBRARIES = ("textual", "llama-cpp-python", "tree-sitter", "cryptography", "rfc8785")


def run(options: Namespace) -> int:
    """Print the report; 0 when what policy demands holds, 1 when it does not."""
    found = measure(thorough=True)
    worktree, minimum, problems = None, 0, []
    try:
        worktree = describe(Path(options.repo))
        minimum = load_policy(repository_policy(ReadGate(worktree.root))).settings.boundary_minimum
    except WorkbenchError as error:
        problems.append(error.cause)
    if found.level < minimum:
        problems.append(f"policy demands level {minimum}, measured is {found.level}")
    facts = _facts(worktree)
    if options.json:
        checks = {check.name: {"held": check.held, "detail": check.detail} for check in found.checks}
        report = {
            "level": found.level,
            "words": found.words,
            "checks": checks,
            "facts": facts,
            "problems": problems,
        }
        print(json.dumps(report))
    else:
        print(f"boundary level {found.level}: {found.words}")
        for check in found.checks:
            print(f"  {'held    ' if check.held else 'NOT HELD'} {check.name:<24} {check.detail}")
        for name, value in facts.items():
            print(f"{name:<18} {value}")
        for problem in problems:
            print(f"PROBLEM  {problem}")
    return 1 if problems else 0


def _facts(worktree: Worktree | None) -> dict[str, str]:
    facts = {
        "workbench": __version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "sqlite": sqlite_in_words(),
        "git": _git(),
        "state": _state(),
        "models": str(places.data_root() / "models"),
    }
    for name in LIBRARIES:
        try:
            facts[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            facts[name] = "missing"
    if worktree is not None:
        facts["repository"] = str(worktree.root) + (" (git)" if worktree.is_git else " (plain folder)")
    return facts


def _state() -> str:
    """Return where ledgers are kept, and how full that disk is: a full one stops everything (AU-4)."""
    root = places.state_root()
    try:
        found = shutil.disk_usage(root)
    except OSError:
        return str(root)
    used = 100 * (found.total - found.free) // max(found.total, 1)
    warning = "; free some before the ledger stops everything" if used >= FULL_PERCENT else ""
    return f"{root} (disk {used} % full, {found.free / 1e9:.1f} GB free{warning})"


def _git() -> str:
    try:
        done = subprocess.run(["git", "--version"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "not found: proposals are written, but not committed, and diffs are shown whole"
    return done.stdout.strip().removeprefix("git version ")
