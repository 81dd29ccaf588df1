"""Each check fails what it is for and passes what is right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repositories import SUMMARY
from workbench.broker import Broker
from workbench.checks import CHECKS, Draft, passed, risk_of, run_checks
from workbench.context import language_of, symbols
from workbench.core.records import CheckResult, Risk
from workbench.policy.policy import build
from workbench.policy.reader import parse_tier
from workbench.session.opening import Options, Parts, open_parts


@pytest.fixture
def broker(repository: Path) -> Iterator[Broker]:
    parts: Parts = open_parts(repository, Options(accept_unenforced=True))
    yield parts.broker
    parts.ledger.close()
    parts.queue.close()


def _draft(
    after: bytes, *, symbol: str | None = "median", task: str = "fix it", path: str = "vitals/summary.py"
) -> Draft:
    language = language_of(path)
    assert language is not None
    target = next((each for each in symbols(SUMMARY, language) if each.name == symbol), None)
    return Draft(path, SUMMARY, after, target, task)


def _verdicts(draft: Draft, broker: Broker) -> dict[str, CheckResult]:
    return {result.name: result for result in run_checks(draft, broker)}


GOOD = SUMMARY.replace(b"return ordered[len(ordered) // 2]", b"return ordered[len(ordered) // 2] + 0")


def test_a_good_draft_passes_every_check_with_evidence(broker: Broker) -> None:
    results = run_checks(_draft(GOOD), broker)
    assert passed(results, broker)
    assert [result.name for result in results] == list(CHECKS)
    assert len(results) == 16
    skipped = {result.name for result in results if result.verdict == "skipped"}
    assert skipped == {"linter", "types", "tests", "tests kept"}
    assert {result.verdict for result in results} == {"pass", "skipped"}
    assert all(result.evidence for result in results)
    assert risk_of(_draft(GOOD), results, broker) is Risk.LOW


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("target", SUMMARY),
        ("target", SUMMARY.replace(b"def median", b"def middle")),
        ("scope", GOOD.replace(b"sum(readings)", b"max(readings)")),
        ("scope", GOOD + b"\nimport os\n"),
        ("budget", SUMMARY.replace(b"    ordered =", b"    pass\n" * 600 + b"    ordered =")),
        ("syntax", SUMMARY.replace(b"sorted(readings)", b"sorted(readings")),
        ("elisions", SUMMARY.replace(b"    ordered =", b"    # rest of the code\n    ordered =")),
        ("elisions", SUMMARY.replace(b"    ordered =", b"    # ... existing code ...\n    ordered =")),
        ("elisions", SUMMARY.replace(b"    ordered =", b"```\n    ordered =")),
        ("vanished", GOOD.replace(b"def mean", b"def average")),
    ],
)
def test_a_bad_draft_fails_the_check_it_is_bad_at(broker: Broker, name: str, after: bytes) -> None:
    found = _verdicts(_draft(after), broker)[name]
    assert found.verdict == "fail", found.evidence
    assert not passed(run_checks(_draft(after), broker), broker)


def test_a_hidden_character_is_a_warning_that_raises_the_risk(broker: Broker) -> None:
    draft = _draft(GOOD.replace(b"+ 0", "+ 0  # \u202e".encode()))
    results = run_checks(draft, broker)
    assert _verdicts(draft, broker)["hidden characters"].verdict == "warn"
    assert risk_of(draft, results, broker) is Risk.ELEVATED


def test_a_definition_may_go_when_the_task_names_it(broker: Broker) -> None:
    draft = _draft(GOOD.replace(b"def mean", b"def average"), task="rename mean to average")
    assert _verdicts(draft, broker)["vanished"].verdict == "warn"


def test_a_file_that_shrinks_to_almost_nothing_is_refused(broker: Broker) -> None:
    assert _verdicts(_draft(b"x = 1\n", symbol=None), broker)["vanished"].verdict == "fail"


def test_a_file_that_executes_is_high_risk(broker: Broker) -> None:
    draft = Draft("setup.py", b"x = 1\n", b"x = 2\n", None, "change x")
    assert risk_of(draft, run_checks(draft, broker), broker) is Risk.HIGH


def test_a_file_that_policy_protects_cannot_be_changed(broker: Broker) -> None:
    draft = Draft(".workbench/policy.toml", b"a = 1\n", b"a = 2\n", None, "loosen it")
    assert {result.name: result.verdict for result in run_checks(draft, broker)}["scope"] == "fail"


def test_a_comment_about_the_rest_that_was_there_before_is_no_elision(broker: Broker) -> None:
    before = SUMMARY.replace(b"    ordered =", b"    # rest of the code is fine\n    ordered =")
    draft = Draft("vitals/summary.py", before, before.replace(b"// 2", b"// 3"), None, "x")
    assert _verdicts(draft, broker)["elisions"].verdict == "pass"


def test_a_file_that_changed_on_disk_since_it_was_read_fails(broker: Broker, repository: Path) -> None:
    assert _verdicts(_draft(GOOD), broker)["base"].verdict == "pass"
    (repository / "vitals/summary.py").write_bytes(SUMMARY + b"\n")
    found = _verdicts(_draft(GOOD), broker)["base"]
    assert (found.verdict, found.evidence) == ("fail", "changed on disk since it was read: vitals/summary.py")


def test_a_new_file_must_not_be_there_yet(broker: Broker) -> None:
    new = Draft("vitals/new.py", None, b"x = 1\n", None, "add new.py")
    assert _verdicts(new, broker)["base"].verdict == "pass"
    there = Draft("vitals/summary.py", None, b"x = 1\n", None, "add summary.py")
    assert _verdicts(there, broker)["base"].verdict == "fail"


def test_several_files_are_one_change_and_the_worst_of_them_counts(broker: Broker) -> None:
    broken = Draft("vitals/extra.py", None, b"def f(:\n", None, "add it")
    together = {result.name: result for result in run_checks([_draft(GOOD), broken], broker)}
    assert together["syntax"].verdict == "fail"
    assert together["syntax"].evidence.startswith("vitals/extra.py: line 1")
    assert together["budget"].evidence.endswith("2 of 10 files")
    assert together["target"].evidence.startswith("2 of 2 files")


def test_more_files_than_policy_allows_fail(broker: Broker) -> None:
    many = [Draft(f"vitals/n{number}.py", None, b"x = 1\n", None, "add them") for number in range(11)]
    found = {result.name: result for result in run_checks(many, broker)}["budget"]
    assert (found.verdict, found.evidence) == ("fail", "11 files, policy allows 10")


def test_a_definition_that_moves_to_another_file_of_the_change_is_not_gone(broker: Broker) -> None:
    cut = SUMMARY.index(b"def median")
    left = Draft("vitals/summary.py", SUMMARY, SUMMARY[:cut].rstrip() + b"\n", None, "split the module")
    assert _verdicts(left, broker)["vanished"].verdict == "fail"
    moved = Draft("vitals/middle.py", None, SUMMARY[cut:], None, "split the module")
    found = {result.name: result for result in run_checks([left, moved], broker)}
    assert found["vanished"].evidence != "gone: median"


def test_deleting_a_file_must_be_asked_for_and_is_high_risk(broker: Broker) -> None:
    unasked = Draft("vitals/summary.py", SUMMARY, b"", None, "tidy up", deleted=True)
    assert _verdicts(unasked, broker)["vanished"].verdict == "fail"
    asked = Draft("vitals/summary.py", SUMMARY, b"", None, "delete summary.py", deleted=True)
    results = run_checks(asked, broker)
    assert passed(results, broker)
    assert risk_of(asked, results, broker) is Risk.HIGH


SHELL = GOOD.replace(b"    ordered", b"    os.system(readings)\n    ordered", 1)


def test_an_informing_check_warns_unless_policy_requires_it(broker: Broker) -> None:
    draft = _draft(SHELL)
    results = run_checks(draft, broker)
    assert _verdicts(draft, broker)["dangerous code"].verdict == "warn"
    assert passed(results, broker)
    assert risk_of(draft, results, broker) is Risk.ELEVATED
    broker.policy = build([parse_tier(b"[checks]\nrequired = ['dangerous code']\n", tier="user", file="p")])
    found = _verdicts(draft, broker)["dangerous code"]
    assert found.verdict == "fail"
    assert "policy requires this check" in found.evidence
    assert not passed(run_checks(draft, broker), broker)
    assert passed(run_checks(_draft(GOOD), broker), broker)


def test_commands_are_not_begun_for_a_change_that_failed_already(broker: Broker) -> None:
    assert _verdicts(_draft(SUMMARY), broker)["tests"].evidence == "an earlier check failed"


def test_a_line_of_equals_signs_is_a_heading_in_prose_and_a_conflict_in_code(broker: Broker) -> None:
    heading = b"Title\n=======\n"
    prose = Draft("docs/x.rst", b"Title\n", heading, None, "x")
    assert _verdicts(prose, broker)["elisions"].verdict == "pass"
    code = Draft("vitals/summary.py", SUMMARY, SUMMARY + b"=======\n", None, "x")
    assert _verdicts(code, broker)["elisions"].verdict == "fail"


@pytest.mark.parametrize(
    ("path", "before", "after", "verdict"),
    [
        ("a.json", b'{"a": 1}', b'{"a": 1,}', "fail"),
        ("a.json", b'{"a": 1}', b'{"a": 2}', "pass"),
        ("a.json", b"{broken", b"{still broken", "pass"),
        ("a.toml", b"a = 1\n", b"a = \n", "fail"),
        ("a.bin", b"a", b"b", "skipped"),
    ],
)
def test_data_files_are_parsed_too(
    broker: Broker, path: str, before: bytes, after: bytes, verdict: str
) -> None:
    assert _verdicts(Draft(path, before, after, None, "x"), broker)["syntax"].verdict == verdict


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("# existing code", "fail"),
        ("# ... existing code ...", "fail"),
        ("# other methods remain unchanged", "fail"),
        ("# Other methods may call the overridden one with the new signature.", "pass"),
    ],
)
def test_a_comment_about_other_code_is_no_elision(broker: Broker, line: str, verdict: str) -> None:
    after = SUMMARY.replace(b"    ordered =", f"    {line}\n    ordered =".encode())
    assert _verdicts(_draft(after), broker)["elisions"].verdict == verdict
