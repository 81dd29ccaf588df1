"""Makes of a choice of hunks the changes that are then written: exactly those hunks, in every file."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from workbench.broker import NewContent
from workbench.core.errors import UsageError
from workbench.core.records import sha256
from workbench.review.diff import select
from workbench.review.rendering import RenderedFile, Rendering


def chosen(shown: Rendering, hunks: Collection[int]) -> tuple[NewContent, ...]:
    """Return what the chosen hunks (counted from 1; none given means all) make of each file they touch.

    Raises:
        UsageError: There is no such hunk.
    """
    count = len(shown.hunks)
    if any(not 1 <= hunk <= count for hunk in hunks):
        raise UsageError(f"There are hunks 1 to {count}.", "Name the ones to approve, as in `--hunks 1,3`.")
    wanted = set(hunks) or set(range(1, count + 1))
    return tuple(content for file in shown.files for content in _of_file(file, wanted))


def _of_file(file: RenderedFile, wanted: set[int]) -> Iterator[NewContent]:
    change = file.change
    left = {number for number, _ in enumerate(file.hunks, file.first)} - wanted
    if len(left) == len(file.hunks):
        return
    if not left:
        yield NewContent(change, file.after)
        return
    kept = {hunk.of for number, hunk in enumerate(file.hunks, file.first) if number in left}
    lines = [(number, hunk) for number, hunk in enumerate(file.hunks, file.first) if hunk.lines]
    places = [place for place, (number, _) in enumerate(lines, 1) if number in wanted]
    after = select(file.before, [hunk for _, hunk in lines], places)
    if "name" in kept:
        change = replace(change, path=change.renamed_from, renamed_from="")
    if "mode" in kept and change.mode_before is not None:
        change = replace(change, mode=change.mode_before, mode_before=None)
    yield NewContent(replace(change, after_sha256=sha256(after)), after)
