"""A person edits a proposal in their own editor: it comes back as an item of its own; both are recorded."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.model.scripted import ScriptedEngine
from tests.repositories import GOOD_ANSWER, SUMMARY
from tests.session.driving import Driver, driving
from workbench.boundary import programs
from workbench.core.errors import Refused, UsageError
from workbench.core.records import ProposalState

SCRIPT = """
import sys
from pathlib import Path
path = Path(sys.argv[-1])
assert path.name == "1-summary.py", path
path.write_bytes(path.read_bytes().replace(b"middle - 1", b"middle - ONE"))
sys.exit(int("{code}"))
"""


def _editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int = 0) -> None:
    script = tmp_path / "edit.py"
    script.write_text(SCRIPT.replace("{code}", str(code)))
    monkeypatch.setenv("VISUAL", f"'{sys.executable}' -I '{script}'")


def _waiting(driver: Driver) -> str:
    driver.run("Fix `median` in vitals/summary.py")
    return driver.session.queue()[0].id


def test_the_edited_text_is_a_proposal_of_its_own(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _editor(tmp_path, monkeypatch)
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        first = _waiting(driver)
        before = driver.session.shown(first)
        result = driver.session.edit(first)
        assert result.state is ProposalState.QUEUED
        edited = driver.session.shown(result.proposal_id)
        assert edited.amended_by.startswith("user:")
        assert edited.shown_sha256 != before.shown_sha256
        assert driver.session.shown(first).state is ProposalState.AMENDED
        assert {check.name for check in edited.checks} >= {"syntax", "hidden characters"}
        assert (repository / "vitals/summary.py").read_bytes() == SUMMARY
        driver.session.approve(edited.proposal_id, edited.shown_sha256)
        types = driver.types()
        assert types.count("proposal.created") == 2
        assert types.index("command.intent/intent") < types.index("command.outcome/outcome")
    assert b"middle - ONE" in (repository / "vitals/summary.py").read_bytes()


def test_an_editor_that_fails_changes_nothing(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _editor(tmp_path, monkeypatch, code=1)
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        first = _waiting(driver)
        with pytest.raises(Refused, match="ended with code 1"):
            driver.session.edit(first)
        assert driver.session.shown(first).state is ProposalState.QUEUED


@pytest.mark.parametrize("what", ["script", "missing", "beneath the repository", "not a word list"])
def test_what_cannot_be_confined_is_no_editor(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    script = (repository if what.startswith("beneath") else tmp_path) / "code"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    if what.startswith("beneath"):
        script.write_bytes(Path(sys.executable).resolve().read_bytes()[:4096])
    given = {"missing": "/nonexistent/vim", "not a word list": "vim 'x"}.get(what, str(script))
    monkeypatch.setenv("VISUAL", given)
    assert programs.editor(str(repository)) == []
    if what == "script":
        with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
            first = _waiting(driver)
            with pytest.raises(UsageError, match="no editor that can run inside the seal"):
                driver.session.edit(first)


def test_the_text_cannot_configure_vi(monkeypatch: pytest.MonkeyPatch) -> None:
    vi = programs.find("vi")
    if not vi:
        pytest.skip("there is no vi")
    monkeypatch.setenv("VISUAL", "vi -n")
    assert programs.editor() == [vi, "--cmd", "set nomodeline", "-n"]
