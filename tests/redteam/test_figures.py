"""What protection costs: a read through the gate, and the seal at every start."""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

from tests.boundary.children import ROOT, needs_landlock, needs_seal
from workbench.repo import ReadGate

GATE_MILLISECONDS = 0.3
SEAL_MILLISECONDS = 50
STARTS = 20
BATCHES, READS = 5, 400


def test_a_read_through_the_gate_costs_a_third_of_a_millisecond_at_most(repository: Path) -> None:
    with ReadGate(repository) as gate:
        medians = []
        for _ in range(BATCHES):
            times = []
            for _ in range(READS):
                began = time.perf_counter()
                gate.read("vitals/summary.py")
                times.append((time.perf_counter() - began) * 1000)
            medians.append(statistics.median(times))
    print(f"gate: p50 {min(medians):.3f} ms a read, of {BATCHES} batches of {READS}")
    assert min(medians) <= GATE_MILLISECONDS


def _start(program: str) -> tuple[float, float]:
    """Run a Python program in a new interpreter; return wall and processor milliseconds."""
    began = time.perf_counter()
    argv = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append({str(ROOT)!r}); {program}"]
    child = os.posix_spawn(sys.executable, argv, dict(os.environ))
    _, status, used = os.wait4(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return (time.perf_counter() - began) * 1000, (used.ru_utime + used.ru_stime) * 1000


@needs_seal
@needs_landlock
def test_the_seal_costs_less_than_50_ms_at_a_start(tmp_path: Path) -> None:
    """Landlock, the filter and the command runner, and the second start of the interpreter that follows.

    Compared with an interpreter that loads what the program needs from the standard library anyway. What
    counts is the processor's time: on a busy machine the rest is other people's.
    """
    place = str(tmp_path / "state")
    made = f"make=({place!r}, {place + '/tmp'!r}, {place + '/commands'!r})"
    files = f"FileAccess({made}, commands={place + '/commands'!r})"
    load = "import workbench.boundary.runner; from workbench.boundary import FileAccess, enter"
    seal = f"{load}; enter([], reexec=False, files={files})"
    rounds = [(_start("pass"), _start(load), _start(seal)) for _ in range(STARTS)]
    wall, used = (
        statistics.median(sealed[kind] - bare[kind] + empty[kind] for empty, bare, sealed in rounds)
        for kind in (0, 1)
    )
    print(f"seal: +{wall:.1f} ms wall, +{used:.1f} ms processor, median of {STARTS}, restart included")
    assert used < SEAL_MILLISECONDS
