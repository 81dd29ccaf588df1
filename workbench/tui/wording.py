"""Says in words and figures what the session's status is; pure, so that every state can be tested.

Nothing here is estimated: a figure that was not measured is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from workbench.core.records import CheckResult, CheckVerdict
from workbench.session.views import Activity, Progress, Status
from workbench.tui.flow import cells

QUIET_AFTER = 5.0
"""Seconds without a token after which the status bar says so."""


@dataclass(frozen=True, slots=True)
class Part:
    """One word group of the status bar and the ink it is written in."""

    text: str
    ink: str = "bar"
    close: bool = False
    """Whether it belongs to the part before it: one blank between them, no separator."""
    rank: int = 0
    """How early it goes when there is no room; 0 never."""


def clock(seconds: float) -> str:
    """Return a duration as `mm:ss`, or `h:mm:ss` from an hour on."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes:02}:{left:02}"


def gigabytes(done: int, total: int) -> str:
    """Return two sizes in one unit, as `2.1/4.9 GB`."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if total >= size:
            return f"{done / size:.1f}/{total / size:.1f} {unit}"
    return f"{done}/{total} B"


def activity(status: Status) -> Part:
    """Return the word for what goes on, with its figures."""
    match status.activity:
        case Activity.LEDGER_BROKEN:
            return Part(f"LEDGER BROKEN at #{status.ledger_size}", "bad")
        case Activity.ERROR:
            return Part(f"ERROR {status.error}".strip(), "bad")
        case Activity.NO_MODEL:
            return Part("NO MODEL", "note")
        case Activity.LOADING:
            return Part(_loading(status))
        case Activity.READING:
            return Part(_reading(status))
        case Activity.GENERATING:
            return Part(_generating(status), "bar_strong")
        case Activity.WORKING | Activity.RUNNING:
            return Part(f"{status.activity} {clock(status.seconds)}", "bar_strong")
        case Activity.READY:
            return Part("READY", "bar_strong")


def _loading(status: Status) -> str:
    progress = status.progress
    if progress is None or progress.total <= 0:
        return f"LOAD {clock(status.seconds)}"
    return f"LOAD {gigabytes(progress.done, progress.total)} {_percent(progress)}% {clock(progress.seconds)}"


def _reading(status: Status) -> str:
    progress = status.progress
    if progress is None or progress.total <= 0:
        return f"PROMPT {clock(status.seconds)}"
    text = f"PROMPT {progress.done:,}/{progress.total:,} tok"
    if progress.seconds > 0.5 and progress.done:
        text += f" {progress.done / progress.seconds:.0f} tok/s"
    return text


def _generating(status: Status) -> str:
    text = "GEN"
    if status.tokens_per_second:
        text += f" {status.tokens_per_second:.1f} tok/s"
    return f"{text} {clock(status.seconds)}"


def _percent(progress: Progress) -> int:
    return min(100, progress.done * 100 // progress.total)


def context(status: Status) -> str:
    """Return how full the context window is, as `ctx 34%`; empty without a model."""
    if status.context_size <= 0:
        return ""
    return f"ctx {round(status.context_used * 100 / status.context_size)}%"


def waiting(status: Status, now: datetime) -> list[Part]:
    """Return how many items wait and for how long the oldest has; nothing when nothing waits."""
    if not status.waiting:
        return []
    age = age_of(status.oldest_waiting, now)
    count = Part(f"{status.waiting} waiting", "note")
    return [count, Part(f"oldest {age}", "note", close=True, rank=6)] if age else [count]


def age_of(time: str, now: datetime) -> str:
    """Return how long ago `time` (as the ledger writes it) was, as `4 min`; empty when it cannot be told."""
    try:
        then = datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return ""
    seconds = max(0, int((now - then).total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 48 * 3600 else f"{seconds // 86400} d"


def ledger(status: Status) -> Part:
    """Return the ledger's size and whether it can be relied on."""
    if status.ledger_ok:
        return Part(f"ledger #{status.ledger_size} ok")
    return Part(f"LEDGER BROKEN at #{status.ledger_size}", "bad")


def index(status: Status) -> list[Part]:
    """Return how far the index has come, as `idx 41/100`, and `idx 100%` once it is in step."""
    reading = status.index
    if reading.problem:
        return [Part("idx off", "note", rank=4)]
    if reading.busy and reading.total:
        return [Part(f"idx {reading.done:,}/{reading.total:,}", rank=4)]
    return [Part("idx 100%", rank=9)] if reading.looked else []


def status_parts(status: Status, now: datetime, *, narrow: bool) -> list[Part]:
    """Return the status bar from left to right; `fitted` takes away what there is no room for."""
    parts = [activity(status)]
    if not status.ledger_ok and status.activity is not Activity.LEDGER_BROKEN:
        parts.insert(0, ledger(status))
    parts += _model_parts(status, narrow=narrow)
    if status.tokens_per_second and status.activity is not Activity.GENERATING and not narrow:
        parts.append(Part(f"{status.tokens_per_second:.1f} tok/s", rank=7))
    parts += waiting(status, now)
    if status.read_only:
        parts.append(Part("READ-ONLY", "bad"))
    if not narrow:
        parts.append(Part(status.level_short, "bad" if status.level == 0 else "bar"))
        parts.append(Part(f"policy {status.policy}", rank=3))
    if status.ledger_ok:
        parts.append(ledger(status))
    if narrow:
        parts.append(Part(status.policy, rank=3))
    elif status.branch:
        parts.append(Part(f"on {status.branch}", rank=8))
    parts += index(status)
    return parts


def fitted(parts: list[Part], width: int, separator: int) -> list[Part]:
    """Return `parts` without those that `width` columns have no room for, the least important first."""
    parts = list(parts)
    while sum(cells(part.text) + (1 if part.close else separator) for part in parts) > width:
        last = max(parts, key=lambda part: part.rank)
        if not last.rank:
            break
        parts.remove(last)
    return parts


def _model_parts(status: Status, *, narrow: bool) -> list[Part]:
    ready, generating = status.activity is Activity.READY, status.activity is Activity.GENERATING
    model = [Part(status.model, close=ready, rank=5)] if status.model else []
    close = generating or (ready and narrow)
    window = [Part(context(status), close=close, rank=2)] if context(status) else []
    if generating and status.quiet_seconds >= QUIET_AFTER:
        window.append(Part(f"no token for {status.quiet_seconds:.0f} s", "note"))
    return model + window if ready else window + model


def checks(results: tuple[CheckResult, ...]) -> str:
    """Return how many checks passed, as `checks 16/16`; empty without checks."""
    ran = [result for result in results if result.verdict is not CheckVerdict.SKIPPED]
    if not ran:
        return "no checks" if not results else f"checks skipped {len(results)}"
    passed = sum(result.verdict is CheckVerdict.PASS for result in ran)
    return f"checks {passed}/{len(ran)}"
