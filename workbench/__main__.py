"""Runs Workbench as `python -m workbench`."""

import sys

# `python -m` searches the current folder first, and that may be a hostile repository.
if not sys.flags.safe_path:
    del sys.path[0]

from workbench.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
