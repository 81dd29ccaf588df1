"""`workbench redteam` on this very installation: everything holds, and the ledger says so."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.boundary.children import needs_landlock, needs_seal
from tests.redteam.attacking import redteam
from workbench.core import places
from workbench.ledger import LedgerReader, head_anchors, verify
from workbench.redteam import cases, groups, suite

pytestmark = [needs_seal, needs_landlock]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any]]:
    """One whole run in the sealed program, as a person starts it."""
    done = redteam("--json", state=tmp_path_factory.mktemp("state"))
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, report


def test_every_attack_is_held_or_skipped_with_its_reason(whole: tuple[int, dict[str, Any]]) -> None:
    code, report = whole
    through = [(row["id"], row["detail"]) for row in report["cases"] if row["outcome"] == "BREACH"]
    assert (code, through) == (0, [])
    assert len(report["cases"]) == len(cases()) >= 100
    skipped = {row["id"]: row["detail"] for row in report["cases"] if row["outcome"] == "skipped"}
    assert all(len(reason) > 10 for reason in skipped.values())
    assert len(skipped) < 20, skipped
    assert report["counts"]["held"] >= 100
    assert report["level"] >= 3


def test_every_group_of_the_issue_is_attacked(whole: tuple[int, dict[str, Any]]) -> None:
    held = {row["id"].partition(".")[0] for row in whole[1]["cases"] if row["outcome"] == "held"}
    assert held == set(groups())
    assert held == {
        *("path", "detect", "race", "write", "git", "command", "copy", "config", "argv"),
        *("decision", "display", "inject", "audit", "model", "seal"),
    }


def test_a_run_about_a_repository_is_a_row_of_its_ledger(repository: Path, private_places: Path) -> None:
    state = private_places / "state"
    done = redteam("--json", "--only", "argv", "--repo", str(repository), state=state)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    directory = places.repository_state(repository)
    with LedgerReader.open(directory) as reader:
        (row,) = reader.find(type="redteam.completed")
    assert row.index == report["recorded"]["entry"]
    assert row.body["redteam"]["digest"]["v"] == report["digest"]  # type: ignore[index,call-overload]
    assert row.body["redteam"]["counts"] == report["counts"]  # type: ignore[index,call-overload]
    assert row.body["outcome"]["status"] == "success"  # type: ignore[index,call-overload]
    assert verify(directory, head_anchors(places.head_file(repository))).exit_code == 0
    assert (repository / ".env").read_bytes() == b"TOKEN=secret\n", "the repository itself is not touched"


def test_two_runs_that_found_the_same_have_the_same_digest_and_leave_nothing(private_places: Path) -> None:
    state = private_places / "state"
    first, second = (json.loads(redteam("--json", "--only", "argv", state=state).stdout) for _ in range(2))
    assert first["digest"] == second["digest"]
    assert (first["recorded"]["entry"] + 1, first["recorded"]["ledger"]) <= (
        second["recorded"]["entry"],
        second["recorded"]["ledger"],
    )
    assert not list((state / "redteam").glob("lab-*"))


def test_a_lab_that_a_killed_run_left_is_removed(private_places: Path) -> None:
    left = private_places / "state" / "redteam" / "lab-999999999"
    left.mkdir(parents=True)
    assert redteam("--only", "argv.empty", state=private_places / "state").returncode == 0
    assert not left.exists()


def test_an_unknown_name_gets_one_line_and_the_groups(private_places: Path) -> None:
    done = redteam("--only", "nothing\x1b[2J", state=private_places / "state")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 2
    assert "\x1b" not in done.stderr
    assert "Groups: path, " in done.stderr


def test_a_repository_that_is_not_there_is_refused_before_anything_is_made_for_it(
    private_places: Path,
) -> None:
    state = private_places / "state"
    done = redteam("--repo", str(private_places / "none"), "--only", "argv", state=state)
    assert done.returncode == 2
    assert "does not exist" in done.stderr
    assert {path.name for path in state.iterdir()} <= {"redteam", "outside"}


def test_listing_says_what_would_be_tried_and_tries_nothing(private_places: Path) -> None:
    done = redteam("--list", "--only", "race", state=private_places / "state")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        case.id for case in suite.choose(["race"])
    ]
    assert not (private_places / "state" / "redteam" / "ledger").exists()


def test_a_breach_ends_with_exit_code_3(private_places: Path) -> None:
    """In an unsealed process the very first attempt at a socket succeeds."""
    program = (
        "import sys\n"
        "from workbench.cli import arguments, redteam\n"
        "sys.exit(redteam.run(arguments.parse(['redteam', '--only', 'seal.net.tcp'])))"
    )
    environment = {**os.environ, "WORKBENCH_STATE": str(private_places / "state")}
    from sys import executable

    done = subprocess.run(
        [executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 3, done.stderr
    assert "BREACH   seal.net.tcp" in done.stdout
    assert "1 attacks: 0 held, 1 breach, 0 skipped" in done.stdout


def test_ids_are_unique_and_every_case_says_where_it_comes_from() -> None:
    ids = [case.id for case in cases()]
    assert len(ids) == len(set(ids))
    assert all(case.source and case.title and case.holds for case in cases())
