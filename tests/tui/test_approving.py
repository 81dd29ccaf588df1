"""Approving on the screen: two keys from anywhere, and never by accident."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from textual import events

from tests.tui.recording import READY, SHA, RecordingFace, shown
from tests.tui.stage import Stage, frame, stage
from workbench.core.records import ProposalState, Risk
from workbench.review import Row, RowKind
from workbench.session.views import Activity, QueueChanged
from workbench.tui.guard import SETTLE


def _two() -> RecordingFace:
    return RecordingFace(
        items={"p1": shown("p1"), "p2": shown("p2", path="src/net/http.py", shown_sha256="c" * 64)}
    )


async def _let_settle(on: Stage) -> None:
    """Let the waiting time of a press pass, so that what was not decided will not be."""
    await on.pilot.pause(SETTLE * 2)
    await on.calm()


async def test_two_keys_from_the_prompt_approve_exactly_what_was_shown() -> None:
    async with stage(_two()) as on:
        await on.review()
        await on.press("y")
        await on.until(on.decisions)
        assert on.decisions() == [("approve", "p1", SHA)]


async def test_after_a_decision_the_next_waiting_item_is_shown() -> None:
    async with stage(_two()) as on:
        await on.review()
        await on.press("n")
        await on.until(lambda: on.app.desk.chosen == "p2" and on.app.desk.on_screen)
        assert on.decisions() == [("reject", "p1", "")]
        assert "src/net/http.py" in frame(on.app)


async def test_arrival_never_moves_the_focus() -> None:
    async with stage() as on:
        await on.press("h", "i")
        before = on.app.focused
        on.face.items["p1"] = shown()
        on.face.tell(QueueChanged("p1"))
        await on.until(lambda: "3 Review (1)" in frame(on.app))
        assert on.app.focused is before
        assert on.app.main.prompt.field.text == "hi"


async def test_letters_written_in_the_prompt_never_decide() -> None:
    async with stage(_two()) as on:
        await on.press("y", "n", "R", "exclamation_mark")
        await _let_settle(on)
        assert on.decisions() == []
        assert on.app.main.prompt.field.text == "ynR!"


async def test_a_key_within_400_ms_of_the_item_appearing_is_dropped_and_not_queued() -> None:
    async with stage(_two(), (80, 24)) as on:
        await on.press("ctrl+r")
        await on.until(lambda: on.app.desk.guard.armed_since is not None)
        await on.press("y", after=0.2)
        await _let_settle(on)
        assert on.decisions() == []
        on.time.advance(5.0)
        await _let_settle(on)
        assert on.decisions() == []


async def test_the_next_item_starts_unarmed() -> None:
    async with stage(_two()) as on:
        await on.review()
        await on.press("n")
        await on.until(lambda: on.app.desk.chosen == "p2" and on.app.desk.guard.armed_since is not None)
        await on.press("y", after=0.3)
        await _let_settle(on)
        assert on.decisions() == [("reject", "p1", "")]


async def test_keys_less_than_30_ms_apart_never_decide() -> None:
    async with stage(_two()) as on:
        await on.review()
        await on.press("j")
        await on.press("y", after=0.01)
        await _let_settle(on)
        assert on.decisions() == []


async def test_the_first_key_of_a_burst_does_not_decide_either() -> None:
    async with stage(_two()) as on:
        await on.review()
        on.app.post_message(events.Key("y", "y"))
        on.app.post_message(events.Key("e", "e"))
        await _let_settle(on)
        assert on.decisions() == []


async def test_a_paste_never_decides() -> None:
    async with stage(_two()) as on:
        await on.review()
        on.app.post_message(events.Paste("y"))
        await _let_settle(on)
        assert on.decisions() == []


@pytest.mark.parametrize("key", ["enter", "space", "ctrl+d", "ctrl+j", "tab", "escape"])
async def test_no_common_key_approves(key: str) -> None:
    async with stage(_two()) as on:
        await on.review()
        await on.press(key)
        await _let_settle(on)
        assert on.decisions() == []


async def test_a_click_never_decides() -> None:
    async with stage(_two()) as on:
        await on.review()
        await on.pilot.click("#queue", offset=(2, 0), times=2)
        await on.pilot.click("#keys", offset=(3, 0))
        await _let_settle(on)
        assert on.decisions() == []


async def test_the_palette_lists_approving_but_does_not_do_it() -> None:
    async with stage(_two()) as on:
        await on.review()
        on.app.act("review.approve", listed=True)
        await _let_settle(on)
        assert on.decisions() == []
        assert "Only its own key does this: y" in on.notice


async def test_an_action_link_in_a_text_could_not_approve() -> None:
    async with stage(_two()) as on:
        await on.review()
        on.time.advance(1.0)
        await on.app.run_action("act('review.approve')")
        await _let_settle(on)
        assert on.decisions() == []


async def test_a_stale_answer_shows_the_item_again_and_says_so() -> None:
    face = _two()
    face.stale.add("p1")
    async with stage(face) as on:
        await on.review()
        await on.press("y")
        await on.until(lambda: on.app.desk.shown and on.app.desk.shown.state is ProposalState.STALE)
        await on.until(lambda: on.app.desk.on_screen)
        assert "STALE: the file changed" in frame(on.app)
        assert on.app.desk.chosen == "p1"
        await on.press("y", after=0.2)
        await _let_settle(on)
        assert len(on.decisions()) == 1


async def test_content_that_changes_under_the_eyes_is_not_approved_by_the_old_digest() -> None:
    async with stage(_two()) as on:
        await on.review()
        on.face.items["p1"] = shown("p1", shown_sha256="d" * 64)
        on.face.tell(QueueChanged())
        await on.until(lambda: on.app.desk.shown and on.app.desk.shown.shown_sha256 == "d" * 64)
        await on.until(lambda: on.app.desk.guard.armed_since is not None)
        await on.press("y", after=0.1)
        await _let_settle(on)
        assert on.decisions() == []
        await on.press("y")
        await on.until(on.decisions)
        assert on.decisions() == [("approve", "p1", "d" * 64)]


async def test_high_risk_needs_a_second_different_key() -> None:
    async with stage(RecordingFace(items={"p1": shown(risk=Risk.HIGH)})) as on:
        await on.review()
        await on.press("y")
        await on.until(lambda: "press ! to confirm" in on.notice)
        assert on.decisions() == []
        await on.press("exclamation_mark")
        await on.until(on.decisions)
        assert on.decisions() == [("approve", "p1", SHA)]


@pytest.mark.parametrize("key", ["y", "n", "enter", "escape", "j"])
async def test_any_other_key_cancels_a_high_risk_approval(key: str) -> None:
    async with stage(RecordingFace(items={"p1": shown(risk=Risk.HIGH)})) as on:
        await on.review()
        await on.press("y")
        await on.until(lambda: on.app.desk.guard.confirming)
        await on.press(key)
        await _let_settle(on)
        assert not [call for call in on.decisions() if call[0] == "approve"]
        assert not on.app.desk.guard.confirming or key == "y"


async def test_a_high_risk_item_must_have_been_seen_to_its_last_row() -> None:
    long = tuple(Row(RowKind.INSERT, None, n, f"line {n}", 1) for n in range(1, 101))
    async with stage(RecordingFace(items={"p1": shown(risk=Risk.HIGH, rows=long)})) as on:
        await on.review()
        await on.press("y")
        assert "rows unseen" in on.notice
        await _let_settle(on)
        assert not on.app.desk.guard.confirming
        await on.press("2")
        for _ in range(12):
            await on.press("ctrl+d")
        await on.until(lambda: on.app.main.diff.diff.unseen == 0)
        await on.press("y")
        await on.until(lambda: on.app.desk.guard.confirming)


def _blocked() -> list[tuple[RecordingFace, str]]:
    ours = shown(can_approve="Two people must approve.")
    read_only = replace(READY, read_only="The boundary is not enforced.")
    broken = replace(READY, ledger_ok=False, activity=Activity.LEDGER_BROKEN)
    return [
        (RecordingFace(items={"p1": ours}), "Two people must approve."),
        (RecordingFace(items={"p1": shown()}, now=read_only), "The boundary is not enforced."),
        (
            RecordingFace(items={"p1": shown()}, now=broken),
            "The ledger is broken at #18204: nothing can be decided.",
        ),
    ]


@pytest.mark.parametrize(("face", "reason"), _blocked())
async def test_a_dimmed_approval_says_why(face: RecordingFace, reason: str) -> None:
    async with stage(face) as on:
        await on.review()
        await on.press("y")
        assert on.notice == reason
        await _let_settle(on)
        assert on.decisions() == []


async def test_an_item_hidden_behind_a_file_cannot_be_decided() -> None:
    face = _two()
    face.files["README.md"] = "# Title\n"
    async with stage(face) as on:
        await on.review()
        on.app.feed.open_file("README.md")
        await on.until(lambda: on.app.main.diff.mode == "file")
        await on.press("y")
        await _let_settle(on)
        assert on.decisions() == []
        assert "not on screen" in on.notice


async def test_in_a_one_pane_layout_the_queue_alone_cannot_decide() -> None:
    async with stage(_two(), (80, 24)) as on:
        await on.review()
        await on.press("escape")
        await on.press("y")
        await _let_settle(on)
        assert on.decisions() == []
        assert "not on screen" in on.notice


async def test_a_window_over_the_item_takes_the_decision_keys() -> None:
    async with stage(_two()) as on:
        await on.review()
        await on.press("question_mark")
        await on.press("y")
        await _let_settle(on)
        assert on.decisions() == []
        await on.press("escape")
        await on.until(lambda: on.app.desk.guard.armed_since is not None)
        await on.press("y", after=0.1)
        await _let_settle(on)
        assert on.decisions() == []


async def test_a_second_decision_cannot_start_while_one_is_carried_out() -> None:
    face = _two()
    face.gate = threading.Event()
    async with stage(face) as on:
        await on.review()
        await on.press("y")
        await on.until(on.decisions)
        await on.press("y", "n")
        assert on.notice == "A decision is being carried out."
        face.gate.set()
        await on.calm()
        assert on.decisions() == [("approve", "p1", SHA)]


async def test_a_reason_is_asked_for_and_belongs_to_the_item_it_was_asked_for() -> None:
    async with stage(_two()) as on:
        await on.review()
        await on.press("R")
        await on.press(*"no y")
        on.face.items = {"p0": shown("p0"), **on.face.items}
        on.face.tell(QueueChanged("p0"))
        await on.calm()
        await on.press("enter")
        await on.until(on.decisions)
        assert on.decisions() == [("reject", "p1", "no y")]


async def test_leaving_the_reason_rejects_nothing() -> None:
    async with stage(_two()) as on:
        await on.review()
        await on.press("R")
        await on.press("x", "escape")
        await _let_settle(on)
        assert on.decisions() == []
        assert on.app.main.where is not None


async def test_hidden_characters_are_counted_on_the_item() -> None:
    async with stage(RecordingFace(items={"p1": shown(hidden=3)})) as on:
        await on.review()
        assert "3 hidden or look-alike characters in this item" in frame(on.app)


async def test_what_is_hidden_is_acknowledged_before_the_item_can_be_approved() -> None:
    hiding = shown(hidden=3, hidden_names=("U+200B ZERO WIDTH SPACE x3",))
    async with stage(RecordingFace(items={"p1": hiding})) as on:
        await on.review()
        assert "H acknowledge hidden" in frame(on.app)
        assert "U+200B ZERO" in frame(on.app)
        await on.press("y")
        await _let_settle(on)
        assert on.decisions() == []
        assert "acknowledge them first" in on.notice
        await on.press("H")
        await on.until(lambda: on.app.desk.acknowledged)
        await on.press("y")
        await on.until(on.decisions)
        assert on.decisions() == [("approve", "p1", SHA, 3)]


async def test_an_acknowledgement_is_for_what_was_shown_and_ends_when_that_changes() -> None:
    async with stage(RecordingFace(items={"p1": shown(hidden=3)})) as on:
        await on.review()
        await on.press("H")
        await on.until(lambda: on.app.desk.acknowledged)
        on.face.items["p1"] = shown(hidden=4, shown_sha256="d" * 64)
        on.face.tell(QueueChanged())
        await on.until(lambda: "4 hidden" in frame(on.app))
        await on.until(lambda: on.app.desk.guard.armed_since is not None)
        assert not on.app.desk.acknowledged
        await on.press("y")
        await _let_settle(on)
        assert on.decisions() == []


async def test_hidden_characters_are_not_acknowledged_from_the_palette_or_by_a_paste() -> None:
    async with stage(RecordingFace(items={"p1": shown(hidden=3)})) as on:
        await on.review()
        on.app.act("review.acknowledge", listed=True)
        on.app.post_message(events.Paste("H"))
        await _let_settle(on)
        assert not on.app.desk.acknowledged


async def test_an_item_without_anything_hidden_shows_no_key_for_it() -> None:
    async with stage(_two()) as on:
        await on.review()
        assert "acknowledge" not in frame(on.app)


async def test_quitting_asks_and_approves_nothing() -> None:
    async with stage(_two()) as on:
        await on.review()
        await on.press("ctrl+q")
        assert "2 waiting (they stay waiting)" in on.notice
        await on.press("y")
        await on.until(lambda: on.app.return_code == 0)
    assert on.decisions() == []


async def test_any_other_key_stays() -> None:
    async with stage(_two()) as on:
        await on.press("ctrl+q", "j", "y")
        assert on.app.is_running
        assert on.app.return_code is None


async def test_nothing_waits_nothing_is_asked() -> None:
    async with stage() as on:
        await on.press("ctrl+q")
        await on.until(lambda: on.app.return_code == 0)


async def test_a_key_that_waited_behind_slow_work_is_judged_by_when_it_was_pressed() -> None:
    async with stage(_two()) as on:
        await on.review()
        since = on.app.desk.guard.armed_since
        assert since is not None
        key = events.Key("y", "y")
        on.app._clock_given = False
        key.time = since + 0.1
        on.app.post_message(key)
        await _let_settle(on)
        assert on.decisions() == []


async def test_a_pasted_reason_is_recorded_as_it_was_shown() -> None:
    async with stage(_two()) as on:
        await on.review()
        await on.press("R")
        on.app.post_message(events.Paste("no\u202e way\x1b[2J"))
        await on.pilot.pause()
        await on.press("enter")
        await on.until(on.decisions)
        assert on.decisions() == [("reject", "p1", "no<U+202E> way\u241b[2J")]
