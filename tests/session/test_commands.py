"""A command waits for a person, runs in a copy exactly as shown, and what it changes waits again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.boundary.children import needs_landlock, needs_seal
from tests.commands import a_runner, commanding, run_to_end, said
from tests.model.scripted import ScriptedEngine
from tests.repositories import GOOD_ANSWER, SUMMARY
from tests.session.driving import Driver
from workbench.boundary import Runner
from workbench.core import places
from workbench.core.errors import Refused, UsageError
from workbench.core.records import CheckResult, ProposalState
from workbench.session.views import RowKind, Shown, TaskEnded

pytestmark = [needs_seal, needs_landlock]

PYTHON = sys.executable


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with a_runner(tmp_path_factory.mktemp("state") / "commands") as runner:
        yield runner


@pytest.fixture
def driver(repository: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    with commanding(repository, runner, monkeypatch, ScriptedEngine([GOOD_ANSWER])) as driver:
        yield driver


def words(shown: Shown) -> list[str]:
    return [row.text for row in shown.rows if row.kind is RowKind.WORD]


def output(shown: Shown) -> str:
    return "\n".join(row.text for row in shown.rows if row.kind is RowKind.OUTPUT)


def events(driver: Driver, kind: str) -> list[dict[str, object]]:
    """Return the bodies of all rows of one type."""
    reader = driver.session._parts.reader
    return [dict(entry.body) for entry in reader.entries(0, reader.size()) if entry.type == kind]


def test_a_proposed_command_waits_and_shows_every_word(driver: Driver) -> None:
    proposal_id = driver.session.propose_command(["pytest", "-q", "two words", ""])
    (item,) = driver.session.queue()
    assert (item.kind, item.risk, item.state) == ("run", "high", ProposalState.QUEUED)
    assert item.path == "pytest -q 'two words' ''"
    shown = driver.session.shown(proposal_id)
    assert words(shown) == ["pytest", "-q", "two words", ""]
    assert not driver.session.commands.running
    assert "command.proposed" in driver.types()
    assert "command.intent/intent" not in driver.types()


def test_an_approved_command_runs_the_tests_in_the_copy(driver: Driver, repository: Path) -> None:
    proposal_id = run_to_end(driver, PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    shown = driver.session.shown(proposal_id)
    assert shown.state is ProposalState.RAN
    assert "1 failed" in output(shown), "the median of two readings is wrong in the sample"
    assert any("exit 1" in row.text for row in shown.rows)
    assert "Output: " in said(driver)
    assert (repository / "vitals/summary.py").read_bytes() == SUMMARY
    wanted = ["command.proposed", "proposal.created", "decision.recorded", "command.decided", "shadow.synced"]
    wanted += ["command.intent/intent", "command.outcome/outcome"]
    types = driver.types()
    positions = [types.index(kind) for kind in wanted]
    assert positions == sorted(positions)


def test_what_ran_is_the_argv_that_was_shown(driver: Driver) -> None:
    argv = [PYTHON, "-c", "import sys; print(sys.argv[1:])", "$HOME", "a b", "", "; rm -rf x"]
    proposal_id = run_to_end(driver, *argv)
    assert "['$HOME', 'a b', '', '; rm -rf x']" in output(driver.session.shown(proposal_id))
    digests = {
        body["cmd"]["sha256"]  # type: ignore[index]
        for kind in ("command.proposed", "decision.recorded", "command.intent", "command.outcome")
        for body in events(driver, kind)
    }
    assert len(digests) == 1
    assert events(driver, "command.intent")[0]["cmd"]["argv"] == argv  # type: ignore[index]


def test_another_digest_than_the_one_shown_runs_nothing(driver: Driver) -> None:
    proposal_id = driver.session.propose_command(["true"])
    with pytest.raises(UsageError, match="not what was shown"):
        driver.session.approve(proposal_id, "0" * 64)
    assert driver.session.queue()[0].state is ProposalState.QUEUED
    assert "decision.recorded" not in driver.types()


def test_a_rejected_command_never_runs_and_the_reason_is_kept(driver: Driver) -> None:
    proposal_id = driver.session.propose_command(["true"])
    driver.session.reject(proposal_id, reason="not now")
    assert driver.session.queue()[0].state is ProposalState.REJECTED
    assert "decision.recorded" in driver.types()
    assert "command.intent/intent" not in driver.types()
    with pytest.raises(UsageError):
        driver.session.approve(proposal_id, driver.session.shown(proposal_id).shown_sha256)


def test_what_a_command_changes_comes_back_as_a_proposal(driver: Driver, repository: Path) -> None:
    script = (
        "from pathlib import Path; p = Path('vitals/summary.py');"
        "p.write_text(p.read_text().replace('Summaries', 'Digests')); Path('new.txt').write_text('new\\n')"
    )
    run_to_end(driver, PYTHON, "-c", script)
    assert (repository / "vitals/summary.py").read_bytes() == SUMMARY
    assert not (repository / "new.txt").exists()
    (item,) = [item for item in driver.session.queue() if item.kind != "run"]
    shown = driver.session.shown(item.id)
    assert [file.path for file in shown.files] == ["new.txt", "vitals/summary.py"]
    assert "Output of" in shown.justification
    assert shown.author == "agent:command"
    added = [row.text for row in shown.rows if row.kind is RowKind.INSERT]
    assert added == ["new", '"""Digests of readings."""']
    result = driver.session.approve(shown.proposal_id, shown.shown_sha256)
    assert result.state is ProposalState.APPLIED
    assert b"Digests" in (repository / "vitals/summary.py").read_bytes()
    assert (repository / "new.txt").read_bytes() == b"new\n"


def test_a_change_that_policy_does_not_let_be_made_is_left_out_and_named(
    driver: Driver, repository: Path
) -> None:
    secret = "AKIA" + "Q7ZK3M5P2R8T4V6X"
    script = (
        "from pathlib import Path; Path('.env').write_text('x=1');"
        f"Path('key.py').write_text('KEY = \"{secret[:4]}' + '{secret[4:]}\"\\n')"
    )
    proposal_id = run_to_end(driver, PYTHON, "-c", script)
    assert [item.kind for item in driver.session.queue()] == ["run"]
    shown = "\n".join(row.text for row in driver.session.shown(proposal_id).rows)
    assert "not proposed: .env: policy does not let it be edited" in shown
    assert "not proposed: key.py: secrets" in shown
    assert (repository / ".env").read_bytes() == b"TOKEN=secret\n"


def test_a_file_that_changed_meanwhile_is_not_overwritten_by_a_proposal(
    driver: Driver, repository: Path
) -> None:
    go = Path(driver.session._parts.broker.commands._runner.place) / "shadow-0" / "go"  # type: ignore[union-attr]
    line = "echo x >> README.md; echo ready; while [ ! -e go ]; do :; done"
    proposal_id = driver.session.propose_command(["sh", "-c", line])
    driver.session.approve(proposal_id, driver.session.shown(proposal_id).shown_sha256)
    driver.wait_until(lambda: "Output: ready" in said(driver))
    (repository / "README.md").write_bytes(b"# changed by hand\n")
    go.write_bytes(b"")
    driver.session.commands.wait()
    assert [item.path for item in driver.session.queue() if item.kind != "run"] == ["go"]
    assert "it changed on disk while the command ran" in said(driver)


@pytest.mark.parametrize("level", [0, 2])
def test_below_level_3_no_command_is_proposed_and_the_refusal_is_on_record(
    repository: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch, level: int
) -> None:
    with commanding(repository, runner, monkeypatch, ScriptedEngine([]), level) as driver:
        with pytest.raises(Refused, match="level 3"):
            driver.session.propose_command(["true"])
        assert driver.session.queue() == ()
        assert driver.types()[-2:] == ["command.proposed", "command.denied"]


def test_a_command_with_hidden_characters_is_refused(driver: Driver) -> None:
    for argv in (["ls", "a\u202eb"], ["ls", "-l\r"], ["l\u200bs"], ["ls", "\x1b[2K"]):
        with pytest.raises(Refused, match="hidden or control"):
            driver.session.propose_command(argv)
    assert driver.session.queue() == ()


def test_an_empty_or_endless_command_is_refused(driver: Driver) -> None:
    for argv in ([], [""], ["ls", "a\0b"], ["x"] * 1000, ["x" * 100_000]):
        with pytest.raises(UsageError):
            driver.session.propose_command(argv)


def policy_file(text: str) -> None:
    places.config_root().mkdir(parents=True, exist_ok=True)
    (places.config_root() / "policy.toml").write_text(text)


def test_what_policy_grants_runs_without_an_item_and_says_scope_and_end(
    repository: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy_file('[run]\nallow = [{ argv = ["echo", "granted"], until = "2999-12-31" }]\n')
    with commanding(repository, runner, monkeypatch, ScriptedEngine([])) as driver:
        assert run_to_end(driver, "echo", "granted") == ""
        assert driver.session.queue() == ()
        assert "granted by run.allow ['echo', 'granted'] until 2999-12-31" in said(driver)
        (decided,) = events(driver, "command.decided")
        assert decided["decision"]["scope"] == "run.allow ['echo', 'granted'] until 2999-12-31"  # type: ignore[index]
        with pytest.raises(Refused, match="does not list it"):
            driver.session.propose_command(["echo", "denied"])


def test_a_denial_wins_over_an_approval(
    repository: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with commanding(repository, runner, monkeypatch, ScriptedEngine([])) as driver:
        proposal_id = driver.session.propose_command(["echo", "x"])
        shown = driver.session.shown(proposal_id)
    policy_file("[run]\nallow = []\n")
    with commanding(repository, runner, monkeypatch, ScriptedEngine([])) as driver:
        with pytest.raises((Refused, UsageError)):
            driver.session.approve(proposal_id, shown.shown_sha256)
        assert driver.session.shown(proposal_id).can_approve
        assert "command.intent/intent" not in driver.types()[len(driver.types()) - 6 :]


def test_ctrl_c_stops_a_command(driver: Driver) -> None:
    proposal_id = driver.session.propose_command(["sh", "-c", "echo begun; sleep 1000"])
    driver.session.approve(proposal_id, driver.session.shown(proposal_id).shown_sha256)
    driver.wait_until(lambda: "Output: begun" in said(driver))
    assert driver.session.status().activity == "RUN"
    assert driver.session.cancel()
    driver.session.commands.wait()
    assert "stopped after" in said(driver)
    assert driver.session.status().activity == "READY"
    assert events(driver, "command.outcome")[0]["ended"]["stopped"] == "cancelled"  # type: ignore[index]


def test_one_thing_runs_at_a_time(driver: Driver) -> None:
    first = driver.session.propose_command(["sh", "-c", "echo begun; sleep 1000"])
    second = driver.session.propose_command(["true"])
    driver.session.approve(first, driver.session.shown(first).shown_sha256)
    driver.wait_until(lambda: "Output: begun" in said(driver))
    with pytest.raises(UsageError, match="command runs"):
        driver.session.approve(second, driver.session.shown(second).shown_sha256)
    with pytest.raises(UsageError, match="command runs"):
        driver.session.submit("Fix `median` in vitals/summary.py")
    driver.session.cancel()
    driver.session.commands.wait()
    assert {item.state for item in driver.session.queue()} == {ProposalState.RAN, ProposalState.QUEUED}


def test_a_crash_while_a_command_runs_puts_its_item_back(
    repository: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with commanding(repository, runner, monkeypatch, ScriptedEngine([])) as driver:
        proposal_id = driver.session.propose_command(["true"])
        queue = driver.session._parts.queue
        dead = str(2**22 + 1)  # above the kernel's largest process id
        queue.move(proposal_id, ProposalState.QUEUED, ProposalState.APPROVED, dead)
    with commanding(repository, runner, monkeypatch, ScriptedEngine([])) as driver:
        assert driver.session.queue()[0].state is ProposalState.QUEUED
        assert any("waits for you again" in notice for notice in driver.session.notices)


def test_a_command_that_another_workbench_runs_is_left_alone(
    repository: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch, driver: Driver
) -> None:
    proposal_id = driver.session.propose_command(["true"])
    driver.session._parts.queue.move(proposal_id, ProposalState.QUEUED, ProposalState.APPROVED, "1")
    with commanding(repository, runner, monkeypatch, ScriptedEngine([])) as other:
        assert other.session.queue()[0].state is ProposalState.APPROVED


def test_endless_output_is_shown_in_part_and_kept_to_its_limit(driver: Driver) -> None:
    proposal_id = run_to_end(driver, PYTHON, "-c", "for n in range(200_000): print('line', n)")
    shown = driver.session.shown(proposal_id)
    assert sum(row.kind is RowKind.OUTPUT for row in shown.rows) == 2000
    assert any("bytes were kept" in row.text for row in shown.rows)
    live = next(entry for entry in driver.session.transcript() if entry.speaker == "Output")
    assert live.text.count("\n") < 1000


def test_output_cannot_drive_the_screen(driver: Driver) -> None:
    payload = "\\x1b]52;c;eA==\\x07 \\xe2\\x80\\xae \\xff [@click=app.bell]x"
    script = f"import sys; sys.stdout.buffer.write(b'{payload}')"
    proposal_id = run_to_end(driver, PYTHON, "-c", script)
    for text in (output(driver.session.shown(proposal_id)), said(driver)):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "<U+202E>" in text


TASK = "Fix `median` in vitals/summary.py: an even number of readings has two in the middle"
TESTS = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]


def task_with(driver: Driver, test: list[str]) -> Shown:
    """Give the task with a test command, and return the proposal it made."""
    task_id = driver.session.submit(TASK, (), test)
    driver.wait_until(lambda: any(isinstance(e, TaskEnded) and e.task_id == task_id for e in driver.events))
    (item,) = [item for item in driver.session.queue() if item.kind != "run"]
    return driver.session.shown(item.id)


def judged_by_tests(shown: Shown) -> CheckResult:
    return next(check for check in shown.checks if check.name == "tests")


def test_a_draft_is_tested_in_the_copy_before_a_person_sees_it(driver: Driver, repository: Path) -> None:
    check = judged_by_tests(task_with(driver, TESTS))
    assert check.verdict == "pass"
    assert "exit 0" in check.evidence
    assert "1 passed" in check.evidence
    assert (repository / "vitals/summary.py").read_bytes() == SUMMARY, "only the copy had the draft"
    types = driver.types()
    assert types.index("command.outcome/outcome") < types.index("proposal.created")
    as_it_is, *drafted = events(driver, "command.intent")
    assert as_it_is["shadow"]["draft"] == []  # type: ignore[index]
    assert drafted
    for intent in drafted:
        assert intent["shadow"]["draft"][0]["path"] == "vitals/summary.py"  # type: ignore[index]
    for decided in events(driver, "command.decided"):
        assert decided["decision"]["by"] == "task"  # type: ignore[index]


def test_a_draft_that_fails_the_tests_says_so_and_needs_more_care(driver: Driver) -> None:
    shown = task_with(driver, [PYTHON, "-c", "print('2 failed, as ever'); raise SystemExit(3)"])
    check = judged_by_tests(shown)
    assert (check.verdict, shown.risk) == ("warn", "elevated")
    assert check.evidence.startswith("failed: ")
    assert "exit 3" in check.evidence
    assert "2 failed, as ever" in check.evidence


def test_tests_that_policy_requires_keep_a_draft_that_fails_them_from_the_queue(
    repository: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy_file('[checks]\nrequired = ["tests"]\n')
    engine = ScriptedEngine([GOOD_ANSWER] * 4)
    with commanding(repository, runner, monkeypatch, engine) as driver:
        task_id = driver.session.submit(TASK, (), [PYTHON, "-c", "raise SystemExit(3)"])
        driver.wait_until(
            lambda: any(isinstance(e, TaskEnded) and e.task_id == task_id for e in driver.events)
        )
        assert driver.session.queue() == ()
    assert "exit 3" in engine.requests[1].messages[-1].text


def test_without_a_test_command_nothing_is_run(driver: Driver) -> None:
    assert judged_by_tests(task_with(driver, [])).verdict == "skipped"
    assert "command.proposed" not in driver.types()


def test_where_commands_are_off_a_proposal_says_why_it_was_not_tested(
    repository: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with commanding(repository, runner, monkeypatch, ScriptedEngine([GOOD_ANSWER]), 2) as driver:
        check = judged_by_tests(task_with(driver, TESTS))
    assert check.verdict == "skipped"
    assert "not tested: Commands run at boundary level 3" in check.evidence


def test_a_secret_that_a_test_prints_does_not_reach_the_proposal(driver: Driver) -> None:
    secret = "AKIA" + "Q7ZK3M5P2R8T4V6X"
    script = f"print('KEY = \"{secret[:4]}' + '{secret[4:]}\"')"
    check = judged_by_tests(task_with(driver, [PYTHON, "-c", script]))
    assert check.verdict == "pass"
    assert secret not in check.evidence
    scanned = [body["obj"]["path"] for body in events(driver, "scan.completed")]  # type: ignore[index]
    assert any(str(path).startswith("The output of") for path in scanned), "what was found is on record"


def test_ctrl_c_during_the_tests_proposes_nothing(driver: Driver) -> None:
    task_id = driver.session.submit(TASK, (), ["sh", "-c", "echo begun; sleep 1000"])
    driver.wait_until(lambda: "Output: begun" in said(driver))
    driver.session.cancel()
    driver.wait_until(lambda: any(isinstance(e, TaskEnded) and e.task_id == task_id for e in driver.events))
    assert driver.session.queue() == ()
