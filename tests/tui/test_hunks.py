"""Hunk by hunk, as `git add -p` asks: marks decide nothing, and the whole is decided behind the last hunk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tui.recording import RecordingFace, shown
from tests.tui.stage import Stage, frame, stage
from tests.tui.test_approving import _let_settle
from workbench.core.records import ProposalState, Risk
from workbench.review import Row, RowKind
from workbench.review.choices import Choices
from workbench.session.views import Choice, Shown, ShownFile

SHA = "e" * 64


def three(**changes: object) -> Shown:
    """Return an item of three hunks in two files."""
    rows: list[Row] = []
    for hunk, file in ((1, 0), (2, 0), (3, 1)):
        rows.append(Row(RowKind.HUNK, None, None, f"@@ part_{hunk}", hunk, file))
        rows.append(Row(RowKind.DELETE, hunk * 10, None, f"old {hunk}", hunk, file))
        rows.append(Row(RowKind.INSERT, None, hunk * 10, f"new {hunk}", hunk, file))
    files = tuple(ShownFile(path, "edit", 1, 1, "", "", "") for path in ("a.py", "b.py"))
    item = shown(rows=tuple(rows), hunks=3, origins=(1, 2, 3), files=files, shown_sha256=SHA)
    return replace(item, **changes)  # type: ignore[arg-type]


def _face(**changes: object) -> RecordingFace:
    return RecordingFace(items={"p1": three(**changes)})


async def _decided(on: Stage, *keys: str) -> list[tuple[object, ...]]:
    """Press keys and return what was decided by them."""
    await on.press(*keys)
    await _let_settle(on)
    return on.decisions()


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_two_hunks_of_three_are_approved_and_the_third_left_out_with_a_reason(
    size: tuple[int, int],
) -> None:
    async with stage(_face(), size) as on:
        await on.review()
        assert await _decided(on, "space", "y", "R") == []
        await on.press(*"too slow", "enter")
        assert await _decided(on, "y") == []
        assert "3 of 3 decided, taken: 1, 3" in frame(on.app)
        assert "approve 2 of 3" in frame(on.app)
        on.time.advance(1.0)
        await on.press("y")
        await on.until(on.decisions)
        assert on.decisions() == [("approve", "p1", SHA, Choice((1, 3), (), {2: "too slow"}))]


async def test_marks_alone_decide_nothing_whatever_they_are() -> None:
    async with stage(_face()) as on:
        await on.review()
        for keys in (("space", "y", "y", "y"), ("left_square_bracket",), ("space", "space", "a", "d")):
            assert await _decided(on, *keys) == []
        await on.press("escape")
        assert on.app.desk.hunks.choices is None


async def test_the_key_that_marked_the_last_hunk_does_not_decide_the_whole_at_once() -> None:
    async with stage(_face()) as on:
        await on.review()
        await on.press("space", "y", "y", "y")
        await on.press("y", after=0.2)
        await _let_settle(on)
        assert on.decisions() == []
        assert "only just appeared" in on.notice
        assert await _decided(on, "y") == [("approve", "p1", SHA, Choice((1, 2, 3), (), {}))]


async def test_what_is_not_decided_yet_or_not_taken_cannot_be_approved() -> None:
    async with stage(_face()) as on:
        await on.review()
        await on.press("space", *["right_square_bracket"] * 3)
        assert await _decided(on, "y") == []
        assert "3 of 3 hunks are not decided" in on.notice
        await on.press("left_square_bracket", "n", "n", "n")
        assert "taken: none" in frame(on.app)
        assert await _decided(on, "y") == []
        assert "No hunk is taken" in on.notice


async def test_the_whole_can_be_rejected_behind_the_last_hunk() -> None:
    async with stage(_face()) as on:
        await on.review()
        await on.press("space", *["right_square_bracket"] * 3)
        on.time.advance(1.0)
        assert await _decided(on, "n") == [("reject", "p1", "")]


async def test_hunks_of_high_risk_need_the_second_key() -> None:
    async with stage(_face(risk=Risk.HIGH)) as on:
        await on.review()
        await on.press("space", "y", "n", "y")
        on.time.advance(1.0)
        await on.press("y")
        await on.until(lambda: "press ! to confirm" in on.notice)
        assert on.decisions() == []
        await on.press("exclamation_mark")
        await on.until(on.decisions)
        assert on.decisions() == [("approve", "p1", SHA, Choice((1, 3), (), {}))]


async def test_a_burst_of_keys_marks_nothing() -> None:
    async with stage(_face()) as on:
        await on.review()
        await on.press("space")
        await on.press("y", after=0.01)
        choices = on.app.desk.hunks.choices
        assert choices is not None
        assert choices.decided == 0


async def test_undo_takes_back_the_last_mark_and_then_the_last_decision() -> None:
    async with stage(_face()) as on:
        await on.review()
        await on.press("space", "y", "u")
        choices = on.app.desk.hunks.choices
        assert choices is not None
        assert (choices.decided, choices.at) == (0, 0)
        await on.press("u")
        assert "No mark is left" in on.notice
        await on.press("escape", "u")
        await on.until(lambda: ("take_back",) in on.face.calls)


async def test_another_item_begins_with_no_marks() -> None:
    face = RecordingFace(items={"p1": three(), "p2": three(proposal_id="p2", shown_sha256="f" * 64)})
    async with stage(face) as on:
        await on.review()
        await on.press("space", "y")
        await on.press("ctrl+r")
        await on.until(lambda: on.app.desk.chosen == "p2" and on.app.desk.on_screen)
        assert on.app.desk.hunks.choices is None
        assert "[y]" not in frame(on.app)


async def test_several_items_are_approved_by_their_number_and_a_second_key() -> None:
    items = {
        "p1": shown("p1"),
        "p2": shown("p2", path="src/net/http.py", shown_sha256="c" * 64),
        "p3": shown("p3", path="src/net/x.py", shown_sha256="d" * 64, risk=Risk.HIGH),
    }
    async with stage(RecordingFace(items=items)) as on:
        await on.review()
        for name in ("p2", "p3"):
            await on.press("ctrl+r")
            await on.until(lambda name=name: on.app.desk.chosen == name and on.app.desk.on_screen)  # type: ignore[misc]
            await on.calm()
        await on.press("A")
        assert "type 2 to approve 2 read items; left out: 1 of high risk" in frame(on.app)
        await on.press("3", "enter")
        assert "nothing was approved" in on.notice
        assert await _decided(on, "exclamation_mark") == []
        await on.press("A", "2", "enter")
        assert "Press ! to approve 2 items" in on.notice
        on.time.advance(1.0)
        await on.press("exclamation_mark")
        await on.until(lambda: any(call[0] == "approve_all" for call in on.face.calls))
        (call,) = [call for call in on.face.calls if call[0] == "approve_all"]
        assert call == ("approve_all", {"p1": items["p1"].shown_sha256, "p2": "c" * 64}, 2)


async def test_any_other_key_cancels_the_approval_of_several() -> None:
    async with stage(RecordingFace(items={"p1": shown("p1")})) as on:
        await on.review()
        await on.press("A", "1", "enter", "j")
        await on.press("exclamation_mark")
        await _let_settle(on)
        assert not any(call[0] == "approve_all" for call in on.face.calls)


async def test_items_that_were_not_read_to_the_end_are_not_approved_together() -> None:
    rows = tuple(Row(RowKind.INSERT, None, n, f"line {n}", 1) for n in range(1, 200))
    async with stage(RecordingFace(items={"p1": shown("p1", rows=rows)})) as on:
        await on.review()
        await on.press("A")
        assert "read to its last row" in on.notice
        assert not on.app.main.diff.reason.has_class("-open")


async def test_where_policy_demands_a_reason_it_is_asked_for_before_the_approval() -> None:
    async with stage(RecordingFace(items={"p1": shown(reason_required=True)})) as on:
        await on.review()
        assert await _decided(on, "y") == []
        await on.press(*"reviewed", "enter")
        await _let_settle(on)
        assert on.decisions() == []
        on.time.advance(1.0)
        await on.press("y")
        await on.until(on.decisions)
        assert on.decisions()[0][-1] == "reviewed"


async def test_rolling_back_asks_why_and_shows_the_rollback_as_an_item() -> None:
    item = replace(shown(), state=ProposalState.APPLIED, can_approve="already applied")
    async with stage(RecordingFace(items={"p1": item})) as on:
        on.app.desk.choose("p1")
        await on.press("alt+3")
        await on.until(lambda: on.app.desk.on_screen)
        await on.press("U", *"broke it", "enter")
        await on.until(lambda: ("roll_back", "p1", "broke it") in on.face.calls)
        await on.until(lambda: on.app.desk.chosen == "back")
        assert on.decisions() == []


async def test_what_was_not_applied_cannot_be_rolled_back() -> None:
    async with stage(_face()) as on:
        await on.review()
        await on.press("U")
        assert "only what was applied" in on.notice


async def test_the_queue_lists_what_the_filter_lets_through() -> None:
    items = {"p1": shown("p1"), "p2": shown("p2", path="src/net/http.py", shown_sha256="c" * 64)}
    async with stage(RecordingFace(items=items)) as on:
        await on.review()
        await on.press("F", *"http")
        assert [item.id for item in on.app.main.review.queue.items] == ["p2"]
        await on.press("enter", "escape")
        assert len(on.app.main.review.queue.items) == 2


async def test_where_an_item_comes_from_is_shown_and_decides_nothing() -> None:
    async with stage(_face()) as on:
        await on.review()
        await on.press("i")
        text = frame(on.app)
        assert "1 of 3, in a.py: part_1" in text
        assert "agent:coder" in text
        assert "src/net/tls.py bytes 0-120" in text
        assert await _decided(on, "y") == []


def test_the_vocabulary_of_git_add_p() -> None:
    choices = Choices.begin((0, 0, 0, 1))
    assert choices.take_rest().taken == (1, 2, 3)
    assert choices.take_rest().at == 3
    left = choices.take().leave_rest()
    assert (left.taken, left.decided, left.at) == ((1,), 3, 3)
    assert left.take().at_end
    back = left.take().go(-3)
    assert back.toggle().taken == (1, 2, 4)
    assert back.leave("no").choice(()) == Choice((1, 4), (), {2: "no"})
    parts = choices.take().split(3)
    assert (parts.marks, parts.files, parts.at) == (
        (*choices.take().marks[:1], None, None, None, None, None),
        (0, 0, 0, 0, 0, 1),
        1,
    )
