"""Keeps a copy of the worktree for commands to work on, and finds what a command changed in it.

The rules, in order:

1. Only paths that the caller names are copied: those that policy lets be read. Each is read through the read
   gate, so no link is followed, and a file with a second name, or one that is denied by inode, is left out.
2. A symbolic link is made again only where it stays inside: it may go up at its beginning, never after a
   name, and never to an absolute path. What it leads to is in the copy only if that was copied.
3. There is no `.git`: no history, no hooks, no configuration.
4. Before every command the copy is put right: what an earlier command left, changed or deleted is as in the
   worktree again. A file that was copied and is the same as then (device, inode, size, mode, both times, on
   either side) is not copied again. One that changed while its clock stood still is.
5. What a command planted is never followed by us: everything is opened beneath the copy, without links.

One process at a time uses a copy; a second Workbench on the same repository gets one of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from workbench.core.errors import RepositoryError
from workbench.core.records import sha256
from workbench.repo import shadow_index, shadow_tree
from workbench.repo.beneath import Beneath
from workbench.repo.gate import Inode, ReadGate
from workbench.repo.refusal import GateRefused, Reason
from workbench.repo.shadow_changes import Changes, compare
from workbench.repo.shadow_index import Entry, key_of

# limit: larger files are data; what needs them is said to be left out.
MAX_FILE_BYTES = 64 << 20
# limit: the copy is made on the disk of the person's state directory.
MAX_BYTES = 4 << 30
MAX_FILES = 500_000
# limit: more workbenches on one repository than anybody opens.
MAX_COPIES = 8
_CLOCK_NS = 50_000_000
"""A file that changed this shortly before it was read could change again within the clock's tick."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What the copy holds now, and what bringing it there took."""

    files: int
    bytes: int
    copied: int
    """Files that were copied this time."""
    removed: int
    """Files, links and directories that an earlier command had left or changed."""
    left_out: Mapping[str, int]
    """How many paths the gate refused, by reason."""
    listing_sha256: str
    """Digest over path, mode and digest of every file: what a command was given, to the byte."""
    milliseconds: int


