"""Approvals that people sign with SSH keys: who counts, how often, and for exactly which bytes.

The keys, and the signatures, are ssh-keygen's own.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.repositories import make_repository
from tests.review.desks import OnDesk, desk_on
from workbench.core.errors import Refused, WorkbenchError
from workbench.core.records import Proposal, ProposalState
from workbench.evidence.signatures import NAMESPACE
from workbench.review import Choice, Result, Signing

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")

BEFORE, AFTER = b"one\n", b"two\n"
PATH = "pay/card.py"


@dataclass(frozen=True)
class People:
    """Keys, and the file that says whose they are."""

    place: Path

    @property
    def signers(self) -> Path:
        """The file of allowed signers."""
        return self.place / "allowed_signers"

    def key(self, name: str, kind: str = "ed25519") -> Path:
        """Return a private key, made where it is missing."""
        path = self.place / name
        if not path.exists():
            words = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", str(path)]
            subprocess.run(words, check=True)
        return path

    def allow(self, *lines: str) -> None:
        """Write the file of allowed signers: `NAME`, `NAME KEY` or `NAME KEY OPTIONS` a line."""
        text = ""
        for line in lines:
            name, key, *options = [*line.split(" "), line][:3] if " " in line else [line, line]
            public = self.key(key).with_suffix(".pub").read_text().rsplit(" ", 1)[0]
            given = f"{options[0]} " if options and options[0] != line else ""
            text += f"{name}@corp.example {given}{public}\n"
        self.signers.write_text(text)

    def sign(self, statement: bytes, name: str, namespace: str = NAMESPACE) -> bytes:
        """Return the signature that a person makes in a terminal."""
        words = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(self.key(name))]
        return subprocess.run(words, input=statement, capture_output=True, check=True).stdout


@pytest.fixture
def people(tmp_path: Path) -> People:
    place = tmp_path / "people"
    place.mkdir()
    return People(place)


@dataclass(frozen=True)
class Signed:
    """An item that takes signatures."""

    on: OnDesk
    people: People
    item: Proposal

    @property
    def signing(self) -> Signing:
        """What takes them."""
        return Signing(self.on.desk, self.on.parts.broker, self.on.queue)

    def offer(self, **more: object) -> bytes:
        """Return a statement to sign."""
        shown = self.on.desk.rendering(self.on.queue.get(self.item.id))
        given: dict[str, object] = {"reason": "", "acknowledged": 0, "printed_name": "A. Person", **more}
        return self.signing.offer(self.item.id, shown.shown_sha256, Choice(), **given)  # type: ignore[arg-type]

    def by(self, name: str) -> Result:
        """Sign as somebody, and hand it in."""
        return self.signing.take(self.item.id, self.people.sign(self.offer(), name))

    @property
    def state(self) -> ProposalState:
        """Where the item stands."""
        return self.on.queue.get(self.item.id).state

    @property
    def file(self) -> bytes:
        """What is on disk."""
        return (self.on.root / PATH).read_bytes()


@pytest.fixture
def signed(tmp_path: Path, people: People, policy_file: Path) -> Iterator[Signed]:
    people.allow("ann", "ben", "cid")
    _policy(policy_file, people, "people = 2")
    root = make_repository(tmp_path / "r", {PATH: BEFORE})
    with desk_on(root) as on:
        yield Signed(on, people, on.propose((PATH, AFTER)))


@pytest.fixture
def policy_file() -> Path:
    from workbench.core import places

    file = places.config_root() / "policy.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def _policy(file: Path, people: People, line: str) -> None:
    file.write_text(f'[approvals]\n{line}\nallowed_signers = "{people.signers}"\n')


def test_two_people_sign_and_only_then_it_is_written(signed: Signed) -> None:
    first = signed.by("ann")
    assert first.state is ProposalState.QUEUED
    assert "1 of 2 approvals" in first.message
    assert "someone else" in first.message
    assert signed.file == BEFORE
    assert signed.by("ben").state is ProposalState.APPLIED
    assert signed.file == AFTER
    rows = signed.on.rows("decision.recorded")
    assert [(row["decision"]["required"], row["decision"]["have"]) for row in rows] == [(2, 1), (2, 2)]  # type: ignore[index]
    assert [row["signed"]["principal"] for row in rows] == ["ann@corp.example", "ben@corp.example"]  # type: ignore[index]


def test_without_signatures_nothing_is_approved_and_the_next_step_is_named(signed: Signed) -> None:
    with pytest.raises(Refused, match="2 signed approval") as refused:
        signed.on.approve(signed.item)
    assert "--statement-out" in str(refused.value.next_step)
    assert (signed.state, signed.file) == (ProposalState.QUEUED, BEFORE)
    assert signed.on.rows("decision.recorded") == []


def test_what_a_signature_is_kept_to_stand_for_is_what_was_signed(signed: Signed) -> None:
    signed.by("ann")
    _retell(signed, "Somebody Else")
    assert "1 of 2" in signed.by("ben").message
    statement = signed.offer()
    _retell(signed, "Somebody Else")
    with pytest.raises(Refused, match="does not describe the item"):
        signed.signing.take(signed.item.id, signed.people.sign(statement, "cid"))
    assert signed.file == BEFORE


def _retell(signed: Signed, name: str) -> None:
    """Change what the queue's file says that every statement stands for."""
    with closing(sqlite3.connect(signed.on.parts.state / "queue.db")) as file, file:
        file.execute("UPDATE statement SET terms = json_set(terms, '$.printed_name', ?)", (name,))


