"""Knows what a person has released: files that policy asks about, and that the agent may read all the same.

The rules, in order:

1. Policy is asked first. A release turns `ask` into `allow` and nothing else: what the floor or any tier
   denies stays denied, whenever the release was given.
2. Only a person gives one, for one file by its exact name, or for a glob that is shown as written.
3. It holds once, until the session ends, or until a time at most `MAX_DAYS` away; and only under the policy
   it was given under, so that a rule written later is not answered by a release given before it.
4. It can be revoked at any time.

Everything here is a value: each step returns a new collection. Whoever holds one (the broker) changes it
under a lock and records every step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from workbench.core.errors import Refused, UsageError
from workbench.core.ids import uuid7
from workbench.core.records import Effect, Principal, Rule, Verdict
from workbench.core.safe_text import one_line
from workbench.policy import globs
from workbench.policy.policy import Policy

MAX_DAYS = 30
"""A release for longer than this is a rule, and belongs in a policy file."""
MAX_HELD = 500
"""Bounds the work of one look-up; a person who needs more releases needs one glob."""
MAX_REASON_CHARS = 1000

_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
_FORMS = (_TIME, "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d")
_SPAN = re.compile(r"([1-9]\d{0,3})([hd])")


class Scope(StrEnum):
    """How long a release holds."""

    ONCE = "once"
    """For one read."""
    SESSION = "session"
    """Until the session ends, since its holder keeps it no longer."""
    UNTIL = "until"
    """Until a time."""


@dataclass(frozen=True, slots=True)
class Release:
    """One release; make one with `release`."""

    id: str
    pattern: str
    """The path of one file, or a glob as in a policy file."""
    exact: bool
    """`pattern` is the path of one file."""
    scope: Scope
    given: str
    """UTC, as records carry it."""
    expires: str
    """UTC; empty unless the scope is `until`."""
    by: Principal
    reason: str
    policy_sha256: str
    """The policy it was given under, and under which alone it holds."""

    def holds(self, now: str) -> bool:
        """Say whether the release has not run out at `now`."""
        return self.scope is not Scope.UNTIL or self.given <= now < self.expires

    def matches(self, path: str) -> bool:
        """Say whether `path` is what was released.

        A file is compared by its exact name, because folding, which makes a denial wider, would here
        release a second file whose name only looks alike. A glob is matched as rules are.
        """
        return path == self.pattern if self.exact else bool(_matcher(self.pattern).match(path))

    def rule(self) -> Rule:
        """Return the release as the rule that decided."""
        until = f" {self.expires}" if self.expires else ""
        return Rule(
            f'release "{self.pattern}" {self.scope}{until}', "release", f"{self.by.id} at {self.given}"
        )


@dataclass(frozen=True, slots=True)
class Releases:
    """The releases in force, oldest first."""

    held: tuple[Release, ...] = ()

    def covers(self, path: str, now: str) -> Release | None:
        """Return the release that covers `path` at `now`, or None; policy is not asked here.

        Of several, one that is not used up by this read is preferred.
        """
        found = [each for each in self.held if each.holds(now) and each.matches(path)]
        return min(found, key=lambda each: each.scope is Scope.ONCE, default=None)

    def judge(self, policy: Policy, path: str, now: str) -> tuple[Verdict, Release | None]:
        """Return what `policy` and the releases together say of reading `path`, and the release used.

        The release is None, and the verdict policy's own, unless policy asks and a release answers.
        """
        verdict = policy.read(path)
        if verdict.effect is not Effect.ASK:
            return verdict, None
        known = tuple(each for each in self.held if each.policy_sha256 == policy.sha256)
        found = Releases(known).covers(path, now)
        return (verdict, None) if found is None else (Verdict(Effect.ALLOW, found.rule()), found)

    def giving(self, release: Release, now: str) -> Releases:
        """Return the releases with one more; those that have run out are dropped.

        Raises:
            UsageError: Too many are in force.
        """
        held = tuple(each for each in self.held if each.holds(now))
        if len(held) >= MAX_HELD:
            raise UsageError(f"{MAX_HELD} releases are in force.", "Revoke some, or release a glob.")
        return Releases((*held, release))

    def returning(self, release: Release) -> Releases:
        """Return the releases with one that was recorded before, and only comes back."""
        return Releases((*self.held, release))

    def find(self, release_id: str) -> Release:
        """Return a release by its id, or by an ending of it that no other shares.

        Raises:
            UsageError: There is none, or there are several.
        """
        found = [each for each in self.held if release_id and each.id.endswith(release_id)]
        if len(found) > 1:
            raise UsageError(
                f"More than one release has an id that ends in {release_id}.", "Give more of it."
            )
        if not found:
            raise UsageError("There is no such release.", "It may have been used up, revoked or run out.")
        return found[0]

    def using(self, release: Release) -> Releases:
        """Return the releases after a read that `release` covered: one for one read is gone."""
        return self._without(release.id) if release.scope is Scope.ONCE else self

    def revoking(self, release_id: str) -> Releases:
        """Return the releases without one.

        Raises:
            UsageError: There is none with this id.
        """
        return self._without(self.find(release_id).id)

    def _without(self, release_id: str) -> Releases:
        return replace(self, held=tuple(each for each in self.held if each.id != release_id))


def release(
    policy: Policy,
    pattern: str,
    *,
    scope: Scope,
    by: Principal,
    now: str,
    reason: str = "",
    expires: str = "",
    exact: bool = True,
) -> Release:
    """Return a release that a person gives under `policy`.

    Args:
        policy: The policy in force.
        pattern: The path of one file, or with `exact=False` a glob.
        scope: How long it holds.
        by: Who gives it.
        now: The present time, UTC, as records carry it.
        reason: The person's words; needed where policy demands a reason for decisions.
        expires: For `until`, and only then: the time, as `2026-01-31T00:00:00.000000Z`.
        exact: Whether `pattern` is the path of one file.

    Raises:
        Refused: It is not a person who asks, policy denies the file, or demands a reason.
        UsageError: The pattern, scope or time cannot be meant, or the file needs no release.
    """
    if by.kind != "human":
        raise Refused("Only a person can release a file.", "Ask the person at the screen.")
    if policy.settings.reason_required and not reason.strip():
        raise Refused("Policy demands a reason for every release.", "Give one with the release.")
    if len(reason) > MAX_REASON_CHARS:
        raise UsageError(f"The reason is longer than {MAX_REASON_CHARS:,} characters.", "Shorten it.")
    if exact:
        _check_file(policy, pattern)
    else:
        _check_glob(pattern, scope)
    _check_time(scope, now, expires)
    return Release(uuid7(), pattern, exact, scope, now, expires, by, reason, policy.sha256)


def end_of(text: str, now: str) -> str:
    """Return the time that a person means by `8h`, `3d` or `2026-01-31T18:00Z`, as records carry it.

    Raises:
        UsageError: It is none of these.
    """
    text = text.strip()
    begin = datetime.strptime(now, _TIME).replace(tzinfo=UTC)
    span = _SPAN.fullmatch(text)
    if span is not None:
        hours = int(span[1]) * (24 if span[2] == "d" else 1)
        return (begin + timedelta(hours=hours)).strftime(_TIME)
    for form in _FORMS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).strftime(_TIME)
        except ValueError:
            continue
    raise UsageError(
        f"{one_line(text)[:40]!r} is not a time.", "Write 8h, 3d, or a UTC time such as 2026-01-31T18:00Z."
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to release a file, as a person is offered it."""

    words: str
    """What it means, in a few words; holds no name of a file."""
    pattern: str
    exact: bool
    scope: Scope
    expires: str


