"""Opens, measures, hashes and copies model files, and writes small private files whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from workbench.core.errors import ModelError
from workbench.core.ids import uuid7
from workbench.core.safe_text import one_line

_CHUNK = 4 << 20


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What tells a file that was left alone from one that was written to or replaced."""

    size: int
    mtime_ns: int
    ctime_ns: int
    """Unlike the time of modification, a program cannot set this one back."""
    device: int
    inode: int

    @classmethod
    def of(cls, stream: BinaryIO) -> FileIdentity:
        """Return the identity of an open file."""
        status = os.fstat(stream.fileno())
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_dev, status.st_ino)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open the regular file at `path` for reading.

    Raises:
        ModelError: There is none, it cannot be read, or it is not a regular file.
    """
    try:
        # A named pipe would block an ordinary open for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        # ValueError: the path holds a NUL byte.
        why = getattr(error, "strerror", None) or error
        raise ModelError(
            f"{one_line(str(path))} cannot be read: {why}.", "Check the path and its permissions."
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ModelError(
            f"{one_line(str(path))} is not a regular file.", "Give the path of a GGUF model file."
        )
    with os.fdopen(descriptor, "rb") as stream:
        yield stream


@contextmanager
def open_unchanged(path: Path, identity: FileIdentity, name: str) -> Iterator[BinaryIO]:
    """Open the file at `path` if it is still the one that `identity` describes.

    Raises:
        ModelError: It is gone, or was changed or replaced.
    """
    with opened(path) as stream:
        if FileIdentity.of(stream) != identity:
            raise ModelError(
                f"The file of model {name} changed since its digest was taken.",
                f"Check it again: workbench model verify {name}",
            )
        yield stream


def loadable_path(stream: BinaryIO, path: Path) -> str:
    """Return a path by which native code opens the very file that `stream` has open, where there is one."""
    through_descriptor = Path(f"/proc/self/fd/{stream.fileno()}")
    return str(through_descriptor if through_descriptor.exists() else path)


def digest(stream: BinaryIO, on_bytes: Callable[[int], None], copy_to: BinaryIO | None = None) -> str:
    """Return the SHA-256 of an open file, copying it on the way if asked to.

    Args:
        stream: The file, read from its start.
        on_bytes: Told how many bytes are done; what it raises ends the work.
        copy_to: Where every byte goes as well.
    """
    state, done = hashlib.sha256(), 0
    try:
        stream.seek(0)
        while chunk := stream.read(_CHUNK):
            state.update(chunk)
            if copy_to is not None:
                copy_to.write(chunk)
            done += len(chunk)
            on_bytes(done)
    except OSError as error:
        raise ModelError(
            f"The model file cannot be read or copied: {error.strerror}.", "Check the disk."
        ) from error
    return state.hexdigest()


def require_space(folder: Path, size: int) -> None:
    """Return if `size` bytes fit into `folder`.

    Raises:
        ModelError: They do not.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        raise ModelError(
            f"A copy takes {size} bytes and {free} are free on that disk.",
            "Free space, or add it without a copy.",
        )


def private_folder(folder: Path) -> None:
    """Make `folder` with its parents, readable by its owner only.

    Raises:
        ModelError: It cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"{one_line(str(folder))} cannot be made: {error.strerror}.", "Check the permissions."
        ) from error


def write_private(path: Path, data: bytes) -> None:
    """Replace the file at `path` by `data`, mode 0600, durably: after a crash it is the old or the new one.

    Raises:
        ModelError: It cannot be written; the old file is as it was.
    """
    partial = path.with_name(f".{path.name}.{uuid7()}")
    try:
        with open(
            os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb"
        ) as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            os.unlink(partial)
        raise ModelError(
            f"{one_line(str(path))} cannot be written: {error.strerror}.",
            "Check the disk and the permissions.",
        ) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
