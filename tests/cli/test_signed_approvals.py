"""Approvals by signature from the command line: written by the program, signed outside, taken back."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.running import Ran, workbench
from tests.repositories import make_repository
from tests.review.desks import desk_on
from workbench.core import places

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")

BEFORE, AFTER = b"one\n", b"two\n"
PATH = "pay/card.py"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Return a folder with two people's keys (one ECDSA), whom the user's policy lets sign by twos."""
    place = tmp_path / "keys"
    place.mkdir()
    lines = ""
    for name, kind in (("ann", "ed25519"), ("ben", "ecdsa")):
        words = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(place / name)]
        subprocess.run(words, check=True)
        lines += f"{name}@corp.example {(place / f'{name}.pub').read_text().strip()}\n"
    (place / "allowed").write_text(lines)
    policy = places.config_root() / "policy.toml"
    policy.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text(f'[approvals]\npeople = 2\nallowed_signers = "{place / "allowed"}"\n')
    return place


def _approve(root: Path, item: str, *more: str) -> Ran:
    return workbench("queue", "approve", "--repo", str(root), item, *more)


def _signature(root: Path, item: str, keys: Path, name: str) -> Path:
    statement = keys / f"{name}.json"
    offered = _approve(root, item, "--statement-out", str(statement), "--name", name)
    assert offered.code == 0, offered.err
    assert f"ssh-keygen -Y sign -n approval@workbench -f KEY {statement}" in offered.out
    words = ["ssh-keygen", "-q", "-Y", "sign", "-n", "approval@workbench", "-f", str(keys / name)]
    subprocess.run([*words, str(statement)], check=True, capture_output=True)
    return Path(f"{statement}.sig")


def test_two_people_sign_and_the_change_is_written_and_committed(tmp_path: Path, keys: Path) -> None:
    root = make_repository(tmp_path / "r", {PATH: BEFORE})
    with desk_on(root) as on:
        item = on.propose((PATH, AFTER)).id
    plain = _approve(root, item)
    assert plain.code == 2
    assert "2 signed approval" in plain.err
    assert "--statement-out" in plain.err

    first = _approve(root, item, "--signature", str(_signature(root, item, keys, "ann")))
    assert (first.code, (root / PATH).read_bytes()) == (0, BEFORE), first.err
    assert "1 of 2 approvals" in first.out
    assert "1 of 2" in workbench("queue", "show", "--repo", str(root), item).out
    again = _approve(root, item, "--signature", str(keys / "ann.json.sig"))
    assert again.code == 2
    assert "signed this item already" in again.err

    last = _approve(root, item, "--signature", str(_signature(root, item, keys, "ben")))
    assert (last.code, (root / PATH).read_bytes()) == (0, AFTER), last.err
    log = subprocess.run(
        ["git", "-C", str(root), "log", "-1", "--format=%B"], capture_output=True, text=True, check=True
    )
    assert "Ledger-Checkpoint" in log.stdout
    listed = workbench("audit", "log", "--repo", str(root), "--type", "decision.recorded", "--json").out
    signed = [json.loads(line)["body"]["signed"]["principal"] for line in listed.splitlines()]
    assert signed == ["ann@corp.example", "ben@corp.example"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--signature", "/nonexistent.sig"], "cannot be read"),
        (["--signature", "/dev/null"], "No statement of this item"),
        (["--statement-out", "/nonexistent/place"], "cannot be written"),
    ],
)
def test_what_cannot_be_used_is_one_line_with_a_next_step(
    tmp_path: Path, keys: Path, words: list[str], said: str
) -> None:
    root = make_repository(tmp_path / "r", {PATH: BEFORE})
    with desk_on(root) as on:
        item = on.propose((PATH, AFTER)).id
    ran = _approve(root, item, *words)
    assert ran.code == 2, ran.out
    assert said in ran.err
    assert (root / PATH).read_bytes() == BEFORE


def _audit(root: Path, *words: str) -> Ran:
    return workbench("audit", *words, "--repo", str(root))


def test_an_auditor_checks_the_signature_by_hand_and_the_statement_is_an_anchor(
    tmp_path: Path, keys: Path
) -> None:
    root = make_repository(tmp_path / "r", {PATH: BEFORE})
    with desk_on(root) as on:
        item = on.propose((PATH, AFTER)).id
    for name in ("ann", "ben"):
        assert _approve(root, item, "--signature", str(_signature(root, item, keys, name))).code == 0
    listed = _audit(root, "log", "--type", "decision.recorded", "--json").out
    entry = str(json.loads(listed.splitlines()[0])["index"])

    shown = _audit(root, "show", entry).out
    assert "signed by  ann@corp.example, key SHA256:" in shown
    assert "good for the allowed signers" in shown

    out = keys / "taken.json"
    printed = _audit(root, "statement", entry, "--out", str(out))
    assert printed.code == 0, printed.err
    assert out.read_bytes() == (keys / "ann.json").read_bytes()
    by_hand = printed.out.replace("ALLOWED_SIGNERS", str(keys / "allowed"))
    subprocess.run(["sh", "-c", by_hand], check=True, capture_output=True)

    report = _audit(root, "verify")
    assert report.code == 0, report.out
    for name in ("ann", "ben"):
        assert f"1 × approval signed by {name}@corp.example" in report.out
    assert _audit(root, "verify", "--anchor", str(out)).code == 0

    # A ledger that began again cannot hold what the signers saw.
    state = places.repository_state(root)
    shutil.rmtree(state)
    places.head_file(root).unlink()
    with desk_on(root):
        pass
    assert _audit(root, "verify", "--anchor", str(out)).code == 3

    (keys / "allowed").write_text("")
    assert "vouches for nothing" in _audit(root, "verify", "--anchor", str(out)).err


def test_a_statement_of_an_entry_without_one_is_refused(tmp_path: Path, keys: Path) -> None:
    root = make_repository(tmp_path / "r", {PATH: BEFORE})
    with desk_on(root):
        pass
    assert "holds no signed approval" in _audit(root, "statement", "1").err
