"""The policy commands as a person runs them: what is in force, and what another file would change."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.running import Ran, workbench
from tests.model.scripted import ScriptedEngine
from tests.repositories import GOOD_ANSWER
from tests.session.driving import driving
from workbench.core import places
from workbench.core.errors import WorkbenchError
from workbench.policy import PHASES, preset_text

TASK = "Fix `median` in vitals/summary.py"


def _clear(ran: Ran, *words: str) -> None:
    """Check for one line of cause and one of next step that hold these words."""
    assert ran.code in (1, 2), ran
    assert 1 <= len(ran.err.strip().splitlines()) <= 2, ran.err
    for word in words:
        assert word in ran.err


@pytest.fixture
def user_file() -> Path:
    """Return where the user's policy is kept, with its folder there."""
    file = places.config_root() / "policy.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


@pytest.fixture
def record(repository: Path) -> Path:
    """Return a repository with a record: a task, its approval, a refused file and a refused command."""
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        assert driver.run(TASK) == "queued"
        assert driver.approve_first() == "applied"
        for refused in (lambda: driver.session.file(".env"), lambda: driver.session.propose_command(["ls"])):
            with pytest.raises(WorkbenchError):
                refused()
    return repository


def test_show_lists_what_is_in_force_with_tier_and_line(repository: Path, user_file: Path) -> None:
    user_file.write_text('phase = "pilot"\n[read]\ndeny = ["private/"]\n')
    (repository / ".workbench").mkdir()
    (repository / ".workbench/policy.toml").write_text("[budget]\nlines_per_proposal = 5000\n")
    shown = workbench("policy", "show", "--repo", str(repository)).out
    assert shown.startswith("policy pilot@")
    assert f'  phase = "pilot"  [user, {user_file}:1]' in shown
    assert '  commit.mode = "off"  [user, presets/pilot.toml:' in shown
    assert f'  read.deny "private/"  [user, {user_file}:3]' in shown
    assert '  read.deny ".env"  [floor, compiled in, floor.py:' in shown
    vain = shown.partition("without effect")[2]
    assert "budget.lines_per_proposal = 5000  [repository, .workbench/policy.toml:2]" in vain
    found = json.loads(workbench("policy", "show", "--json", "--repo", str(repository)).out)
    assert found["phase"] == "pilot"
    listed = sum(line.startswith("  ") for line in shown.splitlines())
    assert len(found["lines"]) == listed > 300
    assert {"section", "rule", "tier", "source", "note"} == set(found["lines"][0])


def test_show_prints_a_preset_as_it_is_shipped(tmp_path: Path) -> None:
    for name in PHASES:
        assert workbench("policy", "show", "--preset", name, folder=tmp_path).out == preset_text(name)
    given = json.loads(workbench("policy", "show", "--preset", "pilot", "--json").out)
    assert given == {"preset": "pilot", "text": preset_text("pilot")}
    _clear(
        workbench("policy", "show", "--preset", "../floor"),
        "no preset",
        "pilot, narrow, regulated, graduated",
    )


def test_a_preset_can_be_saved_and_used_as_a_file(repository: Path, user_file: Path) -> None:
    user_file.write_text(workbench("policy", "show", "--preset", "narrow").out)
    found = workbench("policy", "explain", "--repo", str(repository), "vitals/summary.py").out
    assert f"edit   deny   edit.allow does not list it  [user, {user_file}:" in found


def test_explain_answers_for_a_model_by_its_digest(repository: Path, user_file: Path) -> None:
    user_file.write_text(f'[model]\nallow = ["{"a" * 64}"]\n')
    here = ("policy", "explain", "--repo", str(repository))
    assert "load   allow  model.allow aaaaaaaaaaaa" in workbench(*here, "a" * 64).out
    assert f"model.allow does not list it  [user, {user_file}:2]" in workbench(*here, "b" * 64).out


