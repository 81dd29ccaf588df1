"""Changes files of the worktree, several in one step: all of them, or none.

The rules, in order:

1. The parent directory is resolved beneath the root without links and held open; everything after that
   happens through its descriptor, so that no rename can redirect a write.
2. What is replaced or deleted must be a regular file with one name, whose digest is the one that was
   approved. It is read for this twice, the second time at the last moment; and the new file then swaps
   names with the old one, so that a change in between is found, and undone, before the old file goes.
3. The new bytes of every file go into a temporary file beside it (O_EXCL, 0600), which gets the old file's
   mode, owner and extended attributes, is read back, and is flushed; only then does the first take its name.
4. A new file takes its name only if nothing else has it.
5. On any failure the files that had taken their names give them back in reverse order, and the temporary
   files are removed: every old file is whole. What a killed process left is removed by `sweep`.

Sources: rename(2), renameat2(2), fsync(2), xattr(7).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType

from workbench.core.errors import RepositoryError
from workbench.core.safe_text import one_line
from workbench.repo import temporary
from workbench.repo.beneath import Beneath, components
from workbench.repo.refusal import GateRefused, Reason
from workbench.repo.swap import Edit, Swap, Written, explained, gone

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY


class HalfWritten(RepositoryError):
    """A write failed, and what had been written could not all be taken back: somebody changed it since."""

    def __init__(self, paths: Sequence[str], cause: str) -> None:
        named = ", ".join(map(one_line, paths))
        super().__init__(
            f"{cause} {named} had been written and was changed by someone else meanwhile, so it was left.",
            "Compare it with git diff, and put it right by hand.",
        )
        self.paths = tuple(paths)
        """The files that are not as they were."""


class Writer:
    """The one way to change a file of the worktree.

    Args:
        root: The worktree.
        openat2: False walks paths in this program; None asks the kernel (for tests and old kernels).

    Raises:
        RepositoryError: The root cannot be opened.
    """

    def __init__(self, root: Path, *, openat2: bool | None = None) -> None:
        self._beneath = Beneath(root, openat2=openat2)

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the root's descriptor back."""
        self._beneath.close()

    def apply(self, edits: Sequence[Edit]) -> tuple[Written, ...]:
        """Carry out every one of `edits`, or none.

        Raises:
            Stale: A file is no longer the one that was approved to be changed; nothing was written.
            GateRefused: A path is not one that may be written, or a new file's name is taken.
            HalfWritten: It failed, and a file could not be put back, because somebody changed it since.
            RepositoryError: The disk or the system failed; the old files are whole.
        """
        with ExitStack() as stack:
            swaps = [self._prepare(stack, edit) for edit in edits]
            done: list[Swap] = []
            try:
                for swap in swaps:
                    with _in_words(swap.edit.path):
                        swap.carry_out()
                    done.append(swap)
            except BaseException as error:
                left = [swap.edit.path for swap in reversed(done) if not swap.take_back()]
                if left:
                    raise HalfWritten(left, getattr(error, "cause", str(error))) from error
                raise
            return tuple(swap.finish() for swap in swaps)

    def replace(self, path: str, data: bytes, *, base_sha256: str, mode: int | None = None) -> Written:
        """Give the existing file at `path` the bytes `data`; see `apply`.

        Args:
            path: Relative to the root.
            data: The bytes that were approved.
            base_sha256: Digest of the file they were approved to replace.
            mode: New permission bits; None keeps the old file's.
        """
        return self.apply([Edit(path, base_sha256, data, mode)])[0]

    def create(self, path: str, data: bytes, *, mode: int = 0o644) -> Written:
        """Make the new file `path`, and the directories above it that are missing; see `apply`.

        Args:
            path: Relative to the root.
            data: The bytes that were approved.
            mode: Permission bits, taken as they are, whatever the umask.
        """
        return self.apply([Edit(path, None, data, mode)])[0]

    def delete(self, path: str, *, base_sha256: str) -> Written:
        """Remove the file at `path`; directories stay; see `apply`."""
        return self.apply([Edit(path, base_sha256, None)])[0]

    def sweep(self) -> tuple[str, ...]:
        """Remove what killed processes left behind, and return the paths removed.

        Links are not followed, other file systems and git's own directories are not entered, and files of
        a process that still runs are left alone.
        """
        return temporary.sweep(self._beneath)

    def _prepare(self, stack: ExitStack, edit: Edit) -> Swap:
        """Check an edit and make its temporary file; the names change later."""
        *parent, name = components(edit.path)
        if any(part.casefold() == ".git" for part in (*parent, name)):
            raise GateRefused(edit.path, Reason.GIT_INTERNAL)
        with _in_words(edit.path):
            if edit.base_sha256 is None:
                stack.enter_context(self._made(parent))
            try:
                directory = self._beneath.open("/".join(parent) or ".", _DIRECTORY)
            except GateRefused as refused:
                if refused.reason is Reason.MISSING:
                    raise gone(edit.path) from None
                raise
            stack.callback(os.close, directory)
            return Swap(directory, name, edit, stack)

    @contextmanager
    def _made(self, parent: list[str]) -> Iterator[None]:
        """Make the missing directories of `parent`; take them away again if what follows fails."""
        made: list[list[str]] = []
        try:
            for depth in range(1, len(parent) + 1):
                try:
                    os.close(self._beneath.open("/".join(parent[:depth]), _DIRECTORY))
                except GateRefused as refused:
                    if refused.reason is not Reason.MISSING:
                        raise
                    with self._held(parent[: depth - 1]) as above:
                        os.mkdir(parent[depth - 1], dir_fd=above)
                        made.append(parent[:depth])
                        with suppress(OSError):
                            os.fsync(above)
            yield
        except BaseException:
            for parts in reversed(made):
                with suppress(OSError, GateRefused, RepositoryError), self._held(parts[:-1]) as above:
                    os.rmdir(parts[-1], dir_fd=above)
            raise

    @contextmanager
    def _held(self, parent: list[str]) -> Iterator[int]:
        descriptor = self._beneath.open("/".join(parent) or ".", _DIRECTORY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


@contextmanager
def _in_words(path: str) -> Iterator[None]:
    """Say what went wrong with one file in this room's words."""
    try:
        yield
    except OSError as error:
        raise explained(path, error) from error
