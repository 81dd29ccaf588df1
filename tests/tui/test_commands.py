"""A command is asked for from the palette, split into words, and shown as an item; nothing runs by that."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.tui.recording import READY, RecordingFace, shown
from tests.tui.stage import Stage, frame, stage
from workbench.core.records import Risk
from workbench.review import Row, RowKind
from workbench.session.views import Activity

ITEM = shown(
    path="pytest -q 'two words'",
    files=(),
    hunks=0,
    origins=(),
    added=0,
    removed=0,
    risk=Risk.HIGH,
    rows=(
        Row(RowKind.NOTE, None, None, "Each row is one word, handed to the program as it is.", 0),
        Row(RowKind.WORD, None, 1, "pytest", 0),
        Row(RowKind.WORD, None, 2, "-q", 0),
        Row(RowKind.WORD, None, 3, "two words", 0),
    ),
)


async def ask_for_a_command(on: Stage) -> None:
    await on.press("escape")
    on.app.act("command.propose", listed=True)
    await on.until(lambda: on.app.main.focused is on.app.main.diff.command)


async def test_the_words_are_split_and_the_item_is_shown_word_by_word() -> None:
    face = RecordingFace(items={"p1": ITEM})
    async with stage(face) as on:
        await ask_for_a_command(on)
        on.app.main.diff.command.value = "pytest -q 'two words'"
        await on.press("enter")
        await on.calm()
        assert ("propose_command", "pytest", "-q", "two words") in face.calls
        assert on.decisions() == []
        painted = frame(on.app)
        for number, word in enumerate(("pytest", "-q", "two words"), 1):
            assert re.search(rf"\b{number} +{word} ", painted), painted
        assert not on.app.main.diff.command.has_class("-open")


async def test_an_open_quote_is_said_and_the_line_is_kept() -> None:
    face = RecordingFace()
    async with stage(face) as on:
        await ask_for_a_command(on)
        on.app.main.diff.command.value = "echo 'open"
        await on.press("enter")
        assert "Close the quotes" in on.notice
        assert on.app.main.diff.command.value == "echo 'open"
        assert not any(call[0] == "propose_command" for call in face.calls)
        await on.press("escape")
        assert not on.app.main.diff.command.has_class("-open")


async def test_approving_a_command_needs_the_second_key() -> None:
    face = RecordingFace(items={"p1": ITEM})
    async with stage(face) as on:
        await on.review()
        await on.press("y")
        await on.until(lambda: on.app.desk.guard.confirming)
        assert on.decisions() == []
        await on.press("exclamation_mark")
        await on.until(on.decisions)
        assert on.decisions()[0][0] == "approve"


async def test_a_command_that_runs_is_said_and_can_be_stopped() -> None:
    face = RecordingFace(now=replace(READY, activity=Activity.RUNNING, seconds=12.0))
    async with stage(face) as on:
        assert "RUN 00:12" in frame(on.app)
        await on.press("ctrl+c")
        assert ("cancel",) in face.calls
