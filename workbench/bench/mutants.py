"""Makes single faults in tested Python code, to measure repairs on: the slips that people make.

Apart on purpose from `workbench.agent.mutations`, which a repair search tries: what it cannot undo in one
edit is made here as well. Three kinds:

- `one`: one token or one small expression is another: a comparison, an operator, a constant, a name, two
  arguments swapped, a `not` or a bound left out.
- `two`: two such slips, in different lines of one definition.
- `missing`: a statement is gone: an update, a call, an early return with its condition.

Everything follows from the seed and the sources.
"""

from __future__ import annotations

import ast
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

KINDS = ("one", "two", "one", "missing")
"""The kinds, in the order in which they are made, over and over."""
MIN_LINES, MAX_LINES = 3, 60
"""Lines of a definition that is worth a fault."""
_TRIES = 40
"""Definitions tried for a fault of one kind."""


@dataclass(frozen=True, slots=True)
class Slip:
    """One edit of a source that is a fault."""

    start: int
    """Byte offsets of what is replaced."""
    end: int
    text: bytes
    what: str
    line: int
    """Counted from 1."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file with one definition at fault."""

    path: str
    symbol: str
    """The definition, qualified."""
    kind: str
    what: str
    """What was done, and in which lines."""
    after: bytes


def mutants(sources: Mapping[str, bytes], seed: int) -> Iterator[Mutant]:
    """Yield mutants of the definitions in `sources`, without end, each but once, as long as there are any.

    Args:
        sources: Python files by path; those that do not parse are passed over.
        seed: The same seed and sources yield the same mutants.
    """
    rng = random.Random(seed)  # noqa: S311  # repeatable is what is wanted
    found = [(path, each) for path in sorted(sources) for each in definitions(sources[path])]
    given: set[tuple[str, bytes]] = set()
    number, barren = 0, 0
    while found and barren < len(KINDS):
        kind = KINDS[number % len(KINDS)]
        number += 1
        made = _one_of(found, sources, kind, rng, given)
        barren = 0 if made else barren + 1
        if made:
            given.add((made.path, made.after))
            yield made


def _one_of(
    found: Sequence[tuple[str, Definition]],
    sources: Mapping[str, bytes],
    kind: str,
    rng: random.Random,
    given: set[tuple[str, bytes]],
) -> Mutant | None:
    for _ in range(_TRIES):
        path, definition = rng.choice(found)
        slips = _draw(sources[path], definition, kind, rng)
        if not slips:
            continue
        after = apply(sources[path], slips)
        if (path, after) not in given and _differs(sources[path], after):
            what = ", ".join(f"{slip.what} in line {slip.line}" for slip in slips)
            return Mutant(path, definition.name, kind, what, after)
    return None


def _draw(source: bytes, definition: Definition, kind: str, rng: random.Random) -> list[Slip]:
    """Return the slips of one fault, in the order of the text; each operator is as likely as any other."""
    slips = _Slips(source, definition.node)
    every = list(slips.removals() if kind == "missing" else slips.small())
    drawn: list[Slip] = []
    while every and len(drawn) < (2 if kind == "two" else 1):
        by_what: defaultdict[str, list[Slip]] = defaultdict(list)
        for slip in every:
            by_what[slip.what].append(slip)
        one = rng.choice(by_what[rng.choice(sorted(by_what))])
        drawn.append(one)
        every = [slip for slip in every if slip.line != one.line and not _overlap(slip, one)]
    if kind == "two" and len(drawn) < 2:
        return []
    return sorted(drawn, key=lambda slip: slip.start)


def apply(source: bytes, slips: Sequence[Slip]) -> bytes:
    """Return `source` with slips that do not overlap."""
    for slip in sorted(slips, key=lambda each: -each.start):
        source = source[: slip.start] + slip.text + source[slip.end :]
    return source


def _overlap(first: Slip, second: Slip) -> bool:
    return first.start < second.end and second.start < first.end


def _differs(before: bytes, after: bytes) -> bool:
    try:
        return ast.dump(ast.parse(before)) != ast.dump(ast.parse(after))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or method that a fault can be made in."""

    name: str
    """Qualified by its class."""
    node: _Function


def definitions(source: bytes) -> list[Definition]:
    """Return the functions and methods of a source, of a sensible length, whose names are theirs alone."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: defaultdict[str, list[_Function]] = defaultdict(list)
    for node in tree.body:
        if isinstance(node, _Function):
            found[node.name].append(node)
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, _Function):
                    found[f"{node.name}.{inner.name}"].append(inner)
    return [
        Definition(name, nodes[0])
        for name, nodes in found.items()
        if len(nodes) == 1 and MIN_LINES <= (nodes[0].end_lineno or 0) - nodes[0].lineno <= MAX_LINES
    ]