def choices(path: str, now: str) -> tuple[Choice, ...]:
    """Return the ways in which the file at `path` can be released, the narrowest first."""
    day, week = end_of("1d", now), end_of("7d", now)
    found = [
        Choice("for one read", path, True, Scope.ONCE, ""),
        Choice("until this session ends", path, True, Scope.SESSION, ""),
        Choice("for a day", path, True, Scope.UNTIL, day),
        Choice("for 7 days", path, True, Scope.UNTIL, week),
    ]
    folder, slash, name = path.rpartition("/")
    ending = name.rpartition(".")[2] if "." in name.strip(".") else ""
    if slash:
        inside = f"{globs.escape(folder)}/**"
        found.append(Choice("all of its folder, for the session", inside, False, Scope.SESSION, ""))
    if ending.isascii() and ending.isalnum():
        alike = f"*.{ending}"
        found.append(Choice("all with its ending, for the session", alike, False, Scope.SESSION, ""))
    return tuple(choice for choice in found if choice.exact or _is_usable(choice.pattern))


def _is_usable(pattern: str) -> bool:
    try:
        _check_glob(pattern, Scope.SESSION)
    except UsageError:
        return False
    return True


def _check_file(policy: Policy, path: str) -> None:
    verdict = policy.read(path)
    rule = f"{verdict.rule.name} ({verdict.rule.tier}, {verdict.rule.source})"
    if verdict.effect is Effect.DENY:
        raise Refused(f"A release cannot lift a denial: {rule}.", f"`workbench policy explain {path}`.")
    if path.endswith("/"):
        raise UsageError(f"{path} is a directory.", "Release it as a glob.")
    if verdict.effect is not Effect.ASK:
        raise UsageError(f"{path} needs no release: {rule}.", "Release a file that policy asks about.")


def _check_glob(pattern: str, scope: Scope) -> None:
    try:
        components = globs.parse(pattern).components
    except globs.GlobError as error:
        raise UsageError(
            f'"{pattern}" is not a usable glob: {error}.', "Write it as in .gitignore."
        ) from error
    if not any(component.strip("*?.") for component in components):
        raise UsageError(f'"{pattern}" names nothing in particular.', "Name a directory, or an ending.")
    if scope is Scope.ONCE:
        raise UsageError("A release for one read names one file.", "Release the glob for the session.")


def _check_time(scope: Scope, now: str, expires: str) -> None:
    if scope is not Scope.UNTIL:
        if expires:
            raise UsageError(f"A release with scope {scope} has no time at which it ends.", "Leave it out.")
        return
    try:
        end = datetime.strptime(expires, _TIME).replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError(
            "The time at which a release ends is not understood.", "Write it as 2026-01-31T00:00:00.000000Z."
        ) from error
    begin = datetime.strptime(now, _TIME).replace(tzinfo=UTC)
    # Times are compared as text, so one that is written in any other way must not get in.
    if end.strftime(_TIME) != expires or not begin < end <= begin + timedelta(days=MAX_DAYS):
        raise UsageError(
            f"A release ends after now, and within {MAX_DAYS} days.",
            "Longer than that, write the rule in a policy file.",
        )


@lru_cache(maxsize=MAX_HELD)
def _matcher(pattern: str) -> globs.Matcher:
    return globs.Matcher([globs.Glob(pattern)])
