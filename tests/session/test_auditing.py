"""A session verifies its own ledger and shows its entries, and both are on record."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.model.scripted import ScriptedEngine
from tests.repositories import GOOD_ANSWER, git
from tests.session.driving import driving
from workbench.core import places
from workbench.ledger import LedgerReader

TASK = "Fix `median` in vitals/summary.py"


def test_the_ledger_is_verified_against_what_the_session_itself_anchored(repository: Path) -> None:
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        assert driver.run(TASK) == "queued"
        driver.approve_first()
        found = driver.session.verify()
        assert found.startswith("Entries 0 to ")
        assert "head file" in found
        assert "1 × git commit" in found
        assert "1 × git note" in found
        size = driver.session.audit_size()
    assert "Ledger-Checkpoint: " in git(repository, "log", "-1", "--format=%B")
    assert places.head_file(repository).read_text().splitlines()[0] in git(
        repository, "notes", "--ref=ledger", "show", "HEAD"
    )
    with LedgerReader.open(places.repository_state(repository)) as reader:
        (entry,) = reader.find(type="ledger.verified")
        assert entry.index == size - 1
        assert entry.body["verification"] == {"exit_code": 0, "size": size - 1, "first_bad": None}


def test_an_entry_comes_with_its_proof_and_the_look_is_on_record(repository: Path) -> None:
    with driving(repository, ScriptedEngine([])) as driver:
        size = driver.session.audit_size()
        driver.session.audit_opened()
        lines = driver.session.audit_entry(1)
        assert lines[0].startswith("leaf ")
        assert any('"type": "policy.loaded"' in line for line in lines)
        assert any(line.startswith(("under: size ", "no proof: ")) for line in lines)
        assert driver.session.audit_size() == size + 2
        rows = driver.session.audit(size, size + 2)
        assert [row.type for row in rows] == ["ledger.read", "ledger.read"]


def test_a_changed_entry_is_named_and_the_failure_is_recorded_where_it_can_be(repository: Path) -> None:
    with driving(repository, ScriptedEngine([])) as driver:
        ledger = places.repository_state(repository) / "ledger.db"
        connection = sqlite3.connect(ledger, isolation_level=None)
        triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        connection.execute("BEGIN IMMEDIATE")
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(
            "UPDATE entry SET body = CAST(replace(body, 'policy', 'polity') AS BLOB) WHERE idx = 1"
        )
        for _, sql in triggers:
            connection.execute(sql)
        connection.execute("COMMIT")
        connection.close()
        assert "FIRST BAD ENTRY: 1." in driver.session.verify()
