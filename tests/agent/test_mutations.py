from __future__ import annotations

import ast
import bisect
import heapq
import inspect
import statistics
import textwrap
from types import FunctionType

import pytest

from workbench.agent.mutations import MAX_SOURCE_BYTES, mutations

FAULTS = [
    ("return a - b", "return b - a"),
    ("return a < b", "return a <= b"),
    ("return a + 1", "return a - 1"),
    ("return [a for a in b if a]", "return [a for a in b if not (a)]"),
    ("while a:\n        b += 1", "while a:\n        b -= 1"),
    ("return a[b]", "return a[b - 1]"),
    ("return a[1:]", "return a[:]"),
    ("return a[:b]", "return a[:b + 1]"),
    ("return range(a, b)", "return range(a, b + 1)"),
    ("return f(a, b)", "return f(b, a)"),
    ("return f(b)", "return f(b, a)"),
    ("a.append(b)", "a.extend(b)"),
    ("return a and b", "return a or b"),
    ("return list(a)", "return sorted(a)"),
    ("return a, b", "return b, a"),
    ("for c in a:\n        if c:\n            break", "for c in a:\n        if c:\n            continue"),
    ("if a:\n        return b\n    return a", "if not (a):\n        return b\n    return a"),
    ("c = a\n    d = b\n    return c", "d = b\n    c = a\n    return c"),
]


def function(body: str) -> bytes:
    return f"def f(a, b):\n    {body}\n".encode()


@pytest.mark.parametrize(("fault", "mended"), FAULTS)
def test_the_edit_that_mends_is_among_them(fault: str, mended: str) -> None:
    wanted = ast.dump(ast.parse(function(mended)))
    source = function(fault)
    found = mutations(source, names=("f",))
    assert wanted in {ast.dump(ast.parse(edit.apply(source))) for edit in found}


@pytest.mark.parametrize("module", [textwrap, bisect, heapq, statistics])
def test_each_parses_and_none_is_there_twice(module: object) -> None:
    for each in vars(module).values():
        if isinstance(each, FunctionType) and each.__module__ == getattr(module, "__name__", ""):
            source = inspect.getsource(each).encode()
            shapes = [ast.dump(ast.parse(edit.apply(source))) for edit in mutations(source)]
            assert len(shapes) == len({*shapes, ast.dump(ast.parse(source))}) - 1


SPOKEN = '''def größe(wert: int = 1) -> "int":
    """Gibt 1 zurück, nicht 2."""
    # ü: 3 < 4
    return wert + 5 if wert else "ä" * wert
'''


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_what_is_said_about_the_code_stays(ending: str) -> None:
    source = SPOKEN.replace("\n", ending).encode()
    found = mutations(source)
    assert len(found) > 10
    for edit in found:
        after = edit.apply(source).decode()
        for kept in ('"""Gibt 1 zurück, nicht 2."""', "# ü: 3 < 4", "wert: int", '-> "int"'):
            assert kept in after


def test_deletions_come_last() -> None:
    kinds = [edit.kind == "statement deleted" for edit in mutations(function("c = a\n    return c + b"))]
    assert any(kinds)
    assert kinds == sorted(kinds)


@pytest.mark.parametrize("source", [b"def f(:\n", b"\xff\xfe", b"", b"x = 0\n" * MAX_SOURCE_BYTES])
def test_what_cannot_be_searched_has_none(source: bytes) -> None:
    assert mutations(source) == ()


def test_there_are_never_more_than_asked_for() -> None:
    assert len(mutations(function("return a + b * 3 - 4"), limit=5)) == 5
