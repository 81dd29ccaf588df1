"""A theme cannot hide a deletion: colours are measured, and a file that fails is listed and skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tui.recording import RecordingFace, shown
from tests.tui.stage import SHELF, frame, stage
from workbench.core.errors import WorkbenchError
from workbench.tui.colour import DEUTERANOPIA, PROTANOPIA, TRITANOPIA, contrast, distance
from workbench.tui.inks import inks_of
from workbench.tui.themes import MAX_BYTES, Shelf, load, load_all, shipped_folder

GOOD = (shipped_folder() / "dark.toml").read_text("utf-8")


def _write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _with(token: str, value: str) -> str:
    lines = [f'{token} = "{value}"' if line.startswith(f"{token} = ") else line for line in GOOD.splitlines()]
    return "\n".join(lines)


def test_every_theme_that_comes_with_the_program_passes() -> None:
    assert SHELF.refused == ()
    assert set(SHELF.palettes) == {"dark", "light", "cvd-dark", "cvd-light", "high-contrast", "ansi"}


def test_the_default_pair_is_blue_and_orange_and_far_apart_for_everyone() -> None:
    added, deleted = (0x0A, 0x2F, 0x52), (0x4A, 0x23, 0x00)
    assert SHELF.pick("").colours["add-background"] == "#0a2f52"
    assert SHELF.pick("").colours["delete-background"] == "#4a2300"
    apart = [round(distance(added, deleted, seen)) for seen in (None, DEUTERANOPIA, PROTANOPIA, TRITANOPIA)]
    assert apart == [54, 55, 47, 46]


def test_red_and_green_rows_are_refused_for_people_who_cannot_tell_them_apart(tmp_path: Path) -> None:
    text = _with("add-background", "#002800").replace(
        'delete-background = "#4a2300"', 'delete-background = "#3f0001"'
    )
    with pytest.raises(WorkbenchError, match=r"deuteranopia|protanopia"):
        load(_write(tmp_path, text))


@pytest.mark.parametrize(
    "token", ["delete-text", "add-mark", "risk-high", "stale", "comment", "keyword", "gutter"]
)
def test_a_colour_that_cannot_be_read_is_refused(tmp_path: Path, token: str) -> None:
    with pytest.raises(WorkbenchError, match="contrast"):
        load(_write(tmp_path, _with(token, "#3a2a10")))


def test_a_syntax_colour_cannot_vanish_on_a_deleted_row(tmp_path: Path) -> None:
    with pytest.raises(WorkbenchError, match=r"keyword on (add|delete)-background"):
        load(_write(tmp_path, _with("keyword", "#7f8a97")))


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (_with("text", "notacolor"), "text is not a colour"),
        (_with("text", "red; display: none"), "text is not a colour"),
        (_with("text", "$other"), "text is not a colour"),
        (_with("text", "ansi_red"), "text is not a colour"),
        (GOOD.replace("[colours]", "[colours]\nextra = '#000000'"), "unknown colour extra"),
        (GOOD.replace('name = "dark"', 'name = "dark"\ncss = "x"'), "unknown key css"),
        (GOOD.replace('name = "dark"', 'name = "../x"'), "name must be"),
        (GOOD.replace("dark = true", "dark = 1"), "dark must be true or false"),
        (GOOD.replace('dim = "#7f8a97"\n', ""), "dim is missing"),
        ("name = 'x'", "[colours] is missing"),
        ("= nonsense", "not valid TOML"),
        ("#" * (MAX_BYTES + 1), "larger than"),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_with_the_reason(tmp_path: Path, text: str, cause: str) -> None:
    with pytest.raises(WorkbenchError) as raised:
        load(_write(tmp_path, text))
    assert cause in raised.value.cause


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    target = _write(tmp_path, GOOD, "real.txt")
    link = tmp_path / "link.toml"
    link.symlink_to(target)
    with pytest.raises(WorkbenchError, match="link"):
        load(link)


def test_a_pipe_does_not_hang_the_program(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(WorkbenchError, match="not a regular file"):
        load(tmp_path / "pipe.toml")


def test_a_bad_file_is_listed_and_skipped_and_never_fatal(tmp_path: Path) -> None:
    _write(tmp_path, "nonsense", "a\x1b[2J.toml")
    _write(tmp_path, GOOD, "b.toml")
    _write(tmp_path, GOOD.replace('name = "dark"', 'name = "mine"'), "c.toml")
    shelf = load_all([shipped_folder(), tmp_path])
    assert "mine" in shelf.palettes
    assert len(shelf.refused) == 2
    assert "\x1b" not in "".join(shelf.refused)
    assert "exists already" in shelf.refused[1]


def test_without_any_theme_the_error_says_what_to_do() -> None:
    with pytest.raises(WorkbenchError) as raised:
        Shelf({}, ()).pick("dark")
    assert "--plain" in raised.value.next_step


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21.0)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", sorted(SHELF.palettes))
async def test_every_theme_paints_the_whole_screen(name: str) -> None:
    async with stage(RecordingFace(items={"p1": shown()})) as on:
        before = frame(on.app)
        on.app.use_theme(name)
        await on.calm()
        assert on.app.theme == name
        assert frame(on.app) == before


def test_without_colour_signs_are_reversed_and_nothing_is_underlined() -> None:
    inks = inks_of(SHELF.pick("dark"), no_color=True)
    assert inks.delete_mark.reverse
    assert inks.add_mark.reverse
    assert not any(getattr(inks, slot).underline for slot in inks.__slots__)


async def test_no_color_still_tells_rows_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with stage(RecordingFace(items={"p1": shown()})) as on:
        await on.review()
        text = frame(on.app)
        assert "▌  6      -     ctx.verify = False" in text
        assert "▌       6 +     ctx.verify = True" in text
        for strip in on.app.screen._compositor.render_strips():
            for segment in strip:
                for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    triplet = colour.triplet if colour else None
                    assert triplet is None or triplet.red == triplet.green == triplet.blue
