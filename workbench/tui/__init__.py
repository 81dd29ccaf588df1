"""The full screen: file tree, diff, review, audit and chat over one session.

Importing this package does not import Textual; `run` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.tui.face import SessionFace

__all__ = ["run"]


def run(session: SessionFace, *, theme: str = "") -> int:
    """Show the full screen until the person quits, close the session, and return the exit code.

    Args:
        session: The session to show; this function starts and closes it.
        theme: The name of a theme to begin with; the default one when empty or unknown.
    """
    from workbench.tui.start import show

    return show(session, theme=theme)
