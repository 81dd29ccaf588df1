"""Looks into the record for a face: who looks is on record; one entry with its proof; verification."""

from __future__ import annotations

import json
from contextlib import suppress

from workbench.core import places
from workbench.core.errors import WorkbenchError
from workbench.core.records import Event, Json
from workbench.core.safe_text import safe_text
from workbench.evidence.anchors import collect, say_what_was_checked, witness_key
from workbench.evidence.kept import kept_anchors, kept_directory
from workbench.evidence.proofs import show_place
from workbench.ledger import Anchor, Report, verify
from workbench.session.opening import Parts

_DAMAGED = (2, 3)
"""Exit codes of a verification that found something."""


class Auditing:
    """What one session does with its own ledger beside appending to it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._head = places.head_file(parts.worktree.root)

    def opened(self) -> None:
        """Put on record that the person looks through the ledger."""
        self._record({"what": "log"})

    def entry(self, index: int) -> tuple[str, ...]:
        """Return one entry as lines: all its fields, then the proof of its place; the look is recorded.

        Raises:
            WorkbenchError: There is no such entry, or it cannot be read, or the look not be recorded.
        """
        self._record({"what": "show", "index": index})
        entry = self._parts.reader.entry(index)
        lines = [
            f"leaf {entry.leaf.hex()}",
            *json.dumps(entry.body, indent=2, ensure_ascii=False).split("\n"),
        ]
        try:
            for name, value in show_place(self._parts.reader, entry, self._kept()).items():
                lines += [f"{name}: {each}" for each in (value if isinstance(value, list) else [value])]
        except WorkbenchError as error:
            lines.append(f"no proof: {error.cause}")
        return tuple(safe_text(line, one_line=True).text for line in lines)

    def verify(self) -> str:
        """Verify the whole ledger against every anchor found, record the outcome, and return it in lines."""
        parts, settings = self._parts, self._parts.policy.settings
        anchors = collect(self._head, parts.git, settings.witnesses)
        report = verify(parts.state, anchors, max_anchor_age=settings.max_anchor_age)
        found: dict[str, Json] = {"exit_code": report.exit_code, "size": report.size}
        found["first_bad"] = report.first_bad
        failed = report.exit_code in _DAMAGED
        kind = "ledger.verify_failed" if failed else "ledger.verified"
        # What was found is shown whether or not a damaged ledger can still be written.
        with suppress(WorkbenchError):
            parts.broker.record(Event(kind, parts.person, fields={"verification": found}))
        return "\n".join(safe_text(line).text for line in _told(report, anchors))

    def _kept(self) -> list[Anchor]:
        witnesses = tuple(map(witness_key, self._parts.policy.settings.witnesses))
        return kept_anchors(kept_directory(self._head), witnesses)

    def _record(self, query: dict[str, Json]) -> None:
        fields: dict[str, Json] = {"obj": {"kind": "ledger"}, "query": query}
        self._parts.broker.record(Event("ledger.read", self._parts.person, fields=fields))


def _told(report: Report, anchors: list[Anchor]) -> list[str]:
    """Return the layers that were looked at, the first entry that does not hold, and all that was found."""
    if report.first_bad is None:
        entries = f"Entries 0 to {report.size - 1} hold: bytes, hashes, order, tree, signed checkpoints."
    else:
        entries = f"FIRST BAD ENTRY: {report.first_bad}. Only what stands before it can be relied on."
    return [entries if report.exit_code != 1 else "", say_what_was_checked(anchors), *report.lines]
