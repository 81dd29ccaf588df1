"""Puts a command into namespaces of its own, where the bubblewrap program is installed and really works.

Inside there is no process but the command's, no network device but an empty loopback, no `/tmp` of others,
and nothing of the file system but what is named here; Landlock and seccomp come on top. Whether bubblewrap
works is found out by running it: a version number says nothing about a kernel or a profile that forbids it.

Source: bwrap(1) of 0.8.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from workbench.boundary import processes, programs, system_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

PROBE_SECONDS = 5.0
_SYSTEM_PATH = "/usr/bin:/bin:/usr/local/bin"
OWN = ("/tmp", "/dev/shm")  # noqa: S108  # these belong to the command alone
"""Directories inside that no other process sees, which the command may change as well."""
_NAMESPACES = ("--unshare-all", "--die-with-parent", "--new-session")


def wrap(bwrap: str, *, directory: str, places: Iterable[str], tools: Iterable[str]) -> list[str]:
    """Return the words to put before a command's own.

    Args:
        bwrap: The program's path.
        directory: Where the command starts.
        places: The directories that it may change.
        tools: Directories of programs beside the system's.
    """
    words = [bwrap, *_NAMESPACES]
    for place in system_files.PROGRAMS:
        link = Path(place)
        if link.is_symlink():
            words += ["--symlink", str(link.readlink()), place]
        else:
            words += ["--ro-bind-try", place, place]
    own = (*system_files.of_python(), *system_files.of_package(), *tools)
    for place in (*system_files.SETTINGS, *own):
        words += ["--ro-bind-try", place, place]
    words += ["--proc", "/proc", "--dev", "/dev"]
    for place in OWN:
        words += ["--tmpfs", place]
    for place in places:
        words += ["--bind", place, place]
    return [*words, "--chdir", directory, "--"]


def stage(order: str) -> list[str]:
    """Return the words that confine a process inside the namespaces and start what `order` names."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "command_stage.py")
    return [sys.executable, "-I", "-S", script, order]


def find() -> str:
    """Return the path of a bubblewrap that has just run a program in namespaces, or an empty string."""
    bwrap = programs.find_in("bwrap", _SYSTEM_PATH)
    return bwrap if bwrap and _runs(bwrap) else ""


def _runs(bwrap: str) -> bool:
    true = programs.find_in("true", _SYSTEM_PATH)
    words = [*wrap(bwrap, directory="/", places=(), tools=()), true]
    silence = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in range(3)]
    try:
        child = os.posix_spawn(bwrap, words, {"PATH": _SYSTEM_PATH}, file_actions=silence)
        return processes.wait(child, seconds=PROBE_SECONDS) == 0
    except OSError:
        return False
