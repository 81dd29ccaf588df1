"""A choice of hunks gives exactly those changes; the bytes compared are the bytes applied."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.errors import WorkbenchError
from workbench.review.diff import hunks, select


def _git(before: bytes, after: bytes) -> bytes:
    """Compare with the real git, as the broker does."""
    with TemporaryDirectory() as folder:
        old, new = Path(folder, "a"), Path(folder, "b")
        old.write_bytes(before)
        new.write_bytes(after)
        command = ["git", "diff", "--no-index", "--no-color", "--text", "-U3", "--", str(old), str(new)]
        return subprocess.run(command, capture_output=True, check=False, cwd=folder).stdout


def _too_slow(_before: bytes, _after: bytes) -> bytes:
    raise WorkbenchError("too slow")


BEFORE = b"".join(b"line %d\n" % n for n in range(60))
AFTER = (
    BEFORE.replace(b"line 5\n", b"LINE 5\n")
    .replace(b"line 30\n", b"")
    .replace(b"line 50\n", b"line 50\nnew\n")
)


def test_hunks_are_found_and_counted() -> None:
    found = hunks(BEFORE, AFTER, _git)
    assert [(hunk.removed, hunk.added) for hunk in found] == [(1, 1), (1, 0), (0, 1)]


def test_each_choice_of_hunks_applies_just_those() -> None:
    found = hunks(BEFORE, AFTER, _git)
    assert select(BEFORE, found, []) == BEFORE
    assert select(BEFORE, found, [1, 2, 3]) == AFTER
    assert select(BEFORE, found, [2]) == BEFORE.replace(b"line 30\n", b"")
    assert select(BEFORE, found, [1, 3]) == AFTER.replace(b"line 29\n", b"line 29\nline 30\n")


def test_a_missing_newline_at_the_end_is_a_change_like_any_other() -> None:
    for before, after in ((b"a\nb", b"a\nb\n"), (b"a\nb\n", b"a\nb"), (b"a", b"b"), (b"", b"x"), (b"x", b"")):
        found = hunks(before, after, _git)
        assert select(before, found, range(1, len(found) + 1)) == after
        assert select(before, found, []) == before


def test_without_gits_answer_everything_is_shown_as_replaced() -> None:
    (hunk,) = hunks(b"a\nb\n", b"a\nc\n", _too_slow)
    assert [(line.sign, line.data) for line in hunk.lines] == [
        ("-", b"a\n"),
        ("-", b"b\n"),
        ("+", b"a\n"),
        ("+", b"c\n"),
    ]
    assert select(b"a\nb\n", (hunk,), [1]) == b"a\nc\n"


def test_a_diff_that_does_not_rebuild_the_file_is_not_believed() -> None:
    lie = b"@@ -1 +1 @@\n-a\n+harmless\n"
    (hunk,) = hunks(b"a\n", b"harmful\n", lambda _before, _after: lie)
    assert [line.data for line in hunk.lines] == [b"a\n", b"harmful\n"]


_LINES = st.lists(
    st.sampled_from(
        [b"a\n", b"b\n", b"\n", b"}\n", b"\r\n", b"x\ry\n", b"-c\n", b"+d\n", b"\\ e\n", b"@@ -1 +1 @@\n"]
    ),
    max_size=12,
)
_ENDS = st.sampled_from([b"", b"end", b"\xff\xfe", b"\\"])


@settings(max_examples=60, deadline=None)
@given(_LINES, _ENDS, _LINES, _ENDS)
def test_all_hunks_give_the_new_bytes_and_none_give_the_old(
    old: list[bytes], old_end: bytes, new: list[bytes], new_end: bytes
) -> None:
    before, after = b"".join(old) + old_end, b"".join(new) + new_end
    found = hunks(before, after, _git)
    assert select(before, found, range(1, len(found) + 1)) == after
    assert select(before, found, []) == before
