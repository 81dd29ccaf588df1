"""A repository in which everything is planted: the whole way through Workbench executes none of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.model.scripted import ScriptedEngine
from tests.redteam.attacking import WORKBENCH
from tests.repo.test_git_hostile import Trap
from tests.session.driving import driving
from workbench.core.records import ProposalState

TASK = "Fix `double` in sums.py: it must return twice the number"
SUMS = b"def double(number):\n    return number\n"
ANSWER = "```python\ndef double(number):\n    return 2 * number\n```\n"


def _plain_git(root: Path) -> object:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(root.parent),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }

    def run(*words: str, check: bool = True) -> bytes:
        done = subprocess.run(
            ["git", *words],
            cwd=root,
            env=environment,
            capture_output=True,
            check=check,
            stdin=subprocess.DEVNULL,
        )
        return done.stdout

    return run


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    root = tmp_path / "hostile"
    root.mkdir()
    made = Trap(root, tmp_path / "canaries", _plain_git(root))  # type: ignore[arg-type]
    (root / "sums.py").write_bytes(SUMS)
    return made


def test_opening_listing_viewing_diffing_deciding_and_committing_execute_nothing(trap: Trap) -> None:
    with driving(trap.root, ScriptedEngine([ANSWER])) as driver:
        session = driver.session
        paths = [entry.path for entry in session.tree()]
        assert {"sums.py", "plain.py", "a.txt"} <= set(paths)
        session.file("plain.py")
        session.examples()
        assert driver.run(TASK) == "queued"
        shown = session.shown(session.queue()[0].id)
        assert any("2 * number" in row.text for row in shown.rows)
        assert driver.approve_first() == ProposalState.APPLIED
        session.tree()
        types = driver.types()
    assert (trap.root / "sums.py").read_bytes() == b"def double(number):\n    return 2 * number\n"
    assert "commit.intent/intent" in types, "a commit must have been tried, or this shows less"
    assert trap.sprung() == set()


def test_no_command_executes_anything_planted(trap: Trap) -> None:
    for words in (
        ("index", "rebuild"),
        ("index", "query", "double"),
        ("queue", "list"),
        ("audit", "verify"),
        ("doctor",),
    ):
        done = subprocess.run(
            [WORKBENCH, *words], cwd=trap.root, capture_output=True, text=True, timeout=120, check=False
        )
        assert "Traceback" not in done.stderr
        assert trap.sprung() == set(), words


def test_plain_git_does_execute_what_is_planted_here(trap: Trap) -> None:
    for words in (["status"], ["diff"], ["add", "sums.py"], ["commit", "-m", "x"]):
        _plain_git(trap.root)(*words, check=False)  # type: ignore[operator]
    assert trap.sprung() >= {"fsmonitor-2", "worktree-process"}
