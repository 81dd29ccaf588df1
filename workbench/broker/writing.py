"""Puts approved changes on disk: all files of a decision or none, every file with a row before and after.

All rows of one step go into the ledger together, before the first file is touched. Each names its file with
the digests before and after, and how many files the step has (`set`), so that after a crash the ledger says
what every one of them was to become.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from workbench.core.errors import Refused, WorkbenchError
from workbench.core.ids import uuid7
from workbench.core.records import Decision, Event, FileChange, Json, Principal, sha256
from workbench.repo import Edit, HalfWritten, Writer

Record = Callable[..., int]


@dataclass(frozen=True, slots=True)
class NewContent:
    """One file's change with the bytes it stands for."""

    change: FileChange
    after: bytes
    """Empty where the file is deleted."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one row of the ledger says of one path."""

    edit: Edit
    judgement: dict[str, Json]
    labels: tuple[str, ...]


def edits_of(content: NewContent) -> Iterator[Edit]:
    """Yield what a change does to each path; a change of name touches two.

    Raises:
        Refused: The bytes are not those whose digest was approved.
    """
    change = content.change
    if change.after_sha256 is None:
        yield Edit(change.path, change.before_sha256, None)
        return
    if sha256(content.after) != change.after_sha256:
        raise Refused("The bytes to be written are not the bytes that were approved.", "Nothing was written.")
    base = None if change.renamed_from else change.before_sha256
    keeps_mode = base is not None and change.mode_before is None
    mode_before = None if change.renamed_from else change.mode_before
    yield Edit(change.path, base, content.after, None if keeps_mode else change.mode, mode_before)
    if change.renamed_from:
        yield Edit(change.renamed_from, change.before_sha256, None, base_mode=change.mode_before)


def write(steps: Sequence[Step], writer: Writer, record: Record, decision: Decision, by: Principal) -> None:
    """Carry out the steps, on record.

    Args:
        steps: One for each path; policy has allowed them.
        writer: What writes.
        record: Appends events, all or none, durable on return.
        decision: What a person decided; its id is the name of the step.
        by: Who has it done: the person, or the program that puts a crash right.

    Raises:
        Stale: A file is not the one the person saw; nothing was written.
        RepositoryError: The disk refused; the old files are whole.
        HalfWritten: The disk refused, and somebody changed what had been written meanwhile.
    """
    kind = "edit" if by == decision.by else "rollback"
    operations = [uuid7() for _ in steps]
    bodies = [_fields(step, number, len(steps), decision) for number, step in enumerate(steps, 1)]
    rows = list(zip(operations, bodies, strict=True))
    record(*(Event(f"{kind}.intent", by, "intent", operation, body) for operation, body in rows))
    error: WorkbenchError | None = None
    try:
        done = writer.apply([step.edit for step in steps])
        notes = {written.path: list(written.notes) for written in done if written.notes}
    except WorkbenchError as failed:
        error, notes = failed, {}
    left = error.paths if isinstance(error, HalfWritten) else ()
    outcomes = []
    for step, (operation, body) in zip(steps, rows, strict=True):
        path = step.edit.path
        ended: dict[str, Json] = {**body, "outcome": _outcome(error, kept=path in left)}
        if path in notes:
            ended["notes"] = list[Json](notes[path])
        outcomes.append(Event(f"{kind}.outcome", by, "outcome", operation, ended))
    record(*outcomes)
    if error is not None:
        raise error


def _fields(step: Step, number: int, of: int, decision: Decision) -> dict[str, Json]:
    edit = step.edit
    obj: dict[str, Json] = {
        "kind": "file",
        "path": edit.path,
        "before": digest(edit.base_sha256),
        "after": digest(None if edit.data is None else sha256(edit.data)),
        "bytes": len(edit.data or b""),
        "labels": [*step.labels],
    }
    if edit.mode is not None:
        obj["mode"] = f"{edit.mode & 0o777:o}"
    return {
        "obj": obj,
        "set": {"id": decision.id, "file": number, "of": of},
        "proposal": {"id": decision.proposal_id},
        "decision": {"id": decision.id},
        "policy": step.judgement,
    }


def _outcome(error: WorkbenchError | None, *, kept: bool) -> dict[str, Json]:
    if error is None:
        return {"status": "success", "code": "", "detail": ""}
    # What was written and then changed by somebody else is neither as it was nor as it was approved.
    status = "unknown" if kept else "failure"
    return {"status": status, "code": type(error).__name__, "detail": error.cause}


def digest(value: str | None) -> Json:
    """Return a content digest as the ledger's envelope writes it; None stays None."""
    return None if value is None else {"alg": "sha256", "v": value}
