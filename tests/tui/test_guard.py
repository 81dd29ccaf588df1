"""The guard, without a screen: which key presses may decide."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.tui.guard import ARMING, GAP, Dropped, Guard, Intent, Settling


def _guard(*, high_risk: bool = False, at: float = 0.0) -> Guard:
    guard = Guard()
    guard.appeared("p1", "sha", high_risk=high_risk, at=at)
    return guard


def _press(guard: Guard, verb: str, key: str, at: float) -> Intent | None:
    """Press and, if the press is taken, let its waiting time pass."""
    guard.noticed(key, at, confirm_keys=("exclamation_mark",))
    answer = guard.press(verb, at)
    return guard.settled(answer.number) if isinstance(answer, Settling) else None


def test_a_press_after_the_arming_time_decides_with_the_digest_shown() -> None:
    assert _press(_guard(), "approve", "y", 0.5) == Intent("approve", "p1", "sha")


@given(st.floats(0, ARMING - 0.001))
def test_no_press_within_400_ms_of_appearing_decides(after: float) -> None:
    assert _press(_guard(), "approve", "y", after) is None
    assert _press(_guard(), "reject", "n", after) is None


def test_a_press_dropped_while_arming_is_not_kept_for_later() -> None:
    guard = _guard()
    guard.noticed("y", 0.1)
    assert isinstance(guard.press("approve", 0.1), Dropped)
    assert guard.settled(0) is None
    assert guard.settled(1) is None


def test_a_change_of_content_arms_again() -> None:
    guard = _guard()
    guard.appeared("p1", "other", high_risk=False, at=5.0)
    assert _press(guard, "approve", "y", 5.3) is None
    assert _press(guard, "approve", "y", 5.5) == Intent("approve", "p1", "other")


@given(st.floats(0, GAP - 0.001))
def test_a_key_right_after_another_never_decides(gap: float) -> None:
    guard = _guard()
    guard.noticed("x", 1.0)
    assert _press(guard, "approve", "y", 1.0 + gap) is None


def test_a_key_right_before_another_never_decides() -> None:
    guard = _guard()
    guard.noticed("y", 1.0)
    answer = guard.press("approve", 1.0)
    assert isinstance(answer, Settling)
    guard.noticed("e", 1.02)
    assert guard.settled(answer.number) is None


def test_a_held_key_decides_nothing_once_it_repeats() -> None:
    guard = _guard()
    answers = []
    for repeat in range(5):
        at = 1.0 + repeat * 0.033
        guard.noticed("y", at)
        answers.append(guard.press("approve", at))
    settled = [guard.settled(a.number) for a in answers[:-1] if isinstance(a, Settling)]
    assert settled == [None] * 4


def test_a_key_right_after_a_paste_never_decides() -> None:
    guard = _guard()
    guard.noticed("paste", 1.0)
    assert _press(guard, "approve", "y", 1.01) is None


def test_nothing_can_be_decided_when_no_item_is_on_screen() -> None:
    guard = _guard()
    guard.vanished()
    assert _press(guard, "approve", "y", 9.0) is None


def test_an_item_that_vanishes_while_a_press_settles_is_not_decided() -> None:
    guard = _guard()
    guard.noticed("y", 1.0)
    answer = guard.press("approve", 1.0)
    assert isinstance(answer, Settling)
    guard.appeared("p2", "other", high_risk=False, at=1.01)
    assert guard.settled(answer.number) is None


def test_high_risk_needs_the_second_key() -> None:
    guard = _guard(high_risk=True)
    assert _press(guard, "approve", "y", 1.0) is None
    assert guard.confirming
    assert _press(guard, "confirm", "exclamation_mark", 2.0) == Intent("approve", "p1", "sha")
    assert not guard.confirming


def test_any_other_key_cancels_the_confirmation() -> None:
    guard = _guard(high_risk=True)
    _press(guard, "approve", "y", 1.0)
    assert guard.noticed("j", 2.0, confirm_keys=("exclamation_mark",))
    assert not guard.confirming
    assert _press(guard, "confirm", "exclamation_mark", 3.0) is None


def test_pressing_the_first_key_twice_does_not_confirm() -> None:
    guard = _guard(high_risk=True)
    assert _press(guard, "approve", "y", 1.0) is None
    assert _press(guard, "approve", "y", 2.0) is None


def test_a_change_of_content_cancels_the_confirmation() -> None:
    guard = _guard(high_risk=True)
    _press(guard, "approve", "y", 1.0)
    guard.appeared("p1", "other", high_risk=True, at=1.5)
    assert _press(guard, "confirm", "exclamation_mark", 3.0) is None


def test_rejecting_a_high_risk_item_needs_one_key() -> None:
    assert _press(_guard(high_risk=True), "reject", "n", 1.0) == Intent("reject", "p1", "sha")
