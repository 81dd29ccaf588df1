"""Searches bytes for secrets, cardholder data and identifiers of persons, in bounded time whatever they hold.

How the time is bounded:

1. Only the first `MAX_SCANNED_BYTES` are searched; the rest is reported as a gap.
2. Text is searched in pieces of at most `MAX_PIECE_BYTES`, cut at a line's end where there is one, so a line
   of any length is searched whole, in pieces. A match may reach `REACH_BYTES` beyond its piece.
3. Every pattern is linear: each repetition has an upper bound, and so has what can be tried from one place (a
   test derives the bound from each pattern, and runs each against inputs made to hurt it).
4. Each rule has a budget of processor time, and so has the whole scan. A rule that uses it up is stopped, and
   what it has not seen is reported as a gap. The clock is the thread's own, so a busy machine costs nothing.
5. After the piece in which `MAX_FINDINGS` are reached, the rest is a gap.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence

from workbench.policy.detection.finding import Finding, Gap, Scan
from workbench.policy.detection.material import Material
from workbench.policy.detection.reading import Reading, read
from workbench.policy.detection.rule import Confidence, Hit, Klass, Rule
from workbench.policy.detection.rules import BY_ID, RULES

MAX_SCANNED_BYTES = 256 * 1024
MAX_PIECE_BYTES = 16 * 1024
REACH_BYTES = 4 * 1024
MAX_FINDINGS = 5_000
RULE_SECONDS = 0.25
"""Processor time of one rule in one scan."""
TOTAL_SECONDS = 1.5
"""Processor time of one scan."""
_BESIDE_BYTES = 200
"""How near another identifier must be for a rule that is `beside` one."""

_TOKEN = re.compile(rb"[A-Za-z0-9_+/=.~-]*+")


def scan(
    data: bytes,
    material: Material,
    *,
    rules: Sequence[Rule] = RULES,
    clock: Callable[[], float] = time.thread_time,
) -> Scan:
    """Return what `rules` find in `data`.

    Secrets are looked for in any material. In code, only findings of high confidence count for the other
    classes: e-mail addresses, telephone numbers, network addresses and dates are off there.

    Args:
        data: Bytes in any encoding; never stored, never shown.
        clock: Seconds of processor time of this thread.
    """
    reading = read(data[:MAX_SCANNED_BYTES])
    wanted = [rule for rule in rules if _applies(rule, material)]
    search = _Search(reading, wanted, clock)
    search.run()
    gaps = [*search.gaps]
    if len(data) > MAX_SCANNED_BYTES:
        reason = f"Only the first {MAX_SCANNED_BYTES:,} bytes are searched."
        gaps.append(Gap(MAX_SCANNED_BYTES, len(data), reason))
    return Scan(material, len(data), _settle(search.findings), tuple(gaps), reading.encoding)


def _applies(rule: Rule, material: Material) -> bool:
    return material is Material.DATA or rule.klass is Klass.SECRET or rule.confidence is Confidence.HIGH


class _Search:
    """One pass over one text: the budgets, and what has been found so far."""

    def __init__(self, reading: Reading, rules: Sequence[Rule], clock: Callable[[], float]) -> None:
        self.findings: list[Finding] = []
        self.gaps: list[Gap] = []
        self._reading = reading
        self._view = reading.view
        self._folded = reading.view.lower()
        self._rules = list(rules)
        self._clock = clock
        self._spent: dict[str, float] = {}

    def run(self) -> None:
        began = self._clock()
        for start, stop in pieces(self._view):
            if not self._rules:
                return
            for rule in [*self._rules]:
                self._spend(rule, start, stop)
            over = self._clock() - began > TOTAL_SECONDS and stop < len(self._view)
            if over or len(self.findings) >= MAX_FINDINGS:
                why = (
                    "The time for one search was used up." if over else f"{MAX_FINDINGS:,} values were found."
                )
                self._leave(stop, why)
                return

    def _spend(self, rule: Rule, start: int, stop: int) -> None:
        limit = min(stop + REACH_BYTES, len(self._view))
        if rule.needs and not self._near(rule, max(0, start - REACH_BYTES), limit):
            return
        began = self._clock()
        self.findings += [self._finding(rule, hit) for hit in self._hits(rule, start, stop, limit)]
        spent = self._spent[rule.id] = self._spent.get(rule.id, 0.0) + self._clock() - began
        if spent > RULE_SECONDS and stop < len(self._view):
            self._rules.remove(rule)
            self._leave(stop, f"The time for the rule {rule.id} was used up.", rule.id)

    def _near(self, rule: Rule, start: int, limit: int) -> bool:
        find = self._folded.find
        return any(find(need, start, limit) >= 0 for need in rule.needs)

    def _hits(self, rule: Rule, start: int, stop: int, limit: int) -> Iterator[Hit]:
        text = self._folded if rule.folded else self._view
        named = frozenset(rule.pattern.groupindex.values())
        groups = [number for number in range(1, rule.pattern.groups + 1) if number not in named]
        for match in rule.pattern.finditer(text, start, limit):
            if match.start() >= stop:
                return
            taken = [number for number in groups if match.start(number) >= 0]
            begin, end = match.span(taken[-1]) if taken else match.span()
            if end == limit < len(text) and (longer := _TOKEN.match(text, end)):
                end = longer.end()
            hit = Hit(self._view, match.start(), begin, end)
            if begin < end and (rule.check is None or rule.check(hit)):
                yield hit

    def _finding(self, rule: Rule, hit: Hit) -> Finding:
        end = rule.extent(self._view, hit.start, hit.end) if rule.extent else hit.end
        start, end = self._reading.source(hit.start, end)
        return Finding(rule.id, rule.klass, rule.confidence, start, end)

    def _leave(self, stop: int, why: str, rule_id: str = "") -> None:
        start, _ = self._reading.source(stop, stop + 1)
        _, end = self._reading.source(stop, len(self._view))
        self.gaps.append(Gap(start, end, why, rule_id))


def pieces(view: bytes) -> Iterator[tuple[int, int]]:
    """Yield the ranges in which `view` is searched: whole lines where they fit, each byte once."""
    start = 0
    while start < len(view):
        stop = min(start + MAX_PIECE_BYTES, len(view))
        if stop < len(view):
            line = view.rfind(b"\n", start, stop)
            stop = line + 1 if line > start else stop
        yield start, stop
        start = stop


def _settle(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return findings in order, without those that say less of the same bytes or lack their neighbour."""
    ordered = sorted(found, key=lambda one: (one.start, -one.end, -one.confidence.rank))
    kept: list[Finding] = []
    for one in ordered:
        if not any(_says_more(other, one) for other in kept[-8:]):
            kept.append(one)
    return tuple(one for one in kept if not _alone(one, kept))


def _says_more(other: Finding, one: Finding) -> bool:
    covers = other.start <= one.start and one.end <= other.end
    surer = other.klass is one.klass and other.confidence.rank >= one.confidence.rank
    # What stands in a record of a person is told as well: it is what makes the record one.
    return covers and surer and not BY_ID[other.rule_id].record


def _alone(one: Finding, kept: Sequence[Finding]) -> bool:
    if not BY_ID[one.rule_id].beside:
        return False
    low, high = one.start - _BESIDE_BYTES, one.end + _BESIDE_BYTES
    return not any(
        other.klass is Klass.PHI
        and other.confidence is not Confidence.LOW
        and other.start < high
        and other.end > low
        and other.rule_id != one.rule_id
        for other in kept
    )
