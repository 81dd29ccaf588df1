"""Takes a changed policy into force while a session runs; keeps the last good one while a file is broken."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from workbench.core.errors import WorkbenchError
from workbench.core.records import SYSTEM, Event, Json
from workbench.session.opening import Parts
from workbench.session.views import QueueChanged, SessionEvent, Speaker, TreeChanged

SECONDS = 1.0
"""How often the policy files are looked at."""


class Policing:
    """Looks at the policy files of one session now and then."""

    def __init__(
        self,
        parts: Parts,
        tell: Callable[[SessionEvent], None],
        say: Callable[[Speaker, str], object],
        expire: Callable[[], object],
    ) -> None:
        """Work on opened parts.

        Args:
            parts: Whose `policy` is replaced.
            tell: Announces events.
            say: Adds to the transcript.
            expire: Ends what waits longer than policy lets it; asked at every look.
        """
        self._parts = parts
        self._tell = tell
        self._say = say
        self._expire = expire
        self._looked_at = 0.0

    def look(self) -> None:
        """Look, if it is time; a change is on record before it is in force."""
        now = time.monotonic()
        if now - self._looked_at < SECONDS:
            return
        self._looked_at = now
        self._expire()
        parts = self._parts
        reload = parts.watch.poll()
        if reload is None:
            return
        if reload.error is not None:
            kept = f"The policy in force stays {parts.policy.name}."
            self._say(Speaker.ERROR, f"{reload.error.diagnostics()}\n{kept}")
        if not reload.changed:
            return
        told: dict[str, Json] = {"sha256": reload.new_sha256, "version": reload.policy.name}
        try:
            parts.broker.record(
                Event("policy.changed", SYSTEM, fields={"policy": told, "before": reload.old_sha256})
            )
        except WorkbenchError:
            return  # The ledger is closed to us: nothing can be decided under either policy.
        parts.policy = reload.policy
        with suppress(WorkbenchError):  # In this session they have ended, whatever the ledger says.
            parts.broker.take_policy(reload.policy)
        if parts.boundary.level < reload.policy.settings.boundary_minimum:
            parts.broker.read_only = "The new policy demands a boundary level that is not measured here."
        said = f"Policy is now {reload.policy.name}; proposals made under the old one are stale."
        self._say(Speaker.PROGRAM, said)
        self._tell(QueueChanged())
        self._tell(TreeChanged())
