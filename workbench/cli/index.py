"""Shows and makes the index of the code: what it holds, and what a request finds in it."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from workbench.context import IndexProgress
from workbench.core.safe_text import one_line
from workbench.session import Options, Session


def run(options: Namespace) -> int:
    """Run `index status`, `rebuild` or `query`."""
    session = Session.open(Path(options.repo), Options())
    try:
        return _VERBS[options.verb](session, options)
    finally:
        session.close()


def _status(session: Session, options: Namespace) -> int:
    session.indexing.refresh(_bar)
    counts = session.indexing.counts()
    if options.json:
        print(json.dumps(asdict(counts)))
        return 0
    print(f"{counts.files:,} files, {counts.definitions:,} definitions, {counts.chunks:,} pieces")
    if counts.without_grammar:
        print(f"{counts.without_grammar:,} files without a grammar: found by their words, cut by lines")
    for path in counts.quarantined:
        print(f"quarantined {one_line(path)}: it takes too long to parse, and is found by its name only")
    return 0


def _rebuild(session: Session, options: Namespace) -> int:
    session.indexing.rebuild(_bar)
    return _status(session, options)


def _query(session: Session, options: Namespace) -> int:
    found = session.indexing.find(options.text)
    files, chunks = found.files[: options.count], found.chunks[: options.count]
    if options.json:
        print(json.dumps({"files": list(map(asdict, files)), "chunks": list(map(asdict, chunks))}))
        return 0 if files else 3
    for file in files:
        print(f"{file.score:.3f}  {one_line(file.path)}  ({one_line(file.reason)})")
    print()
    for piece in chunks:
        where = f"{one_line(piece.path)}:{piece.first_line}-{piece.last_line}"
        print(f"{piece.score:.3f}  {where}  {one_line(piece.qualified)}  ({one_line(piece.reason)})")
    if not files:
        print("Nothing here is about that.", file=sys.stderr)
    return 0 if files else 3


def _bar(progress: IndexProgress) -> None:
    """Say on standard error how far it has come, where somebody looks."""
    if sys.stderr.isatty():
        end = "\n" if progress.done == progress.total else ""
        sys.stderr.write(f"\rindexing {progress.done:,} of {progress.total:,} files{end}")
        sys.stderr.flush()


_VERBS = {"status": _status, "rebuild": _rebuild, "query": _query}
