"""Checks a GBNF grammar before llama.cpp sees it, and writes the one that lists allowed answers.

llama.cpp prints syntax errors to standard error and dies of a stack overflow on deep nesting; so every
grammar passes this stricter reader first:

1. At most 256 KiB, groups nested at most 32 deep, at most 1,000 repetitions.
2. Rules are `name ::= …`, each name defined once, every name that is used is defined, `root` is.
3. Literals, character classes, groups, `.`, `|`, `*`, `+`, `?`, `{m,n}` and comments; nothing else.

Source: grammars/README.md of llama.cpp.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NoReturn

from workbench.core.errors import ModelError

MAX_BYTES = 256 << 10
MAX_DEPTH = 32
MAX_REPEATS = 1000
MAX_CHOICES = 2000
"""More alternatives than this make each token slow."""

_GAP = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_GAP_OR_LINE = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_NAME = re.compile(r"[A-Za-z0-9-]+")
_LINE_END = re.compile(r"\r\n|\r|\n|\Z")
_ESCAPE = r"\\(?:[nrt\\\"\[\]]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U(?:000[0-9A-Fa-f]|0010)[0-9A-Fa-f]{4})"
_LITERAL = re.compile(rf'"(?:[^"\\\r\n]|{_ESCAPE})*"')
_CLASS = re.compile(rf"\[(?:\^(?!\])|(?!\^))(?:[^\]\\\r\n]|{_ESCAPE})+\]")
_CLASS_ITEM = re.compile(rf"({_ESCAPE}|[^\\])(?:-({_ESCAPE}|[^\\]))?")
_REPEAT = re.compile(r"[*+?]|\{[ \t]*(\d{1,6})[ \t]*(?:(,)[ \t]*(\d{1,6})?[ \t]*)?\}")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


def one_of(choices: Iterable[str]) -> str:
    """Return a grammar whose answers are exactly `choices`.

    Raises:
        ModelError: There is no choice, an empty one, or more than `MAX_CHOICES`.
    """
    words = list(dict.fromkeys(choices))
    if not words or not all(words) or len(words) > MAX_CHOICES:
        raise ModelError(
            f"A closed list needs 1 to {MAX_CHOICES} choices, none of them empty.", "Shorten the list."
        )
    return "root ::= " + " | ".join(literal(word) for word in words)


def literal(text: str) -> str:
    """Return `text` as a GBNF literal."""
    return '"' + "".join(_quoted(char) for char in text) + '"'


def check(grammar: str) -> None:
    """Return if `grammar` keeps the rules above.

    Raises:
        ModelError: It does not; says what is wrong in which line.
    """
    _Reader(grammar).read()


def _quoted(char: str) -> str:
    if char in '\\"':
        return "\\" + char
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        char, code = "\ufffd", 0xFFFD
    return f"\\U{code:08X}" if code < 0x20 or code >= 0x7F else char


class _Reader:
    """A recursive-descent reader whose depth is bounded."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._defined: set[str] = set()
        self._used: dict[str, int] = {}

    def read(self) -> None:
        if len(self._text.encode("utf-8", "replace")) > MAX_BYTES:
            self._refuse(f"is longer than {MAX_BYTES} bytes", 0)
        if "\0" in self._text or re.search("[\ud800-\udfff]", self._text):
            self._refuse("holds a character that is not text", 0)
        self._skip(_GAP_OR_LINE)
        while self._at < len(self._text):
            self._rule()
            self._skip(_GAP_OR_LINE)
        if "root" not in self._defined:
            self._refuse("has no rule called root", self._at)
        for name, at in self._used.items():
            if name not in self._defined:
                self._refuse(f"uses {name!r}, which it does not define", at)

    def _rule(self) -> None:
        start = self._at
        name = self._match(_NAME)
        if not name:
            self._refuse("has a line that does not begin with a rule's name", start)
        if name in self._defined:
            self._refuse(f"defines {name!r} twice", start)
        self._defined.add(name)
        self._skip(_GAP)
        if not self._text.startswith("::=", self._at):
            self._refuse(f"has no ::= after {name!r}", self._at)
        self._at += 3
        # The right side may begin on the next line; after that a line end closes the rule.
        self._skip(_GAP_OR_LINE)
        self._alternatives(0)
        if not _LINE_END.match(self._text, self._at):
            self._refuse("has something it may not have here", self._at)

    def _alternatives(self, depth: int) -> None:
        gap = _GAP_OR_LINE if depth else _GAP
        while True:
            self._sequence(depth, gap)
            if not self._text.startswith("|", self._at):
                return
            self._at += 1
            self._skip(_GAP_OR_LINE)

    def _sequence(self, depth: int, gap: re.Pattern[str]) -> None:
        while self._element(depth):
            self._skip(gap)
            if repeat := _REPEAT.match(self._text, self._at):
                self._repetition(repeat)
                self._at = repeat.end()
                self._skip(gap)

    def _element(self, depth: int) -> bool:
        start = self._at
        if self._match(_LITERAL):
            return True
        if found := self._match(_CLASS):
            self._ranges(found, start)
            return True
        if name := self._match(_NAME):
            self._used.setdefault(name, start)
            return True
        if self._text.startswith(".", start):
            self._at += 1
            return True
        if self._text.startswith("(", start):
            self._group(depth + 1)
            return True
        return False

    def _group(self, depth: int) -> None:
        start = self._at
        if depth > MAX_DEPTH:
            self._refuse(f"nests groups more than {MAX_DEPTH} deep", start)
        self._at += 1
        self._skip(_GAP_OR_LINE)
        self._alternatives(depth)
        if not self._text.startswith(")", self._at):
            self._refuse("has a group that is not closed", start)
        self._at += 1

    def _ranges(self, found: str, start: int) -> None:
        for item in _CLASS_ITEM.finditer(found.removeprefix("[").removeprefix("^")[:-1]):
            first, last = item.groups()
            if last is not None and _code(first) > _code(last):
                self._refuse("has a character range that runs backwards", start)

    def _repetition(self, repeat: re.Match[str]) -> None:
        low, comma, high = repeat.groups()
        if low is None:
            return
        bounds = [int(low), int(high or low)]
        if max(bounds) > MAX_REPEATS or (comma and high and bounds[1] < bounds[0]):
            self._refuse(f"has a repetition that is not within 0 to {MAX_REPEATS}", self._at)

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found.group()

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()

    def _refuse(self, why: str, at: int) -> NoReturn:
        line = self._text.count("\n", 0, at) + 1
        raise ModelError(
            f"The answer grammar {why} (line {line}).", "Correct the grammar; nothing was generated."
        )


def _code(char: str) -> int:
    if not char.startswith("\\"):
        return ord(char)
    kind, digits = char[1], char[2:]
    return int(digits, 16) if digits else ord(_ESCAPED.get(kind, kind))
