"""Keeps proposals until a person has decided, and what was decided: durable, oldest first, one state each.

A proposal and the bytes it stands for are written in one SQLite transaction; so are a decision, the state it
moves the proposal to, and the bytes it has written. A state only ever moves from the state the caller
believes it to be in, so two workbenches on one repository cannot both act on an item.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.core.errors import Stale, UsageError, WorkbenchError
from workbench.core.records import Decision, FileChange, Proposal, ProposalState, sha256
from workbench.review import codec

_SCHEMA = """
CREATE TABLE IF NOT EXISTS proposal(
  id TEXT PRIMARY KEY, body TEXT NOT NULL, state TEXT NOT NULL, note TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS size(
  proposal TEXT PRIMARY KEY, added INTEGER NOT NULL, removed INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS decision(
  id TEXT PRIMARY KEY, proposal TEXT NOT NULL, body TEXT NOT NULL, written TEXT NOT NULL, git TEXT) STRICT;
CREATE INDEX IF NOT EXISTS decision_by_proposal ON decision(proposal);
CREATE TABLE IF NOT EXISTS statement(
  sha256 TEXT PRIMARY KEY, proposal TEXT NOT NULL, body BLOB NOT NULL, terms TEXT NOT NULL,
  signature BLOB) STRICT;
CREATE TABLE IF NOT EXISTS content(sha256 TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;
"""
APPLICATION_ID = 0x57425155
"""`WBQU`: marks the file as ours, so that a foreign database is refused and not written into."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A proposal with its present state."""

    proposal: Proposal
    state: ProposalState
    note: str
    """Why it is stale, the id of the approval, or the reason it was rejected."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as it was stored."""

    decision: Decision
    written: tuple[FileChange, ...]
    """What an approval puts on disk: the proposal's changes, or what the approved hunks make of them."""
    commit: str | None
    """The commit it became; empty where none was made, None while that is not known."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A statement that was written for somebody to sign."""

    statement: bytes
    terms: str
    """What it stands for (see `workbench.review.signing`)."""
    signature: bytes | None
    """The signature that was recorded; None while there is none."""


class Queue:
    """The proposals of one repository."""

    def __init__(self, path: Path) -> None:
        """Open the queue at `path`, or make it.

        Raises:
            WorkbenchError: The file is not a queue, is damaged, or cannot be written.
        """
        self._path = path
        self._lock = threading.RLock()
        try:
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
            path.chmod(0o600)
            with self._errors():
                self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise self._cannot(error) from error

    def _prepare(self) -> None:
        marked = self._database.execute("PRAGMA application_id").fetchone()[0]
        tables = self._database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if tables and marked != APPLICATION_ID:
            raise WorkbenchError(
                f"{self._path} is a database, but not a queue of Workbench; it was left as it is.",
                "Move it away; the queue is made anew.",
            )
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "trusted_schema=OFF"):
            self._database.execute(f"PRAGMA {pragma}")
        if not tables:
            self._database.execute(f"PRAGMA application_id={APPLICATION_ID}")
        self._database.executescript(_SCHEMA)

    def add(self, proposal: Proposal, contents: Mapping[str, bytes]) -> None:
        """Store a new proposal with the bytes its digests stand for; durable on return."""
        with self._errors(), self._transaction():
            self._keep(contents)
            row = (proposal.id, codec.encode(proposal), ProposalState.QUEUED, "")
            self._database.execute("INSERT INTO proposal VALUES (?, ?, ?, ?)", row)

    def note_size(self, proposal_id: str, added: int, removed: int) -> None:
        """Keep how many lines a proposal adds and removes, so that a list of many need not compare files."""
        with self._errors(), self._transaction():
            self._database.execute(
                "INSERT OR REPLACE INTO size VALUES (?, ?, ?)", (proposal_id, added, removed)
            )

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Return the lines added and removed by each proposal of which they are known."""
        with self._errors(), self._lock:
            rows = self._database.execute("SELECT proposal, added, removed FROM size").fetchall()
        return {proposal: (added, removed) for proposal, added, removed in rows}

    def get(self, proposal_id: str) -> Queued:
        """Return one proposal by its id, or by an ending of it that no other shares.

        Raises:
            UsageError: There is none, or there are several.
        """
        with self._errors(), self._lock:
            rows = self._database.execute(
                "SELECT body, state, note FROM proposal WHERE id = ? OR substr(id, -length(?)) = ? LIMIT 2",
                (proposal_id, proposal_id, proposal_id),
            ).fetchall()
        if len(rows) != 1 or not proposal_id:
            what = "No" if not rows else "More than one"
            raise UsageError(
                f"{what} proposal has the id {proposal_id!r}.", "`workbench queue list` lists them."
            )
        return _queued(rows[0])

    def all(self) -> list[Queued]:
        """Return every proposal: those that wait first, and each group oldest first."""
        with self._errors(), self._lock:
            rows = self._database.execute(
                "SELECT body, state, note FROM proposal ORDER BY state NOT IN ('queued', 'stale'), id"
            ).fetchall()
        return [_queued(row) for row in rows]

    def in_state(self, state: ProposalState) -> list[Queued]:
        """Return the proposals in `state`, oldest first."""
        with self._errors(), self._lock:
            rows = self._database.execute(
                "SELECT body, state, note FROM proposal WHERE state = ? ORDER BY id", (state,)
            ).fetchall()
        return [_queued(row) for row in rows]

    def waiting(self) -> tuple[int, str]:
        """Return how many proposals wait, and when the oldest of them was made (empty without one)."""
        with self._errors(), self._lock:
            row = self._database.execute(
                "SELECT count(*), coalesce(min(json_extract(body, '$.created')), '') FROM proposal"
                " WHERE state = 'queued'"
            ).fetchone()
        return int(row[0]), str(row[1])

    def content(self, digest: str | None) -> bytes:
        """Return stored bytes by their digest; empty for None. The digest is checked.

        Raises:
            WorkbenchError: The bytes are missing or damaged.
        """
        if digest is None:
            return b""
        with self._errors(), self._lock:
            row = self._database.execute("SELECT data FROM content WHERE sha256 = ?", (digest,)).fetchone()
        if row is None or sha256(row[0]) != digest:
            raise WorkbenchError(
                f"The bytes of a proposal (sha256 {digest[:12]}) are missing or damaged in the queue.",
                "Reject the proposal and ask again; nothing was written.",
            )
        return bytes(row[0])

    def move(self, proposal_id: str, before: ProposalState, after: ProposalState, note: str = "") -> None:
        """Move a proposal from one state to the next; durable on return.

        Raises:
            Stale: It is no longer in `before`: someone else was quicker.
        """
        with self._errors(), self._transaction():
            self._move(proposal_id, before, after, note)

    def decide(
        self,
        decision: Decision,
        before: ProposalState,
        after: ProposalState,
        note: str,
        written: Sequence[FileChange] = (),
        contents: Mapping[str, bytes] | None = None,
    ) -> None:
        """Store a decision, what it puts on disk, and the state it moves its proposal to; durable on return.

        Raises:
            Stale: The proposal is no longer in `before`: someone else was quicker.
        """
        with self._errors(), self._transaction():
            self._move(decision.proposal_id, before, after, note)
            self._keep(contents or {})
            row = (decision.id, decision.proposal_id, codec.encode_decision(decision))
            self._database.execute(
                "INSERT INTO decision VALUES (?, ?, ?, ?, NULL)", (*row, codec.encode_changes(written))
            )

    def withdraw(self, decision_id: str, before: ProposalState, after: ProposalState, note: str = "") -> None:
        """Forget a decision that took no effect, and move its proposal back; durable on return.

        Raises:
            Stale: The proposal is no longer in `before`.
        """
        with self._errors(), self._transaction():
            found = self._database.execute(
                "DELETE FROM decision WHERE id = ? RETURNING proposal", (decision_id,)
            ).fetchone()
            if found is None:
                raise Stale("The decision is no longer there.", "Look at the queue again.")
            self._move(found[0], before, after, note)

    def committed(self, decision_id: str, commit: str) -> None:
        """Note which commit an approval became; an empty text where none was made."""
        with self._errors(), self._transaction():
            self._database.execute("UPDATE decision SET git = ? WHERE id = ?", (commit, decision_id))

    def decided(self, decision_id: str) -> Decided:
        """Return one decision by its id, or by an ending of it that no other shares.

        Raises:
            UsageError: There is none, or there are several.
        """
        found = self._decisions(
            "WHERE id = ? OR substr(id, -length(?)) = ? LIMIT 2", (decision_id, decision_id, decision_id)
        )
        if len(found) != 1 or not decision_id:
            what = "No" if not found else "More than one"
            raise UsageError(
                f"{what} decision has the id {decision_id!r}.", "`workbench queue list` lists them."
            )
        return found[0]

    def newest_decisions(self, count: int) -> list[Decided]:
        """Return the newest decisions, the newest first."""
        return self._decisions("ORDER BY id DESC LIMIT ?", (count,))

    def without_commit(self) -> list[Decided]:
        """Return the approvals on disk of which it is not known whether they were committed."""
        return self._decisions(
            "WHERE git IS NULL AND proposal IN (SELECT id FROM proposal WHERE state = 'applied')"
            " AND id IN (SELECT note FROM proposal) ORDER BY id"
        )

    def _decisions(self, where: str, values: tuple[str | int, ...] = ()) -> list[Decided]:
        with self._errors(), self._lock:
            rows = self._database.execute(
                f"SELECT body, written, git FROM decision {where}",  # noqa: S608
                values,
            ).fetchall()
        return [
            Decided(codec.decode_decision(body), codec.decode_changes(written), commit)
            for body, written, commit in rows
        ]

    def offer(self, proposal_id: str, statement: bytes, terms: str) -> None:
        """Keep a statement that somebody is going to sign; durable on return."""
        with self._errors(), self._transaction():
            row = (sha256(statement), proposal_id, statement, terms)
            self._database.execute("INSERT INTO statement VALUES (?, ?, ?, ?, NULL)", row)

    def offers(self, proposal_id: str) -> list[Offer]:
        """Return the statements on an item, the newest first."""
        with self._errors(), self._lock:
            rows = self._database.execute(
                "SELECT body, terms, signature FROM statement WHERE proposal = ? ORDER BY rowid DESC",
                (proposal_id,),
            ).fetchall()
        return [Offer(*row) for row in rows]

    def sign(self, offer: Offer, signature: bytes) -> None:
        """Keep the signature on a statement; durable on return.

        Raises:
            Stale: The item went stale, or was signed, meanwhile.
        """
        with self._errors(), self._transaction():
            changed = self._database.execute(
                "UPDATE statement SET signature = ? WHERE sha256 = ? AND signature IS NULL",
                (signature, sha256(offer.statement)),
            ).rowcount
            if changed != 1:
                raise Stale("The statement is no longer there to be signed.", "Look at the item again.")

    def void(self, proposal_id: str) -> None:
        """Forget every statement on an item, signed or not."""
        with self._errors(), self._transaction():
            self._database.execute("DELETE FROM statement WHERE proposal = ?", (proposal_id,))

    def _keep(self, contents: Mapping[str, bytes]) -> None:
        for digest, data in contents.items():
            if sha256(data) != digest:
                raise WorkbenchError(f"Content does not have the digest {digest} it was stored under.")
            self._database.execute("INSERT OR IGNORE INTO content VALUES (?, ?)", (digest, data))

    def _move(self, proposal_id: str, before: ProposalState, after: ProposalState, note: str) -> None:
        changed = self._database.execute(
            "UPDATE proposal SET state = ?, note = ? WHERE id = ? AND state = ?",
            (after, note, proposal_id, before),
        ).rowcount
        if changed != 1:
            raise Stale(f"The proposal is no longer {before}.", "Look at the queue again.")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._cannot(error) from error

    def _cannot(self, error: Exception) -> WorkbenchError:
        return WorkbenchError(
            f"The queue {self._path} cannot be used ({error}).",
            "Check the disk and the file; nothing was decided and nothing was written.",
        )


def _queued(row: tuple[str, str, str]) -> Queued:
    return Queued(codec.decode(row[0]), ProposalState(row[1]), row[2])
