"""Hostile text is inert: no control reaches a painted line, and markup in untrusted text is only text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip

from tests.tui.recording import READY, RecordingFace, shown
from tests.tui.stage import Stage, frame, stage
from workbench.core.safe_text import TERMINAL_CONTROLS
from workbench.review import Row, RowKind
from workbench.session.views import Speaker, TreeEntry, Utterance
from workbench.tui.wall import TerminalWall

PAYLOADS = {
    "clipboard": "\x1b]52;c;aGFja2Vk\x07",
    "title": "\x1b]0;pwned\x07",
    "link": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "cursor": "\x1b[1;1Happrove",
    "clear": "\x1b[2J",
    "device-control": "\x1bP$q\x1b\\",
    "c1-csi": "\x9b31m",
    "c1-osc": "\x9d52;c;aGk=\x9c",
    "delete": "a\x7f\x7f",
    "backspace": "safe\x08\x08\x08\x08evil",
    "carriage-return": "rm -rf /\rls",
    "right-to-left": "\u202egnp.exe\u2066",
    "tags": "x\U000e0041\U000e0042",
    "zero-width": "pa\u200bss",
    "surrogate": "\udce9",
}
MARKUP = "[@click=app.act('review.approve')]press[/] [bold red]X[/] [link=http://evil.example]y[/link]"


def _painted(on: Stage) -> list[Strip]:
    return on.app.screen._compositor.render_strips()


def _check(on: Stage) -> None:
    console = Console(color_system="truecolor", force_terminal=True)
    for strip in _painted(on):
        assert not TERMINAL_CONTROLS.search(strip.text), repr(strip.text)
        assert not [segment for segment in strip if segment.style and segment.style.link]
        sent = strip.render(console)
        assert "\x1b]" not in sent
        assert "\x1bP" not in sent
        assert "\x9b" not in sent


def _face(text: str) -> RecordingFace:
    """A session whose every text is raw hostile text: as if the first wall had a hole everywhere."""
    row = Row(RowKind.INSERT, None, 1, text, 1)
    return RecordingFace(
        items={
            "p1": shown(
                path=text, rows=(row,), task=text, justification=text, rule=text, stale=text, hidden=1
            )
        },
        entries=(TreeEntry(f"a{text}/b{text}", False, text[:2]), TreeEntry(f"c{text}", True, "")),
        said=(Utterance("u1", Speaker.AGENT, text), Utterance("u2", Speaker.PERSON, text)),
        files={text: f"{text}\n{text}"},
        notices=(text,),
        now=replace(
            READY, model=text, policy=text, branch=text, level_short=text, error=text, next_step=text
        ),
        ledger=3,
    )


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["narrow", "medium"])
async def test_no_control_reaches_a_painted_line(payload: str, size: tuple[int, int]) -> None:
    async with stage(_face(payload), size) as on:
        _check(on)
        await on.press("ctrl+r")
        await on.calm()
        _check(on)
        await on.press("alt+1", "l", "j")
        _check(on)
        on.app.feed.open_file(payload)
        await on.calm()
        _check(on)
        on.app.flash(payload)
        await on.pilot.pause()
        _check(on)
        await on.press("ctrl+f")
        await on.pilot.pause()
        _check(on)


async def test_a_hostile_file_name_is_shown_as_what_it_is() -> None:
    async with stage(RecordingFace(entries=(TreeEntry("\x1b]0;x\x07.py", False, ""),))) as on:
        assert "␛]0;x␇.py" in frame(on.app)


async def test_markup_in_untrusted_text_is_shown_and_not_obeyed() -> None:
    async with stage(_face(MARKUP), (200, 60)) as on:
        await on.review()
        text = frame(on.app)
        assert "[@click=app.act('review.approve')]press[/]" in text
        for strip in _painted(on):
            for segment in strip:
                assert not (segment.style and segment.style.meta.get("@click"))
        await on.press("ctrl+f")
        await on.pilot.pause()
        assert "[@click=" in frame(on.app)


async def test_an_error_with_markup_is_shown_as_text() -> None:
    async with stage(RecordingFace()) as on:
        on.app.feed.open_file(MARKUP)
        await on.until(lambda: on.notice)
        assert "[@click=" in frame(on.app)


async def test_copying_stays_inside_the_program() -> None:
    async with stage() as on:
        sent: list[str] = []
        assert on.app._driver is not None
        on.app._driver.write = sent.append  # type: ignore[assignment,method-assign]
        await on.press(*"secret")
        await on.press("shift+home", "ctrl+c")
        assert "Copying to the terminal's clipboard is off" in on.notice
        assert not [text for text in sent if "\x1b]52" in text]
        assert on.app.clipboard == "secret"


async def test_an_address_is_never_opened() -> None:
    async with stage() as on:
        on.app.open_url("http://evil.example")
        assert on.notice == "Opening addresses is off."


async def test_a_paste_into_the_prompt_is_made_visible() -> None:
    from textual.events import Paste

    async with stage() as on:
        on.app.post_message(Paste("do\u202e this\x1b[2J\r\nnow"))
        await on.pilot.pause()
        assert on.app.main.prompt.field.text == "do<U+202E> this␛[2J\nnow"
        assert on.face.calls == []


def test_the_wall_keeps_columns_and_drops_links() -> None:
    style = Style(link="http://evil.example", bold=True)
    cleaned = TerminalWall().apply([Segment("a\x1b[2Jb", style), Segment("ok")], Color(0, 0, 0))
    assert "".join(segment.text for segment in cleaned) == "a[2Jbok"
    assert cleaned[0].style is not None
    assert cleaned[0].style.link is None
    assert cleaned[0].style.bold


def test_the_wall_returns_clean_lines_as_they_are() -> None:
    segments = [Segment("def f():", Style(bold=True)), Segment("  # naïve ✓")]
    assert TerminalWall().apply(segments, Color(0, 0, 0)) is segments
