"""Knows the languages: which file is written in which, its grammar, and which syntax nodes are definitions.

Grammars are the official per-language wheels (abi3, offline). A language whose grammar is not installed
degrades to plain text, and the caller can see that it did.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from tree_sitter import Language as Grammar


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """One programming language."""

    name: str
    """Also a Pygments alias."""
    module: str
    """The wheel that carries the grammar."""
    entry: str
    """The function of that wheel that returns the grammar."""
    suffixes: tuple[str, ...]
    definitions: Mapping[str, str]
    """The syntax nodes that define something, and what kind of thing."""
    barren: frozenset[str]
    """The syntax nodes inside which nothing is defined, so that a walk need not enter them."""


_PYTHON_BARREN = frozenset(
    "argument_list assert_statement comment delete_statement expression_statement future_import_statement"
    " global_statement import_from_statement import_statement lambda parameters raise_statement"
    " return_statement string type".split()
)
_JAVASCRIPT_BARREN = frozenset(
    "comment formal_parameters import_statement regex string template_string type_annotation".split()
)
_GO_BARREN = frozenset(
    "argument_list assignment_statement comment const_declaration expression_statement import_declaration"
    " parameter_list return_statement short_var_declaration".split()
)
_RUST_BARREN = frozenset(
    "attribute_item block_comment line_comment parameters token_tree type_arguments use_declaration".split()
)
_JAVA_BARREN = frozenset("block_comment formal_parameters import_declaration line_comment modifiers".split())
_C_BARREN = frozenset(
    "argument_list comment expression_statement parameter_list preproc_def preproc_include"
    " return_statement".split()
)

_JAVASCRIPT = {
    "function_declaration": "function",
    "generator_function_declaration": "function",
    "class_declaration": "class",
    "method_definition": "method",
    # `const f = () => …`: a definition only where the value is a function (see symbols.py).
    "variable_declarator": "function",
}
_TYPESCRIPT = _JAVASCRIPT | {
    "abstract_class_declaration": "class",
    "interface_declaration": "interface",
    "type_alias_declaration": "type",
    "enum_declaration": "enum",
}

LANGUAGES = (
    Language(
        "python",
        "tree_sitter_python",
        "language",
        (".py", ".pyi"),
        {"function_definition": "function", "class_definition": "class"},
        _PYTHON_BARREN,
    ),
    Language(
        "javascript",
        "tree_sitter_javascript",
        "language",
        (".js", ".mjs", ".cjs", ".jsx"),
        _JAVASCRIPT,
        _JAVASCRIPT_BARREN,
    ),
    Language(
        "typescript",
        "tree_sitter_typescript",
        "language_typescript",
        (".ts", ".mts", ".cts"),
        _TYPESCRIPT,
        _JAVASCRIPT_BARREN,
    ),
    Language("tsx", "tree_sitter_typescript", "language_tsx", (".tsx",), _TYPESCRIPT, _JAVASCRIPT_BARREN),
    Language(
        "go",
        "tree_sitter_go",
        "language",
        (".go",),
        {"function_declaration": "function", "method_declaration": "method", "type_spec": "type"},
        _GO_BARREN,
    ),
    Language(
        "rust",
        "tree_sitter_rust",
        "language",
        (".rs",),
        {
            "function_item": "function",
            "struct_item": "struct",
            "enum_item": "enum",
            "trait_item": "trait",
            "impl_item": "impl",
            "mod_item": "module",
            "macro_definition": "macro",
        },
        _RUST_BARREN,
    ),
    Language(
        "java",
        "tree_sitter_java",
        "language",
        (".java",),
        {
            "class_declaration": "class",
            "interface_declaration": "interface",
            "enum_declaration": "enum",
            "record_declaration": "class",
            "method_declaration": "method",
            "constructor_declaration": "method",
        },
        _JAVA_BARREN,
    ),
    Language(
        "c",
        "tree_sitter_c",
        "language",
        (".c", ".h"),
        {
            "function_definition": "function",
            "struct_specifier": "struct",
            "enum_specifier": "enum",
            "type_definition": "type",
        },
        _C_BARREN,
    ),
)
_BY_SUFFIX = {suffix: language for language in LANGUAGES for suffix in language.suffixes}


def language_of(path: str) -> Language | None:
    """Return the language that the name of the file at `path` says it is written in, if we know it."""
    return _BY_SUFFIX.get(PurePosixPath(path).suffix.lower())


@cache
def grammar(language: Language) -> Grammar | None:
    """Return the grammar of `language`, or None where its wheel is not installed."""
    try:
        module = importlib.import_module(language.module)
    except ImportError:
        return None
    return Grammar(getattr(module, language.entry)())
