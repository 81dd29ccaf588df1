"""A proposal says what it does to definitions once it was compared; a withheld one does not."""

from __future__ import annotations

from pathlib import Path

from tests.review.proposals import proposal
from workbench.core.records import ProposalState, sha256
from workbench.session import Options, Session

BEFORE = b"def one():\r\n    return 1\r\n"
AFTER = BEFORE.replace(b"1", b"2")


def test_what_it_does_is_said_after_the_comparison_and_lines_are_shown_as_rows_are(repository: Path) -> None:
    (repository / "a.py").write_bytes(BEFORE)
    session = Session.open(repository, Options())
    try:
        made = proposal(BEFORE, AFTER, "a.py")
        session._parts.queue.add(made, {sha256(data): data for data in (BEFORE, AFTER)})
        glanced, shown = session.glance(made.id), session.shown(made.id)
        assert glanced.shown_sha256 == shown.shown_sha256
        assert "compared with the disk" in glanced.can_approve
        assert glanced.structure == ()
        assert shown.structure == ("changed: one (body)",)
        assert shown.files[0].after == "def one():\n    return 2\n"
    finally:
        session.close()


def test_by_the_first_page_of_a_large_proposal_nothing_can_be_approved(repository: Path) -> None:
    before = b"".join(b"line_%d = %d\n" % (n, n) for n in range(12_000))
    after = before.replace(b" = ", b" == ")
    (repository / "a.py").write_bytes(before)
    session = Session.open(repository, Options(accept_unenforced=True))
    try:
        made = proposal(before, after, "a.py")
        session._parts.queue.add(made, {sha256(data): data for data in (before, after)})
        page = session.glance(made.id)
        assert 0 < len(page.rows) < 1_000
        assert page.can_approve
        assert session.approve(made.id, page.shown_sha256).state in (
            ProposalState.QUEUED,
            ProposalState.STALE,
        )
        assert len(session.shown(made.id).rows) > 24_000
        assert (repository / "a.py").read_bytes() == before
    finally:
        session.close()
