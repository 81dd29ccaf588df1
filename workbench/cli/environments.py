"""Finds the virtual environments whose programs approved commands may use: the project's and the active one.

A command works on a copy of what git lists, and a virtual environment is not listed. Of these directories
commands may read and execute, and write nothing. The interpreter that an environment was made with is within
reach too, if it is one: the place that `pyvenv.cfg` names must hold a Python and its standard library, since
whoever sent the repository may have written that file.

Runs unsealed, so it loads nothing but the standard library.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

NAMES = (".venv", "venv")
"""Where a project keeps its own."""
# limit: an environment's settings are five lines.
MAX_SETTINGS_BYTES = 64 << 10

_HOME = re.compile(r"^\s*home\s*=\s*(/\S.*?)\s*$", re.MULTILINE)
_LIBRARY = re.compile(r"python3\.\d+t?")


def tools(root: Path) -> tuple[str, ...]:
    """Return the directories of programs for commands on the worktree at `root`; their `bin` is searched."""
    places = [root / name for name in NAMES]
    active = os.environ.get("VIRTUAL_ENV", "")
    if active.startswith("/"):
        places.append(Path(active))
    found: list[str] = []
    for place in places:
        settings = _settings(place)
        if settings is not None:
            found += [str(place), *_interpreter(settings)]
    return tuple(dict.fromkeys(found))


def _settings(place: Path) -> str | None:
    """Return what an environment says of itself, or None where there is no environment of its own."""
    file = place / "pyvenv.cfg"
    try:
        if place.is_symlink() or file.is_symlink() or not file.is_file():
            return None
        with file.open(encoding="utf-8", errors="replace") as text:
            return text.read(MAX_SETTINGS_BYTES)
    except OSError:
        return None


def _interpreter(settings: str) -> Iterator[str]:
    """Yield the parts of the installation that an environment was made with: programs, and one library."""
    home = _HOME.search(settings)
    programs = Path(os.path.realpath(home[1])) if home else Path("/")
    if programs.name != "bin" or not any(programs.glob("python3*")):
        return
    libraries = programs.parent / "lib"
    standard = [
        place
        for place in sorted(libraries.glob("python3*"))
        if _LIBRARY.fullmatch(place.name) and (place / "os.py").is_file()
    ]
    if standard:
        yield str(programs)
        yield from map(str, [*standard, *sorted(libraries.glob("libpython3*.so*"))])
