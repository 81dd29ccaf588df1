"""Rolling back restores exactly the approved hunks, whatever was edited since, or says why it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.repositories import git, make_repository
from tests.review.desks import OnDesk, desk_on
from workbench.core.errors import UsageError
from workbench.core.ids import uuid7
from workbench.core.records import FileChange, Proposal, ProposalState, sha256
from workbench.review import Choice, Result

LINES = b"".join(b"line %d\n" % n for n in range(60))
EDITED = LINES.replace(b"line 10\n", b"LINE 10\n").replace(b"line 30\n", b"LINE 30\nmore\n")
OLD = {"a.txt": LINES, "b.txt": b"b\n", "c.txt": b"c\n"}


@pytest.fixture
def on(tmp_path: Path) -> Iterator[OnDesk]:
    with desk_on(make_repository(tmp_path / "repository", OLD)) as made:
        yield made


def _roll_back(on: OnDesk, approval: str) -> tuple[Proposal, Result]:
    """Make the rollback, put it into the queue as the session does, and approve it."""
    decided, back = on.desk.to_roll_back(approval)
    original = on.queue.get(decided.decision.proposal_id).proposal
    made = replace(
        original,
        id=uuid7(),
        author=on.parts.person,
        changes=tuple(content.change for content in back),
        rolls_back=decided.decision.id,
        inferences=(),
    )
    befores = [
        on.files()[change.renamed_from or change.path] for change in made.changes if change.before_sha256
    ]
    on.desk.submit(made, [*befores, *(content.after for content in back)])
    return made, on.approve(made)


def test_after_three_later_edits_exactly_the_approved_hunks_are_restored(on: OnDesk) -> None:
    approved = on.approve(on.propose(("a.txt", EDITED)), Choice((2,)))
    assert on.files()["a.txt"] == LINES.replace(b"line 30\n", b"LINE 30\nmore\n")
    for old, new in ((b"line 2\n", b"two\n"), (b"line 20\n", b""), (b"line 55\n", b"line 55\nlast\n")):
        on.approve(on.propose(("a.txt", on.files()["a.txt"].replace(old, new))))
    now = on.files()["a.txt"]
    made, result = _roll_back(on, approved.decision_id)
    assert result.state is ProposalState.APPLIED
    assert on.files()["a.txt"] == now.replace(b"LINE 30\nmore\n", b"line 30\n")
    states = {item.proposal.id: item.state for item in on.queue.all()}
    assert states[made.id] is ProposalState.APPLIED
    assert sorted(states.values()) == ["applied"] * 4 + ["rolled back"]
    assert f"Rolls-back: {approved.decision_id}" in git(on.root, "log", "-1", "--format=%(trailers)")
    assert git(on.root, "log", "-1", "--format=%an|%cn").strip() == "Ada|Ada"
    created = on.rows("proposal.created")[-1]["proposal"]
    assert isinstance(created, dict)
    assert created["rolls_back"] == approved.decision_id


def test_new_deleted_renamed_files_and_modes_come_back(on: OnDesk) -> None:
    (on.root / "c.txt").chmod(0o644)
    renamed = FileChange("d/c.txt", sha256(b"c\n"), sha256(b"C\n"), 0o755, "", "c.txt", 0o644)
    before = on.files()
    approved = on.approve(
        on.propose(("new.txt", b"n\n"), ("b.txt", None), renamed, contents=(b"c\n", b"C\n"))
    )
    assert on.files() == {"a.txt": LINES, "new.txt": b"n\n", "d/c.txt": b"C\n"}
    _, result = _roll_back(on, approved.decision_id)
    assert result.state is ProposalState.APPLIED
    assert on.files() == before
    assert (on.root / "c.txt").stat().st_mode & 0o777 == 0o644
    assert git(on.root, "status", "--porcelain").strip() == ""


def test_a_rollback_can_be_rolled_back(on: OnDesk) -> None:
    approved = on.approve(on.propose(("a.txt", EDITED)))
    _, back = _roll_back(on, approved.decision_id)
    assert on.files()["a.txt"] == LINES
    _roll_back(on, back.decision_id)
    assert on.files()["a.txt"] == EDITED


def test_it_is_found_by_the_proposal_or_the_end_of_an_id(on: OnDesk) -> None:
    item = on.propose(("a.txt", EDITED))
    approved = on.approve(item)
    for name in (approved.decision_id, approved.decision_id[-8:], item.id, item.id[-8:]):
        assert on.desk.to_roll_back(name)[0].decision.id == approved.decision_id


@pytest.mark.parametrize(
    ("path", "later", "why"),
    [
        ("a.txt", LINES.replace(b"line 10\n", b"another\n"), "in one place that the approval changed"),
        ("a.txt", None, "was deleted or renamed since"),
        ("new.txt", b"edited\n", "was edited since it was created"),
        ("b.txt", b"anew\n", "was made anew since it was deleted"),
    ],
)
def test_an_overlapping_later_edit_is_named_and_nothing_is_changed(
    on: OnDesk, path: str, later: bytes | None, why: str
) -> None:
    approved = on.approve(on.propose(("a.txt", EDITED), ("new.txt", b"n\n"), ("b.txt", None)))
    place = on.root / path
    place.unlink(missing_ok=True)
    if later is not None:
        place.write_bytes(later)
    before = on.files()
    with pytest.raises(UsageError, match=why) as caught:
        on.desk.to_roll_back(approved.decision_id)
    assert path in caught.value.cause
    assert on.files() == before


def test_what_was_not_applied_or_is_gone_already_is_not_rolled_back(on: OnDesk) -> None:
    waiting = on.propose(("a.txt", EDITED))
    with pytest.raises(UsageError, match="is queued"):
        on.desk.to_roll_back(waiting.id)
    approved = on.approve(waiting)
    (on.root / "a.txt").write_bytes(LINES)
    with pytest.raises(UsageError, match="Nothing of that approval is left"):
        on.desk.to_roll_back(approved.decision_id)
    with pytest.raises(UsageError, match="No proposal"):
        on.desk.to_roll_back("zzz")
