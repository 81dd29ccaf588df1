"""The index's process: takes files on standard input, writes the index, answers one line for each.

A process of its own because py-tree-sitter holds the interpreter for a whole parse, and because a file can
be made that no deadline inside a parser stops: whoever started this process kills it then.

It begins with {"ready": true}. A message is one line of JSON, for `add` followed by `size` bytes:

    {"do": "add", "path": …, "blob": …, "size": …, "changed": …}     answered {"added": path, "state": …}
    {"do": "quarantine", …as add}                                     answered the same
    {"do": "skip", "path": …, "size": …, "changed": …}               not answered; it is no text
    {"do": "gone", "paths": […]}                                      not answered
    {"do": "commit"}                                                  answered {"committed": count}
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import BinaryIO, Final

from workbench.context.index import store
from workbench.context.index.prepare import no_text, prepare, quarantined
from workbench.core.errors import WorkbenchError

NICENESS: Final = 10
"""The index is made behind everything a person waits for."""


class Writer:
    """Collects what was prepared, and writes it when told."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._prepared: list[store.Prepared] = []
        self._present: list[tuple[str, str, int, int]] = []
        self._gone: list[str] = []

    def take(self, header: dict[str, object], data: bytes) -> str:
        """Prepare one file and return its state."""
        path, blob = str(header["path"]), str(header["blob"])
        if header["do"] == "quarantine":
            self._prepared.append(quarantined(path, blob, data))
        elif not store.known(self._connection, [(path, blob)]):
            self._prepared.append(prepare(path, blob, data))
        self._present.append((path, blob, len(data), int(str(header["changed"]))))
        last = self._prepared[-1] if self._prepared else None
        return last.state if last is not None and last.path == path else "known"

    def skip(self, path: str, size: int, changed_ns: int) -> None:
        """Remember a file that is no text, so that it is not looked at again until it changes."""
        self._prepared.append(no_text(path, size))
        self._present.append((path, "", size, changed_ns))

    def forget(self, paths: list[str]) -> None:
        """Take paths out of the index with the next commit."""
        self._gone += paths

    def commit(self) -> int:
        """Write what has gathered and return how many files that were."""
        count = len(self._present) + len(self._gone)
        store.add(self._connection, self._prepared)
        store.set_live(self._connection, self._present, self._gone)
        self._prepared, self._present, self._gone = [], [], []
        return count


def main(database: Path, given: BinaryIO, answers: BinaryIO) -> int:
    """Serve until standard input ends."""
    os.nice(NICENESS)
    try:
        connection = store.connect(database, write=True)
        writer = Writer(connection)
        _say(answers, {"ready": True})
        while line := given.readline():
            answer = _serve(writer, json.loads(line), given)
            if answer is not None:
                _say(answers, answer)
        writer.commit()
        connection.close()
    except (sqlite3.Error, WorkbenchError) as error:
        cause = error.cause if isinstance(error, WorkbenchError) else str(error)
        _say(answers, {"failed": cause})
        return 1
    return 0


def _say(answers: BinaryIO, answer: dict[str, object]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


def _serve(writer: Writer, header: dict[str, object], given: BinaryIO) -> dict[str, object] | None:
    verb = header["do"]
    if verb in ("add", "quarantine"):
        data = given.read(int(str(header["size"])))
        return {"added": header["path"], "state": writer.take(header, data)}
    if verb == "skip":
        writer.skip(str(header["path"]), int(str(header["size"])), int(str(header["changed"])))
        return None
    if verb == "gone":
        paths = header["paths"]
        writer.forget([str(path) for path in paths] if isinstance(paths, list) else [])
        return None
    return {"committed": writer.commit()}


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer))
