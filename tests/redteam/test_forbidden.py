"""Where the kernel or a container forbids Landlock or seccomp, the whole program says so and does less."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.boundary.children import needs_landlock, needs_seal
from tests.redteam.attacking import WORKBENCH
from tests.repositories import SUMMARY
from tests.terminal.places import leave
from tests.terminal.tmux import terminal
from workbench.boundary.levels import LEVELS

pytestmark = [needs_seal, needs_landlock]

LAUNCHER = str(Path(__file__).with_name("launcher.py"))
DROPPED = {"landlock": 2, "seccomp": 0}
"""The level that is left without each."""
ANSWERS = ("ENOSYS", "EPERM")


def _forbidding(what: str, answer: str, *words: str) -> list[str]:
    return [sys.executable, LAUNCHER, what, answer, WORKBENCH, *words]


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def _doctor(command: list[str]) -> dict[str, Any]:
    done = _run(command)
    assert done.stdout, done.stderr
    assert "Traceback" not in done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_without_anything_forbidden_the_level_is_higher(repository: Path) -> None:
    assert _doctor([WORKBENCH, "doctor", "--json", "--repo", str(repository)])["level"] >= 3


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("what", DROPPED)
def test_doctor_measures_what_is_left_and_says_it(what: str, answer: str, repository: Path) -> None:
    report = _doctor(_forbidding(what, answer, "doctor", "--json", "--repo", str(repository)))
    level = DROPPED[what]
    assert (report["level"], report["words"]) == (level, LEVELS[level].words)
    missing = [name for name, check in report["checks"].items() if not check["held"]]
    assert any(name.startswith("cmd.") for name in missing), "commands are off"
    assert any(name.startswith("net.") for name in missing) is (what == "seccomp")


@pytest.mark.parametrize("what", DROPPED)
def test_a_demanded_level_is_not_there_and_nothing_opens(
    what: str, repository: Path, private_places: Path
) -> None:
    settings = private_places / "config" / "workbench"
    settings.mkdir(parents=True)
    (settings / "policy.toml").write_text("[boundary]\nminimum = 3\n")
    done = _run(_forbidding(what, "EPERM", "--plain", str(repository)))
    assert done.returncode == 1
    assert f"Policy demands boundary level 3; this machine measures {DROPPED[what]}" in done.stderr


def test_without_seccomp_nothing_is_changed_before_a_person_acknowledges(repository: Path) -> None:
    listed = _run(_forbidding("seccomp", "ENOSYS", "ask", "--repo", str(repository), "Fix `median`"))
    assert "Traceback" not in listed.stderr
    assert (repository / "vitals/summary.py").read_bytes() == SUMMARY


@pytest.mark.terminal
@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")
@pytest.mark.parametrize("what", DROPPED)
def test_the_screen_and_the_ledgers_first_row_say_what_was_measured(
    what: str, repository: Path, private_places: Path
) -> None:
    names = ("WORKBENCH_STATE", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    places = {name: os.environ[name] for name in names} | {"TERM": "tmux-256color", "LANG": "C.UTF-8"}
    words = LEVELS[DROPPED[what]]
    command = _forbidding(what, "EPERM", str(repository))
    with terminal(command, width=120, height=40, environment=places, folder=repository) as screen:
        shown = screen.wait_for(words.short, "3 Review")
        assert "KERNEL-ENFORCED" not in shown
        leave(screen)
    logged = _run(
        [WORKBENCH, "audit", "log", "--json", "--type", "boundary.measured", "--repo", str(repository)]
    )
    boundary = json.loads(logged.stdout.splitlines()[0])["body"]["boundary"]
    assert (boundary["level"], boundary["words"]) == (DROPPED[what], words.words)
