"""Gives the program in the terminal its own places, and a registered model."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests import models
from tests.terminal.places import WORKBENCH


@pytest.fixture
def environment(private_places: Path) -> dict[str, str]:
    """Return what the program needs to know of the test's own places."""
    names = ("WORKBENCH_STATE", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    return {name: os.environ[name] for name in names} | {"TERM": "tmux-256color", "LANG": "C.UTF-8"}


@pytest.fixture
def with_model(environment: dict[str, str]) -> dict[str, str]:
    """Register the 0.5B model in the test's own registry."""
    command = [WORKBENCH, "model", "add", str(models.qwen05())]
    subprocess.run(command, env={**os.environ, **environment}, check=True)
    return environment
