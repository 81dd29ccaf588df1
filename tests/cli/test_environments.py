"""What commands may use beside the system: virtual environments, and nothing that only claims to be one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from workbench.cli.arguments import parse
from workbench.cli.environments import tools
from workbench.cli.reach import needed


@pytest.fixture(autouse=True)
def no_active_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


def environment(place: Path, home: str) -> Path:
    (place / "bin").mkdir(parents=True)
    (place / "pyvenv.cfg").write_text(f"home = {home}\nversion = 3.11\n")
    return place


def python_home() -> str:
    """Return the directory of the interpreter that runs these tests."""
    return str(Path(os.path.realpath(sys.executable)).parent)


def test_a_project_s_own_environment_and_its_interpreter_are_found(tmp_path: Path) -> None:
    place = environment(tmp_path / ".venv", python_home())
    found = tools(tmp_path)
    assert found[0] == str(place)
    assert python_home() in found
    assert any(Path(each, "os.py").is_file() for each in found)
    options = parse(["queue", "list", "--repo", str(tmp_path)])
    access = needed(options)
    assert access is not None
    assert access.tools == found


def test_the_active_environment_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "repo").mkdir()
    place = environment(tmp_path / "elsewhere", python_home())
    monkeypatch.setenv("VIRTUAL_ENV", str(place))
    assert tools(tmp_path / "repo")[0] == str(place)


def test_a_folder_that_only_is_called_so_is_no_environment(tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    outside = environment(tmp_path / "outside", python_home())
    (tmp_path / ".venv").symlink_to(outside)
    assert tools(tmp_path) == ()


def test_a_named_interpreter_that_is_none_opens_nothing_of_the_person_s(tmp_path: Path) -> None:
    home = tmp_path / "home/ada"
    for name in (".ssh", "bin", "lib/python3.11/site-packages", "share/keyrings"):
        (home / name).mkdir(parents=True)
    (home / "bin/python3").touch()
    for claimed in (home / "bin", home / ".ssh", home, Path("/"), home / "missing/bin"):
        repository = tmp_path / f"repo-{claimed.name or 'root'}-{len(claimed.parts)}"
        place = environment(repository / ".venv", str(claimed))
        assert tools(repository) == (str(place),), claimed


def test_a_pipe_or_a_link_in_the_place_of_the_settings_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    os.mkfifo(tmp_path / ".venv/pyvenv.cfg")
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv/pyvenv.cfg").symlink_to("/etc/passwd")
    assert tools(tmp_path) == ()
