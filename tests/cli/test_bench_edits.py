"""`workbench bench edits` as installed: what it refuses, and one real task with a real model."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests import models
from tests.cli.running import workbench
from tests.repositories import make_folder
from workbench.cli.arguments import parse
from workbench.cli.reach import needed
from workbench.model import Registry

LAYOUT = {
    "python_programs/free_beds.py": (
        b'def free_beds(beds, taken):\n    """Return how many beds are free."""\n    return beds + taken\n'
    ),
    "python_testcases/test_free_beds.py": (
        b"from python_programs.free_beds import free_beds\n\n\n"
        b"def test_free():\n    assert free_beds(5, 2) == 3\n\n\n"
        b"def test_all_free():\n    assert free_beds(5, 0) == 5\n"
    ),
}


@pytest.fixture
def confined(repository: Path) -> None:
    """Skip where no command is run on this machine; other tests say so."""
    found = json.loads(workbench("doctor", "--json", "--repo", str(repository)).out)
    if found["level"] < 3:
        pytest.skip(f"level {found['level']} is measured here: commands are off")


@pytest.mark.usefixtures("confined")
def test_what_cannot_be_measured_is_refused_with_a_next_step(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "given", LAYOUT)
    for words, code, said in (
        ([str(tmp_path / "missing")], 2, "is no directory"),
        ([str(tmp_path)], 2, "holds no python_programs"),
        ([str(root), "--only", "other"], 2, "There are: free_beds."),
        ([str(root), "--mutants", "app"], 2, "--mutants and --tests go together."),
        ([str(root), "--budget-s", "0"], 2, "--budget-s"),
        ([str(root)], 1, "workbench model add FILE"),
    ):
        ran = workbench("bench", "edits", *words)
        assert (ran.code, said in ran.err, ran.out) == (code, True, ""), ran


@pytest.mark.model
@pytest.mark.usefixtures("confined")
def test_a_real_model_mends_a_real_fault_and_nothing_is_left(tmp_path: Path, private_places: Path) -> None:
    Registry().add(models.qwen05(), name="qwen")
    root = make_folder(tmp_path / "given", LAYOUT)
    ran = workbench("bench", "edits", str(root), "--json", "--budget-s", "90")
    assert ran.code == 0, ran
    task, last = map(json.loads, ran.out.splitlines())
    assert (task["task"], task["passed"], task["applied"], task["noop"]) == ("free_beds", True, True, False)
    assert task["method"] in ("search", "rewrite")
    assert 0 < task["cpu_seconds"] < 90
    told = last["summary"]
    assert (told["tasks"], told["passed"], told["model"], told["budget_s"]) == (1, 1, "qwen", 90)
    assert list((private_places / "state/bench").iterdir()) == []
    assert (root / "python_programs/free_beds.py").read_bytes() == LAYOUT["python_programs/free_beds.py"]


def test_only_what_is_measured_on_is_within_reach(tmp_path: Path, private_places: Path) -> None:
    root = make_folder(tmp_path / "given", LAYOUT)
    access = needed(parse(["bench", "edits", str(root)]))
    assert access is not None
    assert str(root) in access.read
    assert access.write == ()
    assert access.commands == str(private_places / f"state/bench/edits-{os.getpid()}/commands")
    refused = needed(parse(["bench", "edits", "/"]))
    assert refused is not None
    assert "/" not in refused.read
