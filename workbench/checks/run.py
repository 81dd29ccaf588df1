"""Runs the sixteen checks on a change, in their order, and times each.

A check is a function of the change and policy that returns a verdict and its evidence. `fail` keeps the
change from the queue; `warn` goes with the proposal and raises its risk. Policy can require a check. For the
first ten that means it must have been run and not have failed. For the last six, which otherwise only
inform, it means that they must have found nothing: what would be a warning then fails.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from workbench.broker import Broker
from workbench.checks import commands, protected, shape, text
from workbench.checks.configured import Purpose
from workbench.checks.dangerous import introduced, rules_of
from workbench.checks.draft import Draft
from workbench.checks.found import FAIL, PASS, SKIPPED, WARN, Check, Found, Work, each, listed
from workbench.checks.sensitive import sensitive
from workbench.checks.weakened import weakened
from workbench.core.records import SYSTEM, CheckResult, Principal, Risk


def dangerous(draft: Draft, _broker: Broker) -> Found:
    """Say whether the change introduces constructs that a reviewer must not overlook."""
    if draft.language is None or not rules_of(draft.language):
        return SKIPPED, "no rules for this kind of file"
    found = introduced(draft.before or b"", draft.after, draft.language)
    return (WARN, listed([str(danger) for danger in found], "; ")) if found else (PASS, "none introduced")


CHECKS: Mapping[str, Check] = {
    "target": each(shape.target),
    "base": shape.base,
    "scope": each(shape.scope),
    "budget": shape.budget,
    "syntax": each(text.syntax),
    "elisions": each(text.elisions),
    "vanished": text.vanished,
    "hidden characters": each(text.hidden),
    "secrets": each(protected.secrets),
    "personal data": each(protected.personal),
    "dangerous code": each(dangerous),
    "sensitive files": each(sensitive),
    "linter": commands.check(Purpose.LINTER),
    "types": commands.check(Purpose.TYPES),
    "tests": commands.check(Purpose.TESTS),
    "tests kept": weakened,
}
"""The sixteen, by the names that policy and the ledger use."""
INFORMING = frozenset({"dangerous code", "sensitive files", "linter", "types", "tests", "tests kept"})
"""The checks that only inform, unless policy requires them."""


def run_checks(
    drafts: Draft | Sequence[Draft],
    broker: Broker,
    *,
    actor: Principal = SYSTEM,
    paths: Sequence[str] = (),
) -> tuple[CheckResult, ...]:
    """Return the verdict of every check on a change.

    Args:
        drafts: The change: one file, or several.
        broker: Reads files and runs commands.
        actor: On whose behalf.
        paths: The paths of the worktree, where the caller has them.
    """
    changed = (drafts,) if isinstance(drafts, Draft) else tuple(drafts)
    work = Work(changed, broker, actor, tuple(paths))
    required = broker.policy.settings.required_checks
    results: list[CheckResult] = []
    for name, check in CHECKS.items():
        began = time.perf_counter()
        # A change that may not be made is not run, and what takes long is not begun for it.
        stopped = name in commands.NAMES and any(result.verdict is FAIL for result in results)
        verdict, evidence = (SKIPPED, "an earlier check failed") if stopped else check(work)
        if verdict is WARN and name in INFORMING and name in required:
            verdict, evidence = FAIL, f"{evidence} (policy requires this check)"
        took = round((time.perf_counter() - began) * 1000)
        results.append(CheckResult(name, verdict, broker.examiner.covered(evidence), took))
    return tuple(results)


def passed(results: Sequence[CheckResult], broker: Broker) -> bool:
    """Return whether nothing failed and all that policy requires was run: a person may see the change."""
    settings = broker.policy.settings
    return all(result.verdict is not FAIL for result in results) and not settings.unmet_checks(results)


def risk_of(drafts: Draft | Sequence[Draft], results: Sequence[CheckResult], broker: Broker) -> Risk:
    """Return how much care the change needs: what executes, carries a label or is deleted is high."""
    changed = (drafts,) if isinstance(drafts, Draft) else tuple(drafts)
    for draft in changed:
        if (
            draft.deleted
            or broker.policy.is_sensitive_to_execute(draft.path)
            or broker.policy.labels(draft.path)
        ):
            return Risk.HIGH
    return Risk.ELEVATED if any(result.verdict is WARN for result in results) else Risk.LOW
