"""Finds which files the kernel must be allowed to execute so that a program starts, and no other.

A program is more than its file: the kernel also executes the loader that an ELF file names, or the
interpreter that a script's first line names. Libraries are only read.

Sources: execve(2), elf(5).
"""

from __future__ import annotations

import os
import stat
import struct

PARTS = ("bin", "lib", "lib64", "libexec", "share")
"""The parts of an installation that programs read."""

EDITORS = ("vim", "nano", "vi")
"""What is tried where the person names none."""
_VI = frozenset({"vi", "vim", "nvim", "view"})
_HEAD_BYTES = 4096
_INTERPRETER = 3
"""The type of program header that names the loader (PT_INTERP)."""
_64_BIT, _LITTLE_ENDIAN = 2, 1
# limit: the kernel itself follows a script's interpreter at most this often (BINPRM_MAX_RECURSION).
_STEPS = 4
_GIT_CORE = ("libexec/git-core", "lib/git-core")


def find(name: str, *, not_beneath: str = "") -> str:
    """Return the absolute path of the program `name` on PATH, or an empty string.

    Args:
        name: Without a slash.
        not_beneath: A directory whose programs do not count: the repository under review.
    """
    return find_in(name, os.environ.get("PATH", os.defpath), not_beneath=not_beneath)


def find_in(name: str, path: str, *, not_beneath: str = "") -> str:
    """Return what `find` does, searching the directories of `path`, which colons separate."""
    for place in path.split(os.pathsep):
        if not place.startswith("/") or _is_beneath(os.path.realpath(place), not_beneath):
            continue
        found = os.path.join(place, name)
        if os.access(found, os.X_OK) and stat.S_ISREG(os.stat(found).st_mode):
            return found
    return ""


def editor(not_beneath: str = "") -> list[str]:
    """Return the person's editor as a program and its first words; empty without one that can be confined.

    A script is none: it starts other programs, and the kernel would have to be told to allow a shell.

    Args:
        not_beneath: A directory whose programs do not count: the repository under review.
    """
    import shlex  # brings the regular expressions, which the first stage does without

    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        wanted = [shlex.split(chosen)] if chosen.strip() else [[name] for name in EDITORS]
    except ValueError:
        return []
    for name, *words in filter(None, wanted):
        given = name.startswith("/") and not _is_beneath(os.path.realpath(name), not_beneath)
        path = name if given else find(name, not_beneath=not_beneath) if "/" not in name else ""
        if path and _loader_of(path):
            # What a line of the text says must not configure the editor.
            quiet = ["--cmd", "set nomodeline"] if os.path.basename(path) in _VI else []
            return [path, *quiet, *words]
    return []


def to_start(program: str) -> tuple[str, ...]:
    """Return the real paths of all that the kernel executes when `program` is started."""
    found: list[str] = []
    path = program
    for _ in range(_STEPS):
        real = os.path.realpath(path)
        if real in found:
            break
        found.append(real)
        path = _started_by(real)
        if not path:
            break
    return tuple(found)


def to_start_git(git: str) -> tuple[str, ...]:
    """Return what `to_start` does for git, and the directory in which git keeps its own commands."""
    if not git:
        return ()
    home = os.path.dirname(os.path.dirname(os.path.realpath(git)))
    core = (os.path.join(home, place) for place in _GIT_CORE)
    return (*to_start(git), *filter(os.path.isdir, core))


def parts_of_installation(program: str) -> tuple[str, ...]:
    """Return the directories that hold what `program` was installed with: libraries, templates, messages.

    Never the whole prefix: it may be somebody's home directory.
    """
    prefixes = {os.path.dirname(os.path.dirname(path)) for path in (program, os.path.realpath(program))}
    return tuple(os.path.join(prefix, part) for prefix in sorted(prefixes) for part in PARTS)


def _loader_of(path: str) -> str:
    """Return the loader of an executable program; empty for a script, or where there is no such file."""
    if not os.access(path, os.X_OK):
        return ""
    try:
        with open(path, "rb") as file:
            return _loader(file.read(_HEAD_BYTES))
    except (OSError, struct.error, OverflowError, ValueError):
        return ""


def _started_by(path: str) -> str:
    """Return the loader or interpreter that the file at `path` names, or an empty string."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
            if head.startswith(b"#!"):
                return _interpreter(head)
            return _loader(head)
    except (OSError, struct.error, OverflowError, ValueError):
        return ""  # not a program, or not one of this machine


def _interpreter(head: bytes) -> str:
    words = head[2:].split(b"\n", 1)[0].split()
    if not words:
        return ""
    if os.path.basename(words[0]) == b"env" and len(words) > 1:
        return find(os.fsdecode(words[-1]))
    return os.fsdecode(words[0])


def _loader(head: bytes) -> str:
    if head[:6] != b"\x7fELF" + bytes((_64_BIT, _LITTLE_ENDIAN)):
        return ""
    (table,) = struct.unpack_from("<Q", head, 32)
    size, count = struct.unpack_from("<HH", head, 54)
    for place in range(table, table + size * count, size):
        (kind,) = struct.unpack_from("<I", head, place)
        if kind == _INTERPRETER:
            (start,) = struct.unpack_from("<Q", head, place + 8)
            (length,) = struct.unpack_from("<Q", head, place + 32)
            return os.fsdecode(head[start : start + length].rstrip(b"\0"))
    return ""


def _is_beneath(path: str, directory: str) -> bool:
    return bool(directory) and (path == directory or path.startswith(directory.rstrip("/") + "/"))
