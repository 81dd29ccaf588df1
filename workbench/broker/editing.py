"""Hands texts to the person's own editor, and takes back what they made of them; on record like a command.

The editor runs inside the seal: without a network, with the files that this program may reach, and unable to
start another program. So one that is a script, or that hands over to a running editor, does not work here.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from workbench.core.errors import Refused, UsageError
from workbench.core.ids import uuid7
from workbench.core.records import Event, Json, Principal

NO_EDITOR = UsageError(
    "There is no editor that can run inside the seal: EDITOR names none, or one that is a script.",
    "Set EDITOR to a program such as vim or nano, or edit outside: `workbench queue amend --help`.",
)


def edit(
    texts: Mapping[str, bytes],
    argv: Sequence[str],
    *,
    by: Principal,
    scratch: Path,
    record: Callable[..., int],
) -> dict[str, bytes]:
    """Return what the person made of each text, by the path it is for.

    Args:
        texts: What each path is to hold so far.
        argv: The editor and its first words; empty where there is none.
        by: The person.
        scratch: A private directory outside the worktree.
        record: Appends an event, durable on return.

    Raises:
        UsageError: There is no editor.
        Refused: It could not be started, or ended with an error; nothing is taken back then.
    """
    if not argv:
        raise NO_EDITOR
    operation = uuid7()
    with tempfile.TemporaryDirectory(prefix="workbench-edit-", dir=scratch) as made:
        # Numbered, since two paths can end alike; the ending is what an editor colours by.
        files = {path: Path(made, f"{n}-{path.rpartition('/')[2]}") for n, path in enumerate(texts, 1)}
        for path, file in files.items():
            file.write_bytes(texts[path])
        words = [*argv, *map(str, files.values())]
        fields: dict[str, Json] = {"cmd": {"argv": [*words], "purpose": "edit a proposal"}}
        record(Event("command.intent", by, "intent", operation, fields))
        problem = _run(words, made)
        status = "failure" if problem else "success"
        ended: dict[str, Json] = {"status": status, "code": "", "detail": problem}
        record(Event("command.outcome", by, "outcome", operation, {**fields, "outcome": ended}))
        if problem:
            raise Refused(f"The editor {problem}.", "Nothing was changed; the item waits as it was.")
        return {path: file.read_bytes() for path, file in files.items()}


def _run(words: Sequence[str], directory: str) -> str:
    """Run the editor on the person's terminal; return what went wrong, or nothing."""
    try:
        ended = subprocess.run(list(words), cwd=directory, check=False)
    except OSError as error:
        return f"could not be started: {error.strerror}"
    return f"ended with code {ended.returncode}" if ended.returncode else ""