def test_the_last_door_asks_for_the_signatures_once_more(signed: Signed) -> None:
    shown = signed.on.desk.rendering(signed.on.queue.get(signed.item.id))
    ready = signed.on.desk.ready(signed.item.id, shown.shown_sha256)
    assert not isinstance(ready, Result)
    decision = replace(signed.on.desk.decision(ready, Choice(), ""), signatures=1)
    with pytest.raises(Refused, match="2 signed approval"):
        signed.on.parts.broker.write(ready.contents, decision, by=decision.by)
    assert signed.file == BEFORE


def test_a_program_that_the_repository_brings_does_not_judge_signatures(
    signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = signed.people.sign(signed.offer(), "ann", "git")
    planted = signed.on.root / "bin" / "ssh-keygen"
    planted.parent.mkdir()
    planted.write_text("#!/bin/sh\nexit 0\n")
    planted.chmod(0o755)
    monkeypatch.setenv("PATH", f"{planted.parent}:{os.environ['PATH']}")
    with pytest.raises(Refused, match="does not hold"):
        signed.signing.take(signed.item.id, wrong)


def test_one_person_does_not_count_twice(signed: Signed) -> None:
    signed.by("ann")
    with pytest.raises(Refused, match="signed this item already"):
        signed.by("ann")
    # Nor with a second key of their own.
    signed.people.allow("ann", "ann second")
    with pytest.raises(Refused, match="signed this item already"):
        signed.by("second")
    assert signed.file == BEFORE


def test_a_key_under_two_names_is_nobodys(signed: Signed) -> None:
    signed.people.allow("ann", "ben ann")
    with pytest.raises(Refused, match="several names"):
        signed.by("ann")


def test_a_strangers_key_is_refused(signed: Signed) -> None:
    with pytest.raises(Refused, match="not in the file of allowed signers"):
        signed.by("mallory")


def test_a_signature_for_another_purpose_is_refused(signed: Signed) -> None:
    statement = signed.offer()
    with pytest.raises(Refused, match="does not hold"):
        signed.signing.take(signed.item.id, signed.people.sign(statement, "ann", "git"))


@pytest.mark.parametrize("options", ['valid-before="20200101"', 'valid-after="20990101"', 'namespaces="git"'])
def test_a_key_that_is_not_good_for_this_now_is_refused(signed: Signed, options: str) -> None:
    signed.people.allow(f"ann ann {options}", "ben")
    with pytest.raises(Refused, match="does not hold"):
        signed.by("ann")


def test_a_statement_changed_by_one_byte_is_refused(signed: Signed) -> None:
    statement = bytearray(signed.offer())
    statement[-10] ^= 1
    with pytest.raises(Refused, match="does not hold"):
        signed.signing.take(signed.item.id, signed.people.sign(bytes(statement), "ann"))


def test_what_is_no_signature_is_refused(signed: Signed) -> None:
    signed.offer()
    for given in (b"", b"x" * 100_000, b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"):
        with pytest.raises(Refused, match="not an SSH signature"):
            signed.signing.take(signed.item.id, given)


def test_a_change_on_disk_makes_earlier_signatures_void(signed: Signed) -> None:
    signed.by("ann")
    (signed.on.root / PATH).write_bytes(b"other\n")
    signed.on.desk.look_again(signed.on.queue.get(signed.item.id))
    (signed.on.root / PATH).write_bytes(BEFORE)
    signed.on.desk.look_again(signed.on.queue.get(signed.item.id))
    assert "1 of 2" in signed.by("ben").message
    assert signed.file == BEFORE


def test_a_signer_who_was_removed_does_not_count_any_more(signed: Signed) -> None:
    signed.by("ann")
    signed.people.allow("ben", "cid")
    assert "1 of 2" in signed.by("ben").message
    assert signed.by("cid").state is ProposalState.APPLIED


def test_those_who_sign_must_sign_the_same_hunks(tmp_path: Path, people: People, policy_file: Path) -> None:
    people.allow("ann", "ben")
    _policy(policy_file, people, "people = 2")
    lines = b"".join(b"line %d\n" % n for n in range(40))
    changed = lines.replace(b"line 3\n", b"3\n").replace(b"line 30\n", b"30\n")
    with desk_on(make_repository(tmp_path / "r", {PATH: lines})) as on:
        item = on.propose((PATH, changed))
        one = Signed(on, people, item)
        shown = on.desk.rendering(on.queue.get(item.id))
        part = one.signing.offer(
            item.id, shown.shown_sha256, Choice((1,)), reason="", acknowledged=0, printed_name="Ann"
        )
        one.signing.take(item.id, people.sign(part, "ann"))
        assert "1 of 2" in one.by("ben").message
        assert one.file == lines


@pytest.mark.parametrize(("label", "needed"), [("cde", 3), ("phi", 1)])
def test_labels_say_how_many(
    tmp_path: Path, people: People, policy_file: Path, label: str, needed: int
) -> None:
    people.allow("ann", "ben", "cid")
    policy_file.write_text(
        f'[labels]\n{label} = ["pay/"]\n[approvals]\nsigned = "labels"\n'
        f'allowed_signers = "{people.signers}"\n[approvals.labels.cde]\npeople = 3\n'
    )
    with desk_on(make_repository(tmp_path / "r", {PATH: BEFORE, "free.py": BEFORE})) as on:
        one = Signed(on, people, on.propose((PATH, AFTER)))
        states = [one.by(name).state for name in ("ann", "ben", "cid")[:needed]]
        assert states == [ProposalState.QUEUED] * (needed - 1) + [ProposalState.APPLIED]
        free = on.propose(("free.py", AFTER))
        assert on.approve(free).state is ProposalState.APPLIED


def test_signers_that_a_proposal_could_change_are_not_asked(
    tmp_path: Path, people: People, policy_file: Path
) -> None:
    root = make_repository(tmp_path / "r", {PATH: BEFORE})
    people.allow("ann")
    shutil.copy(people.signers, root / "allowed_signers")
    policy_file.write_text(f'[approvals]\nsigned = true\nallowed_signers = "{root}/allowed_signers"\n')
    with desk_on(root) as on, pytest.raises(WorkbenchError, match="inside the repository"):
        Signed(on, people, on.propose((PATH, AFTER))).offer()


def test_the_statement_holds_the_checkpoint_and_no_word_of_the_reason(signed: Signed) -> None:
    said = json.loads(signed.offer(reason="because of Mrs. Miller"))
    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert said["subject"][0]["name"] == PATH
    assert said["predicate"]["ledger"]["size"] > 0
    assert "Miller" not in json.dumps(said)
