"""Lists every attack, chooses among them, and makes them one after the other."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache

from workbench.core.errors import UsageError
from workbench.core.safe_text import one_line
from workbench.redteam.case import Breach, Case, Finding, Outcome, Skip
from workbench.redteam.lab import Lab

MAX_DETAIL = 160
"""Characters of what an attack says about itself."""


@cache
def cases() -> tuple[Case, ...]:
    """Return every attack, by group, in the order in which they are made."""
    from workbench.redteam import (
        commanding,
        configuring,
        deciding,
        detecting,
        modelling,
        planting,
        racing,
        reading,
        running,
        sealing,
        shadowing,
        showing,
        verifying,
        writing,
    )

    rooms = (
        reading, detecting, racing, writing, planting, commanding, shadowing, configuring,
        deciding, running, showing, verifying, modelling, sealing,
    )  # fmt: skip
    found = [case for room in rooms for case in room.CASES]
    order = list(dict.fromkeys(case.group for case in found))
    return tuple(sorted(found, key=lambda case: order.index(case.group)))


def groups() -> tuple[str, ...]:
    """Return the names of the groups, in order."""
    return tuple(dict.fromkeys(case.group for case in cases()))


def choose(only: Iterable[str]) -> tuple[Case, ...]:
    """Return the attacks that `only` names, by group or id; all of them where it names nothing.

    Raises:
        UsageError: A name is neither a group nor an id.
    """
    wanted = tuple(only)
    known = {case.id for case in cases()} | set(groups())
    for name in wanted:
        if name not in known:
            raise UsageError(
                f"There is no attack and no group called {one_line(name)!r}.",
                f"Groups: {', '.join(groups())}. `workbench redteam --list` shows every attack.",
            )
    if not wanted:
        return cases()
    return tuple(case for case in cases() if case.id in wanted or case.group in wanted)


def make(chosen: Iterable[Case], lab: Lab, tell: Callable[[Finding], None]) -> tuple[Finding, ...]:
    """Make the attacks in the lab; `tell` hears of each as it ends."""
    found = []
    for case in chosen:
        finding = attempt(case, lab)
        tell(finding)
        found.append(finding)
    return tuple(found)


def attempt(case: Case, lab: Lab) -> Finding:
    """Make one attack.

    An attack that ends in an error nobody expected counts as a breach: what is attacked must fail with a
    refusal, and a guard that fell over holds nothing.
    """
    began = time.perf_counter()
    try:
        outcome, detail = Outcome.HELD, case.attack(lab)
    except Breach as breach:
        outcome, detail = Outcome.BREACH, str(breach)
    except Skip as skip:
        outcome, detail = Outcome.SKIPPED, str(skip)
    except Exception as error:  # noqa: BLE001 - see above
        outcome, detail = Outcome.BREACH, f"ended in {type(error).__name__}: {error}"
    taken = round((time.perf_counter() - began) * 1000)
    return Finding(case, outcome, one_line(detail)[:MAX_DETAIL], taken)


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    """Return how many attacks ended in each way."""
    found = Counter(finding.outcome.value for finding in findings)
    return {outcome.value: found[outcome.value] for outcome in Outcome}
