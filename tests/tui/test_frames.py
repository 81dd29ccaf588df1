"""The look of every size class, as text: a change of a frame is a change that someone has to see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tui.recording import CHECKS, READY, RecordingFace, shown
from tests.tui.stage import Stage, check_frame, frame, stage
from tests.tui.test_hunks import three
from workbench.core.records import CheckVerdict, Risk
from workbench.session.views import Activity, Progress, Speaker, Status, TreeEntry, Utterance

SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x60": (200, 60)}
PATHS = (
    "README.md",
    "secrets",
    "src/core/records.py",
    "src/net/http.py",
    "src/net/tls.py",
    "tests/test_tls.py",
)


def face(now: Status = READY) -> RecordingFace:
    """A small repository with two waiting items, one of them of high risk."""
    changed = {"src/net/tls.py": " M", "tests/test_tls.py": "??"}
    return RecordingFace(
        items={
            "p1": shown("p1"),
            "p2": shown("p2", path="src/net/http.py", risk=Risk.HIGH, hidden=2, shown_sha256="c" * 64),
        },
        entries=tuple(TreeEntry(path, path == "secrets", changed.get(path, "")) for path in PATHS),
        files={"README.md": "# Title\n\nSome text.\n"},
        said=(
            Utterance("u1", Speaker.PERSON, "Make the handshake verify certificates."),
            Utterance(
                "u2", Speaker.AGENT, "The check was disabled. I changed one line; it waits in 3 Review."
            ),
        ),
        notices=("Level 4: the kernel keeps every process off the network.",),
        ledger=18204,
        now=now,
    )


@pytest.mark.parametrize("size", SIZES)
async def test_start(size: str) -> None:
    async with stage(face(), SIZES[size]) as on:
        check_frame(on.app, f"start-{size}")


@pytest.mark.parametrize("size", SIZES)
async def test_review(size: str) -> None:
    async with stage(face(), SIZES[size]) as on:
        await on.review()
        await on.until(lambda: "all rows seen" in frame(on.app))
        check_frame(on.app, f"review-{size}")


async def test_the_sixteen_checks_on_a_narrow_screen() -> None:
    warned = replace(CHECKS[10], verdict=CheckVerdict.WARN, evidence="line 6 runs a shell (CWE-78)")
    skipped = replace(
        CHECKS[14], verdict=CheckVerdict.SKIPPED, evidence="the repository configures no test runner"
    )
    changed = (*CHECKS[:10], warned, *CHECKS[11:14], skipped, CHECKS[15])
    async with stage(RecordingFace({"p1": shown(checks=changed)}), SIZES["80x24"]) as on:
        await on.review()
        await on.press("escape", "3")
        await on.until(lambda: "hidden characters" in frame(on.app))
        check_frame(on.app, "checks-80x24")
        top = frame(on.app)
        assert top.index("warn    dangerous code: line 6 runs a shell") < top.index("pass    target")
        await on.press("G")
        await on.until(lambda: "tests kept" in frame(on.app))
        assert all(f"{check.name}: " in top + frame(on.app) for check in CHECKS)


async def test_hunk_by_hunk() -> None:
    async with stage(RecordingFace(items={"p1": three()}), SIZES["80x24"]) as on:
        await on.review()
        await on.press("space", "y", "R", *"too slow", "enter")
        await on.press("left_square_bracket")
        check_frame(on.app, "hunks-80x24")
        await on.press("right_square_bracket", "n")
        await on.press("j")
        check_frame(on.app, "hunks-end-80x24")


@pytest.mark.parametrize("size", SIZES)
async def test_empty(size: str) -> None:
    async with stage(RecordingFace(), SIZES[size]) as on:
        check_frame(on.app, f"empty-{size}")


@pytest.mark.parametrize("key", ["1", "2", "3", "4", "5"])
async def test_each_pane_of_a_narrow_screen(key: str) -> None:
    async with stage(face(), SIZES["80x24"]) as on:
        await on.press(f"alt+{key}")
        await on.calm()
        check_frame(on.app, f"pane-{key}-80x24")


async def test_too_small() -> None:
    async with stage(face(), (40, 10)) as on:
        check_frame(on.app, "too-small-40x10")


async def test_the_file_viewer() -> None:
    async with stage(face(), SIZES["120x40"]) as on:
        on.app.feed.open_file("README.md")
        await on.until(lambda: on.app.main.diff.mode == "file")
        await on.calm()
        check_frame(on.app, "file-120x40")


async def test_help() -> None:
    async with stage(face(), SIZES["120x40"]) as on:
        await on.review()
        await on.press("question_mark")
        check_frame(on.app, "help-120x40")


STATES = {
    "no-model": replace(READY, activity=Activity.NO_MODEL, model="", context_size=0, tokens_per_second=0.0),
    "loading": replace(
        READY,
        activity=Activity.LOADING,
        progress=Progress(2_100_000_000, 4_900_000_000, "bytes", 12.0),
        context_size=0,
    ),
    "prompt": replace(READY, activity=Activity.READING, progress=Progress(1240, 3610, "tokens", 32.6)),
    "generating": replace(READY, activity=Activity.GENERATING, seconds=31.0, quiet_seconds=8.0),
    "error": replace(
        READY, activity=Activity.ERROR, error="The model stopped.", next_step="Run the task again."
    ),
    "ledger-broken": replace(
        READY,
        activity=Activity.LEDGER_BROKEN,
        ledger_ok=False,
        error="Row 18192 does not match its digest.",
        next_step="Run `workbench audit verify`.",
    ),
}


@pytest.mark.parametrize("state", STATES)
async def test_states(state: str) -> None:
    async with stage(face(STATES[state]), SIZES["80x24"]) as on:
        check_frame(on.app, f"state-{state}-80x24")


async def test_no_frame_holds_an_emoji_or_a_braille_sign() -> None:
    async with stage(face(), SIZES["200x60"]) as on:
        await _everything(on)


async def _everything(on: Stage) -> None:
    for keys in ("ctrl+r", "question_mark", "escape", "ctrl+p"):
        await on.press(keys)
        await on.pilot.pause()
        text = frame(on.app)
        assert not [char for char in text if 0x2800 <= ord(char) <= 0x28FF or ord(char) >= 0x1F000]
