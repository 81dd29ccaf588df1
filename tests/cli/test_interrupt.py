"""ctrl+c at every stage: it stops, says so in a line, loses nothing, and leaves no process behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import IO

import pytest

from tests import models
from tests.cli.running import WORKBENCH, workbench
from tests.repositories import git
from workbench.model import Registry

pytestmark = pytest.mark.model
TASK = "Add a docstring to `limits` in vitals/limits.py"
PATIENCE = 120.0
"""Seconds that a step may take on a busy machine before the test gives up."""


@pytest.fixture(autouse=True)
def _long_answer(repository: Path) -> None:
    """Have the model write for much longer than a signal takes, and register it."""
    lines = [f'    table["ward {number}"] = (36.0 + {number} / 100, 38.5)' for number in range(60)]
    (repository / "vitals/limits.py").write_text(
        "\n".join(["def limits(table):", *lines, "    return table", ""])
    )
    git(repository, "add", "vitals/limits.py")
    git(repository, "commit", "-qm", "Add the limits")
    Registry().add(models.qwen05())


def _heeds_ctrl_c() -> None:
    # A shell that starts something in the background has it ignore the signal, and children inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [WORKBENCH, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=_heeds_ctrl_c,
    )


def _read_until(stream: IO[bytes] | None, text: str) -> None:
    assert stream is not None
    seen, until = b"", time.monotonic() + PATIENCE
    while text.encode() not in seen:
        ready, _, _ = select.select([stream], [], [], max(0.0, until - time.monotonic()))
        assert ready, f"{text!r} did not come after {seen!r}"
        piece = os.read(stream.fileno(), 4096)
        assert piece, f"{text!r} never came after {seen!r}"
        seen += piece


@pytest.mark.parametrize("moment", ["Reading", "```"])
def test_ask_stopped_while_it_reads_or_answers(repository: Path, moment: str) -> None:
    asking = _start("ask", TASK, "--repo", str(repository))
    _read_until(asking.stderr, moment)
    os.kill(asking.pid, signal.SIGINT)
    _, said = asking.communicate(timeout=PATIENCE)
    assert asking.returncode == 130
    assert said.decode().strip().splitlines()[-1] == "Stopped."
    assert b"Traceback" not in said
    assert workbench("queue", "list", "--repo", str(repository)).out.startswith("No proposals.")
    assert workbench("audit", "verify", "--repo", str(repository)).code == 0


def test_ask_stopped_while_the_model_loads(repository: Path) -> None:
    asking = _start("ask", TASK, "--repo", str(repository))
    until = time.monotonic() + PATIENCE
    # The ledger exists as soon as the session is open; the model takes longer.
    while not list(Path(os.environ["WORKBENCH_STATE"]).glob("*/ledger.db")) and asking.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.001)
    os.kill(asking.pid, signal.SIGINT)
    _, said = asking.communicate(timeout=PATIENCE)
    assert asking.returncode == 130, said
    assert b"Traceback" not in said


def test_plain_lines_stop_the_model_and_go_on(repository: Path) -> None:
    plain = _start("--plain", "--accept-unenforced", str(repository))
    assert plain.stdin is not None
    _read_until(plain.stdout, "Model: ")
    plain.stdin.write(f"{TASK}\n".encode())
    plain.stdin.flush()
    _read_until(plain.stdout, "```")
    os.kill(plain.pid, signal.SIGINT)
    _read_until(plain.stdout, "Stopped. Nothing was proposed.")
    out, said = plain.communicate(b"/queue\n", timeout=PATIENCE)
    assert plain.returncode == 0
    assert b"No proposals." in out
    assert b"Traceback" not in said
