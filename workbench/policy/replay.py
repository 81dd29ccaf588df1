"""Judges past requests again under another policy, and says which verdicts would have been different."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.core.records import Effect, Verdict
from workbench.policy.policy import Policy
from workbench.policy.settings import Value

_SEVERITY = (Effect.ALLOW, Effect.REDACT, Effect.ASK, Effect.DENY)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that policy judged in the past."""

    what: str
    """`read`, `edit`, `run` or `model`."""
    subject: str | tuple[str, ...]
    """A path; for `run` the words of the command; for `model` the file's SHA-256."""
    effect: Effect
    """What policy said then."""

    @property
    def text(self) -> str:
        """The subject in one line; not yet safe to show."""
        return self.subject if isinstance(self.subject, str) else " ".join(self.subject)


@dataclass(frozen=True, slots=True)
class Differs:
    """A request that would be judged otherwise now."""

    asked: Asked
    now: Verdict
    times: int
    """How often it was asked."""

    @property
    def step(self) -> int:
        """How much more strictly it would be judged; negative for less."""
        return _SEVERITY.index(self.now.effect) - _SEVERITY.index(self.asked.effect)


@dataclass(frozen=True, slots=True)
class Replay:
    """What another policy would have said; each list has the most frequent request first."""

    requests: int
    denied: tuple[Differs, ...]
    """Were not denied, and would be."""
    allowed: tuple[Differs, ...]
    """Were denied or asked about, and would be let through."""
    asked: tuple[Differs, ...]
    """Were denied or let through, and a person would be asked first."""

    @property
    def loosens(self) -> bool:
        """Some request would have been judged less strictly."""
        return any(each.step < 0 for each in (*self.allowed, *self.asked))

    @property
    def tightens(self) -> bool:
        """Some request would have been judged more strictly."""
        return any(each.step > 0 for each in (*self.denied, *self.asked))


def replay(policy: Policy, history: Iterable[Asked]) -> Replay:
    """Judge every request of `history` under `policy`; memory is bounded by the distinct requests."""
    times = Counter(history)
    found = [Differs(asked, judge(policy, asked), number) for asked, number in times.most_common()]
    into: dict[Effect, list[Differs]] = {effect: [] for effect in Effect}
    for each in found:
        if each.step:
            into[each.now.effect].append(each)
    let_through = (*into[Effect.ALLOW], *into[Effect.REDACT])
    return Replay(times.total(), tuple(into[Effect.DENY]), let_through, tuple(into[Effect.ASK]))


def judge(policy: Policy, asked: Asked) -> Verdict:
    """Return what `policy` says of one request."""
    if asked.what == "run":
        return policy.run(asked.subject if isinstance(asked.subject, tuple) else (asked.subject,))
    judges = {"read": policy.read, "edit": policy.edit, "model": policy.model}
    return judges[asked.what](asked.text)


def count(found: Iterable[Differs]) -> int:
    """Return how many requests `found` stands for."""
    return sum(each.times for each in found)


def changed_settings(old: Policy, new: Policy) -> dict[str, tuple[Value, Value]]:
    """Return the single values that differ between two policies, old and new, by dotted key."""
    before, after = old.settings.values, new.settings.values
    return {key: (before[key], after[key]) for key in before if before[key] != after[key]}
