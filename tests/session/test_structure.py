"""A proposal says what it does to definitions once it was compared; a withheld one does not."""

from __future__ import annotations

from pathlib import Path

from tests.review.proposals import proposal
from workbench.core.records import sha256
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
