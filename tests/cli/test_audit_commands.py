"""The audit commands find, show, prove and anchor, put readers on record, and work on a damaged ledger."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.running import Ran, workbench
from tests.evidence.second import check, ran
from tests.repositories import git
from workbench.core import places
from workbench.core.records import SYSTEM, Event, Json, Principal
from workbench.ledger import Ledger, LedgerReader

AGENT = Principal("agent", "agent:editor", "editor", "coder", 1000, "user:alice")


@pytest.fixture
def recorded(repository: Path) -> Path:
    """Return a repository whose ledger has 60 reads, of which every tenth is of a labelled file."""
    with _ledger(repository) as ledger:
        ledger.append_many([_read(number) for number in range(60)])
        ledger.append(Event("task.submitted", SYSTEM, sealed={"task": b"a secret task"}))
    return repository


def _ledger(root: Path) -> Ledger:
    state = places.repository_state(root)
    return Ledger.open(state, head_file=places.head_file(root), session="s", app_version="0")


def _read(number: int) -> Event:
    labels: list[Json] = ["phi"] if number % 10 == 0 else []
    obj: Json = {"kind": "file", "path": f"src/{number}.py", "labels": labels}
    return Event("file.read" if number % 2 else "file.listed", AGENT, fields={"obj": obj})


def _audit(root: Path, *words: str) -> Ran:
    return workbench("audit", *words, "--repo", str(root))


def _rows(root: Path, *words: str) -> list[int]:
    done = _audit(root, "log", "--json", *words)
    assert (done.code, done.err) == (0, ""), done.err
    return [json.loads(line)["index"] for line in done.out.splitlines()]


def test_the_log_is_filtered_and_ends_with_the_newest(recorded: Path) -> None:
    assert _rows(recorded, "--path", "src/7.py") == [7]
    assert _rows(recorded, "--label", "phi", "--limit", "3") == [30, 40, 50]
    assert _rows(recorded, "--type", "file.read", "--actor", "agent:editor", "--limit", "2") == [57, 59]
    assert _rows(recorded, "--since", "2000-01-01", "--type", "task.submitted") == [60]
    assert _rows(recorded, "--until", "2000-01-01") == []
    assert _rows(recorded, "--since", "1h", "--until", "2099-01-01T00:00", "--path", "src/3.py") == [3]
    assert _rows(recorded, "--label", "cde") == []


def test_a_time_that_is_none_is_refused_in_one_line(recorded: Path) -> None:
    for text in ("yesterday", "2026-13-01", "99999999d", "999999d"):
        done = _audit(recorded, "log", "--since", text)
        assert done.code == 2
        assert "is not a time" in done.err


def test_whoever_reads_the_record_is_on_record_first(recorded: Path) -> None:
    _audit(recorded, "log", "--path", "src/7.py")
    _audit(recorded, "show", "7", "--sealed")
    _audit(recorded, "proof", "7")
    with LedgerReader.open(places.repository_state(recorded)) as reader:
        queries = [entry.body["query"] for entry in reader.find(type="ledger.read")]
    assert queries == [
        {"what": "log", "limit": 50, "path": "src/7.py"},
        {"what": "show", "index": 7, "sealed": True},
        {"what": "proof", "index": 7},
    ]


def test_an_entry_is_shown_with_its_place_and_sealed_values_only_when_asked(recorded: Path) -> None:
    shown = _audit(recorded, "show", "60")
    assert "a secret task" not in shown.out
    assert "under      size 62" in shown.out
    assert "a secret task" in _audit(recorded, "show", "60", "--sealed").out
    facts = json.loads(_audit(recorded, "show", "60", "--json").out)
    assert facts["proof"]["path"]
    assert facts["opened"] == {}
    assert _audit(recorded, "show", "999").code == 2


def _damage(root: Path, *statements: str) -> None:
    connection = sqlite3.connect(places.repository_state(root) / "ledger.db", isolation_level=None)
    for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_a_damaged_ledger_can_still_be_looked_through(recorded: Path) -> None:
    _damage(
        recorded,
        "UPDATE entry SET body = CAST(replace(body, 'src/7.py', 'src/8.py') AS BLOB) WHERE idx = 7",
        "UPDATE entry SET body = x'00' WHERE idx = 9",
    )
    done = _audit(recorded, "log", "--limit", "100")
    assert done.code == 0
    assert "     9  DAMAGED" in done.out
    assert "     8  " in done.out
    assert "The ledger is damaged" in done.err
    assert "This is not on record" in done.err
    assert _audit(recorded, "show", "9").out.startswith("entry 9 is damaged")
    assert '"path": "src/12.py"' in _audit(recorded, "show", "12").out
    assert _audit(recorded, "verify").code == 2


def test_a_file_that_is_no_database_is_told_in_one_line(recorded: Path) -> None:
    (places.repository_state(recorded) / "ledger.db").write_bytes(b"rubbish" * 1000)
    for words in (("log",), ("show", "1"), ("proof", "1"), ("keys",), ("anchor",)):
        done = _audit(recorded, *words)
        assert done.code != 0
        assert done.err.count("\n") <= 3
    assert _audit(recorded, "verify").code == 2


def test_a_proof_and_the_verifier_leave_the_machine(recorded: Path, tmp_path: Path) -> None:
    proof, verifier = tmp_path / "x.tlog-proof", tmp_path / "verify.py"
    assert _audit(recorded, "proof", "7", "--out", str(proof)).code == 0
    assert _audit(recorded, "verifier", "--out", str(verifier)).code == 0
    vkey = json.loads(_audit(recorded, "verify", "--json").out)["vkey"]
    said = check(proof, "--key", vkey)
    assert (said.code, said.facts["body"]["obj"]["path"]) == (0, "src/7.py")
    assert _audit(recorded, "proof", "7", "--out", str(tmp_path / "no" / "x")).code == 2


def test_tiles_are_exported_and_that_is_on_record(recorded: Path, tmp_path: Path) -> None:
    tiles = tmp_path / "tiles"
    assert "62 entries" in _audit(recorded, "export", "--format", "tiles", str(tiles)).out
    assert check(tiles, "--anchor", str(places.head_file(recorded))).code == 0
    assert _rows(recorded, "--type", "ledger.exported") == [61]
    assert _audit(recorded, "export", "--format", "tiles").code == 2


def test_what_was_anchored_is_found_again(recorded: Path) -> None:
    done = _audit(recorded, "anchor", "--qr")
    assert done.code == 0
    assert "Written to: head file, spool of the system log, git note on" in done.out
    assert "█" in done.out or "▄" in done.out
    typed = done.out.rsplit('--anchor "', 1)[1].split('"')[0]
    verified = _audit(recorded, "verify", "--anchor", typed)
    assert verified.code == 0
    assert "Anchors found: 1 × head file, 1 × git note, 1 × typed anchor." in verified.out
    wrong = typed[:-2] + ("A=" if typed[-2] != "A" else "B=")
    assert _audit(recorded, "verify", "--anchor", wrong).code in (1, 3)
    assert git(recorded, "log", "-1", "--format=%N", "--notes=ledger").strip()


def test_an_anchor_that_is_none_is_not_called_tampering(recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "rubbish").write_text("rubbish")
    for given in (str(tmp_path / "rubbish"), str(tmp_path / "nowhere"), "12"):
        done = _audit(recorded, "verify", "--anchor", given)
        assert done.code == 1, given
        assert done.err


def test_a_witness_is_asked_and_its_answer_taken(recorded: Path, tmp_path: Path) -> None:
    state, key, request = (str(tmp_path / name) for name in ("state", "key", "request"))
    vkey = ran("witness", "new", "--name", "w.example/1", "--key", key).stdout.strip()
    log = json.loads(_audit(recorded, "verify", "--json").out)["vkey"]
    ran("witness", "trust", log, "--state", state)
    policy = places.config_root() / "policy.toml"
    policy.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text(f'[anchors]\nwitnesses = ["{vkey}"]\n')
    answer = str(tmp_path / "answer")
    sign = ("witness", "sign", request, "--key", key, "--state", state, "--out", answer)
    for round_ in range(2):
        assert _audit(recorded, "anchor", "--witness", request).code == 0
        assert ran(*sign).returncode == 0, round_
        taken = _audit(recorded, "anchor", "--witness", answer)
        assert "w.example/1 cosigned size" in taken.out, taken.err
        assert not Path(f"{answer}.keys").exists()
    # A stick that is lost: the witness saw more than we know of, and says so.
    assert _audit(recorded, "anchor", "--witness", request, "--old", "0").code == 0
    assert ran(*sign).returncode == 2
    assert "holds a request" in _audit(recorded, "anchor", "--witness", answer).out
    verified = _audit(recorded, "verify")
    assert verified.code == 0
    assert "2 × witness" in verified.out
    assert "cosigned" in _audit(recorded, "show", "7").out
    assert (
        ran("check", str(places.repository_state(recorded)), "--witness", vkey, isolated=False).returncode
        == 0
    )
