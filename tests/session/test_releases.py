"""Files that policy asks about: the agent gets them when a person has released them, and never otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.model.scripted import ScriptedEngine
from tests.repositories import GOOD_ANSWER
from tests.session.driving import Driver, driving
from workbench.core.errors import Refused, UsageError
from workbench.core.records import Json
from workbench.session import policing
from workbench.session.views import ReleaseWanted, TreeEntry

TASK = "Fix `median` in vitals/summary.py"
PATH = "vitals/summary.py"
ASKING = '[read]\nask = ["vitals/summary.py"]\n'


@pytest.fixture(autouse=True)
def asking(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the repository's policy ask about one file, and look at it at every reading of the status."""
    monkeypatch.setattr(policing, "SECONDS", 0.0)
    _policy(repository, ASKING)


def _policy(repository: Path, text: str) -> None:
    file = repository / ".workbench/policy.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


def _settle(driver: Driver) -> None:
    for _ in range(4):
        driver.session.status()


def _bodies(driver: Driver, kind: str) -> list[dict[str, Json]]:
    return [dict(entry.body) for entry in driver.session._parts.reader.find(type=kind)]


def _entry(driver: Driver, path: str = PATH) -> TreeEntry:
    return next(entry for entry in driver.session.tree() if entry.path == path)


def _rule(body: dict[str, Json]) -> str:
    judged = body["policy"]
    assert isinstance(judged, dict)
    return str(judged["rule_id"])


def test_without_a_release_the_task_is_refused_and_the_face_learns_which_file(repository: Path) -> None:
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        assert driver.run(TASK) == "refused"
        assert ReleaseWanted(PATH) in driver.events
        assert driver.session._parts.broker.engine.requests == []  # type: ignore[union-attr]
        assert _entry(driver).asks
        assert not _entry(driver).released


@pytest.mark.parametrize("scope", ["once", "session"])
def test_a_released_file_is_read_and_the_row_names_the_release(repository: Path, scope: str) -> None:
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        given = driver.session.releasing.give(PATH, scope=scope)
        assert _entry(driver).released == scope
        assert driver.run(TASK) == "queued"
        row = next(b for b in _bodies(driver, "file.read") if b["actor"]["kind"] == "agent")  # type: ignore[index,call-overload]
        assert row["release"] == {"id": given.id}
        assert _rule(row) == f'release "{PATH}" {scope}'
        types = driver.types()
        assert types.index("release.given") < types.index("file.read", types.index("release.given"))


def test_a_release_for_one_read_is_used_up(repository: Path) -> None:
    with driving(repository, ScriptedEngine([GOOD_ANSWER, GOOD_ANSWER])) as driver:
        driver.session.releasing.give(PATH, scope="once")
        assert driver.run(TASK) == "queued"
        assert driver.session.releasing.all() == ()
        assert driver.run(TASK) == "refused"


def test_a_release_for_one_read_is_not_used_up_where_there_was_nothing_to_read(repository: Path) -> None:
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        driver.session.releasing.give(PATH, scope="once")
        kept = (repository / PATH).read_bytes()
        (repository / PATH).unlink()
        assert driver.run(TASK) != "queued"
        (repository / PATH).write_bytes(kept)
        assert driver.run(TASK) == "queued"


def test_a_revoked_release_no_longer_holds_and_that_is_on_record(repository: Path) -> None:
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        given = driver.session.releasing.give(PATH, scope="session")
        driver.session.releasing.revoke(given.id[-8:])
        assert driver.run(TASK) == "refused"
        assert [b["release"]["id"] for b in _bodies(driver, "release.revoked")] == [given.id]  # type: ignore[index,call-overload]
        with pytest.raises(UsageError, match="no such release"):
            driver.session.releasing.revoke(given.id)


def test_a_release_for_the_session_ends_with_it(repository: Path) -> None:
    with driving(repository, ScriptedEngine([])) as driver:
        driver.session.releasing.give(PATH, scope="session")
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        assert driver.session.releasing.all() == ()
        assert driver.run(TASK) == "refused"


