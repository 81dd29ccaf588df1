"""The chat: text streams in batches and stays in order, the prompt never sends by accident."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual import events
from textual.events import Paste

from tests.timing import stopwatch
from tests.tui.recording import READY, RecordingFace
from tests.tui.stage import frame, stage
from workbench.session.views import Activity, Speaker, Utterance, UtteranceGrew, Uttered
from workbench.tui.transcript import MAX_ROWS


def _utterance(number: int, text: str = "") -> Utterance:
    return Utterance(f"u{number}", Speaker.AGENT, text)


async def test_streamed_text_arrives_whole_and_in_order() -> None:
    async with stage() as on:
        on.face.tell(Uttered(_utterance(1)))
        words = [f"word{n} " for n in range(300)]
        for word in words:
            on.face.tell(UtteranceGrew("u1", word))
        await on.until(lambda: "word299" in frame(on.app))
        assert on.app.main.chat.transcript.blocks[-1].text == "".join(words)


async def test_the_end_stays_in_view_until_the_person_scrolls_up() -> None:
    async with stage() as on:
        transcript = on.app.main.chat.transcript
        for number in range(40):
            on.face.tell(Uttered(_utterance(number, f"line {number}")))
        await on.until(lambda: "line 39" in frame(on.app))
        await on.press("escape", "g")
        on.face.tell(Uttered(_utterance(99, "the newest")))
        await on.until(lambda: transcript.blocks[-1].text == "the newest")
        assert "the newest" not in frame(on.app)
        await on.press("G")
        await on.until(lambda: "the newest" in frame(on.app))


async def test_old_entries_are_pruned_and_counted() -> None:
    async with stage() as on:
        transcript = on.app.main.chat.transcript
        for number in range(MAX_ROWS):
            transcript.say(_utterance(number, "one row"))
        assert transcript.rows <= MAX_ROWS
        kept = [block for block in transcript.blocks if block.id.startswith("u")]
        assert transcript.pruned + len(kept) == MAX_ROWS
        transcript.grow("u0", "text for an entry that is gone")


async def test_growing_a_long_answer_costs_only_its_last_paragraph() -> None:
    async with stage() as on:
        transcript = on.app.main.chat.transcript
        transcript.say(_utterance(1, "a line of prose that is some seventy characters long, or so\n" * 1000))
        with stopwatch() as taken:
            for _ in range(20):
                transcript.grow("u1", "token ")
        assert taken.seconds / 20 < 0.02


async def test_what_was_said_before_comes_first_and_once() -> None:
    said = (_utterance(1, "earlier"), _utterance(2, "later"))
    async with stage(RecordingFace(said=said, notices=("a notice",))) as on:
        text = frame(on.app)
        assert text.index("earlier") < text.index("later") < text.index("a notice")
        assert text.count("earlier") == 1


async def test_enter_sends_and_clears_and_up_brings_it_back() -> None:
    async with stage() as on:
        await on.press(*"task", "enter")
        assert on.face.calls == [("submit", "task")]
        field = on.app.main.prompt.field
        assert field.text == ""
        await on.press(*"draft", "up")
        assert field.text == "task"
        await on.press("down")
        assert field.text == "draft"


async def test_a_task_that_cannot_start_stays_in_the_prompt() -> None:
    face = RecordingFace(now=replace(READY, activity=Activity.NO_MODEL, model=""))
    async with stage(face) as on:
        await on.press(*"task", "enter")
        assert on.app.main.prompt.field.text == "task"
        assert "There is no model. Run `workbench model add FILE`." in on.notice
        assert "Error: There is no model." in frame(on.app)


async def test_what_is_found_in_a_task_is_said_before_it_is_sent_and_the_text_stays() -> None:
    async with stage() as on:
        await on.press(*"731-x", "enter")
        assert on.face.calls == []
        assert on.app.main.prompt.field.text == "731-x"
        assert on.notice.startswith("Not sent yet; send it again to go on. The task holds 1 × SSN")
        await on.press("y", "enter")
        assert on.face.calls == [], "another text is another question"
        await on.press("enter")
        assert on.face.calls == [("submit", "731-xy")]


async def test_ctrl_j_starts_a_line_and_the_prompt_grows_to_five_rows() -> None:
    async with stage() as on:
        for _ in range(7):
            await on.press("x", "ctrl+j")
        await on.pilot.pause()
        assert on.app.main.prompt.outer_size.height == 5
        assert on.face.calls == []


async def test_escape_leaves_the_prompt_and_never_sends() -> None:
    async with stage() as on:
        await on.press(*"task", "escape")
        assert on.face.calls == []
        assert on.app.main.prompt.field.text == "task"
        assert not on.app.main.prompt.field.has_focus


async def test_a_paste_with_newlines_never_sends() -> None:
    async with stage() as on:
        on.app.post_message(Paste("rm -rf /\n\nyes\n"))
        await on.pilot.pause()
        assert on.face.calls == []
        assert on.app.main.prompt.field.text == "rm -rf /\n\nyes\n"


async def test_an_enter_right_after_another_key_is_a_newline_of_a_paste() -> None:
    async with stage() as on:
        await on.press("a")
        await on.press("enter", after=0.001)
        await on.press("b", after=0.001)
        assert on.face.calls == []
        assert on.app.main.prompt.field.text == "a\nb"


@pytest.mark.parametrize("key", ["enter", "ctrl+j"])
async def test_an_empty_prompt_sends_nothing(key: str) -> None:
    async with stage() as on:
        await on.press(key, "enter")
        assert on.face.calls == []


async def test_examples_are_shown_while_nothing_was_said() -> None:
    async with stage() as on:
        assert "1. Explain src/net/tls.py" in frame(on.app)
        on.face.tell(Uttered(_utterance(1, "hello")))
        await on.until(lambda: "hello" in frame(on.app))
        await on.until(lambda: "For example" not in frame(on.app))


async def test_keys_that_came_before_enter_stand_before_it() -> None:
    async with stage() as on:
        on.time.advance(1.0)
        # All at once, as a terminal without bracketed paste delivers a paste.
        for key in (*"fix it", "enter", *"now"):
            named = "space" if key == " " else key
            on.app.post_message(events.Key(named, None if len(named) > 1 and named != "space" else key))
        await on.until(lambda: on.app.main.prompt.field.text.endswith("now"))
        assert on.app.main.prompt.field.text == "fix it\nnow"
        assert on.face.calls == []


async def test_the_frame_is_whole_when_the_prompt_grows_and_shrinks() -> None:
    async with stage(size=(80, 24)) as on:
        await on.press("alt+5")
        before = frame(on.app)
        await on.press(*"two", "ctrl+j", *"rows")
        rows = frame(on.app).splitlines()
        assert sum(row.startswith("└") and row.endswith("┘") for row in rows) == 1
        assert not any(row.startswith("└") and not row.endswith("┘") for row in rows)
        await on.press(*["backspace"] * 8)
        assert frame(on.app).splitlines()[:-1] == before.splitlines()[:-1]
