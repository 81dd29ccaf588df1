"""Says in one line what is missing before anything is built. Needs only the standard library."""

from __future__ import annotations

import shutil
import sys

OLDEST, NEWEST = (3, 11), (3, 13)


def missing() -> list[str]:
    """Return what is missing, each with how to get it."""
    found = []
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        version = ".".join(map(str, sys.version_info[:3]))
        found.append(f"Python 3.11, 3.12 or 3.13 (this is {version}): make PYTHON=python3.12 run")
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        found.append("the venv module: apt-get install python3-venv")
    if not shutil.which("git"):
        found.append("git: apt-get install git")
    if not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        found.append("a C++ compiler: apt-get install build-essential")
    return found


def main() -> int:
    """Print what is missing; 0 when nothing is."""
    found = missing()
    if found:
        print("Missing: " + "; ".join(found), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
