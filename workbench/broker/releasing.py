"""Keeps what a person has released for the agent, every step on record before it counts.

The rules, in order:

1. A release is in force when its row is durable, and not before. It ends at once, and then has its row.
2. The ledger is the only place where releases are kept. Those that hold until a time come back from it: at
   the next start, and in every other session on this repository. All others end with the session.
3. A release for one read is taken before the file is opened, so that two reads cannot share it; it is given
   back where that read did not happen.
4. What was released under another policy ends, on record, and does not come back with that policy.

What a release is, and what it covers, is for `workbench.policy.releases`.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from workbench.core.clock import utc_now
from workbench.core.errors import WorkbenchError
from workbench.core.records import SYSTEM, Effect, Event, Json, Principal, Verdict
from workbench.ledger import Entry, LedgerReader
from workbench.policy import MAX_DAYS, Policy, Release, Releases, Scope

GIVEN, REVOKED, ENDED = "release.given", "release.revoked", "release.ended"

_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


class ReleaseBook:
    """The releases in force in one session."""

    def __init__(self, record: Callable[[Event], object], reader: LedgerReader, session: str) -> None:
        """Begin with what earlier sessions released until a time.

        Args:
            record: Appends an event to the ledger, durable on return.
            reader: Reads the same ledger.
            session: The id of this session, whose own rows need not be read back.
        """
        self._record = record
        self._reader = reader
        self._session = session
        self._lock = threading.Lock()
        self._held = Releases()
        self._seen = 0
        self._since = (datetime.now(UTC) - timedelta(days=MAX_DAYS)).strftime(_TIME)
        self._catch_up()

    def judge(self, policy: Policy, path: str) -> tuple[Verdict, Release | None]:
        """Return what policy and the releases say of the agent's reading `path`, and the release it uses.

        A release for one read is used up by this call; see `give_back`.
        """
        verdict = policy.read(path)
        if verdict.effect is not Effect.ASK:
            return verdict, None
        self._catch_up()
        with self._lock:
            verdict, found = self._held.judge(policy, path, utc_now())
            if found is not None:
                self._held = self._held.using(found)
        return verdict, found

    def give_back(self, release: Release | None) -> None:
        """Put a release back that a read took and did not need, because there was nothing to read."""
        if release is not None and release.scope is Scope.ONCE:
            with self._lock:
                self._held = self._held.returning(release)

    def covering(self, policy: Policy, path: str) -> Release | None:
        """Return the release that lets the agent read `path` now; nothing is used up."""
        with self._lock:
            return self._held.judge(policy, path, utc_now())[1]

    def in_force(self, policy: Policy) -> tuple[Release, ...]:
        """Return every release that holds now, oldest first."""
        self._catch_up()
        now = utc_now()
        with self._lock:
            held = self._held.held
        return tuple(each for each in held if each.policy_sha256 == policy.sha256 and each.holds(now))

    def give(self, release: Release) -> None:
        """Put a release on record, then into force.

        Raises:
            UsageError: Too many are in force.
            LedgerUnavailable: It could not be recorded, and is not in force.
        """
        with self._lock:
            self._held.giving(release, release.given)
        # Not under the lock: whoever hears of the new row may ask for the releases at once.
        sealed = {"reason": release.reason.encode()} if release.reason else {}
        self._record(Event(GIVEN, release.by, fields=_fields(release), sealed=sealed))
        with self._lock:
            self._held = self._held.giving(release, release.given)

    def revoke(self, release_id: str, by: Principal) -> Release:
        """End a release now, and return it.

        Raises:
            UsageError: There is none with this id, or ending, or there are several.
            LedgerUnavailable: It could not be recorded; in this session it has ended all the same.
        """
        self._catch_up()
        with self._lock:
            release = self._held.find(release_id)
            self._held = self._held.revoking(release.id)
        self._record(Event(REVOKED, by, fields={**_fields(release), "outcome": _because("by a person")}))
        return release

    def policy_changed(self, policy: Policy) -> int:
        """End every release that was given under another policy, and return how many there were."""
        with self._lock:
            ended = [each for each in self._held.held if each.policy_sha256 != policy.sha256]
            self._held = Releases(tuple(each for each in self._held.held if each not in ended))
        for release in ended:
            fields = {**_fields(release), "outcome": _because("policy changed")}
            self._record(Event(ENDED, SYSTEM, fields=fields))
        return len(ended)

    def _catch_up(self) -> None:
        """Take up what the ledger has gained since the last look, from other sessions too."""
        with self._lock:
            size = self._reader.size()
            if size == self._seen:
                return
            rows = [
                entry
                for kind in (GIVEN, REVOKED, ENDED)
                for entry in self._reader.find(type=kind, since=self._since, start=self._seen, stop=size)
            ]
            for entry in sorted(rows, key=lambda entry: entry.index):
                self._fold(entry)
            self._seen = size

    def _fold(self, entry: Entry) -> None:
        if entry.type != GIVEN:
            gone = _part(entry, "release").get("id")
            self._held = Releases(tuple(each for each in self._held.held if each.id != gone))
        elif entry.body.get("session") != self._session:
            release, now = read_release(entry), utc_now()
            if release is not None and release.scope is Scope.UNTIL and release.holds(now):
                self._held = self._held.returning(release)


def _fields(release: Release) -> dict[str, Json]:
    kind = "file" if release.exact else "glob"
    facts: dict[str, Json] = {
        "id": release.id,
        "scope": release.scope.value,
        "given": release.given,
        "expires": release.expires,
    }
    return {
        "obj": {"kind": kind, "path": release.pattern},
        "release": facts,
        "policy": {"sha256": release.policy_sha256},
    }


def read_release(entry: Entry) -> Release | None:
    """Return the release that a row gives, without its sealed reason; None for a row of another form."""
    thing, facts, who = (_part(entry, name) for name in ("obj", "release", "actor"))
    try:
        exact_bytes = thing.get("path_b64")
        pattern = (
            base64.b64decode(str(exact_bytes)).decode("utf-8", "surrogateescape")
            if exact_bytes
            else str(thing["path"])
        )
        by = Principal(
            str(who["kind"]), str(who["id"]), str(who["name"]), str(who["role"]), int(str(who["os_uid"]))
        )
        return Release(
            id=str(facts["id"]),
            pattern=pattern,
            exact=thing["kind"] == "file",
            scope=Scope(str(facts["scope"])),
            given=str(facts["given"]),
            expires=str(facts["expires"]),
            by=by,
            reason="",
            policy_sha256=str(_part(entry, "policy")["sha256"]),
        )
    except (KeyError, ValueError, WorkbenchError):
        return None


def _part(entry: Entry, name: str) -> dict[str, Json]:
    value = entry.body.get(name)
    return value if isinstance(value, dict) else {}


def _because(detail: str) -> dict[str, Json]:
    return {"status": "success", "code": "", "detail": detail}
