"""Turns what a command changed in its copy into proposals, and what it printed into rows.

A file comes back only if its base is still what is on disk, policy lets it be edited, and nothing that
policy protects was added; what does not come back is named with the reason. Other checks only inform:
a formatter or a generator may well do what an editing model may not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.broker import Broker, Ran
from workbench.checks import CHECKS, Draft, risk_of, run_checks
from workbench.checks.found import Work
from workbench.core.clock import utc_now
from workbench.core.errors import WorkbenchError
from workbench.core.ids import uuid7
from workbench.core.records import (
    SYSTEM,
    CheckVerdict,
    Effect,
    FileChange,
    Principal,
    Proposal,
    Risk,
    sha256,
)
from workbench.core.safe_text import decode, one_line, safe_text
from workbench.repo import Changed
from workbench.review import Row, RowKind

MUST_PASS = ("scope", "budget", "secrets", "personal data")
"""Checks whose failure keeps a file of a command's from being proposed."""
# limit: what is shown of an output; all that was kept of it is sealed in the ledger.
MAX_SHOWN_LINES = 2000


@dataclass(frozen=True, slots=True)
class Returned:
    """What comes back of a command."""

    proposals: tuple[tuple[Proposal, tuple[bytes, ...]], ...]
    """Each with the bytes it stands for."""
    left_out: tuple[str, ...]
    """A line for each changed file that is not proposed."""


@dataclass(frozen=True, slots=True)
class _File:
    change: FileChange
    draft: Draft


def returned(ran: Ran, broker: Broker, person: Principal, task_id: str) -> Returned:
    """Return the proposals that a command's changes make, and what is left out."""
    files: list[_File] = []
    left_out = [f"{one_line(path)}: {why}" for path, why in (ran.changes.left_out or {}).items()]
    task = f"Run {one_line(ran.command.text)}"
    for changed in ran.changes.files:
        found = _file(changed, broker, person, task)
        if isinstance(found, _File):
            files.append(found)
        else:
            left_out.append(f"{one_line(changed.path)}: {found}")
    settings = broker.policy.settings
    groups = _groups(files, broker, settings.files_per_proposal)
    left_out += [
        f"{one_line(each.change.path)}: policy allows {settings.proposals_per_task} proposals a task"
        for group in groups[settings.proposals_per_task :]
        for each in group
    ]
    author = Principal("agent", "agent:command", "command", "command", person.os_uid, person.id)
    made = [
        _proposal(group, ran, broker, author, task, task_id)
        for group in groups[: settings.proposals_per_task]
    ]
    return Returned(tuple(made), tuple(left_out))


def _file(changed: Changed, broker: Broker, person: Principal, task: str) -> _File | str:
    """Return one file's part of a proposal, or why there is none."""
    verdict = broker.policy.edit(changed.path)
    if verdict.effect is not Effect.ALLOW:
        return f"policy does not let it be edited: {verdict.rule.name}"
    before = None
    if changed.before_sha256 is not None:
        try:
            before = broker.read(changed.path, actor=person, purpose="compare").data
        except WorkbenchError as error:
            return error.cause
        if sha256(before) != changed.before_sha256:
            return "it changed on disk while the command ran"
    after = changed.after
    mode = changed.before_mode if after is None else after.mode
    moded = before is not None and (changed.before_mode ^ mode) & 0o111
    change = FileChange(
        changed.path,
        changed.before_sha256,
        None if after is None else after.sha256,
        mode,
        mode_before=changed.before_mode if moded else None,
    )
    data = b"" if after is None else after.data
    found = _File(change, Draft(changed.path, before, data, None, task, mode=mode, deleted=after is None))
    failed = _failed([found], broker)
    return failed or found


def _failed(files: Sequence[_File], broker: Broker) -> str:
    """Return the first check that keeps files from being proposed, with its evidence; empty without one."""
    work = Work(tuple(file.draft for file in files), broker, SYSTEM)
    for name in MUST_PASS:
        verdict, evidence = CHECKS[name](work)
        if verdict is CheckVerdict.FAIL:
            return f"{name}: {broker.examiner.covered(evidence)}"
    return ""


def _groups(files: list[_File], broker: Broker, together: int) -> list[list[_File]]:
    """Return the files as they are proposed together: as many as policy allows, else each for itself."""
    groups: list[list[_File]] = []
    for start in range(0, len(files), together):
        group = files[start : start + together]
        groups += [group] if not _failed(group, broker) else [[file] for file in group]
    return groups


def _proposal(
    files: list[_File], ran: Ran, broker: Broker, author: Principal, task: str, task_id: str
) -> tuple[Proposal, tuple[bytes, ...]]:
    drafts = [file.draft for file in files]
    checks = run_checks(drafts, broker, actor=author)
    moded = any(file.change.mode_before is not None for file in files)
    proposal = Proposal(
        id=uuid7(),
        task_id=task_id,
        created=utc_now(),
        author=author,
        task=task,
        justification=f"Output of {one_line(ran.command.text)} ({ran.ending}).",
        changes=tuple(file.change for file in files),
        spans=(),
        inferences=(),
        checks=checks,
        risk=Risk.HIGH if moded else risk_of(drafts, checks, broker),
        policy_sha256=broker.policy.sha256,
    )
    return proposal, tuple(data for draft in drafts for data in (draft.before or b"", draft.after))


def result_rows(ran: Ran, left_out: tuple[str, ...]) -> Iterator[Row]:
    """Yield what came of a command as rows: how it ended, what was refused, what changed, what it printed."""
    result = ran.result
    yield Row(RowKind.NOTE, None, None, f"{ran.ending}; {result.output_bytes:,} bytes of output", 0)
    for attempt in result.sockets:
        who = one_line(attempt.program)
        yield Row(
            RowKind.NOTE, None, None, f"network refused: {who} {attempt.family}, {attempt.count} times", 0
        )
    for changed in ran.changes.files:
        what = "made" if changed.before_sha256 is None else "deleted" if changed.after is None else "changed"
        yield Row(RowKind.NOTE, None, None, f"{what} {one_line(changed.path)}", 0)
    for line in left_out:
        yield Row(RowKind.NOTE, None, None, f"not proposed: {one_line(line)}", 0)
    lines = output_text(result.output).splitlines()
    if len(lines) > MAX_SHOWN_LINES:
        hidden = len(lines) - MAX_SHOWN_LINES
        yield Row(RowKind.NOTE, None, None, f"the first {hidden:,} lines are not shown here", 0)
    if result.truncated:
        yield Row(RowKind.NOTE, None, None, f"the first {len(result.output):,} bytes were kept", 0)
    start = max(0, len(lines) - MAX_SHOWN_LINES)
    for number, line in enumerate(lines[start:], start + 1):
        yield Row(RowKind.OUTPUT, None, number, line, 0)


def output_text(data: bytes) -> str:
    """Return what a command printed, safe to show."""
    return safe_text(decode(data.replace(b"\r\n", b"\n"))).text
