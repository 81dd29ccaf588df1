"""What the running program has loaded: no client, no server, no telemetry, no library that opens sockets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from tests.model.gguf_files import toy
from workbench.redteam import Lab, Outcome, attempt, choose
from workbench.redteam.mapped import CARRIES_OPENSSL, importers, libraries
from workbench.redteam.sealing import CLIENTS

SITE = Path(sysconfig.get_paths()["purelib"])

SCRIPT = """
import asyncio, json, sys
from pathlib import Path
from tests.repositories import GOOD_ANSWER
from tests.session.driving import driving
from workbench.model import Registry, GenerationRequest, Message
from workbench.redteam.mapped import libraries
from workbench.session import Options, Session
from workbench.tui.start import make_app

root, model = Path(sys.argv[1]), sys.argv[2]
if model == "scripted":
    from tests.model.scripted import ScriptedEngine
    engine = ScriptedEngine([GOOD_ANSWER])
else:
    from workbench.model import load
    engine = load(Registry().add(Path(model)))
with driving(root, engine) as driver:
    driver.session.tree()
    driver.session.file("README.md")
    outcome = driver.run("Fix `median` in vitals/summary.py")
    if outcome == "queued":
        driver.approve_first()

async def paint(session):
    app = make_app(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        return app.export_screenshot()

session = Session.open(root, Options(accept_unenforced=True), engine=engine)
try:
    painted = asyncio.run(paint(session))
finally:
    session.close()
found = {"modules": sorted(sys.modules), "libraries": libraries(), "outcome": outcome}
print(json.dumps({**found, "painted": len(painted)}))
"""


def _running(root: Path, model: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(root), model],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _check(found: dict[str, Any], *expected: str) -> None:
    print("\n".join(found["libraries"]))
    for part in expected:
        assert any(part in path for path in found["libraries"]), f"{part} must be mapped, or this shows less"
    assert found["painted"] > 1000
    assert not set(CLIENTS) & set(found["modules"])
    network = {path: importers(path) for path in found["libraries"] if importers(path)}
    assert all(path.endswith(CARRIES_OPENSSL) for path in network), network
    assert not any("llama-common" in path for path in found["libraries"])


def test_a_running_session_has_loaded_nothing_that_speaks_to_a_network(repository: Path) -> None:
    found = _running(repository, "scripted")
    assert found["outcome"] == "queued"
    _check(found, "tree_sitter", CARRIES_OPENSSL)


def test_nor_has_one_with_the_real_engine(repository: Path, tmp_path: Path) -> None:
    """The model is a toy of random weights: the library that runs it is the one that runs every model."""
    found = _running(repository, str(toy(context=4096).write(tmp_path / "toy.gguf")))
    _check(found, "libllama.so", "libggml", "tree_sitter", CARRIES_OPENSSL)
    assert "llama_cpp" in found["modules"]


def test_no_library_that_is_installed_beside_the_program_opens_sockets() -> None:
    """Also of what is not mapped: llama-cpp-python's build leaves one behind that links OpenSSL."""
    native = sorted(str(path) for path in SITE.rglob("*.so*") if path.is_file() and not path.is_symlink())
    assert len(native) > 10
    found = {path for path in native if importers(path)}
    assert {path.removeprefix(f"{SITE}/") for path in found} <= {CARRIES_OPENSSL}
    assert not list((SITE / "lib").glob("libllama*")) + list((SITE / "lib").glob("libggml*"))


def test_a_library_that_imports_sockets_is_recognised() -> None:
    assert "socket" in importers(str(SITE / CARRIES_OPENSSL))


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"\x7fELF\x02\x01" + b"\xff" * 100, b"#!/bin/sh\n"])
def test_what_is_no_library_is_a_value_error(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.so").write_bytes(data)
    with pytest.raises(ValueError, match=r"ELF|outside"):
        importers(str(tmp_path / "x.so"))


def test_only_libraries_of_packages_are_listed() -> None:
    maps = (
        "7f00-7f01 r-xp 00000000 fe:00 1  /usr/lib/libc.so.6\n"
        "7f02-7f03 r-xp 00000000 fe:00 2  /x/site-packages/a/b.so\n"
        "7f04-7f05 rw-p 00000000 00:00 0  [heap]\n"
    )
    assert libraries(maps) == ("/x/site-packages/a/b.so",)


def test_a_client_that_is_loaded_is_a_breach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, private_places: Path
) -> None:
    (case,) = choose(["seal.net.clients"])
    monkeypatch.setitem(sys.modules, "httpx", sys)
    with Lab(tmp_path / "lab") as lab:
        finding = attempt(case, lab)
    assert finding.outcome is Outcome.BREACH
    assert "httpx" in finding.detail
    assert os.environ["WORKBENCH_STATE"] == str(private_places / "state")
