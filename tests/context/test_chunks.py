"""Every line with something on it is in exactly one piece."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.context import language_of, symbols
from workbench.context.chunks import GAP, GAP_LINES, Chunk, chunks

PYTHON = b'''"""Doc."""

import os

# What follows is about boxes.
@cached
def outer(a):
    def inner():
        return a
    return inner


class Box:
    """A box."""

    size = 1

    def open(self):
        return os

    def close(self): pass


class Empty:
    value = 3
'''


def _cut(source: bytes, path: str = "a.py") -> tuple[Chunk, ...]:
    language = language_of(path)
    return chunks(source, symbols(source, language) if language else ())


def test_functions_are_pieces_and_a_class_is_cut_at_its_methods() -> None:
    found = [(each.kind, each.qualified, each.first_line, each.last_line) for each in _cut(PYTHON)]
    assert found == [
        (GAP, "", 1, 3),
        ("function", "outer", 5, 10),
        (GAP, "Box", 13, 16),
        ("method", "Box.open", 18, 19),
        ("method", "Box.close", 21, 21),
        ("class", "Empty", 24, 25),
    ]


def test_a_text_without_a_grammar_is_cut_by_lines() -> None:
    text = b"".join(b"line %d\n" % number for number in range(150))
    found = _cut(text, "notes.txt")
    assert [each.last_line - each.first_line + 1 for each in found] == [GAP_LINES, GAP_LINES, 30]
    assert b"".join(text[each.start : each.end] for each in found) == text


_PIECES = st.sampled_from(
    [
        "def f():\n    return 1\n",
        "class A:\n",
        "    def m(self):\n        pass\n",
        "\n",
        "# note\n",
        "x = 1\n",
        "    y = 2\n",
        "@d\n",
        "def g(): pass; x = 2\n",
        "if x:\n",
        "    class B: pass\n",
        "'''\n",
        "\r\n",
        ")\n",
    ]
)


@given(st.lists(_PIECES, max_size=30).map("".join), st.sampled_from(["a.py", "a.js", "a.txt"]))
def test_every_line_with_something_on_it_is_in_exactly_one_piece(source: str, path: str) -> None:
    data = source.encode()
    lines = data.split(b"\n")
    covered: list[int] = []
    for piece in _cut(data, path):
        covered += range(piece.first_line, piece.last_line + 1)
        expected = b"\n".join(lines[piece.first_line - 1 : piece.last_line])
        assert data[piece.start : piece.end].removesuffix(b"\n") == expected.removesuffix(b"\n")
    assert len(covered) == len(set(covered))
    assert {number for number, line in enumerate(lines, 1) if line.strip()} <= set(covered)


@pytest.mark.parametrize("source", [b"", b"\n", b"\n\n\n", b"   "])
def test_nothing_has_no_pieces(source: bytes) -> None:
    assert _cut(source) == ()
