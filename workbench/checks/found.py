"""Defines what a check is asked about and what it answers, for one file and for several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from workbench.broker import Broker
from workbench.checks.draft import Draft
from workbench.core.records import CheckVerdict, Principal
from workbench.core.safe_text import one_line

PASS, WARN, FAIL, SKIPPED = CheckVerdict.PASS, CheckVerdict.WARN, CheckVerdict.FAIL, CheckVerdict.SKIPPED

Found = tuple[CheckVerdict, str]
"""A verdict and the evidence for it. Evidence names things and counts them, and quotes no line of code."""

_SEVERITY = (SKIPPED, PASS, WARN, FAIL)
MOST_NAMED = 3
"""Things that evidence names; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Work:
    """One change to be checked, of one file or several."""

    drafts: tuple[Draft, ...]
    broker: Broker
    actor: Principal
    """On whose behalf files are read and commands run."""
    paths: tuple[str, ...] = field(default=())
    """The paths of the worktree."""


Check = Callable[[Work], Found]


def each(check: Callable[[Draft, Broker], Found]) -> Check:
    """Return the check of a whole change from the check of one file: the worst verdict counts."""

    def checked(work: Work) -> Found:
        found = [(draft, *check(draft, work.broker)) for draft in work.drafts]
        worst = max((verdict for _, verdict, _ in found), key=_SEVERITY.index)
        told = [(draft, evidence) for draft, verdict, evidence in found if verdict is worst]
        if len(found) == 1:
            return worst, told[0][1]
        if worst is PASS:
            return worst, f"{len(told)} of {len(found)} files: {listed([text for _, text in told])}"
        return worst, listed([f"{one_line(draft.path)}: {text}" for draft, text in told], "; ")

    return checked


def listed(things: Sequence[str], between: str = ", ") -> str:
    """Return the first few different things, and how many more there are."""
    different = list(dict.fromkeys(things))
    more = len(different) - MOST_NAMED
    return between.join(different[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
