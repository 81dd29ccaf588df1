"""What someone with write access to the file can do to it, short of knowing the signing key."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

import rfc8785

from tests.ledger.places import rehash
from workbench.ledger.checkpoint import Checkpoint
from workbench.ledger.note import SignerKey
from workbench.ledger.store import SEARCHED
from workbench.ledger.tree import leaf_hash, root


def bodies_of(connection: sqlite3.Connection) -> list[bytes]:
    return [row[0] for row in connection.execute("SELECT body FROM entry ORDER BY idx")]


def edited(body: bytes, **changes: Any) -> bytes:
    return rfc8785.dumps({**json.loads(body), **changes})


def cut(connection: sqlite3.Connection, size: int) -> None:
    """Cut the end off with everything that speaks of it."""
    connection.execute("DELETE FROM entry WHERE idx >= ?", (size,))
    connection.execute("DELETE FROM checkpoint WHERE size > ?", (size,))
    connection.execute("DELETE FROM subroot WHERE (idx + 1) * 256 > ?", (size,))


def chained(bodies: list[bytes], start: int = 0) -> list[bytes]:
    """Bodies whose `prev` and `seq` fit each other, as one who rewrites history would make them."""
    prev = "00" * 32
    result: list[bytes] = []
    for index, body in enumerate(bodies, start):
        result.append(edited(body, seq=index, prev=prev))
        prev = leaf_hash(result[-1]).hex()
    return result


Attack = Callable[[sqlite3.Connection], None]


def edit(connection: sqlite3.Connection) -> None:
    body = bodies_of(connection)[4]
    connection.execute("UPDATE entry SET body = ? WHERE idx = 4", (edited(body, obj={"path": "x"}),))


def edit_with_its_leaf(connection: sqlite3.Connection) -> None:
    body = edited(bodies_of(connection)[4], justification="x")
    connection.execute("UPDATE entry SET body = ?, leaf = ? WHERE idx = 4", (body, leaf_hash(body)))


def edit_the_last(connection: sqlite3.Connection) -> None:
    body = edited(bodies_of(connection)[9], justification="x")
    connection.execute("UPDATE entry SET body = ?, leaf = ? WHERE idx = 9", (body, leaf_hash(body)))


def rewrite_everything(connection: sqlite3.Connection) -> None:
    bodies = bodies_of(connection)
    bodies[4] = edited(bodies[4], justification="x")
    rehash(connection, chained(bodies))


def delete_in_the_middle(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM entry WHERE idx = 4")


def delete_and_close_up(connection: sqlite3.Connection) -> None:
    bodies = bodies_of(connection)
    del bodies[4]
    rehash(connection, chained(bodies))


def delete_the_head(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM entry WHERE idx < 4")


def reorder(connection: sqlite3.Connection) -> None:
    rows = connection.execute(
        "SELECT leaf, prev, body FROM entry WHERE idx IN (4, 5) ORDER BY idx"
    ).fetchall()
    connection.execute("DELETE FROM entry WHERE idx IN (4, 5)")
    for index, row in zip((5, 4), rows, strict=True):
        connection.execute(
            f"INSERT INTO entry SELECT ?, ?, ?, ?, {SEARCHED} FROM entry WHERE idx = 0",
            (index, *row),
        )


def insert_in_the_middle(connection: sqlite3.Connection) -> None:
    bodies = bodies_of(connection)
    bodies.insert(4, bodies[4])
    rehash(connection, chained(bodies))


def change_what_is_searched(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE entry SET path = 'src/harmless.py' WHERE idx = 4")


def change_a_checkpoint(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE checkpoint SET note = replace(note, '10', '11') WHERE size = 10")


def move_a_checkpoint(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE checkpoint SET size = 7 WHERE size = 10")


def delete_all_checkpoints(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM checkpoint")


def repeat_a_key(connection: sqlite3.Connection) -> None:
    bodies = bodies_of(connection)
    bodies[9] = bodies[9].replace(b'{"actor"', b'{"actor":{},"actor"', 1)
    rehash(connection, bodies)


def add_white_space(connection: sqlite3.Connection) -> None:
    bodies = bodies_of(connection)
    bodies[9] += b"\n"
    rehash(connection, bodies)


def write_a_float(connection: sqlite3.Connection) -> None:
    bodies = bodies_of(connection)
    bodies[9] = bodies[9].replace(b'"v":1', b'"v":1.0')
    rehash(connection, bodies)


def claim_an_unknown_version(connection: sqlite3.Connection) -> None:
    bodies = bodies_of(connection)
    bodies[9] = edited(bodies[9], v=2)
    rehash(connection, bodies)


def claim_true_for_one(connection: sqlite3.Connection) -> None:
    bodies = bodies_of(connection)
    bodies[9] = edited(bodies[9], v=True)
    rehash(connection, bodies)


def nest_deeply(connection: sqlite3.Connection) -> None:
    bodies = bodies_of(connection)
    bodies[9] = b"[" * 60_000
    rehash(connection, bodies)


def store_something_huge(connection: sqlite3.Connection) -> None:
    bodies = bodies_of(connection)
    bodies[9] = bytes(20 * 1024 * 1024)
    rehash(connection, bodies)


def replace_the_key(connection: sqlite3.Connection) -> None:
    vkey = connection.execute("SELECT value FROM about WHERE name = 'vkey'").fetchone()[0]
    key = SignerKey.generate(vkey.partition("+")[0])
    connection.execute("UPDATE about SET value = ? WHERE name = 'vkey'", (str(key.verifier),))


def replace_the_key_and_sign_again(connection: sqlite3.Connection) -> None:
    origin = connection.execute("SELECT value FROM about WHERE name = 'origin'").fetchone()[0]
    key = SignerKey.generate(origin)
    leaves = [row[0] for row in connection.execute("SELECT leaf FROM entry ORDER BY idx")]
    connection.execute("UPDATE about SET value = ? WHERE name = 'vkey'", (str(key.verifier),))
    for size in (0, 10):
        note = Checkpoint.sign(key, size, root(leaves[:size])).note
        connection.execute("UPDATE checkpoint SET note = ? WHERE size = ?", (note, size))


def add_a_trigger(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TRIGGER helper AFTER INSERT ON about BEGIN SELECT 1; END")


ATTACKS = [
    edit, edit_with_its_leaf, edit_the_last, rewrite_everything, delete_in_the_middle, delete_and_close_up,
    delete_the_head, reorder, insert_in_the_middle, change_what_is_searched, change_a_checkpoint,
    move_a_checkpoint, delete_all_checkpoints, repeat_a_key, add_white_space, write_a_float,
    claim_an_unknown_version, claim_true_for_one, nest_deeply, store_something_huge, replace_the_key,
    replace_the_key_and_sign_again, add_a_trigger,
]  # fmt: skip


def found_as(attack: Attack) -> int:
    """The exit code: 3 where all that is left fits, and only a signed size says that there was more."""
    return 3 if attack is delete_and_close_up else 2
