"""Notes hang on commits without changing them, whatever the repository has configured."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repositories import git
from workbench.core.errors import WorkbenchError
from workbench.repo import Git

WHEN = "2026-01-31T12:00:00.000000Z"
TEXT = "origin/x\n12\nroot=\n\n\u2014 origin/x AAAA\n"


def test_a_note_is_read_back_byte_for_byte_and_the_commit_stays(repository: Path) -> None:
    one = Git(repository)
    before = (one.head(), git(repository, "status", "--porcelain"))
    head = one.head()
    assert head is not None
    assert one.notes("ledger") == []
    one.add_note(head, TEXT, ref="ledger", by=("A", "a@b"), when=WHEN)
    assert [(note.commit, note.value) for note in one.notes("ledger")] == [(head, TEXT)]
    one.add_note(head, TEXT + "more\n", ref="ledger", by=("A", "a@b"), when=WHEN)
    assert [note.value for note in one.notes("ledger")] == [TEXT + "more\n"]
    assert before == (one.head(), git(repository, "status", "--porcelain"))


def test_hooks_do_not_run_for_a_note(repository: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    hook = repository / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
    hook.chmod(0o755)
    one = Git(repository)
    one.add_note(str(one.head()), TEXT, ref="ledger", by=("A", "a@b"), when=WHEN)
    assert one.notes("ledger")
    assert not mark.exists()


def test_a_name_that_git_cannot_record_is_refused(repository: Path) -> None:
    one = Git(repository)
    with pytest.raises(WorkbenchError):
        one.add_note(str(one.head()), TEXT, ref="ledger", by=("<>", "a@b"), when=WHEN)
    assert one.notes("ledger") == []
