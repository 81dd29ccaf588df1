"""What the terminal tests share: the installed program, a task, and the way out."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.terminal.tmux import Terminal

WORKBENCH = str(Path(sys.executable).with_name("workbench"))
TASK = (
    "Fix `median` in vitals/summary.py: "
    "for an even number of readings return the mean of the two in the middle"
)


def leave(screen: Terminal) -> None:
    """Quit, also where work waits, and check that the program ends well."""
    screen.keys("C-q")
    screen.press_until("C-q", screen.ended)
    assert screen.wait_for_end() == 0
