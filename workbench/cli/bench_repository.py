"""Makes the repository that latency is measured on: many files, many proposals, two of them large."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from workbench.core.clock import utc_now
from workbench.core.ids import uuid7
from workbench.core.records import FileChange, Principal, Proposal, Risk, sha256
from workbench.repo import git_environment
from workbench.review import Queue
from workbench.session.opening import Options, open_parts

FOLDER = 100
"""Files in a folder."""
_AUTHOR = Principal("agent", "agent:editor", "editor", "editor", os.getuid(), "user:bench")


@dataclass(frozen=True, slots=True)
class Size:
    """How large the repository is."""

    files: int
    items: int
    """Proposals in the queue, the two large ones included."""
    rows: int
    """Rows of the larger of them."""


FULL = Size(100_000, 1_000, 100_000)
SMALL = Size(1_000, 12, 5_000)
EDITS = 200
LINES = 5_000
"""Lines of the first proposal, with `EDITS` changed ones."""


def make(root: Path, size: Size) -> None:
    """Write the files, and put the proposals into the queue of the state directory in force."""
    root.mkdir(parents=True)
    for number in range(0, size.files, FOLDER):
        folder = root / f"d{number // FOLDER:04}"
        folder.mkdir()
        for index in range(number, min(number + FOLDER, size.files)):
            (folder / f"f{index:06}.py").write_text(f"value_{index} = {index}\n")
    first, second = _source("alpha", LINES), _source("bravo", size.rows)
    (root / "zz_alpha.py").write_text(first)
    (root / "zz_bravo.py").write_text(second)
    (root / "zz_small.py").write_text(_source("small", 30))
    environment = git_environment.environment((), path=os.defpath, extra={"HOME": str(root)})
    subprocess.run(["git", "init", "-q", str(root)], check=True, env=environment)
    _queue(root, size)


def _source(name: str, lines: int) -> str:
    body = "".join(f"    {name}_{line} = call({line}, 'text')  # why\n" for line in range(1, lines))
    return f"def {name}():\n{body}"


def _queue(root: Path, size: Size) -> None:
    parts = open_parts(root, Options())
    try:
        policy = parts.policy.sha256
        lines = _source("alpha", LINES).splitlines(keepends=True)
        for line in range(LINES // EDITS // 2, LINES, LINES // EDITS):
            lines[line] = lines[line].replace("text", "words")
        _propose(parts.queue, policy, "zz_alpha.py", _source("alpha", LINES), "".join(lines), EDITS)
        # Every line changes, so that the diff has as many rows as twice the lines.
        half = size.rows // 2
        before = _source("bravo", size.rows).splitlines(keepends=True)
        after = [line.replace("text", "words") for line in before[:half]] + before[half:]
        _propose(parts.queue, policy, "zz_bravo.py", "".join(before), "".join(after), half - 1)
        for item in range(2, size.items):
            before_small = _source("small", 30)
            after_small = before_small.replace(f"small_{item % 29 + 1} =", f"small_{item % 29 + 1}_{item} =")
            _propose(parts.queue, policy, "zz_small.py", before_small, after_small, 1)
    finally:
        parts.reader.close()
        parts.queue.close()
        parts.ledger.close()


def _propose(queue: Queue, policy: str, path: str, before: str, after: str, changed: int) -> None:
    old, new = before.encode(), after.encode()
    proposal = Proposal(
        id=uuid7(),
        task_id=uuid7(),
        created=utc_now(),
        author=_AUTHOR,
        task=f"Change {path}",
        justification="for the measurement",
        changes=(FileChange(path, sha256(old), sha256(new), 0o644),),
        spans=(),
        inferences=(),
        checks=(),
        risk=Risk.LOW,
        policy_sha256=policy,
    )
    queue.add(proposal, {sha256(old): old, sha256(new): new})
    queue.note_size(proposal.id, changed, changed)
