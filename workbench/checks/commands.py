"""Checks a change by commands: the formatter, linter, type checker and tests that the repository configures.

The rules, in order:

1. Only commands that policy grants by itself run: a check has nobody to ask.
2. They run in the shadow copy, with the change laid over it, at the boundary levels that allow commands.
3. Tests that belong to the changed files run first, so that what is broken is known soon; then all of them.
4. What fails is run once more without the change, so that a person sees whose failure it is.
5. Evidence is how each command ended and the last line it printed, with protected values replaced. The rest
   is in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from workbench.broker import Ran
from workbench.checks.configured import Purpose, Tool, configured, purpose_of
from workbench.checks.found import PASS, SKIPPED, WARN, Check, Found, Work, listed
from workbench.context import is_test
from workbench.core.errors import BoundaryError, Refused, UsageError, WorkbenchError
from workbench.core.records import Command, Effect
from workbench.core.safe_text import decode, one_line

NAMES = frozenset({"linter", "types", "tests"})
"""The checks that run commands."""
MAX_AFFECTED = 20
"""Test files that run first; with more, all tests run at once."""


MAX_LINE = 120
"""Characters of a command's last line that are evidence."""


def check(purpose: Purpose) -> Check:
    """Return the check that runs the commands for one purpose."""

    def checked(work: Work) -> Found:
        paths = work.paths or work.broker.list(actor=work.actor)
        tools = [
            tool for tool in configured(paths, lambda path: _read(work, path)) if tool.purpose is purpose
        ]
        granted = granted_for(work, purpose)
        if not granted:
            return SKIPPED, _why_not(purpose, tools)
        if work.broker.commands.off:
            return SKIPPED, work.broker.commands.off
        try:
            return _run_all(work, list(_in_order(work, granted, paths)))
        except (Refused, BoundaryError, UsageError) as error:
            return SKIPPED, f"could not be run: {error.cause}"

    return checked


def _in_order(
    work: Work, granted: Sequence[tuple[str, ...]], paths: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    """Yield the commands to run: each for the affected tests first, where policy lets it name files."""
    first = tuple(affected(work, paths))
    for argv in granted:
        narrow = (*argv, *first)
        if (
            first
            and purpose_of(argv) is Purpose.TESTS
            and work.broker.policy.run(narrow).effect is Effect.ALLOW
        ):
            yield narrow
        yield argv


def _run_all(work: Work, commands: Sequence[tuple[str, ...]]) -> Found:
    overlay = {draft.path: None if draft.deleted else (draft.after, draft.mode) for draft in work.drafts}
    runs, told = work.broker.commands, []
    for argv in commands:
        ran = runs.run(Command(argv), actor=work.actor, draft=overlay)
        said = f"{one_line(' '.join(argv))[:MAX_LINE]}: {_ended(ran)}"
        touched = sorted({change.path for change in ran.changes.files} & overlay.keys())
        if not ran.ok:
            without = runs.run(Command(argv), actor=work.actor)
            return WARN, said if without.ok else f"{said} (without the change as well)"
        if touched:
            return WARN, f"{said}; it would change {listed([one_line(path) for path in touched])}"
        told.append(said)
    return PASS, "; ".join(told)


def _ended(ran: Ran) -> str:
    lines = [line.strip() for line in decode(ran.seen).splitlines() if line.strip()]
    return f"{ran.ending}: {one_line(lines[-1])[:MAX_LINE]}" if lines else ran.ending


def granted_for(work: Work, purpose: Purpose) -> list[tuple[str, ...]]:
    """Return the commands for one purpose that policy grants without asking, in its order."""
    lines = [line.argv for tier in work.broker.policy.tiers for line in tier.run or ()]
    wanted = [argv for argv in dict.fromkeys(lines) if purpose_of(argv) is purpose]
    return [argv for argv in wanted if work.broker.policy.run(argv).effect is Effect.ALLOW]


def affected(work: Work, paths: Sequence[str]) -> list[str]:
    """Return the test files that belong to the changed files, by their names."""
    changed = {draft.path for draft in work.drafts if not draft.deleted}
    stems = {PurePosixPath(path).stem.casefold() for path in changed}
    wanted = {
        f"{front}{stem}{end}"
        for stem in stems
        for front, end in (("test_", ""), ("", "_test"), ("", ".test"))
    }
    found = [
        path
        for path in paths
        if is_test(path) and (path in changed or PurePosixPath(path).stem.casefold() in wanted)
    ]
    return found if len(found) <= MAX_AFFECTED else []


def _read(work: Work, path: str) -> bytes:
    try:
        return work.broker.read(path, actor=work.actor, purpose="configuration").data
    except WorkbenchError:
        return b""


def _why_not(purpose: Purpose, tools: Sequence[Tool]) -> str:
    if not tools:
        return f"the repository configures no {purpose}"
    named = listed([f"{tool.name} ({tool.source})" for tool in tools])
    return f"{named} is configured; policy grants no command for it ([run] allow)"
