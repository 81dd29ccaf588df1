"""Makes the change that takes an approval back: exactly its hunks, whatever else was edited since.

Where a file is still what the approval made of it, it becomes what it was. Where it was edited since, the
approval's change is taken out of it by a three-way merge. Where both touched the same lines, nothing is
taken back, and the file is named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workbench.broker import NewContent
from workbench.core.errors import UsageError
from workbench.core.records import FileChange, FileContent, sha256
from workbench.core.safe_text import one_line
from workbench.repo import Merged

Present = Callable[[str], FileContent | None]
"""Returns a file as it is now, or None where there is none."""
Contents = Callable[[str | None], bytes]
Merge = Callable[[bytes, bytes, bytes], Merged]
"""Given base, ours and theirs, returns ours with the change from base to theirs."""


def inverse(
    written: Sequence[FileChange], present: Present, contents: Contents, merge: Merge
) -> tuple[NewContent, ...]:
    """Return the change of the files as they are now that takes `written` back.

    Raises:
        UsageError: Later edits overlap it, or nothing of it is left.
    """
    made = [_of_file(change, present, contents, merge) for change in written]
    back = tuple(content for content in made if content is not None)
    if not back:
        raise UsageError("Nothing of that approval is left on disk.", "There is nothing to roll back.")
    return back


def _of_file(change: FileChange, present: Present, contents: Contents, merge: Merge) -> NewContent | None:
    now, path = present(change.path), one_line(change.path)
    before = contents(change.before_sha256)
    if change.after_sha256 is None:
        if now is not None:
            raise _overlapping(path, "was made anew since it was deleted")
        return NewContent(FileChange(change.path, None, change.before_sha256, change.mode), before)
    if now is None:
        if change.before_sha256 is None:
            return None
        raise _overlapping(path, "was deleted or renamed since")
    if change.before_sha256 is None:
        if now.sha256 != change.after_sha256:
            raise _overlapping(path, "was edited since it was created")
        return NewContent(FileChange(change.path, now.sha256, None, now.mode & 0o777), b"")
    data = _merged(change, now.data, before, contents, merge)
    return _named_as_before(change, now, data, present)


def _merged(change: FileChange, now: bytes, before: bytes, contents: Contents, merge: Merge) -> bytes:
    if change.before_sha256 == change.after_sha256:
        return now
    if sha256(now) == change.after_sha256:
        return before
    merged = merge(contents(change.after_sha256), now, before)
    if merged.conflicts:
        places = "one place" if merged.conflicts == 1 else f"{merged.conflicts} places"
        raise _overlapping(one_line(change.path), f"was edited since, in {places} that the approval changed")
    return merged.data


def _named_as_before(
    change: FileChange, now: FileContent, data: bytes, present: Present
) -> NewContent | None:
    bits = now.mode & 0o777
    mode = change.mode_before if change.mode_before is not None and bits == change.mode else bits
    if change.renamed_from and present(change.renamed_from) is not None:
        raise _overlapping(
            one_line(change.path), f"was called {one_line(change.renamed_from)}, which is taken"
        )
    back = FileChange(
        path=change.renamed_from or change.path,
        before_sha256=now.sha256,
        after_sha256=sha256(data),
        mode=mode,
        symbol=change.symbol,
        renamed_from=change.path if change.renamed_from else "",
        mode_before=bits if mode != bits else None,
    )
    if not back.renamed_from and back.mode_before is None and data == now.data:
        return None
    return NewContent(back, data)


def _overlapping(path: str, why: str) -> UsageError:
    return UsageError(
        f"It cannot be rolled back: {path} {why}.",
        "Nothing was changed. Edit the file by hand, or ask for it.",
    )
