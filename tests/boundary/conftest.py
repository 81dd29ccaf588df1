"""Gives tests a place that every user can reach."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def public() -> Iterator[Path]:
    """Return a directory that every user may enter and write; pytest's own belong to whoever runs it."""
    place = Path(tempfile.mkdtemp(prefix="workbench-test-", dir="/var/tmp"))
    place.chmod(0o777)
    yield place
    shutil.rmtree(place, ignore_errors=True)
