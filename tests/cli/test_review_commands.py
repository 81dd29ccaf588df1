"""The review from the command line: hunks, undo, amend and rollback, as the screen offers them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import workbench
from tests.model.scripted import ScriptedEngine
from tests.repositories import GOOD_ANSWER, SUMMARY
from tests.review.desks import desk_on
from tests.session.driving import driving
from workbench.core.records import ProposalState

PATH = "vitals/summary.py"


@pytest.fixture
def item(repository: Path) -> str:
    """Return the id of a proposal that waits."""
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        driver.run(f"Fix `median` in {PATH}")
        return driver.session.queue()[0].id


def test_only_the_named_hunks_are_written_and_the_reason_is_kept_for_the_others(tmp_path: Path) -> None:
    from tests.repositories import make_repository

    lines = b"".join(b"line %d\n" % n for n in range(40))
    root = make_repository(tmp_path / "r", {"a.txt": lines})
    with desk_on(root) as on:
        made = on.propose(("a.txt", lines.replace(b"line 3\n", b"3\n").replace(b"line 30\n", b"30\n")))
    ran = workbench("queue", "approve", "--repo", str(root), made.id, "--hunks", "2", "--reason", "keep 3",
                    "--accept-unenforced")  # fmt: skip
    assert ran.code == 0, ran.err
    assert (root / "a.txt").read_bytes() == lines.replace(b"line 30\n", b"30\n")
    with desk_on(root) as on:
        assert on.desk.feedback("a.txt", "") == ["keep 3 (of the part at line 4, which was left out)"]


def test_a_rejection_is_taken_back(repository: Path, item: str) -> None:
    here = ("--repo", str(repository))
    assert workbench("queue", "reject", *here, item, "--reason", "no").code == 0
    assert "waits again" in workbench("queue", "undo", *here).out
    assert workbench("queue", "undo", *here).code == 2


def test_what_a_person_made_of_a_proposal_takes_its_place(
    repository: Path, item: str, tmp_path: Path
) -> None:
    here = ("--repo", str(repository))
    mine = tmp_path / "mine.py"
    mine.write_bytes(SUMMARY.replace(b"the middle reading", b"the median"))
    assert workbench("queue", "amend", *here, item, f"{PATH}={mine}").code == 0
    with desk_on(repository) as on:
        states = {queued.proposal.amended_by != "": queued.state for queued in on.queue.all()}
        assert states == {True: ProposalState.QUEUED, False: ProposalState.AMENDED}
        (edited,) = on.queue.in_state(ProposalState.QUEUED)
        assert edited.proposal.checks
        assert edited.proposal.amends == item
        on.approve(edited.proposal)
    assert (repository / PATH).read_bytes() == mine.read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["other.py=FILE"], "writes no such file"),
        (["/nonexistent/file"], "cannot be read"),
    ],
)
def test_an_amendment_that_cannot_be_is_refused_in_one_line(
    repository: Path, item: str, tmp_path: Path, words: list[str], said: str
) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"x\n")
    given = [word.replace("FILE", str(file)) for word in words]
    ran = workbench("queue", "amend", "--repo", str(repository), item, *given)
    assert ran.code == 2
    assert said in ran.err


def test_an_amendment_without_a_change_is_none(repository: Path, item: str, tmp_path: Path) -> None:
    with desk_on(repository) as on:
        after = on.queue.content(on.queue.get(item).proposal.changes[0].after_sha256)
    file = tmp_path / "same.py"
    file.write_bytes(after)
    ran = workbench("queue", "amend", "--repo", str(repository), item, str(file))
    assert ran.code == 2
    assert "You changed nothing" in ran.err


def test_a_rollback_is_proposed_shown_and_approved_like_any_change(repository: Path, item: str) -> None:
    here = ("--repo", str(repository))
    assert workbench("queue", "approve", *here, item, "--accept-unenforced").code == 0
    assert (repository / PATH).read_bytes() != SUMMARY
    proposed = workbench("rollback", *here, item, "--reason", "it broke the ward")
    assert proposed.code == 0, proposed.err
    assert "Why: it broke the ward" in proposed.out
    assert (repository / PATH).read_bytes() != SUMMARY
    name = proposed.out.split("queue approve ")[1].split("`")[0]
    assert workbench("queue", "approve", *here, name, "--accept-unenforced").code == 0
    assert (repository / PATH).read_bytes() == SUMMARY
    again = workbench("rollback", *here, item, "--reason", "x")
    assert again.code == 2
    assert "is rolled back" in again.err
