"""After a crash the disk says how each step ended; the record has it, and the person is told."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.model.scripted import ScriptedEngine
from tests.repositories import SUMMARY
from tests.session.driving import driving
from tests.session.test_crash import DIE, SCRIPT
from workbench.core import places
from workbench.core.clock import boot_id, monotonic_ns
from workbench.core.records import Json
from workbench.ledger import Entry, LedgerReader, head_anchors, verify
from workbench.session.recovery import is_alive

FILE = "vitals/summary.py"
INTENT = "after the intent, before the write"
WRITE = "after the write, before its outcome"


def crashed(repository: Path, moment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(patch=DIE[moment]), str(repository)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


def orphans(repository: Path) -> list[Entry]:
    with LedgerReader.open(places.repository_state(repository)) as reader:
        found = reader.find(type="recovery.orphan")
        return [entry for entry in found if entry.body.get("note") == "edit.intent"]


@pytest.mark.parametrize(
    ("moment", "meanwhile", "said"),
    [
        (INTENT, None, "not written"),
        (WRITE, None, "written"),
        (INTENT, b"something of another's making\n", "something else is there: look"),
        (WRITE, SUMMARY, "not written"),
    ],
)
def test_the_disk_says_how_a_write_ended(
    repository: Path, moment: str, meanwhile: bytes | None, said: str
) -> None:
    crashed(repository, moment)
    if meanwhile is not None:
        (repository / FILE).write_bytes(meanwhile)
    with driving(repository, ScriptedEngine([])) as driver:
        assert any(line == f"{FILE}: {said}." for line in driver.session.notices), driver.session.notices
    (orphan,) = orphans(repository)
    assert orphan.op_id
    assert orphan.body["obj"] == {"kind": "file", "path": FILE}
    outcome = orphan.body["outcome"]
    assert isinstance(outcome, dict)
    assert (outcome["code"], outcome["detail"]) == ("crash", said)
    assert outcome["status"] == ("unknown" if "else" in said else "success")
    report = verify(places.repository_state(repository), head_anchors(places.head_file(repository)))
    assert report.open_intents == ()
    with driving(repository, ScriptedEngine([])):
        assert len(orphans(repository)) == 1


def test_a_process_that_only_has_the_number_of_the_dead_one_keeps_nothing_open() -> None:
    """Its intent was written before that process began, so it is another's."""
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    body: dict[str, Json] = {"session": "s-1", "pid": child.pid, "boot_id": boot_id(), "mono_ns": "1"}
    later: dict[str, Json] = {**body, "mono_ns": str(monotonic_ns())}
    assert not is_alive(Entry(0, b"", body, b""), "another")
    assert is_alive(Entry(0, b"", later, b""), "another")
    assert is_alive(Entry(0, b"", body, b""), "s-1")
    assert not is_alive(Entry(0, b"", {**later, "boot_id": "x"}, b""), "another")
    child.communicate()
    assert not is_alive(Entry(0, b"", later, b""), "another")
