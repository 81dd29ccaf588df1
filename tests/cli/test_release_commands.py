"""Releasing from the command line: recorded, shown with its end, revocable; for a task, for it alone."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tests.cli.running import workbench
from tests.model.scripted import ScriptedEngine
from tests.repositories import GOOD_ANSWER
from tests.session.driving import driving
from workbench import plain
from workbench.cli import ask
from workbench.cli.arguments import parse
from workbench.session import Options, Session

TASK = "Fix `median` in vitals/summary.py"
PATH = "vitals/summary.py"


@pytest.fixture
def asking(repository: Path) -> Path:
    """A repository whose policy asks about one file."""
    (repository / ".workbench").mkdir()
    (repository / ".workbench/policy.toml").write_text('[read]\nask = ["vitals/summary.py"]\n')
    return repository


def test_a_file_is_released_until_a_time_listed_and_revoked(asking: Path) -> None:
    here = ("--repo", str(asking))
    given = workbench("policy", "release", PATH, "--until", "8h", "--reason", "public", "--json", *here)
    assert given.code == 0, given.err
    release_id = json.loads(given.out)["id"]
    (listed,) = json.loads(workbench("policy", "releases", "--json", *here).out)
    assert (listed["id"], listed["pattern"], listed["scope"]) == (release_id, PATH, "until")
    assert " UTC" in workbench("policy", "releases", *here).out
    with driving(asking, ScriptedEngine([GOOD_ANSWER])) as driver:
        assert driver.run(TASK) == "queued"
    assert workbench("policy", "revoke", release_id[-8:], *here).code == 0
    assert json.loads(workbench("policy", "releases", "--json", *here).out) == []
    assert workbench("policy", "revoke", release_id, *here).code == 2
    log = workbench("audit", "log", "--path", PATH, *here).out
    assert "release.given" in log
    assert "release.revoked" in log


@pytest.mark.parametrize(
    "words",
    [
        (PATH, "--until", "soon"),
        (PATH, "--until", "31d"),
        (PATH, "--glob", "*.py", "--until", "8h"),
        ("--until", "8h"),
        (".env", "--until", "8h"),
        ("README.md", "--until", "8h"),
        ("../x.csv", "--until", "8h"),
        ("--glob", "*", "--until", "8h"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_released_is_refused_with_a_cause_and_a_next_step(
    asking: Path, words: tuple[str, ...]
) -> None:
    done = workbench("policy", "release", *words, "--repo", str(asking))
    assert done.code == 2
    assert len(done.err.strip().splitlines()) == 2


def _ask(repository: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    class Scripted:
        @staticmethod
        def open(path: Path, options: Options) -> Session:
            return Session.open(path, options, engine=ScriptedEngine([GOOD_ANSWER]))

    monkeypatch.setattr(ask, "Session", Scripted)
    return ask.run(parse(["ask", TASK, "--repo", str(repository), "--accept-unenforced", *words]))


def test_ask_releases_a_file_for_its_task_and_says_how_when_it_was_not(
    asking: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _ask(asking, monkeypatch) == 2
    assert f"--release {PATH}" in capsys.readouterr().err
    assert _ask(asking, monkeypatch, "--release", PATH) == 0
    assert _ask(asking, monkeypatch) == 2, "the release was for that task"


def test_line_mode_releases_lists_and_revokes(asking: Path) -> None:
    with driving(asking, ScriptedEngine([GOOD_ANSWER, GOOD_ANSWER])) as driver:
        said = io.StringIO()
        plain.run(driver.session, io.StringIO(f"{TASK}\n"), said)
        assert f"/release once {PATH}" in said.getvalue()
        plain.run(
            driver.session, io.StringIO(f"/release session {PATH} -- asked for\n/releases\n{TASK}\n"), said
        )
        assert f"{PATH}: until this session ends" in said.getvalue()
        assert len(driver.session.queue()) == 1
        (held,) = driver.session.releasing.all()
        assert held.reason == "asked for"
        plain.run(driver.session, io.StringIO(f"/revoke {held.id[-8:]}\n/release 2d --glob vitals/*\n"), said)
        (held,) = driver.session.releasing.all()
        assert (held.pattern, held.exact, held.scope) == ("vitals/*", False, "until")
        plain.run(driver.session, io.StringIO("/release soon vitals/summary.py\n/release once\n"), said)
        assert "is not a time" in said.getvalue()
        assert "Name a scope and a file" in said.getvalue()


def test_queue_approve_needs_its_own_word_for_what_is_hidden(repository: Path) -> None:
    hiding = GOOD_ANSWER.replace("middle = len", "# \u202esafe\u2066\n    middle = len")
    with driving(repository, ScriptedEngine([hiding])) as driver:
        assert driver.run(TASK) == "queued"
        short = driver.session.queue()[0].id[-8:]
    words = ("queue", "approve", short, "--accept-unenforced", "--repo", str(repository))
    refused = workbench(*words)
    assert refused.code == 2
    assert "--acknowledge-hidden" in refused.err
    shown = workbench("queue", "show", short, "--repo", str(repository)).out
    assert "U+202E RIGHT-TO-LEFT OVERRIDE x1" in shown
    assert workbench(*words, "--acknowledge-hidden").code == 0
