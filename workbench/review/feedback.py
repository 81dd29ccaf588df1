"""Finds why a person rejected proposals, or parts of them, so that the model can be told.

Only the person's own words are told, and where the part stood. Not what it said: values that the model may
not see were put back into it before the person saw it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from workbench.core.records import ProposalState
from workbench.review.queue import Decided, Queue, Queued
from workbench.review.rendering import Rendering, RowKind

TOLD_REASONS = 3
"""Reasons that the model is told, the newest ones."""
SEARCHED_DECISIONS = 500
"""Bounds how far back a reason is looked for."""

Render = Callable[[Queued, tuple[int, ...]], Rendering]


def reasons_for(queue: Queue, render: Render, path: str, symbol: str) -> list[str]:
    """Return the newest reasons given for a symbol of a file, the newest last."""
    told: list[str] = []
    for decided in queue.newest_decisions(SEARCHED_DECISIONS):
        if len(told) >= TOLD_REASONS:
            break
        told += _reasons(queue, render, decided, (path, symbol))
    return told[:TOLD_REASONS][::-1]


def _reasons(queue: Queue, render: Render, decided: Decided, place: tuple[str, str]) -> Iterator[str]:
    decision = decided.decision
    if not decision.reason and not decision.left_out:
        return
    item = queue.get(decision.proposal_id)
    if place not in [(change.path, change.symbol) for change in item.proposal.changes]:
        return
    if decision.value == "reject" and item.state is ProposalState.REJECTED:
        yield decision.reason
    for left in decision.left_out:
        if left.reason:
            rows = render(item, decision.split).rows
            heads = (row.text for row in rows if row.kind is RowKind.HUNK and row.hunk == left.hunk)
            yield f"{left.reason} (of the part at {next(heads, '').removeprefix('@@ ')}, which was left out)"
