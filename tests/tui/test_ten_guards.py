"""Each guard against approving by accident holds, and it is this guard that holds: without it, it happens.

Every case is run twice: as the program is, and with one guard taken out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from textual import events

from tests.tui.recording import RecordingFace, shown
from tests.tui.stage import Stage, stage
from tests.tui.test_approving import _let_settle
from workbench.core.records import Risk
from workbench.review import Row, RowKind
from workbench.session.views import QueueChanged, Shown
from workbench.tui import guard, review_actions
from workbench.tui.actions import BY_ID
from workbench.tui.desk import ReviewDesk
from workbench.tui.diff_view import DiffView
from workbench.tui.situation import Where

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Case:
    """One way to approve by accident, and the guard in its way."""

    item: Callable[[], Shown]
    accident: Callable[[Stage], Awaitable[None]]
    remove: Callable[[Patch], None]
    size: tuple[int, int] = (120, 40)


async def _arrival(on: Stage) -> None:
    """The person writes a word in the prompt while an item arrives, and the word goes on with y."""
    items, on.face.items = on.face.items, {}
    on.app.desk.refresh()
    await on.until(lambda: not on.app.desk.items)
    on.app.main.go_to(Where.CHAT)
    await on.press("m")
    on.face.items = items
    on.face.tell(QueueChanged("p1"))
    await on.until(lambda: len(on.app.desk.items) == 1)
    await on.calm()
    await on.until(lambda: on.app.desk.guard.armed_since is not None)
    await on.press("y")


def _focus_on_arrival(patch: Patch) -> None:
    real = ReviewDesk._shown_came

    def came(desk: ReviewDesk, item: Shown) -> None:
        real(desk, item)
        desk._app.main.go_to(Where.REVIEW)

    patch.setattr(ReviewDesk, "_shown_came", came)


async def _too_early(on: Stage) -> None:
    await on.press("ctrl+r")
    await on.until(lambda: on.app.desk.guard.armed_since is not None)
    await on.press("y", after=0.2)


async def _burst(on: Stage) -> None:
    await on.review()
    await on.press("j")
    await on.press("y", after=0.01)


async def _first_of_a_burst(on: Stage) -> None:
    await on.review()
    on.app.post_message(events.Key("y", "y"))
    on.app.post_message(events.Key("x", "x"))


def _no_gap(patch: Patch) -> None:
    patch.setattr(guard, "GAP", 0.0)


def _no_settling(patch: Patch) -> None:
    real = guard.Guard.noticed

    def noticed(self: guard.Guard, key: str, at: float, *, confirm_keys: tuple[str, ...] = ()) -> bool:
        pending = self._pending
        answer = real(self, key, at, confirm_keys=confirm_keys)
        self._pending = pending
        return answer

    patch.setattr(guard.Guard, "noticed", noticed)


async def _listed(on: Stage) -> None:
    """Enter in the list of all commands."""
    await on.review()
    on.app.act("review.approve", listed=True)


def _decide_from_the_palette(patch: Patch) -> None:
    from dataclasses import replace

    from workbench.tui import app

    known = {**BY_ID, "review.approve": replace(BY_ID["review.approve"], by_key_only=False)}
    patch.setattr(app, "BY_ID", known)


async def _unseen(on: Stage) -> None:
    await on.review()
    await on.press("y")
    await on.until(lambda: on.app.desk.guard.confirming or on.notice)
    await on.press("exclamation_mark")


def _all_seen(patch: Patch) -> None:
    patch.setattr(DiffView, "unseen", property(lambda _: 0, lambda *_: None), raising=False)


async def _one_key(on: Stage) -> None:
    await on.review()
    await on.press("y")


def _no_second_key(patch: Patch) -> None:
    real = guard.Guard.appeared

    def appeared(self: guard.Guard, proposal_id: str, sha: str, *, high_risk: bool, at: float) -> None:
        del high_risk
        real(self, proposal_id, sha, high_risk=False, at=at)

    patch.setattr(guard.Guard, "appeared", appeared)


async def _hidden(on: Stage) -> None:
    await on.review()
    await on.press("y")


def _hidden_is_fine(patch: Patch) -> None:
    from dataclasses import replace

    from workbench.tui import app

    known = {**BY_ID, "review.approve": replace(BY_ID["review.approve"], reason=lambda _: "")}
    patch.setattr(app, "BY_ID", known)


async def _count(on: Stage) -> None:
    """Enter after another number than that of the items."""
    await on.review()
    await on.press("A", "7", "enter")
    on.time.advance(1.0)
    await on.press("exclamation_mark")


def _any_count(patch: Patch) -> None:
    real = ReviewDesk._count_typed
    patch.setattr(ReviewDesk, "_count_typed", lambda desk, _: real(desk, str(len(desk._together))))


async def _marked(on: Stage) -> None:
    """The key that took the last hunk is pressed once more at once."""
    await on.review()
    await on.press("space", "y")
    await on.press("y", after=0.2)


def _not_armed_again(patch: Patch) -> None:
    patch.setattr(ReviewDesk, "arm_again", lambda _: None)


def _high() -> Shown:
    return shown(risk=Risk.HIGH)


def _long_and_high() -> Shown:
    rows = tuple(Row(RowKind.INSERT, None, n, f"line {n}", 1) for n in range(1, 200))
    return shown(risk=Risk.HIGH, rows=rows)


CASES = {
    "an arrival never takes the focus": Case(shown, _arrival, _focus_on_arrival),
    "keys are dead for 400 ms": Case(shown, _too_early, lambda p: p.setattr(guard, "ARMING", 0.0), (80, 24)),
    "keys close together never decide": Case(shown, _burst, _no_gap),
    "a key waits for what follows it": Case(shown, _first_of_a_burst, _no_settling),
    "only its own key decides": Case(shown, _listed, _decide_from_the_palette),
    "high risk has to be seen": Case(_long_and_high, _unseen, _all_seen),
    "high risk needs a second key": Case(_high, _one_key, _no_second_key),
    "what is hidden is acknowledged": Case(lambda: shown(hidden=1), _hidden, _hidden_is_fine),
    "several items need their number": Case(shown, _count, _any_count),
    "the last mark is no decision": Case(shown, _marked, _not_armed_again),
}


@pytest.mark.parametrize("removed", [False, True], ids=["guarded", "unguarded"])
@pytest.mark.parametrize("name", CASES)
async def test_without_the_guard_the_accident_happens_and_with_it_not(
    name: str, removed: bool, monkeypatch: Patch
) -> None:
    case = CASES[name]
    if removed:
        case.remove(monkeypatch)
    assert review_actions.REVIEW_ACTIONS
    async with stage(RecordingFace(items={"p1": case.item()}), case.size) as on:
        await case.accident(on)
        await _let_settle(on)
        approvals = [call for call in on.face.calls if call[0] in ("approve", "approve_all")]
        assert bool(approvals) is removed
