"""The formatter, the type checker and the tests run where policy grants them, and say how it went."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.boundary.children import needs_landlock, needs_seal
from tests.commands import a_runner, commanding
from tests.model.scripted import ScriptedEngine
from tests.repositories import FILES, GOOD_ANSWER, SUMMARY, make_repository
from workbench.boundary import Runner
from workbench.broker import Broker
from workbench.broker import Draft as Overlay
from workbench.checks import Draft, passed, run_checks
from workbench.core.errors import Refused
from workbench.core.records import CheckResult, Command, Principal
from workbench.policy.policy import build
from workbench.policy.reader import parse_tier
from workbench.repo import Changes
from workbench.repo.shadow_changes import Changed
from workbench.session.opening import Options, open_parts

GOOD = SUMMARY.replace(b"return ordered[len(ordered) // 2]", b"return ordered[len(ordered) // 2] + 0")
DRAFT = Draft("vitals/summary.py", SUMMARY, GOOD, None, "fix it")
POLICY = """
[run]
allow = [["ruff", "check"], ["mypy"], { argv = ["pytest", "-q"], more = "paths" }]
"""


@dataclass
class Ended:
    ok: bool
    ending: str
    seen: bytes
    changes: Changes = field(default_factory=Changes)


@dataclass
class Script:
    """Runs nothing: says what it was told to, and keeps what it was asked."""

    endings: dict[str, Ended | Exception] = field(default_factory=dict)
    off: str = ""
    asked: list[tuple[str, bool]] = field(default_factory=list)

    def run(self, command: Command, *, actor: Principal, draft: Overlay | None = None) -> Ended:
        self.asked.append((" ".join(command.argv), draft is not None))
        key = " ".join(command.argv) + ("" if draft is not None else " before")
        ended = self.endings.get(key, Ended(True, "exit 0 after 0.1 s", (b"\n 3 passed \n")))
        if isinstance(ended, Exception):
            raise ended
        return ended


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    files = {**FILES, "pyproject.toml": b"[tool.ruff]\n[tool.mypy]\n[tool.pytest.ini_options]\n"}
    parts = open_parts(make_repository(tmp_path / "vitals", files), Options(accept_unenforced=True))
    parts.broker.policy = build([parse_tier(POLICY.encode(), tier="user", file="p")])
    yield parts.broker
    parts.ledger.close()
    parts.queue.close()


def _checked(broker: Broker, script: Script | None = None) -> dict[str, CheckResult]:
    if script is not None:
        setattr(broker, "commands", script)  # noqa: B010
    return {result.name: result for result in run_checks(DRAFT, broker)}


def test_what_policy_grants_runs_on_the_change_and_affected_tests_come_first(broker: Broker) -> None:
    script = Script()
    found = _checked(broker, script)
    assert script.asked == [
        ("ruff check", True),
        ("mypy", True),
        ("pytest -q tests/test_summary.py", True),
        ("pytest -q", True),
    ]
    assert {found[name].verdict for name in ("linter", "types", "tests")} == {"pass"}
    assert found["types"].evidence == "mypy: exit 0 after 0.1 s: 3 passed"


def test_a_failure_is_told_and_whose_it_is(broker: Broker) -> None:
    bad = Ended(False, "exit 1 after 0.2 s", (b"1 failed, 2 passed"))
    found = _checked(broker, Script({"pytest -q tests/test_summary.py": bad}))["tests"]
    assert found.verdict == "warn"
    assert found.evidence == "pytest -q tests/test_summary.py: exit 1 after 0.2 s: 1 failed, 2 passed"
    old = Script({"mypy": bad, "mypy before": bad})
    assert _checked(broker, old)["types"].evidence.endswith("(without the change as well)")


def test_a_required_test_that_fails_keeps_the_change_from_the_queue(broker: Broker) -> None:
    demands = POLICY + "[checks]\nrequired = ['tests']\n"
    broker.policy = build([parse_tier(demands.encode(), tier="user", file="p")])
    script = Script({"pytest -q": Ended(False, "exit 1 after 0.2 s", (b"1 failed"))})
    assert _checked(broker, script)["tests"].verdict == "fail"
    assert passed(run_checks(DRAFT, broker), broker) is False
    setattr(broker, "commands", Script())  # noqa: B010
    assert passed(run_checks(DRAFT, broker), broker)
    setattr(broker, "commands", Script(off="Commands are off here."))  # noqa: B010
    results = run_checks(DRAFT, broker)
    assert not passed(results, broker), "what cannot be run is not passed"


def test_a_formatter_that_would_change_the_change_is_told(broker: Broker) -> None:
    rewrites = Changes((Changed("vitals/summary.py", "0" * 64, 0o644, None),))
    ended = Ended(True, "exit 0 after 0.1 s", (b""), rewrites)
    found = _checked(broker, Script({"ruff check": ended}))["linter"]
    assert found.verdict == "warn"
    assert "it would change vitals/summary.py" in found.evidence


@pytest.mark.parametrize(
    ("script", "policy", "reason"),
    [
        (
            Script(off="Commands run at boundary level 3 or 4."),
            POLICY,
            "Commands run at boundary level 3 or 4.",
        ),
        (Script(), "", "mypy (pyproject.toml) is configured; policy grants no command for it ([run] allow)"),
        (Script({"mypy": Refused("No.", "")}), POLICY, "could not be run: No."),
    ],
)
def test_what_is_not_run_says_why(broker: Broker, script: Script, policy: str, reason: str) -> None:
    broker.policy = build([parse_tier(policy.encode(), tier="user", file="p")])
    found = _checked(broker, script)["types"]
    assert (found.verdict, found.evidence) == ("skipped", reason)


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with a_runner(tmp_path_factory.mktemp("state") / "commands") as runner:
        yield runner


@needs_seal
@needs_landlock
def test_the_tests_of_a_repository_run_in_the_copy_before_a_person_looks(
    repository: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch, private_places: Path
) -> None:
    granted = f'["{sys.executable}", "-m", "pytest", "-q", "-p", "no:cacheprovider"]'
    (private_places / "config/workbench").mkdir(parents=True)
    (private_places / "config/workbench/policy.toml").write_text(
        f"[run]\nallow = [{{ argv = {granted}, more = 'paths' }}]\n[checks]\nrequired = ['tests']\n"
    )
    wrong = GOOD_ANSWER.replace("return ordered[middle]", "return ordered[0]").replace(" / 2", " / 3")
    with commanding(repository, runner, monkeypatch, ScriptedEngine([wrong, GOOD_ANSWER])) as driver:
        assert driver.run("Fix `median` in vitals/summary.py") == "queued"
        (item,) = driver.session.queue()
        found = {check.name: check for check in driver.session.shown(item.id).checks}
        heard = "\n".join(entry.text for entry in driver.session.transcript())
        types = driver.types()
    assert found["tests"].verdict == "pass", found["tests"].evidence
    assert "1 passed" in found["tests"].evidence
    assert "1 failed" in heard, "the first answer does not pass, and the model is told so"
    assert types.count("command.outcome/outcome") == 4
    assert (repository / "vitals/summary.py").read_bytes() == SUMMARY
