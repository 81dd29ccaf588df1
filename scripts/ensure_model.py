"""Makes sure a model is registered: the file given, one that is there already, or one fetched now.

`ensure_model.py FILE` registers FILE. With an empty FILE a registered model is enough; without one the
default is fetched. `--fetch` fetches and registers the default even where others are registered.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

DEFAULT = "qwen2.5-coder-1.5b"
HERE = Path(__file__).resolve().parent
WORKBENCH = Path(sys.executable).with_name("workbench")


def registered() -> list[dict[str, object]]:
    """Return the models that Workbench knows."""
    listed = subprocess.run([WORKBENCH, "model", "list", "--json"], stdout=subprocess.PIPE, check=True)
    models: list[dict[str, object]] = json.loads(listed.stdout)
    return models


def add(path: str) -> int:
    """Register a file unless it is registered already."""
    real = str(Path(path).resolve())
    if any(model["path"] == real for model in registered()):
        return 0
    return subprocess.run([WORKBENCH, "model", "add", real], check=False).returncode


def fetch() -> int:
    """Fetch the default model and register it."""
    fetched = subprocess.run(
        [sys.executable, HERE / "fetch_model.py", DEFAULT], stdout=subprocess.PIPE, text=True, check=False
    )
    if fetched.returncode:
        print(
            "No model was registered; Workbench opens without one, and `make model` goes on here.",
            file=sys.stderr,
        )
        return fetched.returncode
    return add(fetched.stdout.strip().splitlines()[-1])


def main(arguments: list[str]) -> int:
    """Do what the module says; a failed fetch stops `make model`, but not `make run`."""
    if arguments == ["--fetch"]:
        return fetch()
    if arguments and arguments[0]:
        return add(arguments[0])
    if not registered():
        fetch()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
