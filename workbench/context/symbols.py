"""Finds the definitions in a source file, with the exact bytes each one covers.

The tree is walked with a cursor. A tree-sitter query says the same in fewer lines, but takes quadratic
time on a file of brackets and ends the process with a segmentation fault on a file of unfinished
functions (tree-sitter 0.26.1); a file of the repository must be able to do neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node

from workbench.context.languages import Language
from workbench.context.parse import parse

MAX_SYMBOLS = 20_000
"""More definitions than any real file has; bounds time and memory on a hostile one."""

_WRAPPERS = frozenset({"decorated_definition", "export_statement"})
_DECLARATIONS = frozenset({"lexical_declaration", "variable_declaration", "type_declaration"})
_FUNCTION_VALUES = frozenset({"arrow_function", "function_expression", "generator_function"})
_NEED_A_BODY = frozenset({"struct_specifier", "enum_specifier"})


@dataclass(frozen=True, slots=True)
class Symbol:
    """One definition: its name and the bytes and lines it covers, decorators included."""

    name: str
    qualified: str
    """With the names of the definitions around it, as `Ledger.append`."""
    kind: str
    start: int
    """First byte, at the start of the definition's text (after the line's indentation)."""
    end: int
    """The byte after the last."""
    first_line: int
    """Counted from 1."""
    last_line: int
    column: int
    """Bytes of indentation before the definition."""


def symbols(source: bytes, language: Language) -> tuple[Symbol, ...]:
    """Return the definitions in `source` in their order; none where there is no grammar."""
    tree = parse(source, language)
    if tree is None:
        return ()
    found: list[tuple[Node, str, str]] = []
    cursor = tree.walk()
    # `Node.parent` searches from the root each time; the way down is known here.
    above: list[Node] = []
    while len(found) < MAX_SYMBOLS and (node := cursor.node) is not None:
        kind = language.definitions.get(node.type)
        if kind is not None and (name := _name(node, source)) is not None:
            found.append((_whole(node, above), name, kind))
        if node.type not in language.barren and cursor.goto_first_child():
            above.append(node)
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return tuple(_qualify(found))
            above.pop()
    return tuple(_qualify(found))


def _name(node: Node, source: bytes) -> str | None:
    """Return what a node defines, or None where it defines nothing, as a forward declaration does."""
    if node.type == "variable_declarator":
        value = node.child_by_field_name("value")
        if value is None or value.type not in _FUNCTION_VALUES:
            return None
    if node.type in _NEED_A_BODY and node.child_by_field_name("body") is None:
        return None
    other = "type" if node.type == "impl_item" else "declarator"
    name = node.child_by_field_name("name") or node.child_by_field_name(other)
    # C wraps the name: `char *(*f)(void)` is a declarator in a declarator.
    while name is not None and (inner := name.child_by_field_name("declarator")) is not None:
        name = inner
    if name is None or name.is_missing:
        return None
    # `Node.text` would ask the reading callback again.
    return source[name.start_byte : name.end_byte].decode("utf-8", "replace")


def _whole(node: Node, above: Sequence[Node]) -> Node:
    """Return the node with its decorators, `export`, or the declaration that holds nothing else."""
    for parent in reversed(above):
        alone = parent.type in _DECLARATIONS and parent.named_child_count == 1
        if parent.type not in _WRAPPERS and not alone:
            break
        node = parent
    return node


def _qualify(ordered: list[tuple[Node, str, str]]) -> list[Symbol]:
    result: list[Symbol] = []
    around: list[tuple[int, str, str]] = []
    for node, name, kind in ordered:
        while around and around[-1][0] <= node.start_byte:
            around.pop()
        in_class = bool(around) and around[-1][2] in {"class", "impl", "trait"}
        qualified = ".".join([*(outer for _, outer, _ in around), name])
        around.append((node.end_byte, name, kind))
        result.append(
            Symbol(
                name=name,
                qualified=qualified,
                kind="method" if kind == "function" and in_class else kind,
                start=node.start_byte,
                end=node.end_byte,
                first_line=node.start_point[0] + 1,
                last_line=node.end_point[0] + 1,
                column=node.start_point[1],
            )
        )
    return result


def enclosing(found: tuple[Symbol, ...], line: int) -> Symbol | None:
    """Return the innermost of `found` that covers `line` (counted from 1), if any does."""
    best: Symbol | None = None
    for symbol in found:
        covers = symbol.first_line <= line <= symbol.last_line
        if covers and (best is None or symbol.end - symbol.start <= best.end - best.start):
            best = symbol
    return best
