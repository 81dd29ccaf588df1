"""Says what the ledger keeps of a command: where it ran, what it got, what was refused, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from workbench.boundary import CommandLimits, SocketAttempt
from workbench.boundary.command_attempt import VARIABLES
from workbench.core.records import Command, Event, Json, Principal, sha256
from workbench.core.safe_text import one_line

if TYPE_CHECKING:
    from workbench.broker.running import Ran

MAX_ROWS = 100
"""Changed files listed in one row; the rest is counted."""

Draft = Mapping[str, tuple[bytes, int] | None]
"""Files of a draft that lies over the copy: bytes and permission bits, or None for a file it deletes."""


def limits(given: CommandLimits, environment: Mapping[str, str]) -> dict[str, Json]:
    """Return where a command runs, which variables it gets, and what it may take."""
    return {
        "cwd": ".",
        "env": [*sorted({*VARIABLES, *environment})],
        "limits": {
            "seconds": round(given.seconds),
            "output_bytes": given.output_bytes,
            "cpu_seconds": given.cpu_seconds,
            "memory_bytes": given.memory_bytes,
            "file_bytes": given.file_bytes,
            "processes": given.processes,
            "open_files": given.open_files,
        },
    }


def drafted(draft: Draft) -> list[Json]:
    """Return the files of a draft that lay over the copy, by digest."""
    rows: list[Json] = []
    for path, after in sorted(draft.items())[:MAX_ROWS]:
        rows.append({"path": path, "sha256": None if after is None else sha256(after[0])})
    return rows


def egress(attempt: SocketAttempt, actor: Principal, operation: str, command: Command) -> Event:
    """Return the row of one kind of refused attempt to open a socket."""
    tried: dict[str, Json] = {
        "pid": attempt.process,
        "program": one_line(attempt.program),
        "family": attempt.family,
        "count": attempt.count,
    }
    obj: dict[str, Json] = {"kind": "socket", "path": f"{one_line(attempt.program)} {attempt.family}".strip()}
    outcome: dict[str, Json] = {"status": "denied", "code": "EPERM", "detail": "refused by the kernel"}
    fields: dict[str, Json] = {
        "obj": obj,
        "egress": tried,
        "cmd": {"sha256": command.sha256},
        "outcome": outcome,
    }
    return Event("egress.denied", actor, "event", operation, fields)


def ended(ran: Ran) -> dict[str, Json]:
    """Return how a command ended and what it changed."""
    result, changed = ran.result, ran.changes.files
    left_out = ran.changes.left_out or {}
    rows: list[Json] = [
        {
            "path": each.path,
            "before": each.before_sha256,
            "after": None if each.after is None else each.after.sha256,
        }
        for each in changed[:MAX_ROWS]
    ]
    told: dict[str, Json] = {
        "exit": result.code,
        "stopped": result.stopped,
        "dur_ms": round(result.seconds * 1000),
        "isolated": result.isolated,
        "output_bytes": result.output_bytes,
        "output_kept": len(result.output),
        "output_sha256": sha256(result.output),
        "sockets_refused": sum(attempt.count for attempt in result.sockets),
        "changed": len(changed),
        "changes": rows,
        "left_out": len(left_out),
    }
    status = "success" if ran.ok else "failure"
    outcome: dict[str, Json] = {"status": status, "code": str(result.code), "detail": ran.ending}
    return {"ended": told, "outcome": outcome}
