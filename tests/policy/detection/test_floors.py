"""The floors hold on synthetic values of our own, and the measuring script counts what it says it counts."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import workbench
from tests.policy.detection import fakes
from tests.timing import stopwatch
from workbench.policy.detection import BY_ID, Material, scan

ROOT = Path(workbench.__file__).parent
SENTENCES = (
    "It is {} as agreed.",
    "value;{};2026",
    '"number": "{}",',
    "({})",
    "{}",
    "card={}\n",
    "| {} |",
    "{}, and",
)


def _serial(number: int) -> str:
    return fakes.ssn(100 + number, 1 + number % 98, 1 + number * 7)


MAKERS: dict[str, Callable[[int], str]] = {
    "PAN": lambda n: fakes.card(("4", "5412", "2301", "6011", "3530", "4716")[n % 6], 16, str(n)),
    "SSN": _serial,
    "IBAN": lambda n: fakes.iban("GB", "QXZB" + fakes.text(fakes.DIGITS, 14, str(n))),
    "EMAIL": lambda n: f"{fakes.text(fakes.LOWER, 7, str(n))}.{n}@clinic-synthetic.org",
    "IP": lambda n: f"91.{n % 200}.174.{1 + n % 250}",
    "NPI": lambda n: "npi " + fakes.npi("1" + fakes.text(fakes.DIGITS, 8, str(n))),
    "DEA": lambda n: fakes.dea(stem=f"47{n:03d}9"),
    "VIN": lambda n: fakes.vin(back="3A" + fakes.text(fakes.DIGITS, 6, str(n))),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_of_240_synthetic_values_all_are_found(kind: str) -> None:
    missed = []
    for number in range(240):
        value = MAKERS[kind](number)
        text = SENTENCES[number % len(SENTENCES)].format(value)
        kinds = {BY_ID[one.rule_id].kind for one in scan(text.encode(), Material.DATA).findings}
        if kind not in kinds:
            missed.append(text)
    assert not missed


def test_a_wrong_check_digit_is_never_a_card_an_iban_or_a_provider() -> None:
    for number in range(240):
        for kind in ("PAN", "IBAN", "NPI"):
            value = MAKERS[kind](number)
            wrong = value[:-1] + str((int(value[-1]) + 1 + number % 9) % 10)
            found = {
                BY_ID[one.rule_id].kind for one in scan(f"is {wrong} ok".encode(), Material.DATA).findings
            }
            assert wrong == value or kind not in found


def test_ordinary_source_is_searched_at_a_megabyte_a_second_and_holds_nothing() -> None:
    sources = [file.read_bytes() for file in sorted(ROOT.rglob("*.py"))]
    with stopwatch() as taken:
        scans = [scan(source, Material.CODE, clock=lambda: 0.0) for source in sources]
    assert sum(map(len, sources)) / taken.seconds > 1_000_000
    assert all(one.complete for one in scans)
    assert [one for result in scans for one in result.findings] == []


def test_the_synthetic_values_of_these_tests_are_nowhere_written_out() -> None:
    for file in sorted(Path(__file__).parent.glob("*.py")):
        assert scan(file.read_bytes(), Material.CODE).findings == (), file.name


@pytest.fixture
def measuring() -> ModuleType:
    place = ROOT.parent / "scripts" / "measure_detection.py"
    spec = importlib.util.spec_from_file_location("measure_detection", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up while it is being made.
    sys.modules["measure_detection"] = module
    spec.loader.exec_module(module)
    return module


def _sample(kind: str, value: str, text: str) -> dict[str, object]:
    start = text.index(value)
    span = {
        "entity_type": kind,
        "entity_value": value,
        "start_position": start,
        "end_position": start + len(value),
    }
    return {"full_text": text, "spans": [span]}


@pytest.fixture
def collections(tmp_path: Path) -> Path:
    card, ssn, unlike = fakes.card(), fakes.ssn(), "not a number"
    samples = [
        _sample("CREDIT_CARD", card, f"é {card}"),
        _sample("CREDIT_CARD", unlike, f"my card is {unlike}"),
        _sample("US_SSN", ssn, f"ssn {ssn}"),
        {"full_text": f"Ü {fakes.ssn(group=46)}", "spans": []},
    ]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "synth_dataset_v2.json").write_text(json.dumps(samples))
    rules = tmp_path / "cmd" / "config" / "rules"
    rules.mkdir(parents=True)
    token = "npm_" + fakes.text(fakes.ALPHANUMERIC, 36)
    (rules / "npm.go").write_text(
        "func Npm() {\n"
        '\ttps := utils.GenerateSampleSecrets("npm", "npm_"+secrets.NewSecret(utils.AlphaNumeric("36")))\n'
        f"\ttps = append(tps, `{token}`, // gitleaks:allow\n"
        f'\t\t"quote \\" {token}",\n\t\t"plain words",\n\t)\n'
        '\tfps := []string{\n\t\t"nothing",\n\t\t`none ` + "of it",\n\t}\n}\n'
    )
    return tmp_path


def test_the_measuring_script_counts_what_is_found_and_what_is_missed(
    measuring: ModuleType, collections: Path, tmp_path: Path
) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "app.py").write_text("x = 1\n" * 1000)
    figures = {figure.name: figure for figure in measuring.measure(collections, tmp_path / "source")}
    assert figures["presidio PAN"].value == 0.5
    assert not figures["presidio PAN"].holds
    assert figures["presidio SSN"].value == 1
    assert figures["presidio findings outside any span"].value == 1
    assert figures["gitleaks positives, written out"].note == "2 of 3"
    assert figures["gitleaks positives, written out"].misses == ["plain words"]
    assert figures["gitleaks negatives, written out"].note == "0 of 2"
    assert figures["gitleaks positives, generated"].note == "4 of 4"
    assert figures["source, secret hits a MB"].value == 0


def test_the_measuring_script_fails_where_a_floor_does_not_hold(
    measuring: ModuleType, collections: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    arguments = ["measure_detection.py", str(collections), "--source", str(tmp_path / "empty"), "--misses"]
    monkeypatch.setattr(sys, "argv", arguments)
    assert measuring.main() == 1
    monkeypatch.setattr(sys, "argv", [*arguments[:1], str(tmp_path / "empty"), *arguments[2:]])
    assert measuring.main() == 2
