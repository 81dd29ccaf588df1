"""Symbols cover exactly the bytes of their definition, in every language that has a grammar."""

from __future__ import annotations

import pytest

from tests.timing import seconds_of
from workbench.context import Symbol, language_of, symbols
from workbench.context.languages import LANGUAGES, Language, grammar
from workbench.context.parse import PARSE_SECONDS
from workbench.context.symbols import enclosing

SOURCES = {
    "a.py": (
        "def f():\n    pass\n\n\nclass A:\n    def m(self):\n        def inner(): ...\n",
        ["f", "A", "A.m", "A.m.inner"],
    ),
    "a.js": ("export function a() {}\nconst b = () => 1\nclass C { m() {} }\n", ["a", "b", "C", "C.m"]),
    "a.ts": (
        "interface I { a: number }\ntype T = 1\nclass C { m(): void {} }\nenum E { A }\n",
        ["I", "T", "C", "C.m", "E"],
    ),
    "a.tsx": ("export const View = () => <p>hi</p>\n", ["View"]),
    "a.go": ("package p\n\nfunc F() {}\n\ntype T struct{}\n\nfunc (t T) M() {}\n", ["F", "T", "M"]),
    "a.rs": ("fn a() {}\nstruct S;\nimpl S { fn m(&self) {} }\n", ["a", "S", "S", "S.m"]),
    "a.java": ("class A {\n  A() {}\n  int m() { return 1; }\n}\n", ["A", "A.A", "A.m"]),
    "a.c": (
        "int f(void) { return 1; }\nchar *g(void) { return 0; }\nstruct s { int a; };\n",
        ["f", "g", "s"],
    ),
}


def _named(path: str, source: str) -> list[Symbol]:
    language = language_of(path)
    assert language is not None
    return list(symbols(source.encode(), language))


@pytest.mark.parametrize("path", SOURCES)
def test_the_definitions_of_a_file_are_found_in_order(path: str) -> None:
    source, expected = SOURCES[path]
    assert [symbol.qualified for symbol in _named(path, source)] == expected


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
def test_every_language_has_its_grammar_and_knows_its_nodes(language: Language) -> None:
    loaded = grammar(language)
    assert loaded is not None
    for node in language.definitions:
        assert loaded.id_for_node_kind(node, True), f"{language.name} has no node {node}"


def test_a_symbol_includes_its_decorators_and_nothing_after_it() -> None:
    source = "import x\n\n\n@x.cached\n@property\ndef f(a):\n    return a\n\n\nlast = 1\n"
    (symbol,) = _named("a.py", source)
    assert source.encode()[symbol.start : symbol.end] == b"@x.cached\n@property\ndef f(a):\n    return a"
    assert (symbol.first_line, symbol.last_line, symbol.column) == (4, 7, 0)


def test_a_method_knows_its_indentation() -> None:
    method = _named("a.py", "class A:\n    @property\n    def m(self):\n        return 1\n")[1]
    assert (method.kind, method.column) == ("method", 4)


def test_a_function_inside_a_function_is_not_a_method() -> None:
    inner = _named("a.py", "def f():\n    def g():\n        pass\n")[1]
    assert (inner.qualified, inner.kind) == ("f.g", "function")


def test_the_innermost_symbol_around_a_line_is_named() -> None:
    found = tuple(_named("a.py", "class A:\n    x = 1\n\n    def m(self):\n        return 1\n"))
    names = {line: symbol.qualified if (symbol := enclosing(found, line)) else "" for line in (2, 5, 9)}
    assert names == {2: "A", 5: "A.m", 9: ""}


@pytest.mark.parametrize("path", SOURCES)
@pytest.mark.parametrize(
    "piece",
    [b"[", b"{", b"(", b"def f(:\n", b"a.", b"1+", b"x=(1,\n", b"fn a(", b"class A{", b"<a>", b"\x00\xff"],
)
def test_a_hostile_file_is_parsed_within_its_deadline(path: str, piece: bytes) -> None:
    language = language_of(path)
    assert language is not None
    text = piece * (200_000 // len(piece))
    assert seconds_of(lambda: symbols(text, language), rounds=1) < 2 * PARSE_SECONDS + 1


def test_an_unknown_kind_of_file_has_no_language() -> None:
    assert language_of("README") is None
    assert language_of("a.xyz") is None
