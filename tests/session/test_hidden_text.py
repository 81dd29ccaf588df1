"""Nothing hidden is approved before a person has acknowledged it, whoever asks and from wherever."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.model.scripted import ScriptedEngine
from tests.repositories import GOOD_ANSWER, SUMMARY
from tests.session.driving import Driver, driving
from workbench import plain
from workbench.core.errors import Refused
from workbench.core.records import ProposalState

TASK = "Fix `median` in vitals/summary.py"
HIDING = GOOD_ANSWER.replace("middle = len", "# \u202esafe\u2066\n    middle = len")
IMITATING = GOOD_ANSWER.replace("middle", "m\u0456ddle")


def _row(driver: Driver) -> dict[str, object]:
    return dict(next(iter(driver.session._parts.reader.find(type="decision.recorded"))).body)


def test_a_bidi_character_blocks_approval_until_it_is_acknowledged(repository: Path) -> None:
    with driving(repository, ScriptedEngine([HIDING])) as driver:
        assert driver.run(TASK) == "queued"
        shown = driver.session.shown(driver.session.queue()[0].id)
        assert shown.hidden == 2
        assert "U+202E RIGHT-TO-LEFT OVERRIDE x1" in shown.hidden_names
        for wrong in (0, 1, 3):
            with pytest.raises(Refused, match="2 hidden"):
                driver.session.approve(shown.proposal_id, shown.shown_sha256, acknowledged=wrong)
        assert (repository / "vitals/summary.py").read_bytes() == SUMMARY
        assert driver.session.queue()[0].state is ProposalState.QUEUED
        assert "decision.recorded" not in driver.types()
        done = driver.session.approve(shown.proposal_id, shown.shown_sha256, acknowledged=2)
        assert done.state is ProposalState.APPLIED
        assert _row(driver)["acknowledged"] == {
            "count": 2,
            "kinds": 2,
            "named": {"U+202E RIGHT-TO-LEFT OVERRIDE": 1, "U+2066 LEFT-TO-RIGHT ISOLATE": 1},
        }


def test_an_identifier_that_imitates_another_blocks_approval_too(repository: Path) -> None:
    with driving(repository, ScriptedEngine([IMITATING])) as driver:
        assert driver.run(TASK) == "queued"
        shown = driver.session.shown(driver.session.queue()[0].id)
        assert any("m\u0456ddle looks like middle" in name for name in shown.hidden_names)
        with pytest.raises(Refused, match="acknowledge"):
            driver.session.approve(shown.proposal_id, shown.shown_sha256)


def test_a_clean_item_needs_no_acknowledgement_and_its_row_has_none(repository: Path) -> None:
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        assert driver.run(TASK) == "queued"
        assert driver.approve_first() == "applied"
        assert "acknowledged" not in _row(driver)


def test_a_file_whose_name_imitates_another_is_counted(repository: Path) -> None:
    name = "vitals/summ\u0430ry2.py"
    (repository / name).write_bytes(SUMMARY)
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        driver.session.submit("Fix `median`", (name,))
        driver.wait_until(lambda: driver.session.queue())
        shown = driver.session.shown(driver.session.queue()[0].id)
        assert shown.hidden_names == ("summ\u0430ry2 looks like summary2 in the file's name x1",)
        with pytest.raises(Refused):
            driver.session.approve(shown.proposal_id, shown.shown_sha256)


def test_in_line_mode_an_item_is_acknowledged_before_it_is_approved(repository: Path) -> None:
    with driving(repository, ScriptedEngine([HIDING])) as driver:
        assert driver.run(TASK) == "queued"
        short = driver.session.queue()[0].id[-8:]
        said = io.StringIO()
        plain.run(driver.session, io.StringIO(f"/approve {short}\n"), said)
        assert "2 hidden" in said.getvalue()
        assert driver.session.queue()[0].state is ProposalState.QUEUED
        plain.run(driver.session, io.StringIO(f"/acknowledge {short}\n/approve {short}\n"), said)
        assert driver.session.queue()[0].state is ProposalState.APPLIED
