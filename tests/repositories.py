"""Makes real git repositories for tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

SUMMARY = b'''"""Summaries of readings."""


def mean(readings):
    """Return the arithmetic mean of the readings."""
    return sum(readings) / len(readings)


def median(readings):
    """Return the middle reading."""
    ordered = sorted(readings)
    return ordered[len(ordered) // 2]
'''
FILES: Mapping[str, bytes] = {
    "vitals/__init__.py": b"",
    "vitals/summary.py": SUMMARY,
    "tests/test_summary.py": (
        b"from vitals.summary import median\n\n\ndef test_median():\n    assert median([1, 3]) == 2\n"
    ),
    "README.md": b"# vitals\n",
    ".env": b"TOKEN=secret\n",
}
GOOD_ANSWER = '''Here is the corrected function:

```python
def median(readings):
    """Return the middle reading, or the mean of the two in the middle."""
    ordered = sorted(readings)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
```
'''


def git(root: Path, *arguments: str) -> str:
    """Run git in a test repository, away from the settings of whoever runs the tests."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def make_repository(root: Path, files: Mapping[str, bytes] = FILES) -> Path:
    """Make a repository with one commit that holds `files`."""
    make_folder(root, files)
    git(root, "init", "-q", "-b", "main")
    git(root, "config", "user.name", "Ada")
    git(root, "config", "user.email", "ada@example.org")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Begin")
    return root


def make_folder(root: Path, files: Mapping[str, bytes] = FILES) -> Path:
    """Make a plain folder that holds `files`."""
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root