def test_check_reads_a_file_of_any_tier(tmp_path: Path, user_file: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('[budget]\nlines_per_proposal = 9000\n[run]\nallow = [["ls"]]\n')
    alone = workbench("policy", "check", str(file))
    assert alone.code == 0
    assert "understood as the repository's policy" in alone.out
    assert f"{file}:2: budget.lines_per_proposal = 9000 has no effect by itself." in alone.out
    assert f"{file}:4: run.allow has no effect by itself." in alone.out
    for tier in ("admin", "user"):
        given = workbench("policy", "check", "--tier", tier, str(file))
        assert (given.code, len(given.out.splitlines())) == (0, 1), given
    user_file.write_text(file.read_text())
    assert "the user's policy" in workbench("policy", "check", str(user_file)).out
    found = json.loads(workbench("policy", "check", "--json", str(file)).out)
    assert found["tier"] == "repository"
    assert [source for source, _name, _note in found["without_effect"]] == [f"{file}:2", f"{file}:4"]


@pytest.mark.parametrize("tier", ["admin", "user", "repository"])
def test_check_names_file_line_and_what_is_allowed(tmp_path: Path, tier: str) -> None:
    file = tmp_path / "policy.toml"
    file.write_text("[approvals]\nreason_required = true\npeople = 4\n")
    _clear(
        workbench("policy", "check", "--tier", tier, str(file)),
        f"{file}:3: approvals.people is 4.",
        "Allowed: 1 or 2 or 3.",
    )


def test_check_and_test_survive_what_is_no_policy_file(repository: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    here = ("--repo", str(repository))
    for verb in ("check", "test"):
        _clear(workbench("policy", verb, *here, str(tmp_path / "none")), "does not exist")
        _clear(workbench("policy", verb, *here, str(tmp_path / "pipe")), "not a regular file")
        _clear(workbench("policy", verb, *here, str(tmp_path)), "not a regular file")
        _clear(workbench("policy", verb, *here, "/dev/zero"), "not a regular file")
        assert workbench("policy", verb, *here, "--tier", "floor", "x").code == 2
    (tmp_path / "bad.toml").write_text("[read]\nx = 1\n")
    _clear(workbench("policy", "test", *here, str(tmp_path / "bad.toml")), "bad.toml:2", "Allowed:")


def test_test_without_a_record_says_so(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "new.toml").write_text("")
    ran = workbench("policy", "test", "--repo", str(repository), str(tmp_path / "new.toml"))
    assert ran.code == 1
    _clear(ran, "no ledger")


def test_test_finds_nothing_to_change_under_the_same_policy(record: Path, tmp_path: Path) -> None:
    (tmp_path / "same.toml").write_text("# nothing\n")
    ran = workbench("policy", "test", "--repo", str(record), str(tmp_path / "same.toml"))
    assert ran.code == 0, ran
    assert ran.out.startswith("would have denied 0, newly allowed 0, asked about 0; ")


def test_test_counts_and_names_what_would_have_been_denied(record: Path, tmp_path: Path) -> None:
    file = tmp_path / "strict.toml"
    file.write_text('[read]\ndeny = ["vitals/"]\n[budget]\nlines_per_proposal = 7\n')
    here = ("--repo", str(record), str(file))
    found = json.loads(workbench("policy", "test", "--json", *here).out)
    subjects = {(each["what"], each["subject"]) for each in found["denied"]["first"]}
    assert subjects == {("read", "vitals/summary.py"), ("edit", "vitals/summary.py")}
    assert found["denied"]["requests"] >= found["denied"]["distinct"] == 2
    assert {each["source"] for each in found["denied"]["first"]} == {f"{file}:2"}
    assert found["settings"] == {"budget.lines_per_proposal": [500, 7]}
    ran = workbench("policy", "test", *here)
    assert ran.code == 3
    assert ran.out.startswith(f"would have denied {found['denied']['requests']}, newly allowed 0, ")
    assert "edit vitals/summary.py: was allow, read.deny" in ran.out
    assert "budget.lines_per_proposal: 500 becomes 7" in ran.out


def test_test_names_what_would_newly_be_allowed(record: Path, tmp_path: Path) -> None:
    file = tmp_path / "loose.toml"
    file.write_text('[run]\nallow = [["ls"]]\n')
    here = ("--repo", str(record), "--tier", "user", str(file))
    ran = workbench("policy", "test", *here)
    assert ran.code == 4, ran
    assert ran.out.startswith("would have denied 0, newly allowed 1, asked about 0; ")
    assert f"allowed  run ls: was ask, run.allow ['ls'] [user, {file}:2]" in ran.out
    # A repository's file cannot grant it: a person is still asked.
    assert workbench("policy", "test", "--repo", str(record), str(file)).code == 0


def test_test_names_twenty_and_counts_the_rest(repository: Path, tmp_path: Path) -> None:
    with driving(repository, ScriptedEngine([])) as driver:
        for number in range(23):
            (repository / f"n{number:02}.py").write_text("")
            driver.session.file(f"n{number:02}.py")
    file = tmp_path / "strict.toml"
    file.write_text('[read]\ndeny = ["n*.py"]\n')
    ran = workbench("policy", "test", "--repo", str(repository), str(file))
    assert "would have denied 23, " in ran.out
    assert sum("denied   read n" in line for line in ran.out.splitlines()) == 20
    assert "denied   and 3 more" in ran.out


def test_test_works_while_the_policy_in_force_is_broken(
    record: Path, tmp_path: Path, user_file: Path
) -> None:
    user_file.write_text("[broken\n")
    (tmp_path / "mended.toml").write_text('[read]\ndeny = ["vitals/"]\n')
    ran = workbench("policy", "test", "--tier", "user", "--repo", str(record), str(tmp_path / "mended.toml"))
    assert ran.code == 3, ran
