"""The facts above the rows: what a person could not see in the lines themselves is said in words."""

from __future__ import annotations

import pytest

from tests.review.proposals import contents, proposal
from workbench.repo import diff_blobs
from workbench.review.diff import Differ
from workbench.review.rendering import Rendering, RowKind, render


@pytest.fixture
def differ(tmp_path_factory: pytest.TempPathFactory) -> Differ:
    scratch = tmp_path_factory.mktemp("scratch")
    return lambda before, after: diff_blobs(before, after, directory=scratch)


def _render(differ: Differ, before: bytes | None, after: bytes | None) -> Rendering:
    made = proposal(before, after)
    return render(made, contents(before, after), differ, lambda *_: "")


def _facts(rendering: Rendering) -> list[str]:
    return [row.text for row in rendering.rows if row.kind is RowKind.NOTE and row.hunk == 0]


@pytest.mark.parametrize(
    ("before", "after", "fact"),
    [
        (None, b"x\n", "new file, mode 644"),
        (b"x\n", None, "the file is deleted"),
        (b"a\r\nb\r\n", b"a\nb\n", "line ends: CRLF before, LF after"),
        (b"a\nb\n", b"a\nb\r\n", "line ends: LF before, 1 CRLF and 1 LF after"),
        (b"x\n", b"\xef\xbb\xbfx\n", "byte order mark added"),
        (b"x\n", b"\xff\n", "not UTF-8 after: the bytes that cannot be read are shown as marks"),
        (b"  x\n", b"  x\n\ty\n", "tabs: 1 added lines indent with tabs, the file with blanks"),
        (b"x\n", b"y \n", "blanks at the end of 1 added line"),
        (b"x\n", b"x\xe2\x80\xae\n", "hidden characters added: U+202E RIGHT-TO-LEFT OVERRIDE x1"),
        (
            b"x\n",
            "p\u0430ss\n".encode(),
            "identifiers that imitate others: p\u0430ss (cyrillic small letter a)",
        ),
    ],
)
def test_what_lines_do_not_show_is_said(
    differ: Differ, before: bytes | None, after: bytes | None, fact: str
) -> None:
    assert fact in _facts(_render(differ, before, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"x\n", b"y\n"), (b"a\r\nb\r\n", b"a\r\nc\r\n"), (b"\tx\n", b"\tx\n\ty\n"), (b"", b"x\n")],
)
def test_an_ordinary_change_has_no_facts(differ: Differ, before: bytes, after: bytes) -> None:
    assert _facts(_render(differ, before, after)) == []


def test_a_fact_is_part_of_what_the_decision_is_bound_to(
    differ: Differ, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = proposal(b"x\n", b"y \n")
    told = render(made, contents(b"x\n", b"y \n"), differ, lambda *_: "")
    monkeypatch.setattr("workbench.review.rendering.facts", lambda *_: ())
    untold = render(made, contents(b"x\n", b"y \n"), differ, lambda *_: "")
    assert told.shown_sha256 != untold.shown_sha256
