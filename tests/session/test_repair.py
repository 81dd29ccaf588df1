"""A task with a failing test: small edits are tried in the copy, and what passes is proposed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.boundary.children import needs_landlock, needs_seal
from tests.commands import a_runner, commanding, said
from tests.model.scripted import ScriptedEngine
from tests.session.driving import Driver
from workbench.boundary import Runner
from workbench.model import ScoringRequest
from workbench.session.views import TaskEnded

pytestmark = [needs_seal, needs_landlock]

BEST = b"""def best(values):
    found = values[0]
    for value in values:
        if value < found:
            found = value
    return found
"""
MENDED = BEST.replace(b"<", b">")
CHECK = "import best; import sys; sys.exit(best.best([1, 3, 2]) != 3)"
TEST = [sys.executable, "-c", CHECK]
TASK = "Fix `best` in best.py"
REWRITTEN = "```python\ndef best(values):\n    return max(values)\n```\n"


def judge(request: ScoringRequest) -> list[float]:
    """Find the right edit likeliest but one."""
    right = MENDED.decode().strip()
    rates = [1.0 if variant.strip() == right else -1.0 for variant in request.variants]
    rates[0] = 2.0
    return rates


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with a_runner(tmp_path_factory.mktemp("state") / "commands") as runner:
        yield runner


def drive(driver: Driver, test: list[str]) -> str:
    task_id = driver.session.submit(TASK, (), test)
    driver.wait_until(lambda: any(isinstance(event, TaskEnded) for event in driver.events))
    return next(e.outcome for e in driver.events if isinstance(e, TaskEnded) and e.task_id == task_id)


def test_the_edit_that_passes_is_proposed_and_every_run_is_on_record(
    repository: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "best.py").write_bytes(BEST)
    engine = ScriptedEngine([], judge=judge)
    with commanding(repository, runner, monkeypatch, engine) as driver:
        assert drive(driver, TEST) == "queued"
        (item,) = driver.session.queue()
        shown = driver.session.shown(item.id)
        assert next(check for check in shown.checks if check.name == "tests").verdict == "pass"
        assert driver.types().count("command.outcome/outcome") == 3
        assert (repository / "best.py").read_bytes() == BEST
        assert engine.requests == []
        (scored,) = engine.scored
        assert scored.text.encode() == BEST.rstrip(b"\n")
        driver.approve_first()
        assert (repository / "best.py").read_bytes() == MENDED
        assert "Run 2: line 4, comparison: passes" in said(driver)


def test_without_an_edit_that_passes_the_model_writes_it(
    repository: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "best.py").write_bytes(BEST)
    never = [sys.executable, "-c", "import sys; sys.exit('max' not in open('best.py').read())"]
    engine = ScriptedEngine([REWRITTEN])
    with commanding(repository, runner, monkeypatch, engine) as driver:
        assert drive(driver, never) == "queued"
        assert "No small edit passes" in said(driver)
        assert driver.types().count("command.outcome/outcome") == 18


def test_tests_that_pass_already_start_no_search(
    repository: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "best.py").write_bytes(BEST)
    engine = ScriptedEngine([REWRITTEN])
    with commanding(repository, runner, monkeypatch, engine) as driver:
        assert drive(driver, [sys.executable, "-c", "pass"]) == "queued"
        assert engine.scored == []
