"""kill -9 at the worst moments: files stay whole, the queue stays, the record says what happened."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.model.scripted import ScriptedEngine
from tests.repositories import GOOD_ANSWER, SUMMARY
from tests.session.driving import driving
from workbench.core import places
from workbench.ledger import head_anchors, verify

TASK = "Fix `median` in vitals/summary.py"

DIE = {
    "during generation": """
from tests.model import scripted
engine = scripted.ScriptedEngine([GOOD_ANSWER])
real = engine.generate
def generate(request, on_event=None):
    def die(event):
        if isinstance(event, scripted.TextPiece):
            os.kill(os.getpid(), 9)
    return real(request, die)
engine.generate = generate
""",
    "between the decision and the write": """
from workbench.broker import Broker
Broker.write = lambda *a, **k: os.kill(os.getpid(), 9)
""",
    "after the intent, before the write": """
from workbench.repo import Writer
Writer.apply = lambda *a, **k: os.kill(os.getpid(), 9)
""",
    "with the new bytes in the temporary file": """
from workbench.repo import rename
rename.exchange = lambda *a: os.kill(os.getpid(), 9)
""",
    "after the write, with the old bytes in the temporary file": """
from workbench.repo import rename
real = rename.exchange
rename.exchange = lambda *a: (real(*a), os.kill(os.getpid(), 9))
""",
    "after the write, before its outcome": """
from workbench.broker import writing
writing._outcome = lambda *a, **k: os.kill(os.getpid(), 9)
""",
}

SCRIPT = """
import os, sys
from pathlib import Path
from tests.model.scripted import ScriptedEngine
from tests.repositories import GOOD_ANSWER
from tests.session.driving import driving
engine = ScriptedEngine([GOOD_ANSWER])
{patch}
with driving(Path(sys.argv[1]), engine) as driver:
    driver.run("Fix `median` in vitals/summary.py")
    driver.approve_first()
print("survived")
"""


@pytest.mark.parametrize("moment", DIE)
def test_a_kill_leaves_the_file_whole_and_the_record_consistent(repository: Path, moment: str) -> None:
    script = SCRIPT.format(patch=DIE[moment])
    done = subprocess.run(
        [sys.executable, "-c", script, str(repository)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    path = repository / "vitals/summary.py"
    whole = path.read_bytes()
    written = moment.startswith("after the write")
    assert (whole != SUMMARY) is written

    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        assert sorted(path.name for path in path.parent.iterdir()) == ["__init__.py", "summary.py"]
        states = [item.state for item in driver.session.queue()]
        if moment == "during generation":
            assert states == []
            assert driver.run(TASK) == "queued"
        else:
            assert states == ["applied" if written else "queued"]
        if not written:
            assert driver.approve_first() == "applied"
        assert b"middle - 1" in path.read_bytes()
        assert any("recovery.orphan" in kind for kind in driver.types())
    report = verify(places.repository_state(repository), head_anchors(places.head_file(repository)))
    assert report.exit_code == 0, report.lines
