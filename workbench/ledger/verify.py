"""Checks a ledger from its first byte to its last, offline, without being able to change it.

What is checked, over one snapshot, also while others append:

1. The schema is exactly the one this program lays out: a dropped trigger is a finding.
2. Every entry: its index follows the one before; its leaf is the hash of its stored bytes; those bytes are
   canonical; it names the leaf before it, its own index and this ledger.
3. Every subroot and every signed checkpoint fits the entries under it.
4. Every sealed value that can be opened is what its entry committed to; one that cannot was erased on record.
5. SQLite's own indexes show what the entries say.
6. Every anchor has the root that the entries have at its size.

Exit codes: 0 consistent, 1 could not run, 2 tampered, 3 rolled back or anchor mismatch, 4 consistent but
evidence incomplete (no anchor, an old one, unsigned tail, intents without outcome). Bodies are read one at
a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from workbench.core.errors import LedgerBroken, LedgerUnavailable
from workbench.core.safe_text import one_line
from workbench.ledger import crew, store
from workbench.ledger.anchors import Anchor
from workbench.ledger.database import FAULTS, connect_reader, explain, map_into_memory
from workbench.ledger.note import VerifierKey
from workbench.ledger.report import (
    CONSISTENT,
    INCOMPLETE,
    NOT_RUN,
    ROLLED_BACK,
    TAMPERED,
    Findings,
    Report,
    age,
    in_words,
    utc_now,
)
from workbench.ledger.stretch import WIDTH, Plan, Stretch, examine
from workbench.ledger.walk import Walk, plan_of

MAX_ANCHOR_AGE: Final = 24 * 3600
"""Seconds that entries may stay without an external anchor before the evidence counts as incomplete."""


T = TypeVar("T")


def verify(
    directory: Path,
    anchors: Iterable[Anchor] = (),
    *,
    max_anchor_age: float = MAX_ANCHOR_AGE,
    now: datetime | None = None,
) -> Report:
    """Verify the ledger in `directory`; never raises for what it finds.

    Args:
        directory: Where the ledger stands.
        anchors: What things outside it say, read before this is called: while others append, an anchor
            read later could be newer than the snapshot. See `workbench.ledger.anchors`.
        max_anchor_age: Seconds that entries may stay without an anchor.
        now: The time that ages are counted to.
    """
    path = directory / store.DATABASE_NAME
    try:
        anchors = tuple(anchors)
        if not path.exists():
            return _gone(directory, anchors)
        with closing(connect_reader(path)) as connection:
            return _verify(connection, directory, anchors, max_anchor_age, now or utc_now())
    except (*FAULTS, LedgerUnavailable) as error:
        found = explain(error, directory)
        if isinstance(found, LedgerBroken):
            return Report(
                TAMPERED, (one_line(found.cause), "tampered or damaged; nothing in it can be relied on")
            )
        return _not_run(found.cause, found.next_step)


def _gone(directory: Path, anchors: tuple[Anchor, ...]) -> Report:
    # What a repository's commits say may be of another's ledger; the other anchors were given for this one.
    ours = [anchor for anchor in anchors if not anchor.shared and (anchor.size or anchor.damage)]
    if not ours:
        return _not_run(f"There is no ledger in {directory}.", "Check --repo and --state-dir.")
    newest = max(ours, key=lambda anchor: anchor.size)
    lines = (
        f"There is no ledger in {directory}; the {newest.by} saw one of {newest.size} entries.",
        "rolled back: the whole ledger is gone, or stands elsewhere (check --repo and --state-dir)",
    )
    return Report(ROLLED_BACK, tuple(map(one_line, lines)), anchor_size=newest.size)


def _not_run(cause: str, next_step: str) -> Report:
    lines = (one_line(cause), one_line(next_step), "could not run; this says nothing about the ledger")
    return Report(NOT_RUN, lines)


def _verify(
    connection: sqlite3.Connection,
    directory: Path,
    anchors: tuple[Anchor, ...],
    max_age: float,
    now: datetime,
) -> Report:
    connection.execute("BEGIN")
    try:
        store.check_schema(connection)
        origin, vkey = store.about(connection)
        key = VerifierKey.parse(vkey)
        if key.name != origin:
            raise LedgerBroken("Its verifier key has another name than the ledger.")
    except LedgerBroken as error:
        return Report(
            TAMPERED, (one_line(error.cause), "tampered or damaged; nothing in it can be relied on")
        )
    findings = Findings()
    compared = _comparable(anchors, origin, findings)
    plan = plan_of(connection, directory, key, compared)
    walk = Walk(connection, plan, compared, findings)
    damage = _look_at_everything(connection, plan, walk)
    if walk.first_bad is None:
        walk.finish()
        _check_anchors(walk, compared, findings, max_age, now)
        for problem in damage:
            findings.add(TAMPERED, f"SQLite finds the file damaged: {problem}")
    newest = max(walk.fitting, key=lambda anchor: anchor.size, default=None)
    verdict = _VERDICTS[findings.exit_code].format(size=walk.size, anchor=_describe(newest, walk, now))
    lines = (f"ledger {origin}", f"key {vkey}", *findings.lines, verdict)
    return Report(
        findings.exit_code,
        tuple(one_line(line) for line in lines),
        walk.size,
        walk.root(),
        walk.first_bad,
        origin,
        vkey,
        newest.size if newest is not None else None,
        tuple(sorted(walk.open_intents.values())),
    )


def _look_at_everything(connection: sqlite3.Connection, plan: Plan, walk: Walk) -> list[str]:
    """Join stretch after stretch until one does not hold; returns what SQLite says of its own indexes."""
    size = _size(connection)
    starts = range(0, max(size, 1), WIDTH)
    count = crew.processes() if 1 < len(starts) < crew.MOST_PIECES else 1

    def opened(look: Callable[[sqlite3.Connection], T]) -> T:
        if count == 1:
            return look(connection)
        # Entries below the size seen never change, so it does no harm that another snapshot may be newer.
        try:
            with closing(connect_reader(plan.directory / store.DATABASE_NAME)) as own:
                map_into_memory(own)
                return look(own)
        except FAULTS as error:
            raise explain(error, plan.directory) from error

    def stretch(start: int) -> Callable[[], Stretch]:
        return lambda: opened(lambda own: examine(own, plan, start, min(start + WIDTH, size)))

    if count == 1:
        held = all(walk.join(stretch(start)()) for start in starts)
        return _damage(connection) if held else []
    # SQLite's own check takes as long as many stretches, so several processes begin with it.
    work = [*map(stretch, starts), lambda: opened(_damage)]
    with closing(crew.in_order(work, count, begin_with=len(starts))) as results:
        held = all(walk.join(next(results)) for _ in starts)
        return next(results) if held else []


def _size(connection: sqlite3.Connection) -> int:
    """Return the number of entries, counted: the highest index is whatever the file says it is."""
    try:
        found: int = connection.execute("SELECT count(*) FROM entry").fetchone()[0]
    except FAULTS:
        # An index that is damaged keeps the entries from being counted, not from being looked at.
        return store.size_of(connection)
    return found


_ANCHORED: Final = "newest external anchor {anchor}"
_VERDICTS: Final = {
    CONSISTENT: "consistent to size {size}; " + _ANCHORED,
    TAMPERED: "tampered; consistent only to size {size}; " + _ANCHORED,
    ROLLED_BACK: "rolled back, or not what an anchor saw; consistent in itself to size {size}; " + _ANCHORED,
    INCOMPLETE: "consistent to size {size}; " + _ANCHORED + "; the evidence is incomplete",
}


def _describe(anchor: Anchor | None, walk: Walk, now: datetime) -> str:
    if anchor is None:
        return "none"
    since = age(walk.covered.get(anchor.size, ""), now)
    return f"size {anchor.size}, age {in_words(since)}, by {anchor.by}"


def _comparable(anchors: tuple[Anchor, ...], origin: str, findings: Findings) -> list[Anchor]:
    """Return the anchors that speak of this ledger."""
    found: list[Anchor] = []
    foreign = 0
    for anchor in anchors:
        if anchor.shared and (anchor.damage or anchor.origin != origin):
            foreign += 1
        elif anchor.damage:
            findings.add(ROLLED_BACK, f"The {anchor.by} cannot be read: {anchor.damage}")
        elif anchor.origin != origin:
            findings.add(ROLLED_BACK, f"The {anchor.by} speaks of another ledger, {anchor.origin}.")
        else:
            found.append(anchor)
    if foreign:
        findings.note(f"{foreign} anchors belong to other ledgers or cannot be read, and were not compared.")
    return found


def _check_anchors(
    walk: Walk, compared: list[Anchor], findings: Findings, max_age: float, now: datetime
) -> None:
    for anchor in compared:
        if anchor.size > walk.size:
            findings.add(
                ROLLED_BACK,
                f"The {anchor.by} saw {anchor.size} entries; there are {walk.size}. The end was cut off.",
            )
    useful = [anchor.size for anchor in walk.fitting if anchor.size or not walk.size]
    if not useful:
        findings.add(INCOMPLETE, "No external anchor vouches for these entries: a cut end would not be seen.")
        return
    waiting = age(walk.uncovered.get(max(useful), ""), now)
    if waiting is not None and waiting > max_age:
        findings.add(INCOMPLETE, f"Entries have been without an external anchor for {in_words(waiting)}.")


def _damage(connection: sqlite3.Connection) -> list[str]:
    # It checks the cells of every page itself; to have that done at each look as well takes twice the time.
    connection.execute("PRAGMA cell_size_check=OFF")
    return [problem for (problem,) in connection.execute("PRAGMA integrity_check(5)") if problem != "ok"]
