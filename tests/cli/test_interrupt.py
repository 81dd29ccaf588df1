"""ctrl+c at every stage: it stops, says so in a line, loses nothing, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import IO

import pytest

from tests import models
from tests.cli.running import WORKBENCH, workbench
from workbench.model import Registry

pytestmark = pytest.mark.model
TASK = "Fix `median` in vitals/summary.py: an even number of readings has two in the middle"


def _start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [WORKBENCH, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _read_until(stream: IO[str] | None, text: str) -> None:
    assert stream is not None
    seen = ""
    while text not in seen:
        char = stream.read(1)
        assert char, f"{text!r} never came after {seen!r}"
        seen += char


@pytest.mark.parametrize("moment", ["Reading", "```"])
def test_ask_stopped_while_it_reads_or_answers(repository: Path, moment: str) -> None:
    Registry().add(models.qwen05())
    asking = _start("ask", TASK, "--repo", str(repository))
    _read_until(asking.stderr, moment)
    os.kill(asking.pid, signal.SIGINT)
    _, said = asking.communicate(timeout=20)
    assert asking.returncode == 130
    assert said.strip().splitlines()[-1] == "Stopped."
    assert "Traceback" not in said
    assert workbench("queue", "list", "--repo", str(repository)).out.startswith("No proposals.")
    assert workbench("audit", "verify", "--repo", str(repository)).code == 0


def test_ask_stopped_while_the_model_loads(repository: Path) -> None:
    Registry().add(models.qwen05())
    asking = _start("ask", TASK, "--repo", str(repository))
    # The ledger exists as soon as the session is open; the model takes longer.
    while not list(Path(os.environ["WORKBENCH_STATE"]).glob("*/ledger.db")) and asking.poll() is None:
        continue
    os.kill(asking.pid, signal.SIGINT)
    _, said = asking.communicate(timeout=20)
    assert asking.returncode == 130, said
    assert "Traceback" not in said


def test_plain_lines_stop_the_model_and_go_on(repository: Path) -> None:
    Registry().add(models.qwen05())
    plain = _start("--plain", "--accept-unenforced", str(repository))
    assert plain.stdin is not None
    _read_until(plain.stdout, "Model: ")
    plain.stdin.write(f"{TASK}\n")
    plain.stdin.flush()
    _read_until(plain.stdout, "```")
    os.kill(plain.pid, signal.SIGINT)
    _read_until(plain.stdout, "Stopped. Nothing was proposed.")
    out, said = plain.communicate("/queue\n", timeout=20)
    assert plain.returncode == 0
    assert "No proposals." in out
    assert "Traceback" not in said
