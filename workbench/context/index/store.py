"""Lays out the index: which documents there are, what they define and call, and which words they hold.

    document    one row for each content of each path that was ever indexed: (path, blob) is unique, so that
                a branch that comes back costs nothing.
    live        what stands in the worktree now: path → document, with the file's size and time of change.
    chunk       the pieces of a document (see `workbench.context.chunks`), by bytes and lines.
    call        which names a document calls, and how often.
    *_words     FTS5, contentless: postings without text, so that the index is no second copy of the source.

It can be made again from the worktree at any time, so a damaged one is moved aside, never repaired. It
keeps no digest of protected values and no word that looks like one (see `workbench.context.words`).

FTS5 keeps full positions: with `detail=column` a contentless table scores every row 0 (SQLite 3.40).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from workbench.context.chunks import Chunk
from workbench.core.errors import WorkbenchError

DATABASE_NAME: Final = "index.db"
APPLICATION_ID: Final = 0x57424958
"""`WBIX`: tells this file from other SQLite files."""
SCHEMA_VERSION: Final = 1
DEAD_SHARE: Final = 0.5
"""With more dead documents than this among all, the index is made anew."""
DEAD_ALLOWED: Final = 2_000
"""Dead documents that are kept in any case: branches that come back."""

_WORDS = "USING fts5(path, names, body, content='', tokenize='porter unicode61')"
_SCHEMA: Final = f"""
CREATE TABLE document(
  id INTEGER PRIMARY KEY, path TEXT NOT NULL, blob TEXT NOT NULL, size INTEGER NOT NULL,
  language TEXT NOT NULL, state TEXT NOT NULL, UNIQUE(path, blob)) STRICT;
