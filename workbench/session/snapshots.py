"""Turns a queued proposal into what a face sees of it: safe text, counts, and whether it can be decided."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from workbench.context import language_of, structure
from workbench.core.records import Proposal, ProposalState, Verdict, sha256
from workbench.core.safe_text import decode, one_line, safe_text
from workbench.review import Queued, RenderedFile, Rendering, Row, RowKind
from workbench.review.rendering import line_end
from workbench.session.views import QueueItem, Shown, ShownFile


def queue_item(queued: Queued, size: tuple[int, int]) -> QueueItem:
    """Return the line of the queue for one proposal; `size` is the lines it adds and removes."""
    proposal = queued.proposal
    kinds = {change.kind for change in proposal.changes}
    return QueueItem(
        id=proposal.id,
        path=paths(proposal),
        kind="run" if proposal.command else kinds.pop() if len(kinds) == 1 else "edit",
        added=size[0],
        removed=size[1],
        risk=proposal.risk,
        state=queued.state,
        task=one_line(proposal.task),
        created=proposal.created,
        checks_passed=sum(check.verdict == "pass" for check in proposal.checks),
        checks_total=len(proposal.checks),
        task_id=proposal.task_id,
        files=tuple(change.path for change in proposal.changes),
    )


def paths(proposal: Proposal) -> str:
    """Return the path of a proposal's first file, and how many more there are; or its command."""
    if proposal.command is not None:
        return one_line(proposal.command.text)
    first = one_line(proposal.changes[0].path)
    others = len(proposal.changes) - 1
    return f"{first} and {others} more" if others else first


def shown(
    item: Queued,
    rendering: Rendering,
    rule: str,
    problem: str,
    result: tuple[Row, ...] = (),
    *,
    reason_required: bool = False,
) -> Shown:
    """Return one proposal with its rows.

    Args:
        item: The proposal, compared with the disk just now.
        rendering: Its rows and the digest that binds a decision to them.
        rule: The rule of policy under which it waits.
        problem: Why nothing can be decided at all now; empty when it can.
        result: What came of a command that has run.
        reason_required: Whether policy demands the person's words with an approval.
    """
    proposal = item.proposal
    # What is shown of a command that has run is more than what was decided on, and is not decided on again.
    digest = sha256(f"{rendering.shown_sha256} {len(result)}".encode()) if result else rendering.shown_sha256
    return Shown(
        proposal_id=proposal.id,
        path=paths(proposal),
        files=tuple(map(_file, rendering.files)),
        rows=(*rendering.rows, *result),
        hunks=len(rendering.hunks),
        split=rendering.split,
        origins=rendering.origins,
        added=sum(hunk.added for hunk in rendering.hunks),
        removed=sum(hunk.removed for hunk in rendering.hunks),
        hidden=rendering.hidden_count,
        hidden_names=tuple(f"{one_line(name)} x{count}" for name, count in rendering.hidden.items()),
        task=one_line(proposal.task),
        justification=one_line(proposal.justification),
        risk=proposal.risk,
        state=item.state,
        stale=item.note if item.state is ProposalState.STALE else "",
        rule=rule,
        checks=tuple(
            replace(c, name=one_line(c.name), evidence=one_line(c.evidence)) for c in proposal.checks
        ),
        spans=tuple(replace(span, path=one_line(span.path)) for span in proposal.spans),
        inferences=proposal.inferences,
        attempts=proposal.attempts,
        author=proposal.author.id,
        amended_by=proposal.amended_by,
        rolls_back=proposal.rolls_back,
        tainted=one_line(proposal.tainted),
        shown_sha256=digest,
        can_approve=_why_not(item, problem),
        reason_required=reason_required,
    )


def structural(rendering: Rendering) -> tuple[str, ...]:
    """Return what a proposal does to definitions; with the file's name where there are several files."""
    lines: list[str] = []
    for file in rendering.files:
        found = _structure(file.before, file.after, file.change.path)
        named = f"{one_line(file.change.path)}: " if len(rendering.files) > 1 else ""
        lines += [named + one_line(line) for line in found]
    return tuple(lines)


_structure = lru_cache(maxsize=64)(structure)
"""A proposal is shown again and again; its bytes stay the same."""


def withheld(item: Shown, path: str, verdict: Verdict) -> Shown:
    """Return a proposal without any content of its files, since policy has come to deny one of them."""
    rule = one_line(f"{verdict.rule.name} ({verdict.rule.tier}, {verdict.rule.source})")
    why = f"policy denies reading {one_line(path)}: {rule}"
    return replace(
        item,
        files=tuple(replace(file, before="", after="") for file in item.files),
        rows=(Row(RowKind.NOTE, None, None, f"not shown: {why}", 0),),
        hunks=0,
        split=(),
        origins=(),
        hidden_names=(),
        checks=tuple(replace(check, evidence="not shown") for check in item.checks),
        can_approve=item.can_approve or why,
    )


def _file(file: RenderedFile) -> ShownFile:
    language = language_of(file.change.path)
    return ShownFile(
        path=one_line(file.change.path),
        kind=file.change.kind,
        added=file.added,
        removed=file.removed,
        language=language.name if language else "",
        before=_text(file, file.before),
        after=_text(file, file.after),
    )


def _text(file: RenderedFile, data: bytes) -> str:
    """Return a whole file as its rows show it: without the line ends that all its lines have."""
    return safe_text(decode(data.replace(line_end(file), b"\n"))).text


def _why_not(item: Queued, problem: str) -> str:
    if item.state is ProposalState.STALE:
        return f"STALE: {item.note}"
    if item.state is not ProposalState.QUEUED:
        return f"already {item.state}"
    return problem
