"""Says that the worktree's files have changed, soon after they have: inotify first, then `git status`.

The rules, in order:

1. Only directories that hold listed files are watched, each by itself: what git ignores (build folders,
   caches, dependencies) costs no watch and no event. Links are not followed.
2. The kernel is asked for finished writes, moves, deletions and new entries only. Our own reads, and those of
   an indexer, are no events at all, so that they cannot flood the queue.
3. Events are gathered for a moment; then `git status` is asked, and only a different answer is told. A queue
   that overflowed counts as an event.
4. Where there are no watches to be had (the user's limit, a file system without inotify, another system than
   Linux), `git status` is asked now and then instead, and `follow` says so once.

Uses watchdog's reader of inotify and not its observers, which take a thread for each directory that has an
ignored one beside it.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.core.errors import WorkbenchError

if TYPE_CHECKING:
    from watchdog.observers.inotify_c import CallbackId, InotifyEvent, InotifyFD, WatchDescriptor

GATHER = 0.25
"""Seconds that events are gathered for."""
GAP = 2.0
"""Seconds at least between two questions to git: on 100,000 files one takes a third of a second."""
POLL = 10.0
"""Seconds between two questions to git where nothing can be watched."""
MAX_WATCHES = 30_000
"""limit: the kernel keeps about a kilobyte for each; the usual limit of a user is 65,536 and more."""
_ABOUT_HEAD = frozenset({b"HEAD", b"index"})
"""Of git's own directory only these count; the rest is locks and objects."""


class TreeWatch:
    """Watches one worktree until it is closed."""

    def __init__(
        self,
        root: Path,
        tell: Callable[[], None],
        glance: Callable[[], object],
        *,
        gap: float = GAP,
        poll: float = POLL,
    ) -> None:
        """Watch nothing yet.

        Args:
            root: The root of the worktree.
            tell: Called from a thread of this watch when the answer of `glance` has become another.
            glance: Asks git how the worktree stands; its answers are compared.
            gap: Seconds at least between two glances.
            poll: Seconds between two glances where nothing can be watched.
        """
        self._root = os.fsencode(root)
        self._tell = tell
        self._glance = glance
        self._gap = gap
        self._poll = poll
        self._known: object = None
        self._inotify: InotifyFD | None = None
        self._watched: dict[bytes, WatchDescriptor] = {}
        self._git: WatchDescriptor | None = None
        self._stirred = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self.reason = ""
        """Why nothing is watched and git is asked instead; empty in the ordinary case."""

    def follow(self, paths: Iterable[str], known: object) -> str:
        """Watch the directories of `paths`, and no others; return what a person should know, once.

        Args:
            paths: The files listed, relative to the root.
            known: What `glance` answered for this listing: only another answer is told.
        """
        if self._closed.is_set():
            return ""
        before = self.reason
        if not before:
            self._watch(_folders(paths))
        self._known = known
        if self._thread is None:
            # What happened since the listing began is looked for once.
            self._stirred.set()
            self._thread = threading.Thread(target=self._wait, name="workbench-watch", daemon=True)
            self._thread.start()
        return self.reason if self.reason != before else ""

    def close(self) -> None:
        """Stop watching; nothing is told from then on."""
        self._closed.set()
        self._stirred.set()
        self._let_go()

    # What inotify calls, from its own thread

    def on_event(self, event: InotifyEvent) -> None:
        """Note that something happened."""
        if event.wd != self._git or event.name in _ABOUT_HEAD:
            self._stirred.set()

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Forget a directory that is gone."""
        for folder, known in list(self._watched.items()):
            if known == wd:
                self._watched.pop(folder, None)
        self._stirred.set()

    def on_queue_overflow(self) -> None:
        """Take lost events for something that happened."""
        self._stirred.set()

    # Watching

    def _watch(self, folders: set[bytes]) -> None:
        if not sys.platform.startswith("linux"):
            self.reason = _instead("this system has no inotify", self._poll)
            return
        if len(folders) > MAX_WATCHES:
            self.reason = _instead(f"{len(folders):,} folders are too many to watch", self._poll)
            self._let_go()
            return
        try:
            self._add(folders)
        except OSError as error:
            exhausted = error.errno in (errno.ENOSPC, errno.EMFILE, errno.ENFILE)
            why = "the kernel's limit of watches is reached" if exhausted else f"{error.strerror or error}"
            self.reason = _instead(why, self._poll)
            self._let_go()

    def _add(self, folders: set[bytes]) -> None:
        from watchdog.observers.inotify_c import InotifyConstants, InotifyFD, Mask

        if self._inotify is None:
            self._inotify = InotifyFD()
            self._inotify.start()
        kinds = InotifyConstants
        entries = kinds.IN_CREATE | kinds.IN_DELETE | kinds.IN_MOVED_FROM | kinds.IN_MOVED_TO
        mask = Mask(entries | kinds.IN_CLOSE_WRITE | kinds.IN_ONLYDIR | kinds.IN_DONT_FOLLOW)
        fresh = folders - self._watched.keys()
        if fresh and self._watched:
            # Something may have happened in them before the watch began.
            self._stirred.set()
        for folder in fresh:
            wd = self._one(os.path.join(self._root, folder), mask)
            if wd is not None:
                self._watched[folder] = wd
        if self._git is None:
            self._git = self._one(os.path.join(self._root, b".git"), mask)
        gone = [(self._watched.pop(folder), self._id) for folder in self._watched.keys() - folders]
        self._inotify.remove_callbacks(gone)

    def _one(self, path: bytes, mask: int) -> WatchDescriptor | None:
        from watchdog.observers.inotify_c import Mask

        if self._inotify is None:
            return None
        try:
            return self._inotify.add_callback(path, Mask(mask), self, self._id)
        except OSError as error:
            # It went, became something else, or may not be read: there is nothing in it to be told of.
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES):
                return None
            raise

    @property
    def _id(self) -> CallbackId:
        from watchdog.observers.inotify_c import CallbackId

        return CallbackId(id(self))

    def _let_go(self) -> None:
        inotify, self._inotify = self._inotify, None
        self._watched.clear()
        if inotify is not None:
            inotify.stop()

    # Telling

    def _wait(self) -> None:
        while not self._closed.is_set():
            stirred = self._stirred.wait(self._poll if self.reason else None)
            if self._closed.wait(GATHER if stirred else 0):
                return
            self._stirred.clear()
            now = self._look()
            if now != self._known:
                self._known = now
                self._tell()
            if self._closed.wait(self._gap):
                return

    def _look(self) -> object:
        try:
            return self._glance()
        except WorkbenchError:
            return self._known  # git is busy or broken; the next event asks again


def _folders(paths: Iterable[str]) -> set[bytes]:
    found: set[str] = {""}
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return set(map(os.fsencode, found))


def _instead(why: str, seconds: float) -> str:
    return f"The file tree follows the disk every {seconds:g} seconds instead of at once: {why}."
