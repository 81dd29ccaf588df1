"""Runs `workbench redteam` as a person does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WORKBENCH = str(Path(sys.executable).with_name("workbench"))
SECONDS = 300
"""A bound on waiting: a test that reaches it has failed."""


def redteam(*words: str, state: Path) -> subprocess.CompletedProcess[str]:
    """Run the command with a state directory, and return how it ended."""
    return subprocess.run(
        [WORKBENCH, "redteam", *words],
        env={**os.environ, "WORKBENCH_STATE": str(state)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
