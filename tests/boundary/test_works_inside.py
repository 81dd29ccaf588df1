"""What goes on working in a sealed process: asyncio, threads, subprocesses, SQLite, connected pairs."""

from __future__ import annotations

import asyncio
import concurrent.futures.thread  # noqa: F401  # asyncio loads it late, when `nobody` can no longer read it
import ctypes
import socket
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.boundary.children import USERS, fork_sealed, needs_seal

pytestmark = needs_seal

AS_EVERYONE = pytest.mark.parametrize("user", USERS)


@AS_EVERYONE
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET])
def test_a_connected_pair_works_in_both_directions(kind: int, user: str) -> None:
    def use() -> list[bytes]:
        left, right = socket.socketpair(socket.AF_UNIX, kind)
        left.sendall(b"out")
        right.send(b"back")
        received = [right.recv(10), left.recv(10)]
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.sendto(left.fileno(), b"none", 4, 0, None, 0) == 4
        return [*received, right.recv(10)]

    assert fork_sealed(use, user=user) == [b"out", b"back", b"none"]


@AS_EVERYONE
def test_asyncio_its_threads_and_its_subprocesses_work(user: str) -> None:
    async def session() -> tuple[int, bytes]:
        total = await asyncio.to_thread(sum, range(10))
        echo = await asyncio.create_subprocess_exec("/bin/echo", "sealed", stdout=subprocess.PIPE)
        said, _ = await echo.communicate()
        return total, said

    assert fork_sealed(lambda: asyncio.run(session()), user=user) == (45, b"sealed\n")


@AS_EVERYONE
def test_sqlite_in_wal_mode_works(user: str) -> None:
    def use() -> list[tuple[int]]:
        with tempfile.TemporaryDirectory() as place:
            path = str(Path(place) / "ledger.db")
            writer, reader = sqlite3.connect(path), sqlite3.connect(path)
            assert writer.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
            writer.execute("CREATE TABLE entry (n INTEGER)")
            with writer:
                writer.execute("INSERT INTO entry VALUES (7)")
            rows = reader.execute("SELECT n FROM entry").fetchall()
            writer.close()
            reader.close()
            return rows

    assert fork_sealed(use, user=user) == [(7,)]