CREATE TABLE live(
  path TEXT PRIMARY KEY, stem TEXT NOT NULL, document INTEGER NOT NULL, size INTEGER NOT NULL,
  changed_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX live_document ON live(document);
CREATE INDEX live_stem ON live(stem);
CREATE TABLE chunk(
  id INTEGER PRIMARY KEY, document INTEGER NOT NULL, name TEXT NOT NULL, qualified TEXT NOT NULL,
  kind TEXT NOT NULL, first_line INTEGER NOT NULL, last_line INTEGER NOT NULL, start INTEGER NOT NULL,
  end INTEGER NOT NULL) STRICT;
CREATE INDEX chunk_document ON chunk(document);
CREATE INDEX chunk_name ON chunk(name);
CREATE TABLE call(
  name TEXT NOT NULL, document INTEGER NOT NULL, times INTEGER NOT NULL, PRIMARY KEY(name, document)
) STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE document_words {_WORDS};
CREATE VIRTUAL TABLE chunk_words {_WORDS};
PRAGMA application_id={APPLICATION_ID};
PRAGMA user_version={SCHEMA_VERSION};
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One document, ready to be added."""

    path: str
    blob: str
    """SHA-256 of the content."""
    size: int
    language: str
    state: str
    """`ok`, `no grammar`, `too long`, `no text`, or `quarantined` (it could not be parsed in time)."""
    chunks: tuple[Chunk, ...]
    words: tuple[str, ...]
    """The index text of each chunk."""
    names: tuple[str, ...]
    """The index text of each chunk's name."""
    path_words: str
    calls: tuple[tuple[str, int], ...]


class IndexDamaged(WorkbenchError):
    """The index cannot be used, and has to be made again."""

    def __init__(self, path: Path, why: object) -> None:
        super().__init__(f"The index {path} cannot be used ({why}).", "Run: workbench index rebuild")


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open the index at `path`; with `write`, make it where there is none.

    Raises:
        IndexDamaged: The file is no index of this version, or is damaged.
    """
    try:
        if write:
            connection = sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=False)
        else:
            uri = f"{path.absolute().as_uri()}?mode=ro"
            connection = sqlite3.connect(
                uri, uri=True, isolation_level=None, timeout=10, check_same_thread=False
            )
        try:
            _prepare(connection, path, write=write)
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise IndexDamaged(path, error) from error
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, *, write: bool) -> None:
    connection.execute("PRAGMA trusted_schema=OFF")
    if write:
        path.chmod(0o600)
        connection.execute("PRAGMA journal_mode=WAL")
        # It can be made again: a power cut may cost the last seconds of it.
        connection.execute("PRAGMA synchronous=NORMAL")
        if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
    marked = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if (marked, version) != (APPLICATION_ID, SCHEMA_VERSION):
        raise IndexDamaged(path, f"it is no index of version {SCHEMA_VERSION}")


def move_aside(path: Path) -> None:
    """Put a damaged index out of the way, so that a new one can be made; the last damaged one is kept."""
    for ending in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{path}{ending}").replace(f"{path}.damaged{ending}")


def known(connection: sqlite3.Connection, wanted: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return those of `wanted` (path, blob) that are documents already."""
    return {
        pair
        for pair in wanted
        if connection.execute("SELECT 1 FROM document WHERE path = ? AND blob = ?", pair).fetchone()
    }


def add(connection: sqlite3.Connection, prepared: Sequence[Prepared]) -> None:
    """Add documents in one transaction; those that are there already are left as they are."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for each in prepared:
            _add(connection, each)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _add(connection: sqlite3.Connection, each: Prepared) -> None:
    row = (each.path, each.blob, each.size, each.language, each.state)
    added = connection.execute(
        "INSERT OR IGNORE INTO document(path, blob, size, language, state) VALUES (?, ?, ?, ?, ?)", row
    )
    if added.rowcount != 1:
        return
    document = added.lastrowid
    names = " ".join(filter(None, each.names))
    connection.execute(
        "INSERT INTO document_words(rowid, path, names, body) VALUES (?, ?, ?, ?)",
        (document, each.path_words, names, " ".join(each.words)),
    )
    for chunk, words, name in zip(each.chunks, each.words, each.names, strict=True):
        position = (chunk.first_line, chunk.last_line, chunk.start, chunk.end)
        piece = connection.execute(
            "INSERT INTO chunk(document, name, qualified, kind, first_line, last_line, start, end)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (document, chunk.name, chunk.qualified, chunk.kind, *position),
        ).lastrowid
        connection.execute(
            "INSERT INTO chunk_words(rowid, path, names, body) VALUES (?, ?, ?, ?)",
            (piece, each.path_words, name, words),
        )
    connection.executemany(
        "INSERT INTO call(name, document, times) VALUES (?, ?, ?)",
        ((name, document, times) for name, times in each.calls),
    )


def set_live(
    connection: sqlite3.Connection, present: Iterable[tuple[str, str, int, int]], gone: Iterable[str]
) -> None:
    """Say which content stands at which path now.

    Args:
        connection: Open for writing.
        present: Path, blob, size in bytes and time of change in nanoseconds.
        gone: Paths that are no longer there, or may no longer be read.
    """
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("DELETE FROM live WHERE path = ?", ((path,) for path in gone))
    connection.executemany(
        "INSERT OR REPLACE INTO live(path, stem, document, size, changed_ns)"
        " SELECT path, ?5, id, ?3, ?4 FROM document WHERE path = ?1 AND blob = ?2",
        ((*each, PurePosixPath(each[0]).name.partition(".")[0]) for each in present),
    )
    connection.execute("COMMIT")


def live(connection: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """Return for each path that is indexed the size and time of change it was indexed at."""
    rows = connection.execute("SELECT path, size, changed_ns FROM live")
    return {path: (size, changed) for path, size, changed in rows}


@dataclass(frozen=True, slots=True)
class Counts:
    """What an index holds."""

    files: int
    definitions: int
    chunks: int
    dead: int
    """Documents that stand at no path now."""
    quarantined: tuple[str, ...]
    without_grammar: int

    @property
    def worn(self) -> bool:
        """Whether so much of it is dead that it should be made anew."""
        total = self.files + self.dead
        return self.dead > DEAD_ALLOWED and self.dead > total * DEAD_SHARE


def counts(connection: sqlite3.Connection) -> Counts:
    """Return what the index holds."""

    def one(query: str) -> int:
        return int(connection.execute(query).fetchone()[0])

    of = "FROM live JOIN document ON document.id = live.document WHERE document.state"
    standing, documents = one("SELECT count(*) FROM live"), one("SELECT count(*) FROM document")
    joined = "FROM chunk JOIN live ON live.document = chunk.document"
    bad = connection.execute(f"SELECT live.path {of} = 'quarantined' ORDER BY live.path")
    return Counts(
        standing - one(f"SELECT count(*) {of} = 'no text'"),
        one(f"SELECT count(*) {joined} WHERE chunk.kind <> 'gap'"),
        one(f"SELECT count(*) {joined}"),
        documents - standing,
        tuple(path for (path,) in bad),
        one(f"SELECT count(*) {of} = 'no grammar'"),
    )
