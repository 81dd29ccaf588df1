"""The status bar says what was measured, in exactly these words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.tui.recording import READY
from workbench.core.records import CheckResult, CheckVerdict
from workbench.session.views import Activity, IndexReading, Progress, Status
from workbench.tui import wording
from workbench.tui.wording import Part, fitted, status_parts

NOW = datetime(2026, 1, 5, 10, 4, tzinfo=UTC)
LOADING = Progress(2_100_000_000, 4_900_000_000, "bytes", 12.4)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (READY, "READY"),
        (replace(READY, activity=Activity.NO_MODEL), "NO MODEL"),
        (replace(READY, activity=Activity.LOADING, progress=LOADING), "LOAD 2.1/4.9 GB 42% 00:12"),
        (replace(READY, activity=Activity.LOADING, seconds=2.0), "LOAD 00:02"),
        (
            replace(READY, activity=Activity.READING, progress=Progress(1240, 3610, "tokens", 32.6)),
            "PROMPT 1,240/3,610 tok 38 tok/s",
        ),
        (
            replace(READY, activity=Activity.READING, progress=Progress(0, 3610, "tokens", 0.0)),
            "PROMPT 0/3,610 tok",
        ),
        (replace(READY, activity=Activity.GENERATING, seconds=31.0), "GEN 18.2 tok/s 00:31"),
        (replace(READY, activity=Activity.GENERATING, seconds=1.0, tokens_per_second=0.0), "GEN 00:01"),
        (replace(READY, activity=Activity.WORKING, seconds=75.0), "WORK 01:15"),
        (replace(READY, activity=Activity.ERROR, error="The model stopped."), "ERROR The model stopped."),
        (replace(READY, activity=Activity.LEDGER_BROKEN, ledger_ok=False), "LEDGER BROKEN at #18204"),
    ],
)
def test_each_activity_has_its_words(status: Status, words: str) -> None:
    assert wording.activity(status).text == words


def _texts(status: Status, *, narrow: bool = False) -> list[str]:
    return [part.text for part in status_parts(status, NOW, narrow=narrow)]


def test_silence_of_the_model_is_said() -> None:
    generating = replace(READY, activity=Activity.GENERATING, quiet_seconds=8.4)
    assert "no token for 8 s" in _texts(generating)
    assert "no token" not in " ".join(_texts(replace(generating, quiet_seconds=1.0)))


def test_what_waits_is_counted_with_the_age_of_the_oldest() -> None:
    waiting = replace(READY, waiting=2, oldest_waiting="2026-01-05T10:00:00.000000Z")
    assert _texts(waiting)[4:6] == ["2 waiting", "oldest 4 min"]
    assert "0 waiting" not in _texts(READY)


def test_a_broken_ledger_stays_in_the_bar_whatever_goes_on() -> None:
    for activity in Activity:
        texts = _texts(replace(READY, activity=activity, ledger_ok=False), narrow=True)
        assert "LEDGER BROKEN at #18204" in texts[0]


def test_level_0_is_shown_as_bad() -> None:
    parts = status_parts(replace(READY, level=0, level_short="NOT ENFORCED"), NOW, narrow=False)
    assert Part("NOT ENFORCED", "bad") in parts


def test_read_only_is_said() -> None:
    assert "READ-ONLY" in _texts(replace(READY, read_only="No."))


def test_without_a_model_no_figure_of_one_is_shown() -> None:
    none = replace(READY, activity=Activity.NO_MODEL, model="", context_size=0, tokens_per_second=0.0)
    assert not [text for text in _texts(none) if "ctx" in text or "tok/s" in text]


@pytest.mark.parametrize("width", [79, 60, 40, 10])
def test_what_does_not_fit_goes_least_important_first(width: int) -> None:
    status = replace(READY, waiting=2, oldest_waiting="2026-01-05T10:00:00.000000Z")
    parts = fitted(status_parts(status, NOW, narrow=True), width, 2)
    texts = [part.text for part in parts]
    assert texts[0] == "READY"
    assert "2 waiting" in texts
    assert "ledger #18204 ok" in texts
    assert "oldest 4 min" not in texts


@pytest.mark.parametrize(
    ("time", "age"),
    [
        ("2026-01-05T10:03:30.000000Z", "30 s"),
        ("2026-01-05T09:00:00.000000Z", "1 h"),
        ("2026-01-01T10:00:00.000000Z", "4 d"),
        ("2026-01-05T11:00:00.000000Z", "0 s"),
        ("", ""),
        ("yesterday", ""),
    ],
)
def test_ages(time: str, age: str) -> None:
    assert wording.age_of(time, NOW) == age


def test_sizes_and_durations() -> None:
    assert wording.gigabytes(500, 900) == "500/900 B"
    assert wording.gigabytes(1_500_000, 80_000_000) == "1.5/80.0 MB"
    assert wording.clock(3661) == "1:01:01"


def test_checks_that_were_skipped_do_not_count_as_passed() -> None:
    results = tuple(CheckResult(v, v, "") for v in CheckVerdict)
    assert wording.checks(results) == "checks 1/3"
    assert wording.checks(()) == "no checks"
    assert wording.checks((CheckResult("a", CheckVerdict.SKIPPED, ""),)) == "checks skipped 1"


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (IndexReading(), []),
        (IndexReading(41, 1_200, busy=True), ["idx 41/1,200"]),
        (IndexReading(busy=True, looked=True), ["idx 100%"]),
        (IndexReading(looked=True), ["idx 100%"]),
        (IndexReading(problem="The disk is full."), ["idx off"]),
    ],
)
def test_the_index_says_how_far_it_has_come_and_never_more(reading: IndexReading, words: list[str]) -> None:
    assert [text for text in _texts(replace(READY, index=reading)) if text.startswith("idx")] == words
