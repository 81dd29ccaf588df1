"""The installed program runs a command inside its seal: proposed, shown, approved by id, and on record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import workbench


@pytest.fixture(autouse=True)
def isolated_enough(repository: Path) -> None:
    """Skip where this machine confines no files: commands are then off, and other tests say so."""
    found = json.loads(workbench("doctor", "--json", "--repo", str(repository)).out)
    if found["level"] < 3:
        pytest.skip(f"level {found['level']} is measured here: commands are off")


def propose(repository: Path, line: str) -> str:
    """Propose a command in line mode, and return its id."""
    said = workbench("--plain", str(repository), give=f"/run {line}\n")
    assert said.code == 0, said
    (item,) = json.loads(workbench("queue", "list", "--json", "--repo", str(repository)).out)
    return str(item["id"])


def test_a_command_is_shown_approved_and_run_and_its_change_waits(repository: Path) -> None:
    item = propose(repository, "sh -c 'echo seen; cat .env; echo more >> README.md'")
    shown = workbench("queue", "show", item, "--repo", str(repository)).out
    assert "    1   sh\n    2   -c\n    3   echo seen; cat .env; echo more >> README.md" in shown
    assert "The program is a shell" in shown
    done = workbench("queue", "approve", item, "--repo", str(repository))
    assert done.code == 0, done
    assert "seen\n" in done.out
    assert "TOKEN" not in done.out
    assert "exit 0 after" in done.out
    assert (repository / "README.md").read_bytes() == b"# vitals\n"
    items = json.loads(workbench("queue", "list", "--json", "--repo", str(repository)).out)
    assert {(each["kind"], each["state"]) for each in items} == {("edit", "queued"), ("run", "ran")}
    log = workbench("audit", "log", "--repo", str(repository)).out
    for kind in ("command.proposed", "command.decided", "shadow.synced", "command.intent", "command.outcome"):
        assert kind in log
    assert "TOKEN" not in log
    assert workbench("audit", "verify", "--repo", str(repository)).code in (0, 4)


def test_a_command_that_fails_ends_the_approval_with_1(repository: Path) -> None:
    item = propose(repository, "sh -c 'exit 3'")
    done = workbench("queue", "approve", item, "--json", "--repo", str(repository))
    assert done.code == 1
    answer = json.loads(done.out)
    assert answer["state"] == "ran"
    assert any(row.startswith("exit 3 after") for row in answer["rows"])


def test_bad_commands_get_one_clear_line(repository: Path) -> None:
    for line, said in (
        ("/run 'open\n", "Close the quotes."),
        ("/run\n", "The command is empty."),
        ("/run ls \u202e\n", "hidden or control character"),
    ):
        ran = workbench("--plain", str(repository), give=line)
        assert said in ran.out, (line, ran)
    for test, said in (("'open", "Close the quotes."), ("", "--test is empty.")):
        ran = workbench("ask", "Fix it", "--test", test, "--repo", str(repository))
        assert (ran.code, said in ran.err) == (2, True), ran
