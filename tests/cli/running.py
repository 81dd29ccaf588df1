"""Runs the installed command as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

WORKBENCH = str(Path(sys.executable).with_name("workbench"))


@dataclass(frozen=True)
class Ran:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


def workbench(
    *arguments: str, folder: Path | None = None, give: str = "", environment: Mapping[str, str] | None = None
) -> Ran:
    """Run `workbench` with these arguments; `environment` is added, an empty value removes."""
    merged = {**os.environ, **(environment or {})}
    done = subprocess.run(
        [WORKBENCH, *arguments],
        input=give,
        capture_output=True,
        text=True,
        cwd=folder,
        env={name: value for name, value in merged.items() if value},
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)
