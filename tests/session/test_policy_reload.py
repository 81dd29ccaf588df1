"""A policy that changes while the program runs: taken into force, on record; a broken one changes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.model.scripted import ScriptedEngine
from tests.repositories import GOOD_ANSWER, SUMMARY
from tests.session.driving import Driver, driving
from workbench.core.errors import Refused
from workbench.session import policing

TASK = "Fix `median` in vitals/summary.py"


@pytest.fixture(autouse=True)
def looked_at_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the files at every reading of the status instead of once a second."""
    monkeypatch.setattr(policing, "SECONDS", 0.0)


def _write(repository: Path, text: str) -> None:
    file = repository / ".workbench/policy.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


def _settle(driver: Driver) -> None:
    for _ in range(4):
        driver.session.status()


def test_a_changed_policy_counts_at_once_and_is_on_record(repository: Path) -> None:
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        _settle(driver)
        before = driver.session.status().policy
        _write(repository, '[read]\ndeny = ["README.md"]\n')
        _settle(driver)
        assert driver.session.status().policy != before
        assert "policy.changed" in driver.types()
        with pytest.raises(Refused, match=r"README\.md"):
            driver.session.file("README.md")


def test_a_proposal_made_under_the_old_policy_is_stale(repository: Path) -> None:
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        _settle(driver)
        assert driver.run(TASK) == "queued"
        _write(repository, "[budget]\nlines_per_proposal = 400\n")
        _settle(driver)
        shown = driver.session.shown(driver.session.queue()[0].id)
        assert "policy changed" in shown.stale
        result = driver.session.approve(shown.proposal_id, shown.shown_sha256)
        assert result.state == "stale"
    assert (repository / "vitals/summary.py").read_bytes() == SUMMARY


def test_a_broken_edit_keeps_the_last_good_policy_and_says_so(repository: Path) -> None:
    with driving(repository, ScriptedEngine([])) as driver:
        _settle(driver)
        before = driver.session.status().policy
        _write(repository, "[read]\ndeny = 7\n")
        _settle(driver)
        assert driver.session.status().policy == before
        said = driver.session.transcript()[-1].text
        assert "policy.toml" in said
        assert before in said
        assert "policy.changed" not in driver.types()


def test_a_policy_that_demands_more_than_is_measured_stops_all_changes(repository: Path) -> None:
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        _settle(driver)
        _write(repository, "[boundary]\nminimum = 4\n")
        _settle(driver)
        assert "boundary level" in driver.session.status().read_only
        driver.run(TASK)
        assert driver.session.shown(driver.session.queue()[0].id).can_approve


def test_an_untouched_policy_is_not_recorded_again(repository: Path) -> None:
    with driving(repository, ScriptedEngine([])) as driver:
        _settle(driver)
        size = driver.session.audit_size()
        os.utime(repository / "README.md")
        _settle(driver)
        assert driver.session.audit_size() == size
