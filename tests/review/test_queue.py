"""The queue outlives the process, keeps its order, and lets only one party move an item."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from tests.review.proposals import command_proposal, proposal
from workbench.core.errors import Stale, UsageError, WorkbenchError
from workbench.core.records import ProposalState, sha256
from workbench.review import Queue
from workbench.review.codec import decode, encode

CONTENTS = {sha256(b"old\n"): b"old\n", sha256(b"new\n"): b"new\n"}
QUEUED, APPROVED, APPLIED = ProposalState.QUEUED, ProposalState.APPROVED, ProposalState.APPLIED


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path / "queue.db")


def test_a_proposal_comes_back_as_it_went_in(queue: Queue, tmp_path: Path) -> None:
    made = proposal(path="caf\udce9/a b.py")
    queue.add(made, CONTENTS)
    queue.close()
    again = Queue(tmp_path / "queue.db")
    (item,) = again.all()
    assert item.proposal == made
    assert item.state is QUEUED
    assert again.content(made.changes[0].after_sha256) == b"new\n"
    assert decode(encode(made)) == made


def test_a_command_comes_back_word_for_word(queue: Queue) -> None:
    made = command_proposal()
    queue.add(made, {})
    (item,) = queue.all()
    assert item.proposal == made
    assert made.command is not None
    assert item.proposal.command == made.command
    assert made.command.sha256 != command_proposal(("pytest", "-q caf\udce9", "two words", "")).command.sha256  # type: ignore[union-attr]


def test_what_waits_comes_first_and_oldest_first(queue: Queue) -> None:
    made = [proposal() for _ in range(4)]
    for each in made:
        queue.add(each, CONTENTS)
    queue.move(made[0].id, QUEUED, ProposalState.REJECTED)
    assert [item.proposal.id for item in queue.all()] == [made[1].id, made[2].id, made[3].id, made[0].id]
    assert queue.waiting() == (3, made[1].created)


def test_an_item_is_found_by_the_end_of_its_id(queue: Queue) -> None:
    made = proposal()
    queue.add(made, CONTENTS)
    assert queue.get(made.id[-8:]).proposal == made
    for unknown in ("", "%", "zzz"):
        with pytest.raises(UsageError):
            queue.get(unknown)


def test_only_one_of_two_workbenches_can_decide(queue: Queue, tmp_path: Path) -> None:
    made = proposal()
    queue.add(made, CONTENTS)
    other = Queue(tmp_path / "queue.db")
    queue.move(made.id, QUEUED, APPROVED)
    with pytest.raises(Stale):
        other.move(made.id, QUEUED, APPROVED)
    assert other.get(made.id).state is APPROVED


def test_content_under_a_wrong_digest_is_never_stored(queue: Queue) -> None:
    with pytest.raises(WorkbenchError):
        queue.add(proposal(), {sha256(b"x"): b"y"})
    assert queue.all() == []


def test_damaged_content_is_found_when_it_is_read(queue: Queue, tmp_path: Path) -> None:
    made = proposal()
    queue.add(made, CONTENTS)
    with sqlite3.connect(tmp_path / "queue.db") as database:
        database.execute("UPDATE content SET data = x'00'")
    with pytest.raises(WorkbenchError, match="damaged"):
        queue.content(made.changes[0].after_sha256)


def test_a_damaged_proposal_is_an_error_and_not_a_crash(queue: Queue, tmp_path: Path) -> None:
    queue.add(proposal(), CONTENTS)
    for body in ("{}", "[]", "null", "not json", '{"id": 1}'):
        with sqlite3.connect(tmp_path / "queue.db") as database:
            database.execute("UPDATE proposal SET body = ?", (body,))
        with pytest.raises(WorkbenchError):
            queue.all()


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"\x00" * 4096])
def test_a_foreign_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "queue.db"
    path.write_bytes(content)
    with pytest.raises(WorkbenchError):
        Queue(path)
    assert path.read_bytes() == content


def test_a_foreign_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE theirs(x)")
    with pytest.raises(WorkbenchError, match="not a queue"):
        Queue(path)
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT name FROM sqlite_schema").fetchall() == [("theirs",)]


def test_the_file_is_private(queue: Queue, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "queue.db").stat().st_mode) == 0o600
    assert queue.all() == []