_COMPARED: Mapping[type[ast.cmpop], tuple[str, Sequence[str]]] = {
    ast.Lt: (r"<", ("<=", ">")),
    ast.LtE: (r"<=", ("<", ">=")),
    ast.Gt: (r">", (">=", "<")),
    ast.GtE: (r">=", (">", "<=")),
    ast.Eq: (r"==", ("!=",)),
    ast.NotEq: (r"!=", ("==",)),
    ast.Is: (r"is", ("is not",)),
    ast.IsNot: (r"is\s+not", ("is",)),
    ast.In: (r"in", ("not in",)),
    ast.NotIn: (r"not\s+in", ("in",)),
}
_COMPUTED: Mapping[type[ast.operator], tuple[str, Sequence[str]]] = {
    ast.Add: (r"\+", ("-",)),
    ast.Sub: (r"-", ("+",)),
    ast.Mult: (r"\*", ("+", "//")),
    ast.Div: (r"/", ("*", "//")),
    ast.FloorDiv: (r"//", ("/", "%")),
    ast.Mod: (r"%", ("//",)),
    ast.Pow: (r"\*\*", ("*",)),
    ast.BitAnd: (r"&", ("|",)),
    ast.BitOr: (r"\|", ("&",)),
    ast.LShift: (r"<<", (">>",)),
    ast.RShift: (r">>", ("<<",)),
}
_CONFUSED: Mapping[str, str] = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "floor": "ceil",
    "ceil": "floor",
    "append": "extend",
    "lower": "upper",
    "startswith": "endswith",
    "keys": "values",
    "rstrip": "lstrip",
}
_CHANGED = (ast.Expr, ast.AugAssign, ast.Return, ast.Raise, ast.Continue, ast.Break, ast.Delete)


