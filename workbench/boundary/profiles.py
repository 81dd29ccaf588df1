"""Says which files each kind of process may touch: the application, the command runner, a command, git.

- The application reads the system, this Python and what `FileAccess` grants. Of programs it can start this
  Python, git, the person's editor and ssh-keygen, nothing else: a planted `sh -c` does not run, whoever asks.
- The runner can start what the system has, and writes only where approved commands run.
- A command sees the system, the tools and its own copy; no home directory, no worktree, no ledger.
- git starts git alone, reads what the application reads, and writes only its own directory.
"""

from __future__ import annotations

import os
import sys

from workbench.boundary import programs, system_files
from workbench.boundary.landlock import (
    CHANGE,
    DEVICE,
    EXECUTE,
    MAKE_FIFO,
    MAKE_SOCK,
    READ,
    READ_DIR,
    READ_FILE,
    RUN,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.boundary.file_access import FileAccess
    from workbench.boundary.landlock import Rule

WORKSHOP = CHANGE | EXECUTE | MAKE_FIFO | MAKE_SOCK
"""What a command may do in its own copy: also run what it built there."""


def application(access: FileAccess) -> list[Rule]:
    """Return the rules for the sealed application and what it starts."""
    package = system_files.package_directory()
    executed = [*programs.to_start(sys.executable), *programs.to_start_git(access.git)]
    for program in filter(None, (access.editor, access.signatures)):
        executed += programs.to_start(program)
    return [
        *_each(system_files.PROGRAMS, READ),
        *_each(system_files.of_python(), READ),
        *_each(system_files.of_package(), READ),
        # To find the package, Python lists the directory it lies in.
        (os.path.dirname(package), READ_DIR),
        *_each(programs.parts_of_installation(access.git) if access.git else (), READ),
        *_each(system_files.SETTINGS + system_files.OWN_SETTINGS, READ),
        *_each(system_files.KERNEL, READ),
        *_each(system_files.of_graphics(), READ),
        *_each(system_files.DEVICES + system_files.GRAPHICS, DEVICE | READ_DIR),
        *_each(executed, READ_FILE | EXECUTE),
        *_each(access.read, READ),
        *_each((*access.write, *access.make), CHANGE),
    ]


def commands(tools: Iterable[str], places: Iterable[str | int]) -> list[Rule]:
    """Return the rules for approved commands, which may change `places` only, and for their runner.

    Args:
        tools: Directories of programs beside the system's.
        places: Paths, or descriptors of directories.
    """
    return [
        *_each(system_files.PROGRAMS, RUN),
        *_each(system_files.of_python(), RUN),
        *_each(tools, RUN),
        *_each(system_files.SETTINGS, READ),
        *_each(system_files.KERNEL, READ),
        *_each(system_files.DEVICES, DEVICE),
        *((place, WORKSHOP) for place in places),
    ]


def git(program: str, *, changes: Iterable[str]) -> list[Rule]:
    """Return the rules for git, to be entered on top of the application's.

    Args:
        program: The path of git.
        changes: The directories that git writes: its own, and one for temporary files.
    """
    return [
        # What may be read is for the rules underneath to say; here it is about starting and writing.
        ("/", READ),
        *_each(system_files.DEVICES, DEVICE),
        *_each(programs.to_start_git(program), READ_FILE | EXECUTE),
        *_each(changes, CHANGE),
    ]


def _each(places: Iterable[str], rights: int) -> list[Rule]:
    return [(place, rights) for place in places]
