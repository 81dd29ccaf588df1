"""The commands keep their contract: exit codes, JSON, one line of cause and one of next step."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.running import workbench
from tests.model.scripted import ScriptedEngine
from tests.repositories import GOOD_ANSWER, SUMMARY, git
from tests.session.driving import driving
from workbench.cli.arguments import COMMANDS
from workbench.core import places

TASK = "Fix `median` in vitals/summary.py"


@pytest.fixture
def queued(repository: Path) -> str:
    """Queue one proposal and return its id."""
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        assert driver.run(TASK) == "queued"
        return driver.session.queue()[0].id


def test_version_and_help_answer_at_once(tmp_path: Path) -> None:
    assert workbench("--version").out.startswith("workbench ")
    for name in filter(None, COMMANDS):
        assert workbench(name, "--help").code == 0
        assert name in workbench("--help").out


def test_every_command_stands_in_the_readme() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    for name in filter(None, COMMANDS):
        assert f"workbench {name}" in readme


def test_a_proposal_is_listed_shown_approved_and_committed(repository: Path, queued: str) -> None:
    here = ("--repo", str(repository))
    (listed,) = json.loads(workbench("queue", "list", "--json", *here).out)
    assert (listed["id"], listed["state"], listed["path"]) == (queued, "queued", "vitals/summary.py")
    shown = workbench("queue", "show", queued[-8:], *here)
    assert "+     return (ordered[middle - 1] + ordered[middle]) / 2" in shown.out
    assert "Check syntax: pass" in shown.out
    done = workbench("queue", "approve", queued[-8:], "--accept-unenforced", *here)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Wrote vitals/summary.py. Commit ")
    assert f"Proposal: {queued}" in git(repository, "log", "-1", "--format=%(trailers)")
    assert workbench("queue", "approve", queued, "--accept-unenforced", *here).code != 0


def test_some_hunks_can_be_approved_and_the_others_never_reach_the_disk(repository: Path) -> None:
    answer = "```python\n" + GOOD_ANSWER.split("```python\n")[1]
    with driving(repository, ScriptedEngine([answer])) as driver:
        assert driver.run(TASK) == "queued"
        hunks = driver.session.shown(driver.session.queue()[0].id).hunks
        queued = driver.session.queue()[0].id
    here = ("--repo", str(repository), "--accept-unenforced")
    assert workbench("queue", "approve", queued, "--hunks", str(hunks + 1), *here).code == 2
    assert workbench("queue", "approve", queued, "--hunks", "x", *here).code == 2
    assert (repository / "vitals/summary.py").read_bytes() == SUMMARY
    assert workbench("queue", "approve", queued, "--hunks", "1", *here).code == 0


def test_rejecting_needs_a_reason(repository: Path, queued: str) -> None:
    assert workbench("queue", "reject", queued, "--repo", str(repository)).code == 2
    done = workbench("queue", "reject", queued, "--reason", "not now", "--repo", str(repository))
    assert done.code == 0
    assert (repository / "vitals/summary.py").read_bytes() == SUMMARY


def test_the_log_can_be_filtered_and_an_entry_shown_with_what_is_sealed(
    repository: Path, queued: str
) -> None:
    here = ("--repo", str(repository))
    lines = workbench("audit", "log", "--type", "file.read", "--json", *here).out.splitlines()
    assert {json.loads(line)["body"]["obj"]["path"] for line in lines} == {"vitals/summary.py"}
    assert len(workbench("audit", "log", "--count", "3", *here).out.splitlines()) == 3
    (intent,) = workbench("audit", "log", "--type", "inference.intent", *here).out.splitlines()
    shown = workbench("audit", "show", intent.split()[0], "--sealed", *here)
    assert "sealed prompt: " in shown.out
    assert "Fix `median`" in shown.out
    assert workbench("audit", "show", "99999", *here).code != 0


def test_verify_finds_a_single_changed_byte(repository: Path, queued: str) -> None:
    here = ("--repo", str(repository))
    assert workbench("audit", "verify", *here).code == 0
    ledger = places.repository_state(repository) / "ledger.db"
    with sqlite3.connect(ledger) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(ledger.read_bytes())
    data[data.index(b'"file.read"') + 1] ^= 1
    ledger.write_bytes(data)
    found = workbench("audit", "verify", *here)
    assert found.code == 2, found.out


def test_the_export_is_one_message_an_entry(repository: Path, queued: str) -> None:
    size = json.loads(workbench("audit", "verify", "--json", "--repo", str(repository)).out)["size"]
    sent = workbench("audit", "export", "--format", "syslog", "--repo", str(repository)).out
    assert sent.count(" [workbench@32473 idx=") == size + 1  # the export itself is on record first


def test_policy_explains_paths_and_commands(repository: Path) -> None:
    here = ("--repo", str(repository))
    assert "deny" in workbench("policy", "explain", *here, ".env").out
    assert "allow" in workbench("policy", "explain", *here, "vitals/summary.py").out
    assert " ask " in workbench("policy", "explain", *here, "pytest", "-q").out
    assert workbench("policy", "explain", *here).code == 2


def test_doctor_reports_what_it_measured(repository: Path) -> None:
    found = json.loads(workbench("doctor", "--json", "--repo", str(repository)).out)
    assert found["level"] in (0, 2, 3, 4)
    assert found["checks"]["net.tcp"]["detail"]


def test_doctor_fails_when_policy_demands_more_than_is_measured(repository: Path) -> None:
    (repository / ".workbench").mkdir()
    (repository / ".workbench/policy.toml").write_text("[boundary]\nminimum = 4\n")
    found = workbench("doctor", "--repo", str(repository))
    assert found.code == 1
    assert "policy demands level 4" in found.out
    refused = workbench("queue", "list", "--repo", str(repository))
    assert refused.code == 1
    assert "boundary level 4" in refused.err


def test_ask_without_a_model_says_how_to_get_one(repository: Path) -> None:
    found = workbench("ask", TASK, "--repo", str(repository))
    assert found.code == 1
    assert "No model is registered." in found.err
    assert "workbench model add FILE" in found.err


def test_a_command_to_run_is_refused_and_on_record(repository: Path) -> None:
    with driving(repository, ScriptedEngine([])) as driver:
        with pytest.raises(Exception, match="run"):
            driver.session.propose_command(["pytest", "-q"])
        assert "command.proposed" in driver.types()


def test_plain_lines_do_the_whole_way_without_a_screen(repository: Path, queued: str) -> None:
    given = f"/queue\n/show {queued[-8:]}\n/nonsense\n/approve {queued[-8:]}\n/audit 3\n/status\n"
    done = workbench("--plain", "--accept-unenforced", str(repository), give=given)
    assert done.code == 0
    assert "Unknown command /nonsense" in done.out
    assert "Workbench: Wrote vitals/summary.py." in done.out
    assert "\x1b" not in done.out


def test_the_end_of_plain_input_decides_nothing(repository: Path, queued: str) -> None:
    assert workbench("--plain", str(repository), give=f"/show {queued}\n").code == 0
    assert (repository / "vitals/summary.py").read_bytes() == SUMMARY
