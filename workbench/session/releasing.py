"""Lets a person release files that policy asks about, see what is released, and take it back."""

from __future__ import annotations

from collections.abc import Callable

from workbench.core.clock import utc_now
from workbench.core.records import Effect
from workbench.core.safe_text import one_line
from workbench.policy import Choice, Release, Scope, choices, end_of, release
from workbench.session.opening import Parts
from workbench.session.views import (
    ReleaseChoice,
    ReleaseOffer,
    ReleaseView,
    SessionEvent,
    Speaker,
    TreeChanged,
)


class Releasing:
    """The releases of one session, as its faces see them."""

    def __init__(
        self, parts: Parts, tell: Callable[[SessionEvent], None], say: Callable[[Speaker, str], object]
    ) -> None:
        """Work on opened parts; `tell` announces events, `say` adds to the transcript."""
        self._parts = parts
        self._tell = tell
        self._say = say

    def offer(self, path: str) -> ReleaseOffer:
        """Return how the file at `path` can be released.

        Raises:
            Refused: Policy denies the file, which no release lifts.
            UsageError: It needs none.
        """
        policy, now = self._parts.broker.policy, utc_now()
        # What could not be released for good reason must not be offered, so the narrowest is tried.
        why = "asked" if policy.settings.reason_required else ""
        release(policy, path, scope=Scope.ONCE, by=self._parts.person, now=now, reason=why)
        rule = policy.read(path).rule
        return ReleaseOffer(
            path=one_line(path),
            rule=one_line(f"{rule.name} ({rule.tier}, {rule.source})"),
            choices=tuple(_choice(each) for each in choices(path, now)),
            reason_required=policy.settings.reason_required,
        )

    def give(
        self, pattern: str, *, scope: str, exact: bool = True, until: str = "", reason: str = ""
    ) -> ReleaseView:
        """Release a file, or with `exact=False` a glob, for the agent; durable on return.

        Args:
            pattern: The path of one file, as the repository names it, or a glob.
            scope: `once`, `session` or `until`.
            exact: Whether `pattern` is the path of one file.
            until: For the scope `until`: `8h`, `3d`, or a UTC time.
            reason: The person's words, sealed in the ledger.

        Raises:
            Refused: Policy denies the file, or demands a reason.
            UsageError: The pattern, scope or time cannot be meant, or the file needs no release.
            LedgerUnavailable: It could not be recorded, and was not given.
        """
        broker, now = self._parts.broker, utc_now()
        given = release(
            broker.policy,
            pattern,
            scope=Scope(scope),
            by=self._parts.person,
            now=now,
            reason=reason,
            expires=end_of(until, now) if until else "",
            exact=exact,
        )
        broker.releases.give(given)
        view = _view(given)
        self._say(Speaker.PROGRAM, f"Released {view.pattern} for the agent: {view.holds}.")
        self._tell(TreeChanged())
        return view

    def revoke(self, release_id: str) -> ReleaseView:
        """End a release now.

        Args:
            release_id: Its id, or the end of it.

        Raises:
            UsageError: There is none, or there are several.
            LedgerUnavailable: It could not be recorded; in this session it has ended all the same.
        """
        view = _view(self._parts.broker.releases.revoke(release_id, self._parts.person))
        self._say(Speaker.PROGRAM, f"Revoked the release of {view.pattern}.")
        self._tell(TreeChanged())
        return view

    def all(self) -> tuple[ReleaseView, ...]:
        """Return every release that holds now, oldest first."""
        broker = self._parts.broker
        return tuple(_view(each) for each in broker.releases.in_force(broker.policy))

    def state_of(self, path: str, effect: Effect) -> str:
        """Return how a file that policy asks about is released: the scope's word, or empty."""
        if effect is not Effect.ASK:
            return ""
        broker = self._parts.broker
        found = broker.releases.covering(broker.policy, path)
        return found.scope.value if found is not None else ""


def _view(given: Release) -> ReleaseView:
    return ReleaseView(
        id=given.id,
        pattern=one_line(given.pattern),
        exact=given.exact,
        scope=given.scope.value,
        holds=_holds(given.scope, given.expires),
        expires=given.expires,
        given=given.given,
        by=one_line(given.by.name),
        reason=one_line(given.reason),
    )


def _choice(choice: Choice) -> ReleaseChoice:
    return ReleaseChoice(
        words=choice.words,
        shown=one_line(choice.pattern),
        ends=_minute(choice.expires) if choice.expires else "",
        pattern=choice.pattern,
        exact=choice.exact,
        scope=choice.scope.value,
        expires=choice.expires,
    )


def _holds(scope: Scope, expires: str) -> str:
    return {
        Scope.ONCE: "for one read",
        Scope.SESSION: "until this session ends",
        Scope.UNTIL: f"until {_minute(expires)}",
    }[scope]


def _minute(time: str) -> str:
    return f"{time[:10]} {time[11:16]} UTC"
