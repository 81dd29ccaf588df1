"""What the kernel has to execute for a program to start: found in the files themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.boundary.children import fork, needs_landlock
from workbench.boundary import landlock, programs


def script(path: Path, first_line: bytes) -> Path:
    path.write_bytes(first_line + b"\n")
    path.chmod(0o755)
    return path


def test_a_program_needs_its_loader() -> None:
    found = programs.to_start(sys.executable)
    assert found[0] == os.path.realpath(sys.executable)
    assert all(path.startswith("/") and os.access(path, os.X_OK) for path in found)


@needs_landlock
@pytest.mark.parametrize("program", ["/bin/true", "/usr/bin/env", sys.executable])
def test_what_is_found_is_enough_and_nothing_in_it_is_spare(program: str) -> None:
    found = programs.to_start(program)
    line = [program, "-c", ""] if program == sys.executable else [program]

    def start_with(granted: tuple[str, ...]) -> int:
        def work() -> int:
            landlock.confine([("/", landlock.READ), *((path, landlock.EXECUTE) for path in granted)])
            try:
                return subprocess.run(line, check=False, capture_output=True).returncode
            except OSError:
                return -1

        result = fork(work)
        assert isinstance(result, int)
        return result

    assert start_with(found) == 0
    for left_out in found:
        assert start_with(tuple(path for path in found if path != left_out)) == -1


def test_a_script_needs_its_interpreter_and_that_ones_loader(tmp_path: Path) -> None:
    path = script(tmp_path / "script", b"#!/bin/sh -e")
    assert programs.to_start(str(path)) == (str(path), *programs.to_start("/bin/sh"))


def test_a_script_of_env_needs_what_env_will_find(tmp_path: Path) -> None:
    path = script(tmp_path / "script", b"#!/usr/bin/env sh")
    assert os.path.realpath(programs.find("sh")) in programs.to_start(str(path))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"#!",
        b"#!\n",
        b"\x7fELF",
        b"\x7fELF\x02\x01" + b"\xff" * 60,
        b"\x7fELF\x02\x01" + b"\xff" * 5000,
        b"\x7fELF\x02\x01" + bytes(90),
    ],
)
def test_a_file_that_is_no_program_needs_nothing_else(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert programs.to_start(str(path)) == (str(path),)
    assert programs.to_start(str(tmp_path / "missing")) == (str(tmp_path / "missing"),)


def test_scripts_that_name_each_other_come_to_an_end(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    script(first, b"#!" + bytes(second))
    script(second, b"#!" + bytes(first))
    assert programs.to_start(str(first)) == (str(first), str(second))


def test_a_program_in_the_repository_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository, elsewhere = tmp_path / "repository", tmp_path / "elsewhere"
    for place in (repository / "bin", elsewhere):
        place.mkdir(parents=True)
        script(place / "git", b"#!/bin/sh")
    (tmp_path / "link").symlink_to(repository / "bin")
    path = os.pathsep.join(map(str, ("relative", "", repository / "bin", tmp_path / "link", elsewhere)))
    monkeypatch.setenv("PATH", path)
    assert programs.find("git", not_beneath=str(repository)) == str(elsewhere / "git")
    assert programs.find("git") == str(repository / "bin" / "git")
    assert programs.find("nothing-of-this-name") == ""


def test_a_directory_or_a_plain_file_is_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "git").mkdir()
    (tmp_path / "other").write_bytes(b"")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (programs.find("git"), programs.find("other")) == ("", "")


def test_no_whole_prefix_is_part_of_an_installation() -> None:
    home = os.environ["HOME"]
    parts = programs.parts_of_installation(f"{home}/bin/git")
    assert f"{home}/lib" in parts
    assert home not in parts
