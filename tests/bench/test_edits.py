"""An edit counts when the tests say so, apart from the session that made it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.boundary.children import needs_landlock, needs_seal
from tests.commands import a_runner
from tests.model.scripted import ScriptedEngine
from tests.repositories import make_folder
from workbench.bench.edit_tasks import EditTask, tasks_in
from workbench.bench.edits import Outcome, measure, summary
from workbench.bench.judging import Judge
from workbench.bench.mutated import tasks_of
from workbench.boundary import Runner
from workbench.boundary import measure as measure_boundary
from workbench.core.errors import UsageError
from workbench.model import ScoringRequest
from workbench.session import opening

pytestmark = [needs_seal, needs_landlock]

ADD = b"def add(a, b):\n    total = a - b\n    return total\n"
MENDED = ADD.replace(b"a - b", b"a + b")
LAYOUT = {
    "python_programs/add.py": ADD,
    "python_testcases/test_add.py": (
        b"from python_programs.add import add\n\n\ndef test_add():\n    assert add(2, 1) == 3\n"
    ),
}
NOTHING = b"def add(a, b):\n    return None\n"
"""Has few small edits, none of which helps: every one of them is a run of the tests."""
RIGHT = f"```python\n{MENDED.decode()}```\n"
WRONG = "```python\ndef add(a, b):\n    return a * b\n```\n"
SAME = f"```python\n{NOTHING.decode()}```\n"


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with a_runner(tmp_path_factory.mktemp("state") / "commands") as runner:
        yield runner


@pytest.fixture
def judge(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Let sessions run commands as if level 3 had been measured, and return the judge."""
    monkeypatch.setattr(opening, "command_runner", lambda: runner)
    monkeypatch.setattr(f"{opening.__name__}.measure", lambda: replace(measure_boundary(), level=3))
    return Judge(runner, sys.executable)


def one(
    tmp_path: Path, judge: Judge, engine: ScriptedEngine, faulty: bytes = NOTHING, budget: float = 60.0
) -> Outcome:
    files = {**LAYOUT, "python_programs/add.py": faulty}
    (task,) = tasks_in(make_folder(tmp_path / "given", files))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (outcome,) = measure([task], engine, judge, scratch, budget)
    assert list(scratch.iterdir()) == []
    assert (tmp_path / "given/python_programs/add.py").read_bytes() == faulty
    assert list(judge._runner.place.glob("judge-*")) == []
    return outcome


def wants(mended: bytes, *answers: str) -> ScriptedEngine:
    def rate(request: ScoringRequest) -> list[float]:
        return [float(variant.strip() == mended.decode().strip()) for variant in request.variants]

    return ScriptedEngine(answers, judge=rate)


def test_an_edit_found_by_search_passes(tmp_path: Path, judge: Judge) -> None:
    engine = wants(MENDED)
    found = one(tmp_path, judge, engine, ADD)
    assert (found.task, found.passed, found.applied, found.method) == ("add", True, True, "search")
    assert (found.runs, found.noop, found.tokens_out, found.outcome, found.why) == (1, False, 0, "queued", "")
    assert 0 < found.cpu_seconds < 60
    assert engine._closed is False


def test_a_rewrite_that_is_right_passes_and_one_that_is_wrong_does_not(tmp_path: Path, judge: Judge) -> None:
    for answer, passed in ((RIGHT, True), (WRONG, False)):
        found = one(tmp_path / str(passed), judge, ScriptedEngine([answer]))
        assert (found.passed, found.applied, found.method) == (passed, True, "rewrite"), found
        assert found.tokens_out > 0
        assert ("the tests say: 1 failed" in found.why) is not passed


def test_answers_that_change_nothing_are_told_apart(tmp_path: Path, judge: Judge) -> None:
    found = one(tmp_path, judge, ScriptedEngine([SAME] * 4))
    assert (found.passed, found.applied, found.noop, found.method) == (False, False, True, "")
    assert found.outcome == "nothing"


def test_past_its_budget_a_task_is_cancelled(tmp_path: Path, judge: Judge) -> None:
    found = one(tmp_path, judge, ScriptedEngine([RIGHT]), budget=0.01)
    assert (found.passed, found.applied, found.outcome) == (False, False, "budget")


