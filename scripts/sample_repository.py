"""Makes the sample repository: a copy of `sample/` in the user's cache, as a git repository with one commit.

An existing one is left as it is, with whatever was changed in it; delete the folder to start over. Prints
its path. Needs only the standard library and git.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "sample"


def target() -> Path:
    """Return where the sample repository lives."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(cache) if cache.startswith("/") else Path.home() / ".cache"
    return base / "workbench" / "sample" / "vitals"


def make(destination: Path) -> None:
    """Copy the files and commit them; the folder appears whole or not at all."""
    unfinished = destination.with_name(destination.name + ".partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(SOURCE, unfinished, ignore=shutil.ignore_patterns("__pycache__"))
    git = [
        "git",
        "-c",
        "user.name=Sample",
        "-c",
        "user.email=sample@workbench.invalid",
        "-c",
        "commit.gpgsign=false",
    ]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for arguments in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["commit", "-q", "-m", "Add the vitals library"],
    ):
        subprocess.run([*git, *arguments], cwd=unfinished, env=environment, check=True)
    unfinished.rename(destination)


def main() -> int:
    """Make the repository unless it is there, and print its path."""
    destination = target()
    if not (destination / ".git").is_dir():
        destination.parent.mkdir(parents=True, exist_ok=True)
        make(destination)
    print(destination)
    return 0


if __name__ == "__main__":
    sys.exit(main())