class _Slips:
    """The slips that can be made in one definition."""

    def __init__(self, source: bytes, node: _Function) -> None:
        self._source = source
        self._node = node
        self._starts = [0]
        for line in source.split(b"\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._first = {each.arg: 0 for each in ast.walk(node.args) if isinstance(each, ast.arg)}
        """For each name of the definition, the line that first gives it a value; 0 for an argument."""
        for each in self._walk():
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                self._first.setdefault(each.id, each.lineno)
        self._names = [name for name in self._first if name not in ("self", "cls")]

    def small(self) -> Iterator[Slip]:
        """Yield every slip that leaves the statements as they are."""
        for node in self._walk():
            yield from self._operators(node)
            yield from self._others(node)

    def _operators(self, node: ast.AST) -> Iterator[Slip]:
        match node:
            case ast.Compare():
                operands = [node.left, *node.comparators]
                for operator, (left, right) in zip(node.ops, pairwise(operands), strict=True):
                    yield from self._between(left, right, *_COMPARED[type(operator)], "comparison")
            case ast.BinOp() if type(node.op) in _COMPUTED:
                yield from self._between(node.left, node.right, *_COMPUTED[type(node.op)], "operator")
            case ast.AugAssign() if type(node.op) in _COMPUTED:
                sign, others = _COMPUTED[type(node.op)]
                assigned = [f"{other}=" for other in others]
                yield from self._between(node.target, node.value, f"{sign}=", [*assigned, "="], "operator")
            case ast.BoolOp():
                sign, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
                for left, right in pairwise(node.values):
                    yield from self._between(left, right, sign, [other], "boolean operator")
            case ast.UnaryOp(op=ast.Not()):
                start, end = self._place(node)
                word = re.match(rb"not\s*", self._source[start:end])
                if word:
                    yield self._slip(start, start + word.end(), b"", "dropped not")

    def _others(self, node: ast.AST) -> Iterator[Slip]:
        match node:
            case ast.Constant():
                yield from self._constant(node)
            case ast.Name(ctx=ast.Load()):
                yield from self._name(node)
            case ast.Attribute() if node.attr in _CONFUSED:
                _, end = self._place(node)
                yield self._slip(end - len(node.attr), end, _CONFUSED[node.attr].encode(), "confused call")
            case ast.Call():
                for first, second in pairwise(node.args):
                    yield from self._swapped(first, second)
            case ast.Slice():
                for bound in filter(None, (node.lower, node.upper)):
                    yield self._slip(*self._place(bound), b"", "dropped bound")
            case ast.Break():
                yield self._slip(*self._place(node), b"continue", "confused jump")
            case ast.Continue():
                yield self._slip(*self._place(node), b"break", "confused jump")

    def removals(self) -> Iterator[Slip]:
        """Yield every statement left out that its block can do without, with its line or lines."""
        for node in (self._node, *self._walk()):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(node, name, None)
                if isinstance(block, list) and len(block) > 1:
                    yield from (self._removed(each) for each in block if self._can_go(each))

    def _can_go(self, statement: ast.stmt) -> bool:
        first = self._source[self._starts[statement.lineno - 1] :][: statement.col_offset]
        if first.strip() or _is_text(statement):
            return False
        if isinstance(statement, _CHANGED):
            return True
        if isinstance(statement, ast.If):
            return not statement.orelse and len(statement.body) == 1
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            # A name that nothing before gives a value would only be missed as undefined.
            return not isinstance(target, ast.Name) or self._first.get(target.id, 0) < target.lineno
        return False

    def _removed(self, statement: ast.stmt) -> Slip:
        start = self._starts[statement.lineno - 1]
        end = min(self._starts[statement.end_lineno or statement.lineno], len(self._source))
        what = "missing condition" if isinstance(statement, ast.If) else "missing statement"
        return Slip(start, end, b"", what, statement.lineno)

    def _walk(self) -> Iterator[ast.AST]:
        """Yield what stands in the body; no docstrings, annotations, decorators, nor parts of f-strings."""
        waiting: list[ast.AST] = list(reversed(self._node.body))
        while waiting:
            node = waiting.pop()
            if _is_text(node) or isinstance(node, ast.JoinedStr):
                continue
            yield node
            inner = [
                child
                for name, value in ast.iter_fields(node)
                if name not in ("annotation", "returns", "decorator_list", "type_params")
                for child in (value if isinstance(value, list) else (value,))
                if isinstance(child, ast.AST)
            ]
            waiting += reversed(inner)

    def _place(self, node: ast.AST) -> tuple[int, int]:
        line, column, end_line, end = (
            getattr(node, name) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")
        )
        return self._starts[line - 1] + column, self._starts[end_line - 1] + end

    def _slip(self, start: int, end: int, text: bytes, what: str) -> Slip:
        return Slip(start, end, text, what, self._source.count(b"\n", 0, start) + 1)

    def _between(
        self, left: ast.expr, right: ast.expr, sign: str, others: Sequence[str], what: str
    ) -> Iterator[Slip]:
        start, end = self._place(left)[1], self._place(right)[0]
        # Beside the sign only blanks and parentheses: a comment could hold anything.
        found = re.fullmatch(rb"[\s()\\]*?(" + sign.encode() + rb")[\s()\\]*", self._source[start:end])
        if found:
            for other in others:
                yield self._slip(start + found.start(1), start + found.end(1), other.encode(), what)

    def _constant(self, node: ast.Constant) -> Iterator[Slip]:
        value = node.value
        texts: list[str] = []
        if isinstance(value, bool):
            texts = [str(not value)]
        elif isinstance(value, int):
            texts = [str(value + 1), str(value - 1)] if value else ["1"]
        elif isinstance(value, float):
            texts = [repr(value * 10), repr(value / 10)]
        for text in texts:
            yield self._slip(*self._place(node), text.encode(), "constant")

    def _name(self, node: ast.Name) -> Iterator[Slip]:
        if node.id in _CONFUSED:
            yield self._slip(*self._place(node), _CONFUSED[node.id].encode(), "confused call")
        elif node.id in self._names:
            for other in self._names:
                if other != node.id:
                    yield self._slip(*self._place(node), other.encode(), "other name")

    def _swapped(self, first: ast.expr, second: ast.expr) -> Iterator[Slip]:
        if isinstance(first, ast.Starred) or isinstance(second, ast.Starred):
            return
        (start, middle), (after, end) = self._place(first), self._place(second)
        between = self._source[middle:after]
        if b"#" not in between and b"(" not in between and b")" not in between:
            text = self._source[after:end] + between + self._source[start:middle]
            yield self._slip(start, end, text, "swapped arguments")


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
