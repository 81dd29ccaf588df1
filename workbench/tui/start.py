"""Starts the full screen: closes Textual's side doors, finds themes and keys, runs the application."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from workbench.core import places
from workbench.core.errors import UsageError

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp
    from workbench.tui.face import SessionFace

_KEPT = frozenset({"TEXTUAL_COLOR_SYSTEM", "TEXTUAL_FPS", "TEXTUAL_DISABLE_KITTY_KEY"})
"""Settings of Textual's that change nothing but how it paints or reads the terminal."""
SWITCH_SECONDS = 0.001
"""How long a thread that computes keeps the others of this process waiting."""


def close_side_doors() -> None:
    """Take from the environment what would let Textual press keys, open a port or write a file.

    `TEXTUAL=devtools` opens a TCP port, `TEXTUAL_PRESS` presses keys, `TEXTUAL_LOG` and
    `TEXTUAL_SCREENSHOT` write files. To have an effect it must come before Textual is imported.
    """
    for name in [name for name in os.environ if name.startswith("TEXTUAL") and name not in _KEPT]:
        del os.environ[name]
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    os.environ["TEXTUAL_SMOOTH_SCROLL"] = "0"


def free_alt_digits() -> None:
    """Let `alt+1` to `alt+5` be keys: Textual reads what a terminal sends for them as `¡ ™ £ ¢ ∞`.

    It does so for one terminal on macOS; everywhere else the panes could not be reached from the prompt.
    """
    from textual._ansi_sequences import ANSI_SEQUENCES_KEYS

    for digit in "12345":
        ANSI_SEQUENCES_KEYS.pop(f"\x1b{digit}", None)  # type: ignore[attr-defined]


def make_app(session: SessionFace, *, theme: str = "") -> WorkbenchApp:
    """Return the application over `session`, with the user's themes and keys."""
    close_side_doors()
    free_alt_digits()
    from workbench.tui.app import WorkbenchApp
    from workbench.tui.keymap import read_keymap
    from workbench.tui.themes import load_all, shipped_folder

    config = places.config_root()
    shelf = load_all([shipped_folder(), config / "themes"])
    app = WorkbenchApp(session, shelf, read_keymap(config / "keymap.toml"))
    if theme:
        app.use_theme(theme)
    return app


def show(session: SessionFace, *, theme: str = "") -> int:
    """Run the full screen and return the exit code; the session is closed in any case.

    Raises:
        UsageError: A standard stream is not a terminal; Textual draws on standard error.
        Exception: A fault in the screen, after the terminal is as it was before.
    """
    try:
        streams = (sys.stdin, sys.stdout, sys.stderr)
        if not all(stream is not None and stream.isatty() for stream in streams):
            raise UsageError(
                "The full screen needs a terminal on standard input, output and error.",
                "Use `workbench --plain` in pipes and scripts.",
            )
        app = make_app(session, theme=theme)
        # A thread that computes hands over to the screen's five times as soon as by default.
        sys.setswitchinterval(SWITCH_SECONDS)
        app.run()
        if app.fault is not None:
            raise app.fault
        return app.return_code or 0
    finally:
        session.close()
