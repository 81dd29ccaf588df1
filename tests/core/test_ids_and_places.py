"""Ids sort by time; places follow the XDG specification and never guess."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from workbench.core import places
from workbench.core.clock import utc_now
from workbench.core.errors import UsageError
from workbench.core.ids import short, uuid7


def test_ids_are_version_7_and_sort_in_the_order_they_were_made() -> None:
    made = [uuid7() for _ in range(5000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert all(uuid.UUID(each).version == 7 and uuid.UUID(each).variant == uuid.RFC_4122 for each in made)
    assert made[0].endswith(short(made[0]))


def test_times_always_have_six_digits() -> None:
    assert all(len(utc_now()) == len("2026-01-31T00:00:00.000000Z") for _ in range(100))


def test_the_state_directory_named_in_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WORKBENCH_STATE", str(tmp_path))
    assert places.state_root() == tmp_path


def test_a_relative_xdg_variable_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("WORKBENCH_STATE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert places.state_root() == tmp_path / ".local/state/workbench"


def test_without_a_home_the_error_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_STATE_HOME", "WORKBENCH_STATE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="HOME"):
        places.state_root()


def test_two_repositories_of_the_same_name_have_different_ids(tmp_path: Path) -> None:
    (tmp_path / "a" / "app").mkdir(parents=True)
    (tmp_path / "b" / "app").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a" / "app")
    first, second = places.repository_id(tmp_path / "a/app"), places.repository_id(tmp_path / "b/app")
    assert first != second
    assert first.startswith("app-")
    assert places.repository_id(tmp_path / "link") == first
