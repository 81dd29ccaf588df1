"""`keymap.toml` moves keys; a file that is wrong in any way changes nothing and says so once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.recording import RecordingFace, shown
from tests.tui.stage import frame, stage
from workbench.tui.actions import BY_ID
from workbench.tui.keymap import MAX_BYTES, read_keymap, shown_key, split_keys


def _file(folder: Path, text: str) -> Path:
    path = folder / "keymap.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_default_keys_hold() -> None:
    keymap = read_keymap(Path("/nonexistent/keymap.toml"))
    assert keymap.notice == ""
    assert keymap.keys(BY_ID["review.approve"]) == ("y",)


async def test_a_moved_key_acts_and_the_old_one_does_not(tmp_path: Path) -> None:
    keymap = read_keymap(_file(tmp_path, '"review.reject" = "z,x"\n"move.page_down" = "ctrl+n,pagedown"\n'))
    assert keymap.notice == ""
    async with stage(RecordingFace(items={"p1": shown()}), keymap=keymap) as on:
        await on.review()
        assert "z reject" in frame(on.app)
        await on.press("n")
        await on.pilot.pause(0.1)
        assert on.decisions() == []
        await on.press("z")
        await on.until(on.decisions)
        assert on.decisions() == [("reject", "p1", "")]


async def test_a_key_that_was_not_moved_still_acts(tmp_path: Path) -> None:
    keymap = read_keymap(_file(tmp_path, '"review.reject" = "z"'))
    async with stage(RecordingFace(items={"p1": shown()}), keymap=keymap) as on:
        await on.review()
        await on.press("y")
        await on.until(on.decisions)
        assert on.decisions()[0][0] == "approve"


async def test_prompt_keys_can_be_moved(tmp_path: Path) -> None:
    keymap = read_keymap(_file(tmp_path, '"prompt.send" = "f5"'))
    async with stage(keymap=keymap) as on:
        await on.press(*"hi", "f5")
        assert ("submit", "hi") in on.face.calls


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('"review.aprove" = "a"', "there is no action 'review.aprove'"),
        ('"review.approve" = "n"', "would both be on n"),
        ('"review.approve" = "enter"', "may not be on enter"),
        ('"review.approve" = "space"', "may not be on space"),
        ('"review.reject" = "ctrl+d"\n"move.page_down" = "pagedown"', "may not be on ctrl+d"),
        ('"review.confirm" = "y"\n"review.approve" = "exclamation_mark,z"', ""),
        ('"review.approve" = 3', "not a string"),
        ('"review.approve" = ""', "not a string"),
        ('"review.approve" = "ctrl+"', "is no key"),
        ('"review.approve" = "a\\u001b]0;x"', "is no key"),
        ("this is not toml", "not valid TOML"),
        ("#" * (MAX_BYTES + 1), "larger than"),
    ],
)
def test_a_wrong_file_is_not_used_and_says_why(tmp_path: Path, text: str, cause: str) -> None:
    keymap = read_keymap(_file(tmp_path, text))
    if cause:
        assert cause in keymap.notice
        assert "the default keys stay" in keymap.notice
        assert "\x1b" not in keymap.notice
        assert not keymap.changed
    else:
        assert keymap.notice == ""


def test_the_key_that_confirms_is_never_one_that_approves(tmp_path: Path) -> None:
    keymap = read_keymap(_file(tmp_path, '"review.confirm" = "y"\n"review.approve" = "y"'))
    assert keymap.notice


async def test_the_notice_of_a_wrong_file_stands_in_the_transcript(tmp_path: Path) -> None:
    keymap = read_keymap(_file(tmp_path, '"nothing" = "a"'))
    async with stage(keymap=keymap) as on:
        assert "keymap.toml is not used" in frame(on.app)


def test_keys_are_named_as_textual_names_them_and_shown_as_people_write_them() -> None:
    assert split_keys("], ctrl+p ,?,G") == ("right_square_bracket", "ctrl+p", "question_mark", "G")
    assert [shown_key(key) for key in ("right_square_bracket", "ctrl+p", "alt+1", "escape")] == [
        "]",
        "^p",
        "alt+1",
        "esc",
    ]