def test_the_summary_counts() -> None:
    def outcome(kind: str, *, passed: bool, method: str = "", ended: str = "queued") -> Outcome:
        return Outcome("t", kind, passed, passed, False, method, 4, 2.0, 1.0, 10, ended, "")

    told = summary(
        [
            outcome("one", passed=True, method="search"),
            outcome("one", passed=False, method="rewrite"),
            outcome("two", passed=False, ended="budget"),
        ]
    )
    assert (told.tasks, told.passed, told.search, told.rewrite, told.over_budget) == (3, 1, 1, 0, 1)
    assert told.kinds == {"one": (1, 2), "two": (0, 1)}
    assert (told.runs_mean, told.cpu_seconds_mean) == (4, 1.0)
    assert summary([]).seconds_mean == 0


PACKAGE = {
    "app/__init__.py": b"",
    "app/beds.py": (
        b"def free(beds, taken):\n    left = beds - taken\n    if left < 0:\n        left = 0\n"
        b"    return left\n\n\n"
        b"def unseen(a, b):\n    c = a + b\n    c += 1\n    return c\n"
    ),
    "checks/test_beds.py": (
        b"from app.beds import free\n\n\ndef test_free():\n    assert free(5, 2) == 3\n"
        b"    assert free(2, 5) == 0\n    assert free(2, 1) == 1\n"
    ),
    "checks/test_other.py": b"def test_other():\n    assert True\n",
}


def chosen(root: Path, judge: Judge, seed: int = 1, count: int = 4) -> list[EditTask]:
    told: list[str] = []
    return tasks_of(root, "app", "checks", judge, count=count, seed=seed, tell=told.append)


def test_mutants_are_those_that_the_tests_notice(tmp_path: Path, judge: Judge) -> None:
    root = make_folder(tmp_path / "given", PACKAGE)
    found = chosen(root, judge)
    assert [task.kind for task in found][:2] == ["one", "two"]
    assert {task.symbol for task in found} == {"free"}
    assert found == chosen(root, judge)
    for task in found:
        assert (task.path, task.tests, task.judge) == ("app/beds.py", ("checks/test_beds.py",), ("checks",))
        assert judge.run(task.lay_out, task.judge).code == 1
    assert judge.run(replace(found[0], faulty=None).lay_out, ["checks"]).passed
    assert (root / "app/beds.py").read_bytes() == PACKAGE["app/beds.py"]


def test_a_mutant_is_mended_like_any_task(tmp_path: Path, judge: Judge) -> None:
    root = make_folder(tmp_path / "given", PACKAGE)
    task = chosen(root, judge, count=1)[0]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    mended = PACKAGE["app/beds.py"].split(b"\n\n\n")[0]
    engine = wants(mended, f"```python\n{mended.decode()}\n```\n")
    (found,) = measure([task], engine, judge, scratch, 60.0)
    assert (found.task, found.passed, found.kind) == (task.name, True, "one"), found


def test_a_package_that_cannot_be_measured_on_says_why(tmp_path: Path, judge: Judge) -> None:
    root = make_folder(tmp_path, PACKAGE)
    with pytest.raises(UsageError, match="--mutants nowhere: there is no such"):
        tasks_of(root, "nowhere", "checks", judge, count=1, seed=1, tell=print)
    with pytest.raises(UsageError, match="--tests"):
        tasks_of(root, "app", "../..", judge, count=1, seed=1, tell=print)
    with pytest.raises(UsageError, match="holds no Python"):
        tasks_of(root, "checks", "checks", judge, count=1, seed=1, tell=print)
    with pytest.raises(UsageError, match="notice none"):
        tasks_of(root, "app", "checks/test_other.py", judge, count=1, seed=1, tell=print)
    (root / "checks/test_other.py").write_bytes(b"def test_other():\n    assert False\n")
    with pytest.raises(UsageError, match="do not pass"):
        chosen(root, judge)


def test_a_python_without_pytest_is_named(runner: Runner) -> None:
    with pytest.raises(UsageError, match=r"/no/python cannot run tests"):
        Judge(runner, "/no/python")
