"""Reads ledger entries as the lines of the audit pane: who did what to which thing, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.core.ids import short
from workbench.core.records import Json
from workbench.core.safe_text import one_line
from workbench.ledger import Entry
from workbench.session.views import AuditRow


def audit_row(entry: Entry) -> AuditRow:
    """Return one entry as a line; every text is safe to show."""
    body = entry.body
    return AuditRow(
        index=entry.index,
        time=entry.time,
        type=one_line(entry.type),
        phase=one_line(entry.phase),
        actor=one_line(_text(_part(body, "actor"), "name")),
        subject=one_line(_subject(body)),
        result=one_line(_result(body)),
    )


def _subject(body: Mapping[str, Json]) -> str:
    path = _text(_part(body, "obj"), "path")
    if path:
        return path
    model = _text(_part(body, "model"), "name")
    if model:
        return model
    boundary = _text(_part(body, "boundary"), "words")
    if boundary:
        return boundary
    version = _text(_part(body, "policy"), "version")
    if version:
        return version
    outcome = _text(_part(body, "task"), "outcome")
    if outcome:
        return outcome
    proposal = _text(_part(body, "proposal"), "id")
    return f"proposal {short(proposal)}" if proposal else _text(body, "note")


def _result(body: Mapping[str, Json]) -> str:
    decision = _text(_part(body, "decision"), "value")
    if decision:
        return decision
    status = _text(_part(body, "outcome"), "status")
    if status:
        return "ok" if status == "success" else status
    scope = _text(_part(body, "release"), "scope")
    if scope:
        return scope
    return "" if body.get("phase") == "intent" else _text(_part(body, "policy"), "verdict")


def _part(body: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _text(body: Mapping[str, Json], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""
