"""Keeps files private and whole: owner-only modes, atomic replacement, one writer at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from workbench.core.errors import LedgerUnavailable

_NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "davfs", "fuse.sshfs", "fuse.rclone", "fuse.s3fs"}
)


def private_directory(path: Path) -> None:
    """Make `path` a directory that only its owner can enter.

    Raises:
        LedgerUnavailable: If it belongs to someone else and others can enter it.
        OSError: If it cannot be made.
    """
    make_directories(path)
    found = path.stat()
    if found.st_mode & 0o077 == 0:
        return
    if found.st_uid != os.geteuid():
        raise LedgerUnavailable(
            f"Others can enter {path}, and it belongs to user {found.st_uid}.",
            f"Ask its owner to run: chmod 700 {path}",
        )
    path.chmod(0o700)


def make_directories(path: Path) -> None:
    """Make `path` and what is missing above it, each for its owner only; leave what is there as it is.

    Raises:
        OSError: If one cannot be made, or is not a directory.
    """
    for missing in reversed([place for place in (path, *path.parents) if not place.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


def create_private_file(path: Path) -> None:
    """Make `path` an empty file with mode 0600, unless there is one; then take others' rights to it away.

    Raises:
        OSError: If it cannot be made, or is a link.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    tighten(path)


def tighten(path: Path) -> None:
    """Take everyone's rights but the owner's away from a file; a backup may have brought it back with them.

    Raises:
        OSError: If that is not possible, or the file is a link.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        mode = os.fstat(descriptor).st_mode
        if mode & 0o077:
            os.fchmod(descriptor, mode & 0o700)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, mode 0600, so that a crash leaves the old file or the new one, never a part.

    Raises:
        OSError: If it cannot be written; then the old file is untouched.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    with suppress(FileNotFoundError):
        fresh.unlink()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def identity(path: Path) -> tuple[int, int]:
    """Return device and inode of `path`: which file it is, whatever it is called."""
    found = path.stat()
    return found.st_dev, found.st_ino


def refuse_network_filesystem(directory: Path) -> None:
    """Refuse a directory whose locks and shared memory do not work between machines (SQLite WAL needs both).

    Raises:
        LedgerUnavailable: If it stands on such a file system.
    """
    device = directory.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in mounts:
        before, _, after = line.partition(" - ")
        if before.split(" ")[2] == wanted and after.split(" ")[0] in _NETWORK:
            raise LedgerUnavailable(
                f"{directory} is on a network file system, where two machines can corrupt a ledger.",
                "Set WORKBENCH_STATE to a directory on a local disk.",
            )


class FileLock:
    """A lock between processes, and between several openers within one.

    The kernel lets go of it when its holder dies, however it dies.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    @contextmanager
    def hold(self, timeout: float) -> Iterator[None]:
        """Hold the lock, waiting up to `timeout` seconds for it.

        Raises:
            LedgerUnavailable: If another process held it all that time.
            OSError: If the lock file is gone.
        """
        self._acquire(timeout)
        try:
            # A lock on a file that was moved or deleted excludes nobody.
            found = os.fstat(self._descriptor)
            if identity(self._path) != (found.st_dev, found.st_ino):
                raise LedgerUnavailable(
                    f"{self._path} was replaced while the ledger was open.",
                    "Close every session of this repository.",
                )
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the lock file."""
        os.close(self._descriptor)

    def _acquire(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        pause = 0.0002
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise LedgerUnavailable(
                        f"Another process has held {self._path} for {timeout:g} seconds.",
                        "End the session that hangs, then start again.",
                    ) from None
                time.sleep(pause)
                pause = min(pause * 1.5, 0.005)
            else:
                return
