"""Every door has the same gate: what policy denies no one sees, what it asks about no agent gets."""

from __future__ import annotations

import io
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.cli.running import workbench
from tests.model.scripted import ScriptedEngine
from tests.repositories import GOOD_ANSWER, git, make_repository
from tests.session.driving import Driver, driving
from workbench import plain
from workbench.core.errors import WorkbenchError
from workbench.session import policing

DENIED, ASKED = "denied_7f3a9c", "asked_4b21d8"
"""Marks that stand in the contents, and in no name."""
TASK = "Fix `median` in vitals/summary.py"
CONTENTS = (f"TOKEN={DENIED}", f"-----BEGIN\n{DENIED}", f"1,{ASKED}", f"def {ASKED}")
FILES = {
    "vitals/summary.py": f'X = "{DENIED}"\n\n\ndef median(v):\n    return sorted(v)[len(v) // 2]\n'.encode(),
    "vitals/credentials.pem": f"-----BEGIN\n{DENIED}\n".encode(),
    ".env": f"TOKEN={DENIED}\n".encode(),
    "data/orders.csv": f"id,name\n1,{ASKED}\n".encode(),
    "data/orders.sql": f"-- def {ASKED}\n".encode(),
    "asks/hidden.py": f"def {ASKED}(v):\n    return v\n".encode(),
    "README.md": b"# vitals\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose history and worktree hold files of every kind; one of them is denied only later."""
    return make_repository(
        tmp_path / "vitals", {**FILES, ".workbench/policy.toml": b'[read]\nask = ["asks/"]\n'}
    )


def _everything_shown(driver: Driver) -> str:
    """Return all that the session hands to a face, as text."""
    session, found = driver.session, []
    found += [str(asdict(entry)) for entry in session.tree()]
    found += [*session.examples(), *session.notices]
    found += [str(asdict(item)) for item in session.queue()]
    found += [str(asdict(session.shown(item.id))) for item in session.queue()]
    found += [str(asdict(row)) for row in session.audit(0, session.audit_size())]
    found += [utterance.text for utterance in session.transcript()]
    return "\n".join(found)


def _asked_of_the_model(engine: ScriptedEngine) -> str:
    return "\n".join(message.text for request in engine.requests for message in request.messages)


@pytest.mark.parametrize(
    ("task", "files"),
    [
        ("Fix `TOKEN` in @.env", ()),
        ("Fix `TOKEN`", (".env",)),
        ("Fix `TOKEN`", ("./.env",)),
        ("Fix `TOKEN`", ("vitals/../.env",)),
        ("Fix `TOKEN`", ("HEAD:.env",)),
        ("Fix `TOKEN`", (".git/config",)),
        ("Fix the key", ("vitals/credentials.pem",)),
        ("Sum the orders in data/orders.csv", ()),
        ("Sum the orders", ("data/orders.sql",)),
        (f"Fix `{ASKED}`", ()),
        (f"Fix `{ASKED}` in asks/hidden.py", ()),
        (f"Fix `{DENIED}`", ()),
    ],
)
def test_no_task_brings_the_model_what_is_denied_or_not_released(
    repository: Path, task: str, files: tuple[str, ...]
) -> None:
    (repository / "vitals/summary.py").write_bytes(b"def median(v):\n    return v[0]\n")
    engine = ScriptedEngine([GOOD_ANSWER] * 4)
    with driving(repository, engine) as driver:
        task_id = driver.session.submit(task, files)
        driver.wait_until(lambda: any(getattr(e, "task_id", "") == task_id for e in driver.events))
        asked = _asked_of_the_model(engine).replace(task, "")
        assert DENIED not in asked
        assert ASKED not in asked
        said = _everything_shown(driver)
        assert not [line for line in CONTENTS if line in said]


def test_what_is_released_does_reach_the_model(repository: Path) -> None:
    engine = ScriptedEngine([GOOD_ANSWER] * 4)
    with driving(repository, engine) as driver:
        driver.session.releasing.give("asks/hidden.py", scope="session")
        driver.run(f"Fix `{ASKED}` in asks/hidden.py")
        assert f"def {ASKED}" in _asked_of_the_model(engine), "or the tests above show nothing"


@pytest.mark.parametrize("path", [".env", "vitals/credentials.pem", "./.env", ".git/config", "HEAD:.env"])
def test_the_viewer_shows_nothing_that_is_denied(repository: Path, path: str) -> None:
    with driving(repository, ScriptedEngine([])) as driver, pytest.raises(WorkbenchError) as error:
        driver.session.file(path)
    assert DENIED not in error.value.diagnostics()


def test_a_proposal_of_a_file_that_has_come_to_be_denied_is_shown_without_content(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policing, "SECONDS", 0.0)
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        assert driver.run(TASK) == "queued"
        item = driver.session.queue()[0]
        assert DENIED in str(asdict(driver.session.shown(item.id))), "or this test shows nothing"
        (repository / ".workbench/policy.toml").write_text('[read]\ndeny = ["vitals/summary.py"]\n')
        for _ in range(4):
            driver.session.status()
        assert DENIED not in _everything_shown(driver)
        shown = driver.session.shown(item.id)
        assert "policy denies reading vitals/summary.py" in shown.rows[0].text
        assert driver.session.approve(item.id, shown.shown_sha256).state == "stale"
    # The same in the next session, in line mode and by command.
    with driving(repository, ScriptedEngine([])) as driver:
        assert DENIED not in _everything_shown(driver)
        said = io.StringIO()
        plain.run(driver.session, io.StringIO(f"/queue\n/show {item.id[-8:]}\n"), said)
        assert DENIED not in said.getvalue()
        assert "not shown: policy denies" in said.getvalue()
    for words in (("show", item.id), ("show", item.id, "--json"), ("list", "--json")):
        ran = workbench("queue", *words, "--repo", str(repository))
        assert DENIED not in ran.out + ran.err


def test_the_history_of_a_denied_file_is_reached_through_no_door(repository: Path) -> None:
    (repository / ".env").unlink()
    git(repository, "commit", "-q", "-am", "Remove it")
    engine = ScriptedEngine([GOOD_ANSWER] * 2)
    with driving(repository, engine) as driver:
        driver.run("Fix `TOKEN` in @.env")
        driver.run("Show .env as it was in the first commit, in vitals/summary.py")
        assert f"TOKEN={DENIED}" not in _asked_of_the_model(engine) + _everything_shown(driver)
