"""Finds the line of every key and array item in a TOML document, which `tomllib` does not tell.

The document has been accepted by `tomllib`, so it is well-formed; this only has to walk it. A path is a
tuple of keys and array positions, such as `("read", "deny", 2)`.

Source: TOML 1.0.0, sections "Keys", "Table", "Array of Tables".
"""

from __future__ import annotations

import bisect
import re
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL = re.compile(r"'[^'\n]*'")
_MULTI_BASIC = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}(?!")', re.DOTALL)
_MULTI_LITERAL = re.compile(r"'''.*?'{3,5}(?!')", re.DOTALL)
_SCALAR = re.compile(r"[^,\]}\r\n#]+")


def find_lines(document: str) -> dict[Path, int]:
    """Return the line, counted from 1, on which each key or array item of `document` first stands."""
    return _Walk(document).run()


def nearest(lines: dict[Path, int], path: Path) -> int:
    """Return the line of `path`, or of the closest thing above it that has one."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 1


class _Walk:
    """One pass over one document."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._lines: dict[Path, int] = {}
        self._tables: dict[Path, int] = {}

    def run(self) -> dict[Path, int]:
        table: Path = ()
        self._space()
        while self._at < len(self._text):
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._pair(table)
            self._space()
        return self._lines

    def _header(self) -> Path:
        many = self._text.startswith("[[", self._at)
        start = self._at
        self._at += 2 if many else 1
        keys = self._keys()
        self._at += 2 if many else 1
        path: Path = ()
        for number, key in enumerate(keys):
            path = (*path, key)
            self._mark(path, start)
            if path in self._tables and not (many and number == len(keys) - 1):
                path = (*path, self._tables[path])
        if many:
            self._tables[path] = self._tables.get(path, -1) + 1
            path = (*path, self._tables[path])
            self._mark(path, start)
        return path

    def _pair(self, table: Path) -> None:
        path = table
        start = self._at
        for key in self._keys():
            path = (*path, key)
            self._mark(path, start)
        self._at = self._text.index("=", self._at) + 1
        self._value(path)

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._space()
            keys.append(self._key())
            self._space()
            if not self._text.startswith(".", self._at):
                return keys
            self._at += 1

    def _key(self) -> str:
        for pattern in (_BARE, _BASIC, _LITERAL):
            if match := pattern.match(self._text, self._at):
                self._at = match.end()
                return match.group().strip("\"'")
        raise ValueError("no key here")

    def _value(self, path: Path) -> None:
        self._space()
        if self._text.startswith("[", self._at):
            self._array(path)
        elif self._text.startswith("{", self._at):
            self._inline_table(path)
        else:
            for pattern in (_MULTI_BASIC, _MULTI_LITERAL, _BASIC, _LITERAL, _SCALAR):
                if match := pattern.match(self._text, self._at):
                    self._at = match.end()
                    return
            raise ValueError("no value here")

    def _array(self, path: Path) -> None:
        self._at += 1
        position = 0
        while not self._closed("]"):
            item = (*path, position)
            self._mark(item, self._at)
            self._value(item)
            position += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while not self._closed("}"):
            self._pair(path)

    def _closed(self, bracket: str) -> bool:
        """Step over space and one comma; if the bracket is next, step over it and say so."""
        self._space()
        if self._text.startswith(",", self._at):
            self._at += 1
            self._space()
        if self._text.startswith(bracket, self._at):
            self._at += 1
            return True
        return False

    def _space(self) -> None:
        if match := _SPACE.match(self._text, self._at):
            self._at = match.end()

    def _mark(self, path: Path, offset: int) -> None:
        self._lines.setdefault(path, bisect.bisect_right(self._starts, offset))
