"""The ten functions of `bench/functions`: each fails its own tests as it stands, and can be mended."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from workbench.bench.edit_tasks import tasks_in

PLACE = Path(__file__).parents[2] / "bench/functions"
MENDED: dict[str, tuple[tuple[str, str], ...]] = {
    "allocate_payment": (("paid[number] = part\n", "paid[number] = part\n            amount -= part\n"),),
    "beds_occupied": (("day <= discharged", "day < discharged"),),
    "late_fee": (("50 * (days_late - grace_days)", "50 * days_late"),),
    "merge_shifts": (("(merged[-1][0], end)", "(merged[-1][0], max(merged[-1][1], end))"),),
    "patient_shares": (("own + charge * rate", "own + (charge - own) * rate"),),
    "retry_delays": (("range(attempts)", "range(attempts - 1)"), ("max(delay", "min(delay")),
    "settlement_day": (("< 5 or", "< 5 and"),),
    "split_bill": (("position <= odd", "position < odd"),),
    "triage_order": (("min(1", "max(1"),),
    "unmatched_entries": (
        (
            "if statement.get(reference) != amount:\n            missing_in_l",
            "if ledger.get(reference) != amount:\n            missing_in_l",
        ),
    ),
}


def failing(place: Path) -> set[str]:
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=."]
    ran = subprocess.run(argv, cwd=place, capture_output=True, text=True, check=False)
    assert ran.returncode in (0, 1), ran
    return set(re.findall(r"^FAILED python_testcases/test_(\w+)\.py", ran.stdout, re.MULTILINE))


def test_each_fails_as_it_stands_and_passes_with_its_fault_mended(tmp_path: Path) -> None:
    assert sorted(MENDED) == [task.name for task in tasks_in(PLACE)]
    place = shutil.copytree(PLACE, tmp_path / "functions")
    assert failing(place) == set(MENDED)
    for name, edits in MENDED.items():
        path = place / f"python_programs/{name}.py"
        for old, new in edits:
            assert path.read_text().count(old) == 1, name
            path.write_text(path.read_text().replace(old, new))
    assert failing(place) == set()
