"""Keeps what code is made of, searchable: built by a process of its own, ranked for a request.

`Index` is what other rooms use. `store` lays out the file, `prepare` says what it keeps of a source file,
`worker` and `process` are the two ends of the process that fills it, `rank` answers requests.
"""

from workbench.context.index.index import Index, IndexProgress
from workbench.context.index.rank import Found, FoundChunk, FoundFile, is_test
from workbench.context.index.store import Counts, IndexDamaged

__all__ = [
    "Counts",
    "Found",
    "FoundChunk",
    "FoundFile",
    "Index",
    "IndexDamaged",
    "IndexProgress",
    "is_test",
]
