"""Lists the small edits of one Python definition: what a repair search has the model rank.

The operators are those of mutation testing, applied the other way round: each makes one plausible mistake
good. They are of the syntax tree, so what they yield parses, and they never touch docstrings, comments,
annotations or decorators.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

MAX_SOURCE_BYTES = 20_000
"""A longer definition is not searched: its edits are too many to rank."""
MAX_EDITS = 400
MAX_NAMES = 8
"""Names tried in one place."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """One small edit of a text."""

    start: int
    """Byte offsets of what is replaced."""
    end: int
    text: bytes
    kind: str
    """What it does, for a person."""

    def apply(self, source: bytes) -> bytes:
        """Return `source` with the edit."""
        return source[: self.start] + self.text + source[self.end :]


_COMPARED: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Lt: ("<=", ">", ">="),
    ast.LtE: ("<", ">=", ">"),
    ast.Gt: (">=", "<", "<="),
    ast.GtE: (">", "<=", "<"),
    ast.Eq: ("!=", "<=", ">="),
    ast.NotEq: ("==", "<", ">"),
    ast.Is: ("is not", "=="),
    ast.IsNot: ("is", "!="),
    ast.In: ("not in", "=="),
    ast.NotIn: ("in", "!="),
}
_COMPUTED: dict[type[ast.operator], tuple[str, ...]] = {
    ast.Add: ("-", "*"),
    ast.Sub: ("+", "*"),
    ast.Mult: ("+", "/", "//", "**"),
    ast.Div: ("*", "//"),
    ast.FloorDiv: ("*", "/", "%"),
    ast.Mod: ("//", "*"),
    ast.Pow: ("*",),
    ast.BitAnd: ("|", "^"),
    ast.BitOr: ("&", "^"),
    ast.BitXor: ("&", "|"),
    ast.LShift: (">>",),
    ast.RShift: ("<<",),
}
_RELATED = (
    ("append", "extend", "add", "insert"),
    ("add", "update", "discard"),
    ("pop", "popleft", "remove"),
    ("strip", "lstrip", "rstrip"),
    ("startswith", "endswith"),
    ("upper", "lower", "title", "capitalize"),
    ("keys", "values", "items"),
    ("find", "rfind", "index"),
    ("split", "rsplit", "partition", "splitlines"),
    ("min", "max"),
    ("any", "all"),
    ("union", "intersection", "difference"),
)
_WRAPPERS = ("sorted", "reversed", "list", "set", "len", "abs", "int", "str")


def mutations(source: bytes, *, names: Sequence[str] = (), limit: int = MAX_EDITS) -> tuple[Mutation, ...]:
    """Return the small edits of `source`, each of which parses and means something else.

    Args:
        source: A definition, its first line without indentation.
        names: Further names that may be called, such as those the file defines.
        limit: Edits at most. Taking a statement out comes last.
    """
    if len(source) > MAX_SOURCE_BYTES:
        return ()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    seen = {ast.dump(tree)}
    found: list[Mutation] = []
    edits = _Edits(source, tree, names)
    for edit in sorted(edits.all(), key=lambda each: (each.kind == _DELETED, each.start)):
        try:
            shape = ast.dump(ast.parse(edit.apply(source)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if shape not in seen:
            seen.add(shape)
            found.append(edit)
            if len(found) >= limit:
                break
    return tuple(found)


_DELETED = "statement deleted"
_Place = tuple[int, int]


class _Edits:
    """Walks a tree and yields edits of its text, of which some may not parse or change nothing."""

    def __init__(self, source: bytes, tree: ast.Module, names: Sequence[str]) -> None:
        self._source = source
        self._starts = [0]
        for line in source.split(b"\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._tree = tree
        self._called = names
        self._locals = list(
            dict.fromkeys(
                each.arg if isinstance(each, ast.arg) else each.id
                for each in ast.walk(tree)
                if isinstance(each, ast.arg)
                or (isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store))
            )
        )

    def all(self) -> Iterator[Mutation]:
        """Yield every edit, in the order of the tree."""
        for node in self._nodes(self._tree):
            if isinstance(node, ast.stmt):
                yield from self._statement(node)
            elif isinstance(node, ast.expr):
                yield from self._expression(node)
            elif isinstance(node, ast.comprehension):
                for test in node.ifs:
                    yield from self._condition(test)
        for node in ast.walk(self._tree):
            for _, value in ast.iter_fields(node):
                if isinstance(value, list) and len(value) > 1 and isinstance(value[0], ast.stmt):
                    yield from self._swapped(value)

    def _nodes(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes whose text may change; f-strings have no reliable places before Python 3.12."""
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            for child in value if isinstance(value, list) else (value,):
                if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr):
                    if _is_docstring(child):
                        continue
                    yield child
                    yield from self._nodes(child)

    def _place(self, node: ast.expr | ast.stmt) -> _Place:
        assert node.end_lineno is not None and node.end_col_offset is not None  # noqa: S101, PT018
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def _text(self, node: ast.expr | ast.stmt) -> bytes:
        start, end = self._place(node)
        return self._source[start:end]

    def _with(self, node: ast.expr | ast.stmt, text: bytes | str, kind: str) -> Mutation:
        return Mutation(*self._place(node), text.encode() if isinstance(text, str) else text, kind)

    def _between(
        self, left: ast.expr, right: ast.expr, others: Sequence[str], kind: str
    ) -> Iterator[Mutation]:
        """Yield the operator between two operands replaced; parentheses beside it stay."""
        start, end = self._place(left)[1], self._place(right)[0]
        gap = self._source[start:end]
        if b"#" in gap or b"\\" in gap:
            return
        operator = gap.strip(b" \t\r\n()")
        at = start + gap.find(operator)
        for other in others:
            yield Mutation(at, at + len(operator), other.encode(), kind)

    def _statement(self, node: ast.stmt) -> Iterator[Mutation]:
        if isinstance(node, ast.If | ast.While):
            yield from self._condition(node.test)
            start, _ = self._place(node)
            for word, other in ((b"if ", b"while "), (b"while ", b"if "), (b"elif ", b"if ")):
                if self._source.startswith(word, start):
                    yield Mutation(start, start + len(word), other, "keyword")
        elif isinstance(node, ast.Return) and node.value is not None:
            yield from self._shifted(node.value)
            yield self._with(node, b"yield " + self._text(node.value), "returned and yielded")
            if isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:
                first, second = map(self._text, node.value.elts)
                yield self._with(node, b"return " + second + b", " + first, "order")
        elif isinstance(node, ast.Break):
            yield self._with(node, "continue", "keyword")
        elif isinstance(node, ast.Continue):
            yield self._with(node, "break", "keyword")
        elif isinstance(node, ast.AugAssign):
            yield from self._between(
                node.target,
                node.value,
                [*(f"{other}=" for other in _COMPUTED.get(type(node.op), ())), "="],
                "operator",
            )
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            yield from self._shifted(node.value)
            for operator in ("+=", "-="):
                yield from self._between(node.targets[0], node.value, [operator], "operator")
        if isinstance(node, ast.Expr | ast.Assign | ast.AugAssign | ast.Return | ast.Break | ast.Continue):
            yield self._with(node, "pass", _DELETED)
            yield from self._moved(node)

    def _moved(self, node: ast.stmt) -> Iterator[Mutation]:
        """Yield a one-line statement one block further out."""
        start, _ = self._place(node)
        line = self._source.rfind(b"\n", 0, start) + 1
        indent = self._source[line:start]
        if not indent.strip() and len(indent) > 4 and node.end_lineno == node.lineno:
            yield Mutation(line, start, indent[:-4], "indentation")
        if not indent.strip() and indent and node.end_lineno == node.lineno:
            yield Mutation(line, start, indent + b"    ", "indentation")

    def _swapped(self, block: list[ast.stmt]) -> Iterator[Mutation]:
        for first, second in pairwise(block):
            if _is_docstring(first) or not _is_simple(first) or not _is_simple(second):
                continue
            (start, middle), (after, end) = self._place(first), self._place(second)
            between = self._source[middle:after]
            swapped = self._source[after:end] + between + self._source[start:middle]
            yield Mutation(start, end, swapped, "order")

    def _condition(self, test: ast.expr) -> Iterator[Mutation]:
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            yield self._with(test, self._text(test.operand), "condition negated")
        else:
            yield self._with(test, b"not (" + self._text(test) + b")", "condition negated")
        for name in self._locals[:MAX_NAMES]:
            yield self._with(test, self._text(test) + b" and " + name.encode(), "condition")
            yield self._with(test, self._text(test) + b" or not " + name.encode(), "condition")

    def _shifted(self, node: ast.expr | None) -> Iterator[Mutation]:
        """Yield a value one more and one less; the mistake of the last post."""
        if isinstance(node, ast.Name | ast.Call | ast.BinOp | ast.Subscript | ast.Attribute):
            for more in (" + 1", " - 1"):
                yield self._with(node, self._text(node) + more.encode(), "one more or less")

    def _expression(self, node: ast.expr) -> Iterator[Mutation]:
        kinds = {
            ast.Compare: self._comparison,
            ast.BinOp: self._computation,
            ast.BoolOp: self._logic,
            ast.UnaryOp: self._unary,
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            ast.Call: self._call,
            ast.Subscript: self._subscript,
            ast.Slice: self._slice,
            ast.IfExp: self._choice,
        }
        if (edits := kinds.get(type(node))) is not None:
            yield from edits(node)  # type: ignore[operator]

    def _comparison(self, node: ast.Compare) -> Iterator[Mutation]:
        operands = [node.left, *node.comparators]
        for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
            yield from self._between(left, right, _COMPARED.get(type(operator), ()), "comparison")
            yield from self._shifted(left)
            yield from self._shifted(right)
        if len(node.ops) == 1:
            yield from self._exchanged(node.left, node.comparators[0])

    def _computation(self, node: ast.BinOp) -> Iterator[Mutation]:
        yield from self._between(node.left, node.right, _COMPUTED.get(type(node.op), ()), "operator")
        yield from self._exchanged(node.left, node.right)
        yield self._with(node, self._text(node.left), "operand dropped")
        yield self._with(node, self._text(node.right), "operand dropped")

    def _exchanged(self, left: ast.expr, right: ast.expr) -> Iterator[Mutation]:
        (start, middle), (after, end) = self._place(left), self._place(right)
        text = self._source[after:end] + self._source[middle:after] + self._source[start:middle]
        yield Mutation(start, end, text, "order")

    def _logic(self, node: ast.BoolOp) -> Iterator[Mutation]:
        other = "or" if isinstance(node.op, ast.And) else "and"
        for left, right in zip(node.values, node.values[1:], strict=False):
            yield from self._between(left, right, [other], "and, or")
        for value in node.values:
            yield from self._condition(value) if not isinstance(value, ast.BoolOp) else ()
            yield self._with(node, self._text(value), "condition dropped")

    def _unary(self, node: ast.UnaryOp) -> Iterator[Mutation]:
        yield self._with(node, self._text(node.operand), "sign or negation dropped")

    def _constant(self, node: ast.Constant) -> Iterator[Mutation]:
        value = node.value
        if isinstance(value, bool):
            yield self._with(node, str(not value), "constant")
        elif isinstance(value, int | float):
            for other in (value + 1, value - 1, 0, 1, -1):
                yield self._with(node, repr(type(value)(other)), "constant")
        elif value is None:
            for text in ("0", '""', "[]"):
                yield self._with(node, text, "constant")
        elif value in ("", " "):
            yield self._with(node, '" "' if value == "" else '""', "constant")

    def _name(self, node: ast.Name) -> Iterator[Mutation]:
        if isinstance(node.ctx, ast.Load):
            for other in self._locals[:MAX_NAMES]:
                if other != node.id:
                    yield self._with(node, other, "name")
            yield from self._related(node, node.id, b"")

    def _attribute(self, node: ast.Attribute) -> Iterator[Mutation]:
        yield from self._related(node, node.attr, self._text(node)[: -len(node.attr.encode())])

    def _related(self, node: ast.expr, name: str, before: bytes) -> Iterator[Mutation]:
        for family in _RELATED:
            if name in family:
                for other in family:
                    if other != name:
                        yield self._with(node, before + other.encode(), "method or function")

    def _call(self, node: ast.Call) -> Iterator[Mutation]:
        every = [self._text(each) for each in node.args]
        head = self._text(node.func)
        for first, second in pairwise(node.args):
            yield from self._exchanged(first, second)
        if node.keywords:
            return
        if len(every) > 1:
            for left_out in range(len(every)):
                rest = every[:left_out] + every[left_out + 1 :]
                yield self._with(node, head + b"(" + b", ".join(rest) + b")", "argument dropped")
        if len(every) == 1:
            yield self._with(node, every[0], "call taken off")
        if isinstance(node.func, ast.Name):
            yield from self._called_by_name(node, node.func, every)

    def _called_by_name(self, node: ast.Call, name: ast.Name, arguments: list[bytes]) -> Iterator[Mutation]:
        if name.id == "range" or name.id in self._called:
            for argument in node.args:
                yield from self._shifted(argument)
        if name.id == "range" and len(arguments) == 1:
            yield self._with(node, b"range(1, " + arguments[0] + b")", "range")
        if name.id in self._called:
            for other in self._locals[:MAX_NAMES]:
                added = b", ".join([*arguments, other.encode()])
                yield self._with(node, name.id.encode() + b"(" + added + b")", "argument added")
        for family in (self._called[:MAX_NAMES], _WRAPPERS):
            if name.id in family:
                for other in family:
                    yield self._with(name, other, "function")

    def _subscript(self, node: ast.Subscript) -> Iterator[Mutation]:
        yield from self._shifted(node.slice)
        if isinstance(node.ctx, ast.Load):
            yield self._with(node, self._text(node.value), "index dropped")

    def _slice(self, node: ast.Slice) -> Iterator[Mutation]:
        lower, upper = (self._text(each) if each else b"" for each in (node.lower, node.upper))
        step = b":" + self._text(node.step) if node.step else b""
        for low, high in ((b"", upper), (lower, b""), (b"1", upper), (lower, b"-1"), (upper, lower)):
            yield self._with(node, low + b":" + high + step, "slice")
        yield from self._shifted(node.lower)
        yield from self._shifted(node.upper)

    def _choice(self, node: ast.IfExp) -> Iterator[Mutation]:
        yield from self._condition(node.test)
        yield from self._exchanged(node.body, node.orelse)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and (
        isinstance(node.value, ast.JoinedStr)
        or (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str))
    )


def _is_simple(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr | ast.Assign | ast.AugAssign)
