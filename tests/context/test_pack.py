"""What goes into a prompt fits, holds the symbol whole, and names every byte it holds."""

from __future__ import annotations

from workbench.context import Symbol, language_of, pack_symbol, symbols
from workbench.core.records import FileContent, sha256


def _count(text: str) -> int:
    return len(text.split())


def _long_file(functions: int) -> FileContent:
    parts = ["import os\n"] + [f"\n\ndef f{n}(a):\n    b = a + {n}\n    return b\n" for n in range(functions)]
    return FileContent("a.py", "".join(parts).encode(), 0o644)


def _symbol(content: FileContent, name: str) -> Symbol:
    language = language_of(content.path)
    assert language is not None
    return next(symbol for symbol in symbols(content.data, language) if symbol.name == name)


def test_a_file_that_fits_is_taken_whole() -> None:
    content = _long_file(3)
    packed = pack_symbol(content, _symbol(content, "f1"), 1000, _count)
    assert packed is not None
    assert packed.text == content.data.decode()
    assert packed.spans == (content.span(),)
    assert packed.lines_left_out == 0


def test_a_long_file_is_cut_around_the_symbol_and_says_so() -> None:
    content = _long_file(400)
    packed = pack_symbol(content, _symbol(content, "f200"), 300, _count)
    assert packed is not None
    assert packed.tokens <= 300
    assert "def f200(a):\n    b = a + 200\n    return b\n" in packed.text
    assert packed.text.startswith("import os\n")
    assert "lines not shown" in packed.text
    assert packed.lines_left_out > 0


def test_the_spans_are_exactly_the_bytes_in_the_prompt() -> None:
    content = _long_file(400)
    packed = pack_symbol(content, _symbol(content, "f200"), 300, _count)
    assert packed is not None
    for span in packed.spans:
        part = content.data[span.start : span.end]
        assert sha256(part) == span.sha256
        assert part.decode() in packed.text
    assert sum(span.size for span in packed.spans) < len(content.data)


def test_a_symbol_that_does_not_fit_is_refused_and_never_cut() -> None:
    content = _long_file(400)
    assert pack_symbol(content, _symbol(content, "f200"), 5, _count) is None
