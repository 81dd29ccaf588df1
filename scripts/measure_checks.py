"""Counts what the checks say of changes that people made and kept: false alarms, by check.

Runs every check that runs no command over the newest commits of a git repository that is already here, each
commit as one change of several files with its message as the task. Nothing is fetched and nothing is written
into the repository.

    python scripts/measure_checks.py ~/src/project --commits 100 --list

Findings on a commit that was reviewed and kept are false alarms only in part: a person who removes a function
without naming it, or a test with the feature it tested, is told so too. `--list` shows each, to be judged.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from workbench.broker import Broker
from workbench.broker.examining import Examiner
from workbench.checks import CHECKS, Draft
from workbench.checks.commands import NAMES
from workbench.checks.found import Work
from workbench.core.records import SYSTEM, CheckVerdict
from workbench.policy import load
from workbench.repo import diff_blobs

LEFT_OUT = NAMES | {"base"}
"""Checks that need commands, or a file on disk to compare with."""


def git(root: Path, *arguments: str) -> bytes:
    """Return what git prints in `root`."""
    return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=True).stdout


def drafts_of(root: Path, commit: str, task: str) -> tuple[Draft, ...]:
    """Return the files of a commit that were added, changed or deleted, as one change."""
    listed = git(root, "diff-tree", "-r", "--no-renames", "-z", f"{commit}^", commit).decode().split("\0")
    drafts = []
    for facts, path in zip(listed[0::2], listed[1::2], strict=False):
        old_mode, new_mode, old, new, status = facts.removeprefix(":").split(" ")
        if "160000" in (old_mode, new_mode) or "120000" in (old_mode, new_mode):
            continue
        before = None if status == "A" else git(root, "cat-file", "blob", old)
        after = b"" if status == "D" else git(root, "cat-file", "blob", new)
        drafts.append(Draft(path, before, after, None, task, deleted=status == "D"))
    return tuple(drafts)


def main() -> int:
    """Print, for each check, how many commits it has something to say about."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("--commits", type=int, default=100)
    parser.add_argument("--list", action="store_true", help="show what each check says of which commit")
    options = parser.parse_args()
    commits = (
        git(options.repository, "rev-list", "--no-merges", f"-{options.commits}", "HEAD").decode().split()
    )
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    said: dict[str, list[str]] = defaultdict(list)
    seconds: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        broker = SimpleNamespace(
            policy=load(None),
            examiner=Examiner(),
            diff=lambda before, after: diff_blobs(before, after, directory=Path(scratch)),
        )
        for commit in commits:
            task = git(options.repository, "log", "-1", "--format=%B", commit).decode("utf-8", "replace")
            work = Work(drafts_of(options.repository, commit, task), cast("Broker", broker), SYSTEM)
            if not work.drafts:
                continue
            for name, check in CHECKS.items():
                if name in LEFT_OUT:
                    continue
                began = time.perf_counter()
                verdict, evidence = check(work)
                seconds[name] += time.perf_counter() - began
                counts[name][verdict] += 1
                if verdict in (CheckVerdict.WARN, CheckVerdict.FAIL):
                    said[name].append(f"{commit[:10]} {verdict}: {evidence}")
    print(f"{'check':<20}{'pass':>6}{'warn':>6}{'fail':>6}{'skip':>6}{'ms each':>9}")
    for name, found in counts.items():
        row = [found[verdict] for verdict in ("pass", "warn", "fail", "skipped")]
        print(f"{name:<20}" + "".join(f"{n:>6}" for n in row) + f"{seconds[name] * 1000 / sum(row):>9.1f}")
        for line in said[name] if options.list else ():
            print(f"    {line}")
    whole = hashlib.sha256("".join(commits).encode()).hexdigest()[:12]
    print(f"{len(commits)} commits ({whole})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
