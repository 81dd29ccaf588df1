"""The program holds for an ordinary user as it does for root: the attacks, made again as somebody else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.boundary.children import NOBODY, ROOT, needs_landlock, needs_seal

pytestmark = [
    needs_seal,
    needs_landlock,
    pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root"),
    pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv (util-linux) is not installed"),
]
SETPRIV = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "env")
"""With `env` in between, because what `setpriv` itself starts is found with root's rights still."""
GROUPS = ("path", "command", "seal")
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A directory that every user can enter; pytest's own belong to whoever runs it."""
    made = Path(tempfile.mkdtemp(prefix="workbench-test-", dir="/var/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def installed(place: Path) -> str:
    """Install the program once more where another user can read it, and return its interpreter."""
    base = _interpreter_for_everyone()
    subprocess.run([base, "-m", "venv", "--without-pip", str(place / "venv")], check=True)
    site = place / "venv" / "lib" / f"python{VERSION}" / "site-packages"
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        # What is installed from a checkout says so in these; the checkout itself is copied below.
        if entry.suffix == ".pth" or entry.name.startswith(("__editable__", "workbench")):
            continue
        subprocess.run(["cp", "-al", str(entry), str(site)], check=True)
    shutil.copytree(ROOT / "workbench", site / "workbench")
    shutil.copytree(ROOT / "themes", site / "workbench" / "themes")
    return str(place / "venv" / "bin" / "python")


@pytest.fixture
def home(place: Path) -> Iterator[Path]:
    made = place / "home"
    made.mkdir(mode=0o700)
    os.chown(made, NOBODY, NOBODY)
    yield made
    shutil.rmtree(made)


def _interpreter_for_everyone() -> str:
    found = [
        getattr(sys, "_base_executable", sys.executable),
        shutil.which(f"python{VERSION}", path=os.defpath),
    ]
    for candidate in filter(None, found):
        tried = subprocess.run([*SETPRIV, candidate, "-c", "import venv"], capture_output=True, check=False)
        if tried.returncode == 0:
            return str(candidate)
    pytest.skip(f"no Python {VERSION} that another user can start")


def _as_nobody(python: str, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SETPRIV, python, "-I", "-m", "workbench", *words],
        env={"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_an_ordinary_user_has_the_same_level(installed: str, home: Path) -> None:
    (home / "work").mkdir()
    os.chown(home / "work", NOBODY, NOBODY)
    done = _as_nobody(installed, home, "doctor", "--json", "--repo", str(home / "work"))
    report = json.loads(done.stdout)
    assert (done.returncode, report["problems"]) == (0, [])
    assert report["level"] >= 3, [name for name, check in report["checks"].items() if not check["held"]]


def test_every_attack_is_held_for_an_ordinary_user(installed: str, home: Path) -> None:
    only = [word for group in GROUPS for word in ("--only", group)]
    done = _as_nobody(installed, home, "redteam", "--json", *only)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    through = [(row["id"], row["detail"]) for row in report["cases"] if row["outcome"] == "BREACH"]
    assert (done.returncode, through) == (0, [])
    assert report["counts"]["held"] > 120
