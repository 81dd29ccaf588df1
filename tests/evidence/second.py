"""Loads the second verifier as an auditor has it: one file by itself."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

FILE = Path(__file__).parents[2] / "workbench" / "evidence" / "verifier" / "verify.py"


def load() -> ModuleType:
    """Return the file as a module that has no package around it."""
    spec = importlib.util.spec_from_file_location("second_verifier", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


second: Any = load()


@dataclass(frozen=True)
class Said:
    """What it printed as JSON."""

    code: int
    facts: dict[str, Any]

    @property
    def lines(self) -> list[str]:
        return list(self.facts["lines"])


def check(place: Path | str, *words: str) -> Said:
    """Run `verify.py check` in this process."""
    report = second.Report()
    options = second._parser().parse_args(["check", str(place), *words])
    code = second.check_with(options, report)
    return Said(code, {**report.facts, "lines": report.lines})


def ran(*words: str, isolated: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the file in a process of its own, without this project or any package on the path."""
    flags = ["-I", "-S"] if isolated else ["-I"]
    return subprocess.run(
        [sys.executable, *flags, str(FILE), *words], capture_output=True, text=True, check=False
    )


def ran_json(*words: str, isolated: bool = True) -> Said:
    done = ran(*words, "--json", isolated=isolated)
    assert not done.stderr, done.stderr
    facts = json.loads(done.stdout)
    assert facts["exit_code"] == done.returncode
    return Said(done.returncode, facts)
