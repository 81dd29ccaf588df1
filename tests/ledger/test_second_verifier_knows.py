"""The second verifier knows the layout of the file: change both together."""

from __future__ import annotations

import sqlite3

from tests.evidence.second import second
from workbench.ledger import store


def test_it_knows_the_layout_of_the_file() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in store.SCHEMA:
        connection.execute(statement)
    assert second.SCHEMAS[store.SCHEMA_VERSION] == second.schema_digest(connection)
