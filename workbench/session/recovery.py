"""Finds out from the disk how the steps ended that a crash cut short, and puts that on record.

The rules:

1. An intent without an outcome is an orphan once the process that wrote it is gone.
2. Where it was to change a file, the file's digest says what became of it: it is the one after (written),
   the one before (not written), or neither (something else: look).
3. Every orphan is closed by one `recovery.orphan` with what was found, and the person is told.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.broker import Broker
from workbench.core.clock import boot_id
from workbench.core.errors import LedgerUnavailable, WorkbenchError
from workbench.core.records import SYSTEM, Event, Json
from workbench.core.safe_text import one_line
from workbench.ledger import Entry, LedgerReader

WRITTEN = "written"
NOT_WRITTEN = "not written"
SOMETHING_ELSE = "something else is there: look"
UNKNOWN = "not known how it ended"
_SHOWN = 5
"""Files named in one line for the person."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """An intent whose outcome was lost, and what became of it."""

    intent: Entry
    path: str
    """The file it was to change; empty where it was no change of a file."""
    found: str


def reconcile(broker: Broker, reader: LedgerReader, session: str) -> list[str]:
    """Close the intents of sessions that died, and return a line for the person on each kind of end.

    Raises:
        LedgerUnavailable: What was found cannot be recorded.
    """
    orphans = [_judged(broker, entry) for entry in reader.open_intents() if not is_alive(entry, session)]
    if not orphans:
        return []
    broker.record(*map(_event, orphans))
    kinds = ", ".join(sorted({orphan.intent.type.removesuffix(".intent") for orphan in orphans}))
    lines = [f"An earlier session ended in the middle of {len(orphans)} step(s): {kinds}. All are on record."]
    for found in (WRITTEN, NOT_WRITTEN, SOMETHING_ELSE, UNKNOWN):
        paths = [orphan.path for orphan in orphans if orphan.path and orphan.found == found]
        if paths:
            lines.append(f"{_named(paths)}: {found}.")
    return lines


def _judged(broker: Broker, intent: Entry) -> Orphan:
    obj = intent.body.get("obj")
    fields = obj if isinstance(obj, dict) else {}
    path = fields.get("path")
    if intent.type not in ("edit.intent", "rollback.intent") or not isinstance(path, str):
        return Orphan(intent, "", UNKNOWN)
    try:
        content = broker.present(path, actor=SYSTEM)
    except LedgerUnavailable:
        raise
    except WorkbenchError:
        return Orphan(intent, path, UNKNOWN)
    now = None if content is None else content.sha256
    # What has not changed since was not written, also where nothing was to change.
    if now == _sha256(fields.get("before")):
        return Orphan(intent, path, NOT_WRITTEN)
    return Orphan(intent, path, WRITTEN if now == _sha256(fields.get("after")) else SOMETHING_ELSE)


def _sha256(digest: Json) -> str | None:
    """Return the digest that an entry names: None for no file, `?` where it cannot be compared."""
    if digest is None:
        return None
    return str(digest.get("v")) if isinstance(digest, dict) and digest.get("alg") == "sha256" else "?"


def _event(orphan: Orphan) -> Event:
    status = "unknown" if orphan.found in (SOMETHING_ELSE, UNKNOWN) else "success"
    outcome: dict[str, Json] = {"status": status, "code": "crash", "detail": orphan.found}
    fields: dict[str, Json] = {"outcome": outcome, "note": orphan.intent.type}
    if orphan.path:
        fields["obj"] = {"kind": "file", "path": orphan.path}
    return Event("recovery.orphan", SYSTEM, op_id=orphan.intent.op_id, fields=fields)


def is_alive(entry: Entry, session: str) -> bool:
    """Return whether the process that wrote `entry` still runs: its intent is then not an orphan."""
    body = entry.body
    if body.get("session") == session:
        return True
    if body.get("boot_id") != boot_id():
        return False
    try:
        stat = Path(f"/proc/{body.get('pid')}/stat").read_text("utf-8", "replace")
        began = int(stat.rpartition(")")[2].split()[19]) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
        # A process that began after the entry was written has only inherited the number.
        return began <= int(str(body.get("mono_ns")))
    except OSError:
        return False
    except (ValueError, IndexError):
        return True


def _named(paths: Sequence[str]) -> str:
    shown = ", ".join(one_line(path) for path in paths[:_SHOWN])
    return shown if len(paths) <= _SHOWN else f"{shown} and {len(paths) - _SHOWN} more"
