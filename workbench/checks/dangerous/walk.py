"""Reads source into the few constructs that rules about dangerous code ask for: calls, settings, blocks.

The tree is walked once with a cursor (see `workbench.context.symbols` for why there is no query). A name that
was imported is written out, so `from subprocess import run as go` does not hide `subprocess.run`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from tree_sitter import Node

from workbench.context import Language
from workbench.context.parse import parse

MAX_CONSTRUCTS = 20_000
"""More than any real file holds; bounds time and memory on a hostile one."""
MAX_TEXT = 400
"""Characters of source kept of one construct."""


_STRING_PREFIX = re.compile(r"^[rbuf]{1,2}(?=[\"'])", re.IGNORECASE)


class Kind(StrEnum):
    """What a construct is."""

    CALL = "call"
    NEW = "new"
    """An object is made."""
    SET = "set"
    """A value is given to a name, a field, a key or an attribute."""
    BLOCK = "block"
    """A block that says of itself what it is, such as `unsafe`."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call, or the value that is set."""

    name: str
    """Of a keyword; empty for an argument by position."""
    text: str
    fixed: bool
    """A literal into which nothing is put."""
    built: bool
    """A text put together from parts: by interpolation, by `+` or `%`, or by a format function."""

    @property
    def word(self) -> str:
        """The text without quotes, in lower case."""
        return _STRING_PREFIX.sub("", self.text).strip("\"'`").lower()


@dataclass(frozen=True, slots=True)
class Construct:
    """One call, setting or block."""

    kind: Kind
    name: str
    """The whole name, as `subprocess.run`; of a setting what is set."""
    arguments: tuple[Argument, ...]
    text: str
    """The source, white space squeezed."""
    line: int
    """Counted from 1."""

    def at(self, position: int) -> Argument | None:
        """Return an argument by position, counted from 0."""
        places = [each for each in self.arguments if not each.name]
        return places[position] if position < len(places) else None

    def named(self, name: str) -> Argument | None:
        """Return a keyword's argument."""
        return next((each for each in self.arguments if each.name == name), None)


_CALLS = frozenset({"call", "call_expression", "method_invocation", "macro_invocation"})
_NEWS = frozenset({"new_expression", "object_creation_expression"})
_SETS = frozenset(
    {
        "assignment",
        "assignment_expression",
        "assignment_statement",
        "pair",
        "keyed_element",
        "jsx_attribute",
    }
)
_BLOCKS = frozenset({"unsafe_block"})
_LITERALS = frozenset(
    {
        "string",
        "concatenated_string",
        "template_string",
        "string_literal",
        "interpreted_string_literal",
        "raw_string_literal",
        "character_literal",
        "integer",
        "float",
        "number",
        "int_literal",
        "integer_literal",
        "decimal_integer_literal",
        "hex_integer_literal",
        "octal_integer_literal",
        "number_literal",
        "true",
        "false",
        "none",
        "null",
        "nil",
        "null_literal",
        "boolean_literal",
    }
)
_PUT_IN = frozenset({"interpolation", "template_substitution"})
_JOINS = frozenset({"binary_operator", "binary_expression"})
_FORMATS = re.compile(r"(?:\.format|\bSprintf|String\.format|\.formatted)$")


def constructs(source: bytes, language: Language) -> tuple[Construct, ...]:
    """Return the constructs of `source` in their order; none where there is no grammar."""
    tree = parse(source, language)
    if tree is None:
        return ()
    reader = _Reader(source)
    found: list[Construct] = []
    for node in _nodes(tree.root_node):
        if node.type in _IMPORTS:
            reader.imported.update(_imported(reader.text(node), node.type))
        elif (construct := reader.construct(node)) is not None:
            found.append(construct)
            if len(found) >= MAX_CONSTRUCTS:
                break
    return tuple(found)


def _nodes(root: Node) -> Iterator[Node]:
    cursor = root.walk()
    while True:
        if cursor.node is not None:
            yield cursor.node
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


