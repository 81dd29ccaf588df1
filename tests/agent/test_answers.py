"""An answer is read whatever its form; what goes into the file is exactly one symbol."""

from __future__ import annotations

import pytest

from workbench.agent.answers import Unusable, code_blocks, new_symbol, same_code, splice, whole_file
from workbench.context import Symbol, language_of, symbols

PYTHON = language_of("a.py")
assert PYTHON is not None
FILE = b"""import os


class Stats:
    @property
    def total(self):
        return 1

    def mean(self, values):
        return sum(values)


def last():
    return 0
"""


def _symbol(qualified: str, source: bytes = FILE) -> Symbol:
    assert PYTHON is not None
    return next(symbol for symbol in symbols(source, PYTHON) if symbol.qualified == qualified)


NEW = "def mean(self, values):\n    if not values:\n        return 0\n    return sum(values) / len(values)"
IN_CLASS = "class Stats:\n    " + NEW.replace("\n", "\n    ")


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{NEW}\n```",
        f"Here it is:\n\n```python\n{NEW}\n```\nIt now divides.",
        f"```\n{NEW}\n```",
        f"~~~\n{NEW}\n~~~",
        NEW,
        f"```python\n{NEW}",
        f"```python\n{IN_CLASS}\n```",
        "```python\n    " + NEW.replace("\n", "\n    ") + "\n```",
        f"Before:\n```python\nx = 1\n```\nAfter:\n```python\n{NEW}\n```",
        f"```python\r\n{NEW}\r\n```".replace("\n", "\r\n").replace("\r\r", "\r"),
    ],
)
def test_the_symbol_is_found_whatever_stands_around_it(answer: str) -> None:
    assert PYTHON is not None
    new = new_symbol(answer, _symbol("Stats.mean"), PYTHON)
    assert isinstance(new, bytes)
    after = splice(FILE, _symbol("Stats.mean"), new)
    old = b"    def mean(self, values):\n        return sum(values)\n"
    indented = ("    " + NEW.replace("\n", "\n    ") + "\n").encode()
    assert after == FILE.replace(old, indented)


def test_an_answer_without_the_symbol_is_named_unusable() -> None:
    assert PYTHON is not None
    said = new_symbol("```python\ndef other(): ...\n```", _symbol("last"), PYTHON)
    assert isinstance(said, Unusable)
    assert "`last`" in said.reason


def test_decorators_that_the_model_left_out_are_kept() -> None:
    after = splice(FILE, _symbol("Stats.total"), b"def total(self):\n    return 2")
    assert b"    @property\n    def total(self):\n        return 2\n" in after


def test_the_rest_of_the_file_does_not_change_by_a_byte() -> None:
    symbol = _symbol("last")
    after = splice(FILE, symbol, b"def last():\n    return 1")
    assert after[: symbol.start] == FILE[: symbol.start]
    assert after.endswith(b"return 1\n")


def test_a_file_with_crlf_keeps_it() -> None:
    crlf = FILE.replace(b"\n", b"\r\n")
    after = splice(crlf, _symbol("last", crlf), b"def last():\n    return 1")
    assert after.endswith(b"def last():\r\n    return 1\r\n")
    assert after.count(b"\n") == after.count(b"\r\n")


def test_an_unchanged_copy_is_noticed_whatever_its_layout() -> None:
    assert same_code(FILE, FILE.replace(b"import os", b"import os  # the os module"), PYTHON)
    assert not same_code(FILE, FILE.replace(b"return 0", b"return 1"), PYTHON)
    javascript = language_of("a.js")
    assert same_code(b"f(1) // x\n", b"f( 1 )\n", javascript)
    assert not same_code(b"f(1)\n", b"f(2)\n", javascript)


def test_a_whole_file_ends_as_the_old_one_did() -> None:
    assert whole_file("```\na = 2\n```", b"a = 1\n") == b"a = 2\n"
    assert whole_file("```\na = 2\n```", b"a = 1") == b"a = 2"
    assert isinstance(whole_file("```\n```", b"a = 1"), Unusable)


def test_a_longer_fence_may_hold_a_shorter_one() -> None:
    assert code_blocks("````md\n```\ninner\n```\n````")[0] == "```\ninner\n```\n"
