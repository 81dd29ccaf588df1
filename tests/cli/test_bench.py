"""A bench says what it measured, changes nothing, and says so where there is nothing to measure."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.cli.running import workbench
from tests.repositories import make_repository

BEFORE = b"def parse_date(text):\n    return text\n\n\ndef other():\n    return 1\n"


def _history(root: Path) -> Path:
    made = make_repository(root, {"app/dates.py": BEFORE, "app/net.py": b"def connect():\n    return 1\n"})
    for number, name in enumerate(("parse_date", "other")):
        path = made / "app/dates.py"
        path.write_bytes(
            path.read_bytes().replace(f"def {name}".encode(), f"# {number}\ndef {name}".encode())
        )
        words = ("git", "-C", str(made), "-c", "user.name=a", "-c", "user.email=a@example.invalid", "commit")
        subprocess.run([*words, "-qam", f"Make {name} of dates stricter"], check=True)
    return made


def test_retrieval_is_measured_on_a_repositorys_own_commits(tmp_path: Path) -> None:
    root = _history(tmp_path / "app")
    before = sorted(path for path in root.rglob("*"))
    ran = workbench("bench", "retrieval", str(root), "--json")
    assert ran.code == 0, ran
    found = json.loads(ran.out)
    assert found["commits"] == 2
    assert found["hit_at_1"] == found["recall_at_10"] == 1.0
    assert found["query_ms_p50"] > 0
    assert sorted(path for path in root.rglob("*")) == before
    assert "changed functions inside 4,096 tokens" in workbench("bench", "retrieval", str(root)).out


def test_a_history_with_nothing_to_measure_says_so(repository: Path) -> None:
    ran = workbench("bench", "retrieval", str(repository))
    assert ran.code == 2
    assert "No commit of this history" in ran.err