class _Reader:
    """Reads constructs from the nodes of one source.

    Text is cut from the source by offset: `Node.text` fetches it anew each time, at many times the cost.
    """

    def __init__(self, source: bytes) -> None:
        self._source = source
        self.imported: dict[str, str] = {}

    def text(self, node: Node | None) -> str:
        if node is None:
            return ""
        held = self._source[node.start_byte : min(node.end_byte, node.start_byte + 4 * MAX_TEXT)]
        return " ".join(held.decode("utf-8", "replace").split())[:MAX_TEXT]

    def construct(self, node: Node) -> Construct | None:
        if node.type in _CALLS:
            kind, name, held = Kind.CALL, self.callee(node), _field(node, "arguments")
        elif node.type in _NEWS:
            kind, held = Kind.NEW, _field(node, "arguments")
            name = self.text(_field(node, "constructor") or _field(node, "type"))
        elif node.type in _SETS:
            left, right = self.sides(node)
            value = (self.argument(right),) if right is not None else ()
            return Construct(
                Kind.SET, self.text(left).strip("\"'"), value, self.text(node), node.start_point[0] + 1
            )
        elif node.type in _BLOCKS:
            return Construct(Kind.BLOCK, node.type, (), self.text(node), node.start_point[0] + 1)
        else:
            return None
        head, dot, rest = name.partition(".")
        name = self.imported.get(head, head) + dot + rest
        arguments = tuple(self.argument(each) for each in held.named_children) if held is not None else ()
        return Construct(kind, name, arguments, self.text(node), node.start_point[0] + 1)

    def callee(self, node: Node) -> str:
        if node.type == "method_invocation":
            owner = self.text(_field(node, "object"))
            return f"{owner}.{self.text(_field(node, 'name'))}" if owner else self.text(_field(node, "name"))
        return (
            self.text(_field(node, "function") or _field(node, "macro")).replace("::", ".").replace("?.", ".")
        )

    def sides(self, node: Node) -> tuple[Node | None, Node | None]:
        left = _field(node, "left") or _field(node, "key")
        right = _field(node, "right") or _field(node, "value")
        if left is None:
            named = node.named_children
            left, right = (named[0], named[-1]) if len(named) > 1 else (None, None)
        return left, right

    def argument(self, node: Node) -> Argument:
        name, value = "", node
        if node.type == "keyword_argument":
            name, value = self.text(_field(node, "name")), _field(node, "value") or node
        while value.type in (
            "literal_element",
            "jsx_expression",
            "parenthesized_expression",
            "expression_list",
        ):
            if value.named_child_count != 1:
                break
            value = value.named_children[0]
        built = self.is_built(value)
        return Argument(name, self.text(value), value.type in _LITERALS and not built, built)

    def is_built(self, node: Node) -> bool:
        if node.type in ("string", "template_string", "concatenated_string"):
            return any(child.type in _PUT_IN or self.is_built(child) for child in node.named_children)
        if node.type in _CALLS:
            return _FORMATS.search(self.callee(node)) is not None
        if node.type in _JOINS:
            sides = node.named_children
            return any(self.has_text(side) for side in sides) and not all(
                self.is_fixed(side) for side in sides
            )
        return False

    def has_text(self, node: Node) -> bool:
        if node.type in _JOINS:
            return any(self.has_text(child) for child in node.named_children)
        return "string" in node.type

    def is_fixed(self, node: Node) -> bool:
        if node.type in _JOINS:
            return all(self.is_fixed(child) for child in node.named_children)
        return node.type in _LITERALS and not self.is_built(node)


def _field(node: Node, name: str) -> Node | None:
    return node.child_by_field_name(name)


_IMPORTS = frozenset({"import_statement", "import_from_statement", "variable_declarator"})
_PY_FROM = re.compile(r"from ([\w.]+) import \(?(.*?)\)?,?$")
_JS_FROM = re.compile(
    r"""(?:const|let|var|import)?\s*(.+?)\s*(?:=\s*require\(|\bfrom)\s*['"](?:node:)?([\w./@-]+)['"]"""
)


def _imported(text: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield each name that an import binds, and the whole name it stands for."""
    if match := _PY_FROM.match(text):
        for name, alias in _bindings(match[2]):
            yield alias, f"{match[1]}.{name}"
    elif match := _JS_FROM.match(text):
        module = match[2].rpartition("/")[2]
        if match[1].startswith("{"):
            for name, alias in _bindings(match[1].strip("{} ").replace(":", " as ")):
                yield alias, f"{module}.{name}"
        else:
            yield match[1].removeprefix("* as ").strip(), module
    elif kind == "import_statement" and text.startswith("import "):
        for name, alias in _bindings(text.removeprefix("import ")):
            if alias != name:
                yield alias, name


def _bindings(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(","):
        name, _, alias = part.strip().partition(" as ")
        if name:
            yield name.strip(), (alias or name).strip()
