"""The ledger can be used, and verified, without loading the screen or the model."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.ledger.places import WORKER


def test_the_ledger_loads_neither_screen_nor_model() -> None:
    script = (
        "import sys, workbench.ledger\n"
        "heavy = {'textual', 'rich', 'llama_cpp', 'numpy', 'tree_sitter', 'sqlite_utils', 'asyncio', 'git'}\n"
        "rooms = {name for name in sys.modules if name.startswith('workbench.')}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
        "print(sorted(n for n in rooms if not n.startswith(('workbench.core', 'workbench.ledger'))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(WORKER.parents[2])},
    )
    assert done.stdout.splitlines() == ["[]", "[]"]
