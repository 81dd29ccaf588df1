"""kill -9 at each point of a decision on several files: afterwards all are old or all are new, on record."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repositories import git, make_repository
from tests.review.desks import desk_on
from workbench.core import places
from workbench.core.records import ProposalState
from workbench.ledger import head_anchors, verify

OLD = {
    "a.py": b"a = 1\n",
    "gone.py": b"g = 1\n",
    "from.py": b"f = 1\n",
}
NEW = {
    "a.py": b"a = 2\n",
    "made/new.py": b"n = 2\n",
    "to.py": b"f = 2\n",
}

# After how many of the steps "swap, new name, put aside" the process dies: the change takes five of them.
STEPS = 5
DIE_AT_STEP = """
from workbench.repo.swap import Swap
real, count = Swap.carry_out, [0]
def carry_out(swap):
    if count[0] == {step}:
        os.kill(os.getpid(), 9)
    real(swap)
    count[0] += 1
Swap.carry_out = carry_out
"""
MOMENTS = {
    "decided in the queue, not in the ledger": ("old", """
from workbench.review import rows
rows.decided = lambda *a, **k: os.kill(os.getpid(), 9)
"""),
    "decided in the ledger, nothing intended": ("old", """
from workbench.broker import Broker
Broker.write = lambda *a, **k: os.kill(os.getpid(), 9)
"""),
    "intended, nothing prepared": ("old", """
from workbench.repo import Writer
Writer.apply = lambda *a, **k: os.kill(os.getpid(), 9)
"""),
    **{
        f"after {step} of {STEPS} names": ("old", DIE_AT_STEP.replace("{step}", str(step)))
        for step in range(STEPS)
    },
    "all written, nothing flushed": ("new", """
from workbench.repo.swap import Swap
Swap.finish = lambda *a: os.kill(os.getpid(), 9)
"""),
    "all written, no outcome": ("new", """
from workbench.broker import writing
real = writing._outcome
writing._outcome = lambda *a, **k: os.kill(os.getpid(), 9)
"""),
    "outcome recorded, queue not told": ("new", """
from workbench.review import Queue
real = Queue.move
Queue.move = lambda self, *a, **k: os.kill(os.getpid(), 9)
"""),
    "applied, not committed": ("new", """
from workbench.broker import Broker
Broker.commit = lambda *a, **k: os.kill(os.getpid(), 9)
"""),
    "committed, not noted": ("new", """
from workbench.review import Queue
Queue.committed = lambda *a, **k: os.kill(os.getpid(), 9)
"""),
}  # fmt: skip

SCRIPT = """
import os, sys
from pathlib import Path
from tests.review.desks import desk_on
from tests.session.test_crash_several import propose
{patch}
with desk_on(Path(sys.argv[1])) as on:
    on.approve(propose(on))
print("survived")
"""


def propose(on: object) -> object:
    """Put the change of all the files on a desk."""
    from tests.review.desks import OnDesk
    from workbench.core.records import FileChange, sha256

    assert isinstance(on, OnDesk)
    renamed = FileChange("to.py", sha256(OLD["from.py"]), sha256(NEW["to.py"]), 0o644, renamed_from="from.py")
    return on.propose(
        ("a.py", NEW["a.py"]),
        ("made/new.py", NEW["made/new.py"]),
        ("gone.py", None),
        renamed,
        contents=(OLD["from.py"], NEW["to.py"]),
    )


@pytest.mark.parametrize("moment", MOMENTS)
def test_after_a_kill_all_files_are_old_or_all_are_new(tmp_path: Path, moment: str) -> None:
    root = make_repository(tmp_path / "repository", OLD)
    expected, patch = MOMENTS[moment]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(patch=patch), str(root)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr

    with desk_on(root) as on:
        assert on.files() == (NEW if expected == "new" else OLD)
        (item,) = on.queue.all()
        assert item.state is (ProposalState.APPLIED if expected == "new" else ProposalState.QUEUED)
        assert on.parts.reader.open_intents() == []
        if moment != "committed, not noted" and moment != "applied, not committed":
            assert on.rows("recovery.orphan")
        if expected == "old":
            assert on.approve(item.proposal).state is ProposalState.APPLIED
            assert on.files() == NEW
        assert git(root, "status", "--porcelain").strip() == ""
        assert git(root, "log", "--oneline").count("\n") == 2
        assert on.queue.without_commit() == []
    report = verify(places.repository_state(root), head_anchors(places.head_file(root)))
    assert report.exit_code == 0, report.lines
