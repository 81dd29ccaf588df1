"""Processor time is counted for the whole tree of processes, running and ended."""

from __future__ import annotations

import subprocess
import sys

from workbench.bench.processor import processor_seconds

LEAST = 0.25
"""Seconds, of the 0.3 that are burnt: /proc counts in whole ticks."""
BURN = "import time\nwhile time.process_time() < 0.3: pass\n"
NESTED = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}], check=True)\n"


def test_what_children_and_their_children_use_is_counted() -> None:
    before = processor_seconds()
    subprocess.run([sys.executable, "-c", NESTED], check=True)
    assert processor_seconds() - before >= LEAST


def test_a_child_that_still_runs_is_counted() -> None:
    before = processor_seconds()
    with subprocess.Popen(
        [sys.executable, "-c", BURN + "print('done', flush=True)\ninput()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert processor_seconds() - before >= LEAST
        child.communicate(b"\n")
