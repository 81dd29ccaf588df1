"""Reads a model's answer: finds the code in it, and puts the new symbol where the old one stood.

The reader is tolerant (whatever fence, a whole file instead of a symbol, other indentation), because the
form of the answer is not what small models get wrong; what comes out is held to the checks all the same.
"""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass

from workbench.context import Language, Symbol, symbols
from workbench.context.parse import parse

_FENCE = re.compile(
    r"^(?P<fence>`{3,}|~{3,})[^\n]*\n(?P<code>.*?)(?:^(?P=fence)[`~]*\s*$|\Z)", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why an answer cannot become a change; the sentence goes back to the model."""

    reason: str


def code_blocks(answer: str) -> list[str]:
    """Return what stands in the answer's fences, or the whole answer where it has none."""
    blocks = [match["code"] for match in _FENCE.finditer(answer)]
    return blocks or [answer]


def new_symbol(answer: str, symbol: Symbol, language: Language) -> bytes | Unusable:
    """Return the text of `symbol` as the answer has it, without indentation, or why there is none."""
    for block in reversed(code_blocks(answer)):
        source = textwrap.dedent(block.replace("\r\n", "\n")).encode("utf-8", "surrogateescape")
        found = [each for each in symbols(source, language) if each.name == symbol.name]
        best = next(
            (each for each in found if each.qualified == symbol.qualified), found[0] if found else None
        )
        if best is not None:
            text = source[best.start : best.end]
            return _outdent(text, best.column)
    return Unusable(f"it does not contain the {symbol.kind} `{symbol.name}`")


def splice(before: bytes, symbol: Symbol, new: bytes) -> bytes:
    """Return the file with `new` in the place of `symbol`, indented and ended as the file is."""
    new = _keep_decorators(before, symbol, new)
    indent = before[symbol.start - symbol.column : symbol.start]
    lines = new.split(b"\n")
    indented = [lines[0], *(indent + line if line.strip() else line for line in lines[1:])]
    ending = b"\r\n" if b"\r\n" in before and before.count(b"\r\n") == before.count(b"\n") else b"\n"
    return before[: symbol.start] + ending.join(indented) + before[symbol.end :]


def whole_file(answer: str, before: bytes) -> bytes | Unusable:
    """Return the answer's longest block as the new file, ended as the old one is."""
    block = max(code_blocks(answer), key=len).replace("\r\n", "\n")
    if not block.strip():
        return Unusable("it is empty")
    text = block.rstrip("\n") + ("\n" if before.endswith(b"\n") or not before else "")
    if b"\r\n" in before and before.count(b"\r\n") == before.count(b"\n"):
        text = text.replace("\n", "\r\n")
    return text.encode("utf-8", "surrogateescape")


def same_code(before: bytes, after: bytes, language: Language | None) -> bool:
    """Return whether two versions differ in nothing but comments and layout."""
    if before == after:
        return True
    if language is None:
        return False
    if language.name == "python":
        try:
            return ast.dump(ast.parse(before)) == ast.dump(ast.parse(after))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return _tokens(before, language) == _tokens(after, language)


def _tokens(source: bytes, language: Language) -> list[bytes] | None:
    tree = parse(source, language)
    if tree is None:
        return None
    tokens: list[bytes] = []
    cursor = tree.walk()
    while True:
        node = cursor.node
        if node is not None and "comment" not in node.type and cursor.goto_first_child():
            continue
        if node is not None and node.child_count == 0 and "comment" not in node.type:
            tokens.append(source[node.start_byte : node.end_byte])
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return tokens


def _outdent(text: bytes, column: int) -> bytes:
    """Take the indentation of the first line (`column` bytes, not part of `text`) off the other lines."""
    head, *rest = text.split(b"\n")
    return b"\n".join([head, *(line[column:] if not line[:column].strip() else line for line in rest)])


def _keep_decorators(before: bytes, symbol: Symbol, new: bytes) -> bytes:
    old = before[symbol.start : symbol.end]
    if not old.startswith(b"@") or new.startswith(b"@"):
        return new
    decorators: list[bytes] = []
    for line in old.replace(b"\r\n", b"\n").split(b"\n"):
        if line.lstrip().startswith((b"def ", b"async def ", b"class ")):
            break
        decorators.append(line.lstrip())
    return b"\n".join([*decorators, new])
