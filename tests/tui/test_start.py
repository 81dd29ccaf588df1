"""Starting: Textual comes late, its side doors are shut, the first frame does not wait for the session."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.tui.recording import RecordingFace
from tests.tui.stage import NO_KEYMAP, SHELF, HeldClock, frame
from workbench.core.errors import UsageError
from workbench.session.views import Status
from workbench.tui import start
from workbench.tui.app import WorkbenchApp


def _python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=True,
    )
    return done.stdout.strip()


def test_importing_the_package_does_not_import_textual() -> None:
    assert (
        _python("import sys, workbench.tui; print([m for m in sys.modules if m.startswith('textual')])")
        == "[]"
    )


def test_windows_and_lexers_are_imported_only_when_wanted() -> None:
    code = (
        "import sys; import workbench.tui.app;"
        "print([m for m in ('pygments.lexers.python', 'workbench.tui.finder', 'workbench.tui.palette',"
        " 'textual.widgets._markdown', 'textual.widgets._data_table') if m in sys.modules])"
    )
    assert _python(code) == "[]"


def test_settings_that_press_keys_or_open_ports_are_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    doors = {"TEXTUAL": "devtools", "TEXTUAL_PRESS": "ctrl+r,y", "TEXTUAL_LOG": "/tmp/x", "TEXTUAL_FPS": "15"}
    for name, value in doors.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "full")
    monkeypatch.setenv("TEXTUAL_SMOOTH_SCROLL", "1")
    start.close_side_doors()
    left = {name: value for name, value in os.environ.items() if name.startswith("TEXTUAL")}
    assert left == {"TEXTUAL_ANIMATIONS": "none", "TEXTUAL_SMOOTH_SCROLL": "0", "TEXTUAL_FPS": "15"}


def test_without_a_terminal_it_says_what_to_use_and_closes_the_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    face = RecordingFace()
    monkeypatch.setattr(sys, "stdin", open(os.devnull))  # noqa: SIM115
    with pytest.raises(UsageError) as raised:
        start.show(face)
    assert "--plain" in raised.value.next_step
    assert face.calls == [("close",)]


def test_the_users_themes_and_keys_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "workbench"
    (folder / "themes").mkdir(parents=True)
    (folder / "themes" / "bad.toml").write_text("nonsense")
    (folder / "keymap.toml").write_text('"review.reject" = "z"')
    app = start.make_app(RecordingFace(), theme="light")
    assert app.theme == "light"
    assert app.keymap.changed == {"review.reject": "z"}
    assert "bad.toml" in app.shelf.refused[0]


async def test_the_first_frame_does_not_wait_for_the_session() -> None:
    gate = threading.Event()

    class Slow(RecordingFace):
        def tree(self) -> tuple[()]:
            gate.wait(20)
            return ()

        queue = examples = transcript = tree

        def status(self) -> Status:
            return super().status()

    app = WorkbenchApp(Slow(), SHELF, NO_KEYMAP, HeldClock().clock())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        text = frame(app)
        gate.set()
    assert "1 Files" in text
    assert "5 Chat" in text


def test_alt_and_a_digit_are_a_key_as_terminals_send_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from textual import constants, events
    from textual._xterm_parser import XTermParser

    from workbench.tui.start import free_alt_digits

    monkeypatch.setattr(constants, "ESCAPE_DELAY", 0.0)
    free_alt_digits()
    for digit in "12345":
        parser = XTermParser()
        came = [*parser.feed(f"\x1b{digit}"), *parser.tick()]
        assert [event.key for event in came if isinstance(event, events.Key)] == [f"alt+{digit}"]
