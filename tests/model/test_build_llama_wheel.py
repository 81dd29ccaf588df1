from __future__ import annotations

import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from tests.model.scripts import script, wheel
from workbench.model.library import SUPPORTED

build = script("build_llama_wheel")


def test_the_version_built_is_the_one_that_is_pinned(tmp_path: Path) -> None:
    assert build.pinned_version(build.ROOT / "pyproject.toml") == SUPPORTED
    loose = tmp_path / "pyproject.toml"
    loose.write_text('[project]\ndependencies = ["llama-cpp-python>=0.3"]\n')
    with pytest.raises(build.BuildError, match="does not pin"):
        build.pinned_version(loose)


def test_the_cache_key_tells_flags_apart_but_not_their_order() -> None:
    key = build.cache_key("1.0", "-DA=1 -DB=2")
    assert key == build.cache_key("1.0", "-DB=2  -DA=1")
    assert key != build.cache_key("1.0", "-DA=1 -DB=3")
    assert key.startswith("1.0-")


def test_a_native_build_belongs_to_one_processor_and_a_portable_one_to_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    native, portable = build.cache_key("1", "-DX=1"), build.cache_key("1", "-DGGML_NATIVE=OFF")
    monkeypatch.setattr(build, "processor", lambda: "another processor")
    assert build.cache_key("1", "-DX=1") != native
    assert build.cache_key("1", "-DGGML_NATIVE=OFF") == portable


def test_a_wheel_that_is_there_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CMAKE_ARGS", "-DGGML_NATIVE=OFF")
    # Nothing could be built: there is no compiler on this path.
    monkeypatch.setenv("PATH", str(tmp_path))
    key = build.cache_key(SUPPORTED, f"-DGGML_NATIVE=OFF {build.FORCED_FLAGS}")
    there = wheel(tmp_path / "workbench" / "wheels" / key, "llama_cpp_python", SUPPORTED, {})
    assert build.main() == 0
    assert capsys.readouterr().out == f"{there}\n"


def test_a_missing_compiler_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv("CXX", raising=False)
    assert build.main() == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "C++ compiler" in captured.err


def test_the_stripped_wheel_has_only_the_package_and_installs(tmp_path: Path) -> None:
    full = wheel(
        tmp_path,
        "llama_cpp_python",
        "1.0",
        {
            "llama_cpp/__init__.py": b"",
            "llama_cpp/lib/libllama.so": b"code",
            "lib/libllama-common.so": b"\0socket\0",
        },
    )
    slim = tmp_path / "slim" / full.name
    slim.parent.mkdir()
    assert build.linked_to_network(full) == ["lib/libllama-common.so"]
    assert build.strip_wheel(full, slim) == 1
    assert build.linked_to_network(slim) == []
    target = tmp_path / "target"
    argv = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--target",
        str(target),
    ]
    subprocess.run([*argv, str(slim)], check=True, timeout=60)
    assert (target / "llama_cpp" / "lib" / "libllama.so").read_bytes() == b"code"
    assert not (target / "lib").exists()
    with zipfile.ZipFile(slim) as archive:
        record = archive.read("llama_cpp_python-1.0.dist-info/RECORD").decode().split()
        assert sorted(line.split(",")[0] for line in record) == sorted(archive.namelist())


def test_progress_follows_the_compiler() -> None:
    assert build.progress_line("", 5) == "0:05  preparing"
    line = build.progress_line("[1/200] a\n[50/200] b", 61)
    assert line == "1:01  [#####...............] 50 of 200 files compiled"


def test_of_two_builders_the_second_waits_and_takes_what_the_first_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CMAKE_ARGS", "-DGGML_NATIVE=OFF")
    monkeypatch.setattr(build, "missing_tools", lambda: "")
    built: list[Path] = []
    both = threading.Barrier(2)

    def build_into(folder: Path, version: str, flags: str) -> Path:
        built.append(wheel(folder, "llama_cpp_python", version, {}))
        return built[-1]

    def build_once() -> None:
        both.wait(10)
        found.append(build.wheel())

    found: list[Path] = []
    monkeypatch.setattr(build, "build_into", build_into)
    builders = [threading.Thread(target=build_once) for _ in range(2)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join(20)
    assert len(built) == 1
    assert found == built * 2
