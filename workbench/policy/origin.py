"""Finds the line of this program's own source on which a compiled-in rule stands.

Every verdict names the file and line that decided, so that it can be looked up and argued with; for a rule
that no policy file holds, that is a line of this package. Nothing is judged here, and the ledger keeps
the plain words `compiled in`, because lines move between versions while rules keep their names.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib import resources

from workbench.core.records import Rule
from workbench.policy.compiled import COMPILED_IN

_GROUPS = {
    "READ_DENY": "read.deny",
    "EDIT_DENY": "edit.deny",
    "READ_ASK": "read.ask",
    "EXECUTES": "executes",
}
"""The tables of compiled-in globs, and how their rules begin."""
_SHORTEST = 10
"""A shorter piece of text says too little about which line made a rule's name."""


def place(rule: Rule) -> str:
    """Return `file:line` of a rule in a policy file, `compiled in, file:line` of one of this program."""
    if rule.source != COMPILED_IN:
        return rule.source
    found = _globs().get(rule.name)
    if found is None:
        found = max(
            ((len(piece), where) for piece, where in _pieces().items() if piece in rule.name),
            default=(0, _own_state()),
        )[1]
    return f"{COMPILED_IN}, {found}"


@cache
def _globs() -> dict[str, str]:
    """Return the place of every rule that comes from a table of globs, by the rule's name."""
    found: dict[str, str] = {}
    for module in ("floor.py", "executes.py"):
        for node in _tree(module).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                kind = _GROUPS.get(node.targets[0].id)
                for field, word, line in _words(node.value) if kind else ():
                    begins = "exception" if field == "exceptions" else kind
                    found.setdefault(f'{begins} "{word}"', f"{module}:{line}")
    return found


def _words(table: ast.expr) -> Iterator[tuple[str, str, int]]:
    """Yield field, word and line of every pattern in a table of `group(…)` calls."""
    for call in ast.walk(table):
        if not isinstance(call, ast.Call):
            continue
        given = [("patterns", argument) for argument in call.args[2:]]
        given += [(keyword.arg or "", keyword.value) for keyword in call.keywords]
        for field, argument in given:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                for offset, text in enumerate(argument.value.split("\n")):
                    yield from ((field, word, argument.lineno + offset) for word in text.split())


@cache
def _pieces() -> dict[str, str]:
    """Return the place of every text that names of other rules are made of."""
    found: dict[str, str] = {}
    for module in ("keys.py", "settings.py", "policy.py"):
        for node in ast.walk(_tree(module)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                piece = node.value
                if len(piece) >= _SHORTEST and "\n" not in piece:
                    found.setdefault(piece, f"{module}:{node.lineno}")
    return found


@cache
def _own_state() -> str:
    """Return the place of the rule that denies this program's own state where it lies in the worktree."""
    defined = [node for node in _tree("compiled.py").body if isinstance(node, ast.FunctionDef)]
    return next(
        (f"compiled.py:{node.lineno}" for node in defined if node.name == "_everything"), "compiled.py:1"
    )


@cache
def _tree(module: str) -> ast.Module:
    try:
        return ast.parse(resources.files("workbench.policy").joinpath(module).read_text("utf-8"))
    except OSError:
        # Installed without sources: rules keep their names, and their lines are not known.
        return ast.Module(body=[], type_ignores=[])
