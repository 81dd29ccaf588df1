"""Keeps every test away from the state, models and policy of whoever runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.repositories import make_repository

# How long one example takes says more about the machine than about what is tested.
settings.register_profile("workbench", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("workbench")


@pytest.fixture(autouse=True)
def private_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test its own state, configuration and data; the cache with the models stays shared."""
    places = tmp_path_factory.mktemp("places")
    monkeypatch.setenv("WORKBENCH_STATE", str(places / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(places / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(places / "data"))
    return places


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a real git repository with one commit."""
    return make_repository(tmp_path / "vitals")
