from __future__ import annotations

from workbench.agent.mutations import Mutation
from workbench.agent.repair import candidates
from workbench.model import Branch, Scoring

SOURCE = b"def f(a):\n    b = a\n    return a - 1\n"


def scoring(variants: tuple[float, ...], *branches: Branch) -> Scoring:
    return Scoring(variants, branches, 0, 0, 0, "", "end", 0.0, 0.0)


def edit(old: bytes, new: bytes, kind: str = "constant") -> Mutation:
    at = SOURCE.index(old)
    return Mutation(at, at + len(old), new, kind)


def test_edits_and_lines_take_turns_and_edits_begin() -> None:
    edits = [edit(b"1", b"2"), edit(b"- 1", b"+ 1")]
    line = Branch(SOURCE.index(b"a - 1"), "b", -1.0)
    found = candidates(SOURCE, edits, scoring((-3.0, -1.0), line))
    assert [each.text.split()[-3:] for each in found] == [
        [b"a", b"+", b"1"],
        [b"a", b"return", b"b"],
        [b"a", b"-", b"2"],
    ]
    assert [each.line for each in found] == [2, 2, 2]


def test_deletions_are_tried_last_however_likely() -> None:
    edits = [edit(b"b = a", b"pass", "statement deleted"), edit(b"1", b"2")]
    found = candidates(SOURCE, edits, scoring((9.0, -9.0)))
    assert [each.kind for each in found] == ["constant", "statement deleted"]


def test_a_whole_line_is_also_put_in_before_and_keeps_the_line_ends() -> None:
    source = SOURCE.replace(b"\n", b"\r\n")
    found = candidates(source, [], scoring((), Branch(source.index(b"return"), "a = b", -1.0)))
    assert [each.text for each in found] == [
        source.replace(b"return a - 1", b"a = b"),
        source.replace(b"    return", b"    a = b\r\n    return"),
    ]


def test_what_does_not_parse_or_changes_nothing_is_not_tried() -> None:
    lines = (Branch(SOURCE.index(b"a - 1"), "a (", -1.0), Branch(SOURCE.index(b"a - 1"), "a  - 1", -2.0))
    assert candidates(SOURCE, [edit(b"1", b"01")], scoring((0.0,), *lines)) == []