def test_a_release_until_a_time_holds_in_the_next_session_and_can_be_revoked_there(repository: Path) -> None:
    with driving(repository, ScriptedEngine([])) as driver:
        given = driver.session.releasing.give(PATH, scope="until", until="8h", reason="the summary is public")
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        assert [each.id for each in driver.session.releasing.all()] == [given.id]
        assert driver.run(TASK) == "queued"
        driver.session.releasing.revoke(given.id)
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        assert driver.session.releasing.all() == ()
        assert driver.run(TASK) == "refused"


def test_what_another_session_releases_or_revokes_counts_here_too(repository: Path) -> None:
    with (
        driving(repository, ScriptedEngine([GOOD_ANSWER])) as here,
        driving(repository, ScriptedEngine([])) as there,
    ):
        given = there.session.releasing.give(PATH, scope="until", until="1d")
        assert [each.id for each in here.session.releasing.all()] == [given.id]
        there.session.releasing.revoke(given.id)
        assert here.run(TASK) == "refused"


def test_what_another_session_released_for_itself_does_not_count_here(repository: Path) -> None:
    with (
        driving(repository, ScriptedEngine([GOOD_ANSWER])) as here,
        driving(repository, ScriptedEngine([])) as there,
    ):
        there.session.releasing.give(PATH, scope="session")
        there.session.releasing.give(PATH, scope="once")
        assert here.run(TASK) == "refused"


def test_a_changed_policy_ends_every_release_for_good(repository: Path) -> None:
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        _settle(driver)
        given = driver.session.releasing.give(PATH, scope="until", until="1d")
        _policy(repository, ASKING + '\n[edit]\ndeny = ["x"]\n')
        _settle(driver)
        assert [b["release"]["id"] for b in _bodies(driver, "release.ended")] == [given.id]  # type: ignore[index,call-overload]
        _policy(repository, ASKING)
        _settle(driver)
        assert driver.run(TASK) == "refused", "a release must not come back with the policy"
    with driving(repository, ScriptedEngine([])) as driver:
        assert driver.session.releasing.all() == ()


def test_a_policy_changed_between_two_sessions_ends_what_was_released(repository: Path) -> None:
    with driving(repository, ScriptedEngine([])) as driver:
        driver.session.releasing.give(PATH, scope="until", until="1d")
    _policy(repository, ASKING + '\n[edit]\ndeny = ["x"]\n')
    with driving(repository, ScriptedEngine([])) as driver:
        assert driver.session.releasing.all() == ()
        assert len(_bodies(driver, "release.ended")) == 1
        assert any("release" in notice for notice in driver.session.notices)


def test_denied_files_cannot_be_released(repository: Path) -> None:
    with driving(repository, ScriptedEngine([])) as driver:
        with pytest.raises(Refused, match="cannot lift a denial"):
            driver.session.releasing.give(".env", scope="once")
        with pytest.raises(Refused, match="cannot lift a denial"):
            driver.session.releasing.offer(".env")
        # A glob may cover one; the denial holds all the same.
        driver.session.releasing.give(".e*", scope="session", exact=False)
        assert driver.run("Fix `TOKEN` in @.env") == "refused"
        assert _bodies(driver, "release.given")


def test_policy_can_demand_a_reason(repository: Path) -> None:
    _policy(repository, ASKING + "\n[approvals]\nreason_required = true\n")
    with driving(repository, ScriptedEngine([])) as driver:
        assert driver.session.releasing.offer(PATH).reason_required
        with pytest.raises(Refused, match="demands a reason"):
            driver.session.releasing.give(PATH, scope="once")
        driver.session.releasing.give(PATH, scope="once", reason="asked for by the team")
        row = _bodies(driver, "release.given")[0]
        assert "asked for" not in str(row), "the person's words are sealed"
        assert "reason" in row["sealed"]  # type: ignore[operator]


def test_a_person_still_opens_the_file_without_a_release(repository: Path) -> None:
    with driving(repository, ScriptedEngine([])) as driver:
        assert "def median" in driver.session.file(PATH).text
        assert driver.session.releasing.all() == ()


def test_a_search_does_not_use_up_a_release_for_one_read(repository: Path) -> None:
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        driver.session.releasing.give(PATH, scope="once")
        assert driver.run("Fix `median`") != "queued"
        assert len(driver.session.releasing.all()) == 1
        driver.session.releasing.give(PATH, scope="session")
        assert driver.run("Fix `median`") == "queued"
