"""Decides whether a key press may decide: the guards against approving by accident.

The rules, in order:

1. Only a key decides: a press must come from one of the action's own keys, never from a paste, the
   mouse, the palette, a time-out, or the end of input.
2. An item can be decided on only while its rows are on screen, and not in the first 400 ms after it,
   or its content, appeared. Presses in that time are dropped, not queued. Time is read from the key
   event itself, so a key that waited behind slow work is judged by when it was pressed.
3. Keys less than 30 ms apart never decide: a press waits 50 ms, and another key within them drops it.
   That also stops a held key, whose repeats come about 33 ms apart.
4. High risk needs a second, different key; any other key, or a change of what is shown, cancels.
5. A decision carries the digest of what was on screen when the key was pressed.

Pure: it knows neither widgets nor clocks; every call says when.

>>> guard = Guard()
>>> guard.appeared("id", "digest", high_risk=False, at=10.0)
>>> cancelled = guard.noticed("y", at=10.1); guard.press("approve", at=10.1)
Dropped(why='The item has only just appeared: look at it, then press again.')
>>> cancelled = guard.noticed("y", at=10.5); guard.press("approve", at=10.5)
Settling(number=1)
>>> guard.settled(1)
Intent(verb='approve', proposal_id='id', shown_sha256='digest')
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from workbench.session.views import Choice

ARMING = 0.400
"""Seconds an item must have been on screen."""
GAP = 0.030
"""Keys closer together than this, in seconds, were not typed by a person."""
SETTLE = 0.050
"""Seconds a press waits for a key that would show it to be part of a paste or a repeat."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What the person decided, bound to what they saw."""

    verb: str
    """`approve`, `reject`, `acknowledge` or `approve_all`."""
    proposal_id: str
    shown_sha256: str
    choice: Choice | None = None
    """The hunks that were marked when the key was pressed; None for the whole item."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The press does nothing, now or later."""

    why: str


@dataclass(frozen=True, slots=True)
class Settling:
    """The press counts if no key follows within `SETTLE`; then ask `Guard.settled`."""

    number: int


Answer: TypeAlias = Dropped | Settling


@dataclass(frozen=True, slots=True)
class _OnScreen:
    proposal_id: str
    shown_sha256: str
    high_risk: bool
    since: float


class Guard:
    """Remembers what is on screen and which keys came when."""

    def __init__(self) -> None:
        self._item: _OnScreen | None = None
        self._last_key = ""
        self._last_at = float("-inf")
        self._gap = float("inf")
        self._number = 0
        self._pending: Intent | None = None
        self._pending_second = False
        self._confirming: Intent | None = None

    @property
    def confirming(self) -> bool:
        """Whether the second key of a high-risk approval is awaited."""
        return self._confirming is not None

    @property
    def asked(self) -> bool:
        """Whether the second key is awaited for what was asked in words."""
        return self._confirming is not None and self._confirming.verb == "approve_all"

    @property
    def armed_since(self) -> float | None:
        """When the item on screen appeared; None without one."""
        return None if self._item is None else self._item.since

    @property
    def last_key(self) -> str:
        """The last key, or `paste` or `mouse`."""
        return self._last_key

    def appeared(self, proposal_id: str, shown_sha256: str, *, high_risk: bool, at: float) -> None:
        """An item, or new content of it, has been painted."""
        self.vanished()
        self._item = _OnScreen(proposal_id, shown_sha256, high_risk, at)

    def vanished(self) -> None:
        """The item is no longer on screen, or is about to change: nothing can be decided."""
        self._item = self._pending = self._confirming = None

    def noticed(self, key: str, at: float, *, confirm_keys: tuple[str, ...] = ()) -> bool:
        """A key, a paste (`paste`) or a mouse button (`mouse`) has arrived.

        Args:
            key: Its name.
            at: When it was pressed, in seconds of the same clock as everywhere here.
            confirm_keys: The keys that confirm a high-risk approval.

        Returns:
            Whether it cancelled a confirmation that was awaited.
        """
        self._gap = at - self._last_at
        self._last_key, self._last_at = key, at
        self._pending = None
        if self._confirming is not None and key not in confirm_keys:
            self._confirming = None
            return True
        return False

    def burst(self) -> Dropped | None:
        """Say whether the last key came too fast for a person; then it marks nothing either."""
        return Dropped("Keys came too fast for a person: nothing was decided.") if self._gap < GAP else None

    def ask(self, intent: Intent) -> bool:
        """Await the second key for an intent that was asked for in words; False with no item on screen."""
        if self._item is None:
            return False
        self._confirming = intent
        return True

    def press(self, verb: str, at: float, choice: Choice | None = None) -> Answer:
        """A deciding key was pressed: `approve`, `confirm`, `reject` or `acknowledge`."""
        item = self._item
        if item is None:
            return Dropped("No item is on screen.")
        if at - item.since < ARMING:
            return Dropped("The item has only just appeared: look at it, then press again.")
        if (dropped := self.burst()) is not None:
            return dropped
        if verb == "confirm":
            if self._confirming is None:
                return Dropped("Nothing waits to be confirmed.")
            self._pending = self._confirming
        else:
            self._pending = Intent(verb, item.proposal_id, item.shown_sha256, choice)
        self._pending_second = verb == "confirm"
        self._number += 1
        return Settling(self._number)

    def settled(self, number: int) -> Intent | None:
        """The waiting time of a press is over; return the decision it makes, if it makes one.

        A high-risk approval makes none yet: `confirming` is then true.
        """
        pending, item = self._pending, self._item
        if pending is None or item is None or number != self._number:
            return None
        self._pending = None
        if pending.verb == "approve" and item.high_risk and not self._pending_second:
            self._confirming = pending
            return None
        self._confirming = None
        return pending
