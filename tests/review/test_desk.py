"""A decision is carried out on all its files or none, on exactly what was shown, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.repositories import git, make_repository
from tests.review.desks import OnDesk, desk_on
from workbench.core import clock
from workbench.core.errors import Refused, UsageError
from workbench.core.ids import uuid7
from workbench.core.records import FileChange, ProposalState, Risk, sha256
from workbench.repo.swap import Swap
from workbench.review import Choice

LINES = b"".join(b"line %d\n" % n for n in range(40))
EDITED = (
    LINES.replace(b"line 3\n", b"LINE 3\n").replace(b"line 20\n", b"LINE 20\n").replace(b"line 36\n", b"")
)
OLD = {"a.txt": LINES, "b.txt": b"b\n", "c.txt": b"c\n"}


@pytest.fixture
def on(tmp_path: Path) -> Iterator[OnDesk]:
    with desk_on(make_repository(tmp_path / "repository", OLD)) as made:
        yield made


def test_one_commit_holds_all_files_of_a_decision(on: OnDesk) -> None:
    renamed = FileChange("d/e.txt", sha256(b"c\n"), sha256(b"c\n"), 0o755, "", "c.txt", 0o644)
    item = on.propose(("a.txt", EDITED), ("new.txt", b"n\n"), ("b.txt", None), renamed, contents=(b"c\n",))
    result = on.approve(item)
    assert result.state is ProposalState.APPLIED
    assert on.files() == {"a.txt": EDITED, "new.txt": b"n\n", "d/e.txt": b"c\n"}
    assert git(on.root, "status", "--porcelain").strip() == ""
    changed = git(on.root, "diff", "--name-status", "--no-renames", "HEAD~1").split("\n")
    assert changed == ["M\ta.txt", "D\tb.txt", "D\tc.txt", "A\td/e.txt", "A\tnew.txt", ""]
    assert git(on.root, "ls-files", "-s", "d/e.txt").startswith("100755")
    intents = on.rows("edit.intent")
    assert [row["obj"]["path"] for row in intents] == ["a.txt", "new.txt", "b.txt", "d/e.txt", "c.txt"]  # type: ignore[index]
    assert {(row["set"]["id"], row["set"]["of"]) for row in intents} == {(result.decision_id, 5)}  # type: ignore[index]


def test_when_one_file_fails_none_is_written_and_the_item_waits(
    on: OnDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = on.propose(("a.txt", EDITED), ("b.txt", b"B\n"), ("c.txt", b"C\n"))
    real = Swap.carry_out

    def fail(swap: Swap) -> None:
        if swap.edit.path == "c.txt":
            raise OSError(28, "No space left on device")
        real(swap)

    monkeypatch.setattr(Swap, "carry_out", fail)
    with pytest.raises(Exception, match="disk is full"):
        on.approve(item)
    assert on.files() == OLD
    assert on.queue.get(item.id).state is ProposalState.QUEUED
    assert [row["outcome"]["status"] for row in on.rows("edit.outcome")] == ["failure"] * 3  # type: ignore[index]


def test_exactly_the_chosen_hunks_are_written_and_the_others_are_recorded_with_their_reason(
    on: OnDesk,
) -> None:
    item = on.propose(("a.txt", EDITED), ("b.txt", b"B\n"))
    result = on.approve(item, Choice((1, 3), reasons={2: "line 20 is read elsewhere"}))
    assert result.state is ProposalState.APPLIED
    assert on.files()["a.txt"] == EDITED.replace(b"LINE 20\n", b"line 20\n")
    assert on.files()["b.txt"] == b"b\n"
    (row,) = on.rows("decision.recorded")
    decision = row["decision"]
    assert isinstance(decision, dict)
    assert (decision["hunks"], decision["left_out"]) == ([1, 3], [2, 4])
    assert "left_out_reasons" in row["sealed"]  # type: ignore[operator]
    decided = on.queue.decided(result.decision_id)
    assert [change.path for change in decided.written] == ["a.txt"]
    assert on.desk.feedback("a.txt", "") == [
        "line 20 is read elsewhere (of the part at line 21, which was left out)"
    ]


def test_a_hunk_in_pieces_is_decided_piece_by_piece(on: OnDesk) -> None:
    near = LINES.replace(b"line 3\n", b"LINE 3\n").replace(b"line 6\n", b"LINE 6\n")
    item = on.propose(("a.txt", near))
    on.approve(item, Choice((2,), split=(1,)))
    assert on.files()["a.txt"] == LINES.replace(b"line 6\n", b"LINE 6\n")


def test_the_digest_of_the_whole_does_not_approve_the_pieces(on: OnDesk) -> None:
    near = LINES.replace(b"line 3\n", b"LINE 3\n").replace(b"line 6\n", b"LINE 6\n")
    item = on.propose(("a.txt", near))
    whole = on.desk.rendering(on.queue.get(item.id)).shown_sha256
    assert on.desk.approve(item.id, whole, Choice((1,), split=(1,))).state is ProposalState.QUEUED
    assert on.files() == OLD


def test_of_a_renaming_the_lines_can_be_taken_without_the_name_and_the_other_way(on: OnDesk) -> None:
    renamed = FileChange("z.txt", sha256(LINES), sha256(EDITED), 0o755, "", "a.txt", 0o644)
    item = on.propose(renamed, contents=(LINES, EDITED))
    on.approve(item, Choice((2, 3)))
    assert on.files()["a.txt"] == EDITED.replace(b"LINE 20\n", b"line 20\n").replace(
        b"line 35\n", b"line 35\nline 36\n"
    )
    assert (on.root / "a.txt").stat().st_mode & 0o777 == 0o755
    now = on.files()["a.txt"]
    renamed = FileChange("z.txt", sha256(now), sha256(b"x\n"), 0o755, "", "a.txt")
    on.approve(on.propose(renamed, contents=(now, b"x\n")), Choice((1,)))
    assert on.files()["z.txt"] == now
    assert "a.txt" not in on.files()


@pytest.mark.parametrize("change", ["edited", "deleted", "mode", "appeared"])
def test_a_change_of_any_file_makes_all_of_it_stale(on: OnDesk, change: str) -> None:
    moded = FileChange("b.txt", sha256(b"b\n"), sha256(b"b\n"), 0o755, "", "", 0o644)
    item = on.propose(("a.txt", EDITED), moded, ("new.txt", b"n\n"), contents=(b"b\n",))
    shown = on.desk.rendering(on.queue.get(item.id)).shown_sha256
    place = on.root / "b.txt"
    match change:
        case "edited":
            place.write_bytes(b"theirs\n")
        case "deleted":
            place.unlink()
        case "mode":
            place.chmod(0o600)
        case _:
            (on.root / "new.txt").write_bytes(b"theirs\n")
    before = on.files()
    result = on.desk.approve(item.id, shown)
    assert result.state is ProposalState.STALE
    assert on.files() == before
    assert on.rows("edit.intent") == []


def test_a_rejection_can_be_taken_back_and_an_approval_cannot(on: OnDesk) -> None:
    first, second = on.propose(("a.txt", EDITED)), on.propose(("b.txt", b"B\n"))
    on.desk.reject(first.id, reason="no")
    assert on.desk.take_back().state is ProposalState.QUEUED
    assert on.desk.feedback("a.txt", "") == []
    assert [row["decision"]["value"] for row in on.rows("decision.recorded")] == ["reject", "withdraw"]  # type: ignore[index]
    on.desk.reject(first.id, reason="no")
    on.approve(second)
    with pytest.raises(UsageError, match="carried out already"):
        on.desk.take_back()
    assert on.queue.get(first.id).state is ProposalState.REJECTED


def test_a_rejection_taken_back_is_stale_where_the_file_changed_meanwhile(on: OnDesk) -> None:
    item = on.propose(("a.txt", EDITED))
    on.desk.reject(item.id)
    (on.root / "a.txt").write_bytes(b"theirs\n")
    assert on.desk.take_back().state is ProposalState.STALE


def test_several_items_are_approved_only_by_their_number_and_none_of_high_risk(on: OnDesk) -> None:
    items = [on.propose(("a.txt", EDITED)), on.propose(("b.txt", b"B\n"))]
    seen = {item.id: on.desk.rendering(on.queue.get(item.id)).shown_sha256 for item in items}
    for typed in (0, 1, 3):
        with pytest.raises(Refused, match="was typed"):
            on.desk.approve_all(seen, typed)
    high = on.propose(("c.txt", b"C\n"), risk=Risk.HIGH)
    with pytest.raises(Refused, match="high risk"):
        on.desk.approve_all({**seen, high.id: on.desk.rendering(on.queue.get(high.id)).shown_sha256}, 3)
    with pytest.raises(Refused):
        on.desk.approve_all({}, 0)
    assert on.files() == OLD
    wrong = {**seen, items[0].id: "0" * 64}
    assert [result.state for result in on.desk.approve_all(wrong, 2)] == ["queued", "applied"]
    assert on.files() == {**OLD, "b.txt": b"B\n"}


def test_what_waited_too_long_expires_and_is_never_approved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, private_places: Path
) -> None:
    policy = private_places / "config" / "workbench" / "policy.toml"
    policy.parent.mkdir(parents=True)
    policy.write_text("[approvals]\nexpire_hours = 24\n")
    with desk_on(make_repository(tmp_path / "repository", OLD)) as on:
        old = on.propose(("a.txt", EDITED))
        assert on.desk.expire(clock.utc_now()) == []
        late = old.created.replace(old.created[:4], str(int(old.created[:4]) + 1))
        assert on.desk.expire(late) == ["a.txt expired: it waited longer than 24 hours."]
        assert on.queue.get(old.id).state is ProposalState.EXPIRED
        with pytest.raises(UsageError, match="already expired"):
            on.approve(old)
        with pytest.raises(UsageError):
            on.desk.take_back()
        assert on.rows("decision.recorded")[-1]["actor"]["kind"] == "system"  # type: ignore[index]
        assert on.files() == OLD


def test_without_a_limit_nothing_expires(on: OnDesk) -> None:
    item = on.propose(("a.txt", EDITED))
    assert on.desk.expire("2999-01-01T00:00:00.000000Z") == []
    assert on.queue.get(item.id).state is ProposalState.QUEUED


def test_an_edited_item_takes_the_place_of_the_old_one(on: OnDesk) -> None:
    item = on.propose(("b.txt", b"B\n"))
    mine = replace(
        item,
        id=item.id[:-1] + "z",
        changes=(replace(item.changes[0], after_sha256=sha256(b"mine\n")),),
        amends=item.id,
        amended_by=on.parts.person.id,
        author=on.parts.person,
    )
    on.desk.amend(item.id, mine, (b"b\n", b"mine\n"))
    assert on.queue.get(item.id).state is ProposalState.AMENDED
    created = on.rows("proposal.created")[-1]["proposal"]
    assert isinstance(created, dict)
    assert (created["amends"], created["amended_by"]) == (item.id, on.parts.person.id)
    on.approve(mine)
    assert on.files()["b.txt"] == b"mine\n"
    with pytest.raises(UsageError, match="already amended"):
        on.desk.amend(item.id, mine, ())


def test_commits_of_a_task_go_to_its_own_branch_where_policy_says_so(
    tmp_path: Path, private_places: Path
) -> None:
    policy = private_places / "config" / "workbench" / "policy.toml"
    policy.parent.mkdir(parents=True)
    policy.write_text('[commit]\nmode = "task-branch"\n')
    root = make_repository(tmp_path / "repository", OLD)
    (root / "staged.txt").write_bytes(b"s\n")
    git(root, "add", "staged.txt")
    index = (root / ".git" / "index").read_bytes()
    with desk_on(root) as on:
        first = on.propose(("a.txt", EDITED))
        second = on.propose(("b.txt", b"B\n"), task_id=first.task_id)
        assert "on workbench/change-it-" in on.approve(first).message
        on.approve(second)
    (branch,) = git(root, "branch", "--list", "workbench/*", "--format=%(refname:short)").split()
    assert git(root, "log", "--oneline", "main").count("\n") == 1
    assert git(root, "show", f"{branch}:a.txt") == EDITED.decode()
    assert git(root, "diff", "--name-only", f"main...{branch}").split() == ["a.txt", "b.txt"]
    assert (root / ".git" / "index").read_bytes() == index
    assert git(root, "symbolic-ref", "HEAD").strip() == "refs/heads/main"


def test_hooks_and_signatures_that_were_left_undone_are_recorded_and_said(on: OnDesk) -> None:
    hook = on.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    git(on.root, "config", "commit.gpgsign", "true")
    said = on.approve(on.propose(("b.txt", b"B\n"))).message
    assert "hooks not run: pre-commit" in said
    assert "not signed" in said
    assert not (on.root / "ran").exists()
    settings = on.rows("commit.intent")[0]["commit_settings"]
    assert settings == {
        "branch": "",
        "hooks": "off",
        "hooks_skipped": ["pre-commit"],
        "signed": False,
        "signature_wanted": True,
    }


def test_a_queue_of_a_thousand_items_is_listed_without_comparing_files(
    on: OnDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    on.propose(("a.txt", EDITED))
    base = on.queue.all()[0].proposal
    for _ in range(999):
        # As `submit` stores it, without its row in the ledger: this is about reading.
        copy = replace(base, id=uuid7())
        on.queue.add(copy, {})
        on.queue.note_size(copy.id, 3, 3)
    monkeypatch.setattr(on.parts.broker, "diff", None)
    monkeypatch.setattr(on.desk, "rendering", None)
    sizes = on.desk.sizes(on.queue.all())
    assert len(sizes) == 1000
    assert sizes[base.id] == (2, 3)
