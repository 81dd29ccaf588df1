"""Finds syntax errors, and which of them are new: a file may well be full of old ones.

Errors are found by walking a cursor into the subtrees that hold one, never by an `(ERROR)` query, which
takes seconds on hostile input. For Python `compile` is asked too: it sees wrong indentation.
"""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass

from tree_sitter import Tree

from workbench.context.languages import Language
from workbench.context.parse import parse

MAX_FAULTS = 500
"""Enough to compare; a file with more is not getting better by counting on."""


@dataclass(frozen=True, slots=True)
class SyntaxFault:
    """One place that does not parse."""

    kind: str
    """`error`, `missing X`, or what `compile` said."""
    parent: str
    """The syntax node around it."""
    line: int
    """Counted from 1."""

    def __str__(self) -> str:
        """Return the fault as one line for a person or a model."""
        return f"line {self.line}: {self.kind}" + (f" in {self.parent}" if self.parent else "")


def syntax_faults(source: bytes, language: Language) -> tuple[SyntaxFault, ...]:
    """Return what does not parse in `source`, at most `MAX_FAULTS` places."""
    tree = parse(source, language)
    faults = list(_tree_faults(tree)) if tree is not None else []
    if language.name == "python" and (said := _compile_fault(source)) is not None:
        faults.append(said)
    return tuple(faults[:MAX_FAULTS])


def new_faults(before: bytes, after: bytes, language: Language) -> tuple[SyntaxFault, ...]:
    """Return the faults of `after` that `before` did not have; lines may have moved, so kinds are counted."""
    old = Counter((fault.kind, fault.parent) for fault in syntax_faults(before, language))
    fresh: list[SyntaxFault] = []
    for fault in syntax_faults(after, language):
        key = (fault.kind, fault.parent)
        if old[key]:
            old[key] -= 1
        else:
            fresh.append(fault)
    return tuple(fresh)


def _tree_faults(tree: Tree) -> list[SyntaxFault]:
    faults: list[SyntaxFault] = []
    cursor = tree.walk()
    descend = True
    while len(faults) < MAX_FAULTS:
        node = cursor.node
        if node is None:
            break
        if descend and (node.is_error or node.is_missing):
            parent = node.parent.type if node.parent is not None else ""
            kind = f"missing {node.type}" if node.is_missing else "error"
            faults.append(SyntaxFault(kind, parent, node.start_point[0] + 1))
        if descend and node.has_error and not node.is_error and cursor.goto_first_child():
            continue
        if cursor.goto_next_sibling():
            descend = True
            continue
        if not cursor.goto_parent():
            break
        descend = False
    return faults


def _compile_fault(source: bytes) -> SyntaxFault | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "<proposal>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return SyntaxFault(error.msg or "invalid syntax", "", error.lineno or 1)
    except (ValueError, RecursionError, MemoryError) as error:
        return SyntaxFault(str(error) or type(error).__name__, "", 1)
    return None