class Shadow:
    """One copy of one worktree; used by one thread at a time.

    Args:
        root: The worktree.
        place: The directory of copies, outside the worktree and out of every command's reach.

    Raises:
        RepositoryError: The copy cannot be made there.
    """

    def __init__(self, root: Path, place: Path, *, openat2: bool | None = None) -> None:
        self._gate = ReadGate(root, max_bytes=MAX_FILE_BYTES, openat2=openat2)
        self._source = Beneath(root, openat2=openat2)
        try:
            self._lock, name = _claim(place)
        except OSError as error:
            raise _cannot(error) from error
        self.path = place / name
        """Where commands work."""
        self._index_path = place / f"{name}.json"
        self._entries: dict[str, Entry] = {}
        self._fresh = True

    def __enter__(self) -> Shadow:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the copy, which stays for the next time."""
        self._gate.close()
        self._source.close()
        os.close(self._lock)

    def sync(self, paths: Iterable[str], *, deny_inodes: Collection[Inode] = frozenset()) -> Synced:
        """Make the copy equal to these paths of the worktree.

        Args:
            paths: Relative to the worktree; what is not a file any more is left out.
            deny_inodes: Files that are denied whatever they are called.

        Raises:
            RepositoryError: The disk refused, or the worktree is too large to copy.
        """
        began = time.monotonic()
        self._gate.deny_inodes = deny_inodes
        wanted = list(dict.fromkeys(paths))
        if len(wanted) > MAX_FILES:
            raise RepositoryError(
                f"The worktree has {len(wanted):,} files; commands work on a copy of at most {MAX_FILES:,}.",
                "Open the directory of one project.",
            )
        try:
            try:
                copied, removed, left_out = self._bring(wanted)
            except (OSError, GateRefused):
                # A command can leave the copy in a state that is quicker made anew than put right.
                self._fresh = True
                copied, removed, left_out = self._bring(wanted)
            if copied or removed:
                shadow_index.store(self._index_path, self._source.root, self._entries)
        except OSError as error:
            raise _cannot(error) from error
        return Synced(
            files=len(self._entries),
            bytes=sum(entry.size for entry in self._entries.values()),
            copied=copied,
            removed=removed,
            left_out=dict(sorted(left_out.items())),
            listing_sha256=_digest(self._entries),
            milliseconds=round((time.monotonic() - began) * 1000),
        )

    def overlay(self, files: Mapping[str, tuple[bytes, int] | None]) -> None:
        """Put a draft over the copy, until the next `sync`: bytes and permission bits, or None to delete.

        Raises:
            RepositoryError: The disk refused.
            GateRefused: A path is malformed.
        """
        try:
            with Beneath(self.path) as beneath:
                for path, after in files.items():
                    writer = shadow_tree.Writer(beneath)
                    writer.remove(path)
                    self._entries.pop(path, None)
                    if after is not None:
                        data, mode = after
                        status = writer.write(path, data, mode, time.time_ns())
                        self._entries[path] = Entry((), key_of(status), sha256(data), mode & 0o777, len(data))
                    writer.close()
        except OSError as error:
            raise _cannot(error) from error

    def changes(self) -> Changes:
        """Return what is different in the copy from what was put there; reads it without following a link.

        Raises:
            RepositoryError: The disk failed.
        """
        return compare(self.path, self._entries)

    # Bringing it about

    def _bring(self, wanted: list[str]) -> tuple[int, int, Counter[str]]:
        removed = self._begin() if self._fresh else 0
        with Beneath(self.path) as beneath:
            kept, swept = shadow_tree.sweep(beneath, self._entries, wanted)
            entries: dict[str, Entry] = {}
            left_out: Counter[str] = Counter()
            copied = size = 0
            writer = shadow_tree.Writer(beneath)
            try:
                for path in wanted:
                    known = self._entries.get(path) if path in kept else None
                    entry = self._same(path, known)
                    if entry is None:
                        if known is not None:
                            writer.remove(path)
                        entry = self._copy(path, writer, left_out)
                    if entry is None:
                        continue
                    entries[path] = entry
                    copied += entry is not known
                    size += entry.size
                    if size > MAX_BYTES:
                        raise RepositoryError(
                            f"The worktree's files are larger than the {MAX_BYTES >> 30} GB that are copied.",
                            "Open the directory of one project.",
                        )
            finally:
                writer.close()
        # What is no longer wanted or may no longer be read was swept, or never written.
        self._entries = entries
        return copied, removed + swept, left_out

    def _begin(self) -> int:
        """Take up the copy of an earlier session, or begin with an empty one."""
        known = None
        if not self._entries and self.path.is_dir() and not self.path.is_symlink():
            known = shadow_index.load(self._index_path, self._source.root)
        self._fresh = False
        self._entries = known or {}
        if known is not None:
            return 0
        there = os.path.lexists(self.path)
        if there:
            shadow_tree.remove_whole(self.path)
        self.path.mkdir(mode=0o700)
        return int(there)

    def _same(self, path: str, known: Entry | None) -> Entry | None:
        """Return the entry of a file that has not changed since it was copied, else None."""
        if known is None or not known.source:
            return None
        try:
            status = os.stat(path, dir_fd=self._source.descriptor, follow_symlinks=False)
        except OSError:
            return None
        return known if key_of(status) == known.source else None

    def _copy(self, path: str, writer: shadow_tree.Writer, left_out: Counter[str]) -> Entry | None:
        """Copy one file or link, or count why not."""
        try:
            # The key is taken before the bytes: a change in between is noticed the next time.
            status = os.stat(path, dir_fd=self._source.descriptor, follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                return self._copy_link(path, status, writer, left_out)
            content = self._gate.read(path, binary=True)
        except OSError:
            left_out[Reason.MISSING] += 1
            return None
        except GateRefused as error:
            left_out[error.reason] += 1
            return None
        mode = content.mode & 0o777
        made = writer.write(path, content.data, mode, status.st_mtime_ns)
        source = () if status.st_ctime_ns > time.time_ns() - _CLOCK_NS else key_of(status)
        return Entry(source, key_of(made), content.sha256, mode, len(content.data))

    def _copy_link(
        self, path: str, status: os.stat_result, writer: shadow_tree.Writer, left_out: Counter[str]
    ) -> Entry | None:
        target = os.readlink(path, dir_fd=self._source.descriptor)
        if not stays_inside(path, target):
            left_out["link that leads out"] += 1
            return None
        made = writer.link(path, target)
        return Entry(key_of(status), key_of(made), sha256(os.fsencode(target)), 0, 0)


def stays_inside(path: str, target: str) -> bool:
    """Say whether a link at `path` to `target` can only lead to places beneath the root.

    It may begin with as many `..` as it has directories above it. A `..` after a name is refused: the name
    could be a link itself, and then goes up from somewhere else.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    above = 0
    while above < len(parts) and parts[above] == "..":
        above += 1
    return (
        bool(target) and not target.startswith("/") and ".." not in parts[above:] and above <= path.count("/")
    )


def _claim(place: Path) -> tuple[int, str]:
    """Return the lock and the name of the first copy that no other process uses."""
    for number in range(MAX_COPIES):
        name = f"shadow-{number}"
        lock = os.open(place / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            return lock, name
    raise OSError(0, f"{MAX_COPIES} others are in use")


def _digest(entries: Mapping[str, Entry]) -> str:
    listing = hashlib.sha256()
    for path in sorted(entries):
        entry = entries[path]
        listing.update(b"%s\0%o\0%s\n" % (os.fsencode(path), entry.mode, entry.sha256.encode()))
    return listing.hexdigest()


def _cannot(error: OSError) -> RepositoryError:
    return RepositoryError(
        f"The copy that commands work on cannot be made: {error.strerror or error}.",
        "Check the disk that holds the state directory (`workbench doctor` names it).",
    )
