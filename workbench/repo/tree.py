"""Walks the directories beneath a root, without following a link, entering git's own or leaving the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator

from workbench.repo.beneath import Beneath
from workbench.repo.refusal import GateRefused


def walk(beneath: Beneath) -> Iterator[tuple[str, int, list[os.DirEntry[str]]]]:
    """Yield each directory's path (empty for the root), an open descriptor of it, and its entries by name.

    The descriptor is closed when the walk goes on. Directories that cannot be opened, or that lie deeper
    than a path can reach, are left out.
    """
    waiting = [""]
    while waiting:
        directory = waiting.pop()
        try:
            descriptor = beneath.open(directory or ".", os.O_RDONLY | os.O_DIRECTORY)
        except GateRefused:
            continue
        try:
            with os.scandir(descriptor) as found:
                entries = sorted(found, key=lambda entry: entry.name)
            below = [entry.name for entry in entries if is_directory(entry) and entry.name != ".git"]
            waiting += [f"{directory}/{name}" if directory else name for name in reversed(below)]
            yield directory, descriptor, entries
        finally:
            os.close(descriptor)


def is_directory(entry: os.DirEntry[str]) -> bool:
    """Say whether an entry is a directory itself, not a link to one."""
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
