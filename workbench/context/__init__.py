"""Knows what code is made of: languages, symbols and syntax errors; packs what a prompt may hold.

Works on bytes it is given; it cannot open a file (see `workbench.broker`).
"""

from workbench.context.chunks import GAP
from workbench.context.index import Counts, Found, FoundChunk, Index, IndexDamaged, IndexProgress, is_test
from workbench.context.languages import Language, language_of
from workbench.context.pack import Packed, pack_symbol
from workbench.context.structure import structure
from workbench.context.symbols import Symbol, enclosing, symbols
from workbench.context.syntax import SyntaxFault, new_faults, syntax_faults
from workbench.context.taint import Taint, taint_of

__all__ = [
    "GAP",
    "Counts",
    "Found",
    "FoundChunk",
    "Index",
    "IndexDamaged",
    "IndexProgress",
    "Language",
    "Packed",
    "Symbol",
    "SyntaxFault",
    "Taint",
    "enclosing",
    "is_test",
    "language_of",
    "new_faults",
    "pack_symbol",
    "structure",
    "symbols",
    "syntax_faults",
    "taint_of",
]
