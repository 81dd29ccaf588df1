"""What is shown is every change of every file, counted as it will be decided, and bound by one digest."""

from __future__ import annotations

from dataclasses import replace

from tests.review.proposals import contents, proposal
from tests.review.test_diff import _git
from workbench.core.records import FileChange, Proposal, sha256
from workbench.review import RowKind
from workbench.review.diff import Hunk, hunks, pieces, select
from workbench.review.rendering import FIRST_ROWS, Rendering, first_page, render

OLD = b"".join(b"line %d\n" % n for n in range(40))
NEW = OLD.replace(b"line 3\n", b"LINE 3\n").replace(b"line 6\n", b"LINE 6\n").replace(b"line 30\n", b"")


def _rendering(item: Proposal, *known: bytes, split: tuple[int, ...] = ()) -> Rendering:
    return render(item, contents(*known), _git, lambda *_: "", split)


def _three() -> Proposal:
    changes = (
        FileChange("a.py", sha256(OLD), sha256(NEW), 0o644),
        FileChange("new.py", None, sha256(b"x\n"), 0o644),
        FileChange("b/to.py", sha256(b"y\n"), sha256(b"y\n"), 0o755, "", "from.py", 0o644),
    )
    return replace(proposal(), changes=changes)


def test_hunks_are_counted_through_all_files_and_each_row_knows_its_file() -> None:
    shown = _rendering(_three(), OLD, NEW, b"x\n", b"y\n")
    headers = [(row.kind, row.file, row.hunk, row.text) for row in shown.rows if row.kind in ("file", "hunk")]
    assert headers == [
        (RowKind.FILE, 0, 0, "edit a.py +2 -3"),
        (RowKind.HUNK, 0, 1, "@@ line 4"),
        (RowKind.HUNK, 0, 2, "@@ line 31"),
        (RowKind.FILE, 1, 0, "new new.py +1 -0"),
        (RowKind.HUNK, 1, 3, "@@ line 1"),
        (RowKind.FILE, 2, 0, "rename b/to.py +0 -0"),
        (RowKind.HUNK, 2, 4, "@@ renamed from from.py"),
        (RowKind.HUNK, 2, 5, "@@ mode 644 to 755"),
    ]
    assert [file.first for file in shown.files] == [1, 3, 4]


def test_one_file_has_no_heading_of_its_own() -> None:
    shown = _rendering(proposal(), b"old\n", b"new\n")
    assert RowKind.FILE not in {row.kind for row in shown.rows}


def test_a_split_hunk_is_shown_in_pieces_that_know_where_they_come_from() -> None:
    shown = _rendering(_three(), OLD, NEW, b"x\n", b"y\n", split=(1,))
    assert shown.origins == (1, 1, 2, 3, 4, 5)
    assert shown.split == (1,)
    assert [hunk.removed for hunk in shown.files[0].hunks] == [1, 1, 1]


def test_what_cannot_be_split_is_shown_as_it_was() -> None:
    item = _three()
    whole = _rendering(item, OLD, NEW, b"x\n", b"y\n")
    assert _rendering(item, OLD, NEW, b"x\n", b"y\n", split=(2, 3, 4, 99)) == whole


def test_pieces_applied_together_are_the_hunk_and_each_alone_is_its_change() -> None:
    first, *rest = hunks(OLD, NEW, _git)
    parts = pieces(first)
    assert len(parts) == 2
    assert select(OLD, [*parts, *rest], [1, 2, 3]) == NEW
    assert select(OLD, [*parts, *rest], [2]) == OLD.replace(b"line 6\n", b"LINE 6\n")


def test_pieces_without_lines_before_are_put_where_they_belong() -> None:
    before, after = b"1\n2\n", b"0\n1\na\n2\nb\n"
    (hunk,) = hunks(before, after, _git)
    parts = pieces(hunk)
    assert [select(before, parts, [n]) for n in (1, 2, 3)] == [b"0\n1\n2\n", b"1\na\n2\n", b"1\n2\nb\n"]
    whole = Hunk(0, 0, (), "presence", "new file, empty")
    assert pieces(whole) == (whole,)


def test_any_difference_in_what_is_shown_is_another_digest() -> None:
    item = _three()
    a, b, c = item.changes
    others = (
        replace(item, changes=(a, b, replace(c, mode=0o700))),
        replace(item, changes=(a, b, replace(c, mode_before=None))),
        replace(item, changes=(a, b, replace(c, renamed_from="else.py"))),
        replace(item, changes=(a, replace(b, path="new2.py"), c)),
        replace(item, changes=(b, a, c)),
        replace(item, changes=(a, b)),
        replace(item, policy_sha256="3" * 64),
        replace(item, id="another"),
    )
    data = (OLD, NEW, b"x\n", b"y\n")
    digests = {_rendering(other, *data).shown_sha256 for other in (item, *others)}
    assert len(digests | {_rendering(item, *data, split=(1,)).shown_sha256}) == len(others) + 2


def test_a_carriage_return_is_shown_where_the_file_does_not_end_its_lines_so() -> None:
    mixed = _rendering(proposal(b"a\n", b"a\nb\r\n"), b"a\n", b"a\nb\r\n")
    assert mixed.hidden_count == 1
    crlf = _rendering(proposal(b"a\r\n", b"a\r\nb\r\n"), b"a\r\n", b"a\r\nb\r\n")
    assert crlf.hidden_count == 0


def test_the_first_page_of_a_large_change_is_the_beginning_of_all_of_it() -> None:
    old = b"".join(b"line %d of many\n" % n for n in range(12_000))
    new = old.replace(b"line 5 of many\n", b"LINE 5\n").replace(b" of many\n", b" of more\n", 2_000)
    item = replace(proposal(), changes=(FileChange("a.py", sha256(old), sha256(new), 0o644),))
    page = first_page(item, contents(old, new), _git)
    assert page is not None
    whole = [row for row in _rendering(item, old, new).rows if row.hunk]
    assert FIRST_ROWS // 2 < len(page.rows) <= FIRST_ROWS
    assert list(page.rows) == whole[: len(page.rows)]
    assert page.shown_sha256 == ""


def test_a_small_change_has_no_first_page_but_all_of_it() -> None:
    assert first_page(_three(), contents(OLD, NEW, b"x\n", b"y\n"), _git) is None
