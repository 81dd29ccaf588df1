"""The whole way with real models: the plumbing with the smallest, one real edit with one that can code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import models
from tests.session.driving import driving
from workbench.model import Registry
from workbench.session.views import Activity, StatusChanged, UtteranceGrew

pytestmark = pytest.mark.model
TASK = (
    "Fix `median` in vitals/summary.py: "
    "for an even number of readings return the mean of the two in the middle"
)


def test_the_smallest_model_streams_is_measured_and_recorded(repository: Path) -> None:
    Registry().add(models.smollm2(), name="smollm2")
    with driving(repository, None) as driver:
        assert driver.session.status().model == "smollm2"
        assert driver.run(TASK) in ("queued", "nothing")
        status = driver.session.status()
        assert status.activity is Activity.READY
        assert status.tokens_per_second > 0
        assert 0 < status.context_used < status.context_size
        types = driver.types()
    assert types.count("inference.intent/intent") == types.count("inference.outcome/outcome") >= 1
    assert "model.loaded" in types
    assert sum(isinstance(event, UtteranceGrew) for event in driver.events) > 3
    assert any(isinstance(event, StatusChanged) for event in driver.events)


def test_a_real_edit_by_a_real_model_makes_the_failing_test_pass(repository: Path) -> None:
    check = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    assert subprocess.run(check, cwd=repository, capture_output=True, check=False).returncode == 1
    Registry().add(models.qwen05(), name="qwen")
    with driving(repository, None) as driver:
        assert driver.run(TASK) == "queued"
        assert driver.approve_first() == "applied"
    done = subprocess.run(check, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_stopping_during_the_answer_ends_the_task_and_the_next_one_works(repository: Path) -> None:
    Registry().add(models.qwen05(), name="qwen")
    with driving(repository, None) as driver:
        session = driver.session
        session.submit(TASK)
        driver.wait_until(lambda: session.status().activity is Activity.GENERATING)
        assert session.cancel()
        driver.wait_until(lambda: not session.busy() or session.status().activity is Activity.READY)
        driver.wait_until(lambda: "task.ended" in driver.types())
        assert session.queue() == ()
        driver.wait_until(lambda: not session.busy())
        assert driver.run(TASK) == "queued"
