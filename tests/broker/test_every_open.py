"""Every file of the worktree that is opened has its row: the interpreter and the kernel both say so."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, os, sys
root = os.path.realpath(sys.argv[1])
opened = []

def hook(event, arguments):
    if event == "open":
        opened.append(os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes)) else "")

from pathlib import Path
from tests.model.scripted import ScriptedEngine
from tests.repositories import GOOD_ANSWER
from tests.session.driving import driving
from workbench.repo.beneath import Beneath

if "fallback" in sys.argv:
    # The interpreter's audit hook sees os.open, and not the openat2 system call.
    Beneath._probe = lambda self: False
sys.addaudithook(hook)
with driving(Path(root), ScriptedEngine([GOOD_ANSWER])) as driver:
    driver.session.tree()
    driver.session.examples()
    driver.session.file("README.md")
    try:
        driver.session.file(".env")
    except Exception as error:
        print(error, file=sys.stderr)
    assert driver.run("Fix `median` in vitals/summary.py") == "queued"
    assert driver.approve_first() == "applied"
    rows = driver.session.audit(0, driver.session.audit_size())
recorded = sorted({row.subject for row in rows if row.type in ("file.read", "edit.intent")})
print(json.dumps({"opened": opened, "recorded": recorded}))
"""


def _run(repository: Path, *arguments: str, before: list[str] | None = None) -> dict[str, list[str]]:
    command = [*(before or []), sys.executable, "-c", SCRIPT, str(repository), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _names(repository: Path) -> set[str]:
    tracked = [path for path in repository.rglob("*") if path.is_file() and ".git" not in path.parts]
    return {str(path.relative_to(repository)) for path in tracked}


def test_every_open_inside_the_worktree_has_its_row(repository: Path) -> None:
    found = _run(repository, "fallback")
    # With a directory descriptor the hook sees only the last component of the path.
    leaves = {name.rpartition("/")[2]: name for name in _names(repository)}
    seen = {leaves[name.rpartition("/")[2]] for name in found["opened"] if name.rpartition("/")[2] in leaves}
    assert {"vitals/summary.py", "README.md"} <= seen, (
        "the hook must see the reads, or this test shows nothing"
    )
    assert seen <= set(found["recorded"])
    assert ".env" not in seen


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_the_kernel_saw_no_other_file_of_the_worktree_opened(repository: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    before = ["strace", "-f", "-qq", "-yy", "-e", "trace=execve,open,openat,openat2", "-o", str(trace)]
    found = _run(repository, before=before)
    pattern = re.compile(r"= \d+<" + re.escape(str(repository)) + r"/([^>]*)>")
    lines = trace.read_text().splitlines()
    # git hashes files to compare them with its index, in processes of its own, and shows nothing of them.
    git = {line.split()[0] for line in lines if re.search(r'execve\("[^"]*/git"', line)}
    opened = {match for line in lines if line.split()[0] not in git for match in pattern.findall(line)}
    files = {name for name in opened if name in _names(repository)}
    assert "vitals/summary.py" in files
    assert files <= set(found["recorded"])
    assert ".env" not in opened
