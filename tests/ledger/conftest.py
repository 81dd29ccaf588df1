"""Gives each test a ledger of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ledger.places import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty place for a ledger."""
    return Place(tmp_path / "one")


@pytest.fixture
def other_place(tmp_path: Path) -> Place:
    """A second one."""
    return Place(tmp_path / "two")
