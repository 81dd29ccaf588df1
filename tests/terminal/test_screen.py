"""The installed program in a real terminal: the whole way with a real model, at two usual sizes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.repositories import SUMMARY, git
from tests.terminal.places import TASK, WORKBENCH, leave
from tests.terminal.tmux import terminal

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed"),
]
SIZES = [(80, 24), (120, 40)]


@pytest.mark.model
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_task_ends_in_an_approved_commit(
    repository: Path, with_model: dict[str, str], width: int, height: int
) -> None:
    command = [WORKBENCH, "--accept-unenforced", str(repository)]
    with terminal(command, width=width, height=height, environment=with_model, folder=repository) as screen:
        screen.wait_for("READY")
        screen.type(TASK)
        screen.wait_for("in the middle")
        # Enter at the speed of a paste is a newline; a person's comes later.
        screen.press_until("Enter", lambda: "You" in screen.screen())
        screen.wait_for("1 waiting", seconds=120)
        assert (repository / "vitals/summary.py").read_bytes() == SUMMARY
        screen.keys("C-r")
        shown = screen.wait_for("summary.py", "+")
        assert "median" in shown
        screen.press_until("y", lambda: (repository / "vitals/summary.py").read_bytes() != SUMMARY)
        screen.keys("Escape", "4")
        screen.wait_for("edit")
        leave(screen)
    namespace: dict[str, object] = {}
    exec((repository / "vitals/summary.py").read_text(), namespace)
    assert namespace["median"]([70, 90, 80, 100]) == 85  # type: ignore[operator]
    assert "Approved-by: Ada" in git(repository, "log", "-1", "--format=%(trailers)")
    verified = subprocess.run(
        [WORKBENCH, "audit", "verify", "--repo", str(repository)],
        env={**os.environ, **with_model},
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode in (0, 4), verified.stdout
    assert "consistent to size" in verified.stdout
