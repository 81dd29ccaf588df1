"""What a change does to definitions is said in words: blanks do not count, comments are told apart."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.context import structure
from workbench.context.structure import MAX_BYTES

SOURCE = b"""import os

class Flask:
    def make_response(self, value):
        # turn it
        return value

    def run(self):
        return 1

def helper(a):
    return a
"""


def _of(old: bytes, new: bytes) -> tuple[str, ...]:
    assert old in SOURCE
    return structure(SOURCE, SOURCE.replace(old, new), "app.py")


def test_a_changed_method_is_named_and_its_class_is_not() -> None:
    assert _of(b"return value", b"return str(value)") == ("changed: Flask.make_response (body)",)


def test_a_signature_is_told_from_a_body() -> None:
    assert _of(b"helper(a)", b"helper(a, b)") == ("changed: helper (signature)",)
    assert _of(b"helper(a):\n    return a", b"helper(b):\n    return b") == (
        "changed: helper (signature, body)",
    )


def test_comments_and_blanks_are_no_change_of_code() -> None:
    assert _of(b"# turn it", b"# make it one") == ("comment only: Flask.make_response",)
    assert _of(b"return 1", b"return  1") == ()


def test_what_came_went_and_moved_is_named() -> None:
    assert _of(b"def helper(a)", b"def other(a)") == ("added: other", "removed: helper")
    method = b"    def run(self):\n        return 1\n\n"
    without = SOURCE.replace(method, b"")
    moved = without.replace(b"class Flask:\n", b"class Flask:\n" + method)
    assert structure(SOURCE, moved, "app.py") in (("moved: Flask.run",), ("moved: Flask.make_response",))


def test_what_stands_outside_definitions_is_said_to() -> None:
    assert _of(b"import os", b"import sys") == ("changed: outside definitions (body)",)


def test_what_cannot_be_known_is_not_said() -> None:
    assert structure(b"a", b"b", "notes.txt") == ()
    assert structure(b"x = 1\n" * MAX_BYTES, b"", "a.py") == ()


@given(st.binary(max_size=80), st.binary(max_size=80))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_answered(before: bytes, after: bytes) -> None:
    assert all(isinstance(line, str) for line in structure(before, after, "a.py"))
