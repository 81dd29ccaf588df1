"""Records what the screen asks of a session, for tests of the screen alone: snapshots in, calls out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from workbench.core.errors import Refused, UsageError
from workbench.core.records import CheckResult, CheckVerdict, ProposalState, Risk, Span
from workbench.review import Row, RowKind
from workbench.session.views import (
    Activity,
    AuditRow,
    Choice,
    DecisionResult,
    FileView,
    QueueChanged,
    QueueItem,
    ReleaseChoice,
    ReleaseOffer,
    ReleaseView,
    SessionEvent,
    Shown,
    ShownFile,
    Status,
    TreeEntry,
    Utterance,
)

BEFORE = """import ssl


def handshake(sock):
    ctx = ssl.create_default_context()
    ctx.verify = False
    return ctx
"""
AFTER = BEFORE.replace("False", "True")
ROWS = (
    Row(RowKind.HUNK, None, None, "@@ -4,4 +4,4 @@ handshake", 1),
    Row(RowKind.CONTEXT, 4, 4, "def handshake(sock):", 1),
    Row(RowKind.CONTEXT, 5, 5, "    ctx = ssl.create_default_context()", 1),
    Row(RowKind.DELETE, 6, None, "    ctx.verify = False", 1),
    Row(RowKind.INSERT, None, 6, "    ctx.verify = True", 1),
    Row(RowKind.CONTEXT, 7, 7, "    return ctx", 1),
)
SHA = "7f3a9c" + "0" * 58

READY = Status(
    activity=Activity.READY,
    model="qwen2.5-coder-1.5b",
    progress=None,
    context_used=2785,
    context_size=8192,
    tokens_per_second=18.2,
    seconds=3.0,
    quiet_seconds=0.0,
    level=4,
    level_short="AIR-GAP kernel",
    level_words="The kernel keeps every process of this program off the network.",
    waiting=0,
    oldest_waiting="",
    ledger_size=18204,
    ledger_ok=True,
    policy="strict@a1b2",
    branch="main",
    read_only="",
    error="",
    next_step="",
)


def _check(verdict: CheckVerdict, name: str, evidence: str) -> CheckResult:
    return CheckResult(name, verdict, evidence, 3)


CHECKS = (
    _check(CheckVerdict.PASS, "target", "function handshake"),
    _check(CheckVerdict.PASS, "base", "as read: 1 of 1 files"),
    _check(CheckVerdict.PASS, "scope", "edit: allowed by default"),
    _check(CheckVerdict.PASS, "budget", "+1 -1 of 500 lines, 1 of 10 files"),
    _check(CheckVerdict.PASS, "syntax", "no new error in python"),
    _check(CheckVerdict.PASS, "elisions", "none"),
    _check(CheckVerdict.PASS, "vanished", "4 definitions kept or added"),
    _check(CheckVerdict.PASS, "hidden characters", "none"),
    _check(CheckVerdict.PASS, "secrets", "none added; 2 protected values kept, not shown to the model"),
    _check(CheckVerdict.PASS, "personal data", "none added"),
    _check(CheckVerdict.PASS, "dangerous code", "none introduced"),
    _check(CheckVerdict.PASS, "sensitive files", "none of these"),
    _check(CheckVerdict.PASS, "linter", "ruff check: exit 0 after 0.2 s"),
    _check(CheckVerdict.PASS, "types", "mypy: exit 0 after 4.1 s: no issues found in 12 source files"),
    _check(CheckVerdict.PASS, "tests", "pytest -q: exit 0 after 1.9 s: 112 passed in 1.71s"),
    _check(CheckVerdict.PASS, "tests kept", "no test in the change"),
)


def shown(proposal_id: str = "p1", **changes: object) -> Shown:
    """Return a proposal as it is shown."""
    item = Shown(
        proposal_id=proposal_id,
        path="src/net/tls.py",
        files=(ShownFile("src/net/tls.py", "edit", 1, 1, "python", BEFORE, AFTER),),
        rows=ROWS,
        hunks=1,
        split=(),
        origins=(1,),
        added=1,
        removed=1,
        hidden=0,
        task="Make the handshake verify certificates.",
        justification="fix cert check",
        risk=Risk.ELEVATED,
        state=ProposalState.QUEUED,
        stale="",
        rule="edit-needs-approval",
        checks=CHECKS,
        spans=(Span("src/net/tls.py", 0, 120, "ab" * 32),),
        inferences=(),
        attempts=1,
        author="agent:coder",
        amended_by="",
        rolls_back="",
        tainted="",
        shown_sha256=SHA,
        can_approve="",
    )
    return replace(item, **changes)  # type: ignore[arg-type]


def queue_item(item: Shown) -> QueueItem:
    """Return the queue's line for a proposal."""
    return QueueItem(
        item.proposal_id,
        item.path,
        "edit",
        item.added,
        item.removed,
        item.risk,
        item.state,
        item.task,
        "2026-01-05T10:00:00.000000Z",
        16,
        16,
        files=tuple(file.path for file in item.files),
    )


@dataclass
class RecordingReleases:
    """Releases that are only recorded."""

    calls: list[tuple[object, ...]]
    held: list[ReleaseView] = field(default_factory=list)
    reason_required: bool = False

    def offer(self, path: str) -> ReleaseOffer:
        choices = (
            ReleaseChoice("for one read", path, "", path, True, "once", ""),
            ReleaseChoice("until this session ends", path, "", path, True, "session", ""),
            ReleaseChoice(
                "for a day", path, "2026-01-06 10:04 UTC", path, True, "until", "2026-01-06T10:04Z"
            ),
            ReleaseChoice("all with its ending, for the session", "*.csv", "", "*.csv", False, "session", ""),
        )
        return ReleaseOffer(path, 'read.ask "*.csv" (floor, compiled in)', choices, self.reason_required)

    def give(
        self, pattern: str, *, scope: str, exact: bool = True, until: str = "", reason: str = ""
    ) -> ReleaseView:
        self.calls.append(("release", pattern, scope, exact, until, reason))
        holds = {"once": "for one read", "session": "until this session ends"}.get(scope, f"until {until}")
        view = ReleaseView(f"r{len(self.held)}", pattern, exact, scope, holds, until, "", "Ada", reason)
        self.held.append(view)
        return view

    def revoke(self, release_id: str) -> ReleaseView:
        self.calls.append(("revoke", release_id))
        view = next(each for each in self.held if each.id == release_id)
        self.held.remove(view)
        return view

    def all(self) -> tuple[ReleaseView, ...]:
        return tuple(self.held)


@dataclass
class RecordingFace:
    """A session that holds what it is given and records what it is asked."""

    items: dict[str, Shown] = field(default_factory=dict)
    entries: tuple[TreeEntry, ...] = ()
    now: Status = READY
    said: tuple[Utterance, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    ledger: int = 0
    calls: list[tuple[object, ...]] = field(default_factory=list)
    looks: int = 0
    """How often the index was asked to look."""
    stale: set[str] = field(default_factory=set)
    """Ids that answer an approval with STALE."""
    notices: tuple[str, ...] = ()
    root: Path = Path("/repo")
    gate: threading.Event | None = None
    """While set and not yet released, decisions wait: to look at the screen meanwhile."""
    listener: Callable[[SessionEvent], None] | None = None

    def __post_init__(self) -> None:
        self.releasing = RecordingReleases(self.calls)

    def start(self, listener: Callable[[SessionEvent], None]) -> None:
        self.listener = listener

    def tell(self, event: SessionEvent) -> None:
        """Announce something, as the session would from one of its threads."""
        assert self.listener is not None
        thread = threading.Thread(target=self.listener, args=(event,))
        thread.start()
        thread.join()

    def close(self) -> None:
        self.calls.append(("close",))

    def status(self) -> Status:
        waiting = sum(i.state in (ProposalState.QUEUED, ProposalState.STALE) for i in self.items.values())
        oldest = "2026-01-05T10:00:00.000000Z" if waiting else ""
        return replace(self.now, waiting=waiting, oldest_waiting=oldest)

    def tree(self) -> tuple[TreeEntry, ...]:
        return self.entries

    def file(self, path: str) -> FileView:
        self.calls.append(("file", path))
        if path not in self.files:
            raise Refused(f"Policy denies {path}.", "Ask your administrator.")
        text = self.files[path]
        return FileView(path, text, "python", text.count("\n"), 0)

    def queue(self) -> tuple[QueueItem, ...]:
        items = [queue_item(item) for item in self.items.values()]
        undecided = (ProposalState.QUEUED, ProposalState.STALE)
        return tuple(sorted(items, key=lambda item: item.state not in undecided))

    def glance(self, proposal_id: str) -> Shown:
        return self.items[proposal_id]

    def shown(self, proposal_id: str, split: tuple[int, ...] = ()) -> Shown:
        return self.items[proposal_id]

    def audit_size(self) -> int:
        return self.ledger

    def audit(self, start: int, stop: int) -> tuple[AuditRow, ...]:
        self.calls.append(("audit", start, stop))
        return tuple(audit_row(index) for index in range(start, min(stop, self.ledger)))

    def audit_opened(self) -> None:
        self.calls.append(("audit_opened",))

    def audit_entry(self, index: int) -> tuple[str, ...]:
        self.calls.append(("audit_entry", index))
        return (f"leaf {index:064x}", *(f'"field_{number}": "value"' for number in range(60)))

    def verify(self) -> str:
        self.calls.append(("verify",))
        return "Entries 0 to 18203 hold.\nconsistent to size 18204; newest external anchor size 18200"

    def transcript(self) -> tuple[Utterance, ...]:
        return self.said

    def examples(self) -> tuple[str, ...]:
        return ("Explain src/net/tls.py", "Make tests/test_tls.py pass", "Add a docstring to handshake")

    def begin_index(self) -> None:
        self.looks += 1

    def foresee(self, task: str) -> str:
        return "The task holds 1 × SSN: redact." if "731-" in task else ""

    def submit(self, task: str) -> str:
        self.calls.append(("submit", task))
        if self.now.activity is Activity.NO_MODEL:
            raise UsageError("There is no model.", "Run `workbench model add FILE`.")
        return "task-1"

    def propose_command(self, argv: Sequence[str]) -> str:
        self.calls.append(("propose_command", *argv))
        return next(iter(self.items), "")

    def cancel(self) -> bool:
        self.calls.append(("cancel",))
        return self.now.activity is Activity.GENERATING

    def approve(
        self,
        proposal_id: str,
        shown_sha256: str,
        choice: Choice | None = None,
        *,
        reason: str = "",
        acknowledged: int = 0,
    ) -> DecisionResult:
        more: tuple[object, ...] = (acknowledged,) if acknowledged else ()
        more += (choice,) if choice is not None and choice.hunks else ()
        more += (reason,) if reason else ()
        self.calls.append(("approve", proposal_id, shown_sha256, *more))
        if self.gate is not None:
            self.gate.wait(10)
        if proposal_id in self.stale:
            drifted = replace(
                self.items[proposal_id],
                state=ProposalState.STALE,
                stale="the file changed",
                shown_sha256="b" * 64,
            )
            self.items[proposal_id] = drifted
            return DecisionResult(proposal_id, ProposalState.STALE, "the file changed on disk")
        return self._decide(proposal_id, ProposalState.APPLIED)

    def approve_all(self, seen: Mapping[str, str], typed: int, *, reason: str = "") -> DecisionResult:
        self.calls.append(("approve_all", dict(seen), typed))
        if typed != len(seen):
            raise Refused(
                f"{len(seen)} items would be approved, and {typed} was typed.", "Nothing was decided."
            )
        for proposal_id in seen:
            self._decide(proposal_id, ProposalState.APPLIED)
        return DecisionResult("", ProposalState.APPLIED, f"{typed} items were approved.")

    def roll_back(self, approval: str, reason: str) -> DecisionResult:
        self.calls.append(("roll_back", approval, reason))
        self.items["back"] = replace(
            self.items[approval], proposal_id="back", state=ProposalState.QUEUED, can_approve=""
        )
        return DecisionResult("back", ProposalState.QUEUED, "The rollback waits for your decision.")

    def edit(self, proposal_id: str) -> DecisionResult:
        self.calls.append(("edit", proposal_id))
        return DecisionResult(proposal_id, ProposalState.QUEUED, "Your version waits.")

    def take_back(self) -> DecisionResult:
        self.calls.append(("take_back",))
        return DecisionResult("", ProposalState.QUEUED, "It waits again.")

    def reject(self, proposal_id: str, *, reason: str = "") -> DecisionResult:
        self.calls.append(("reject", proposal_id, reason))
        return self._decide(proposal_id, ProposalState.REJECTED)

    def _decide(self, proposal_id: str, state: ProposalState) -> DecisionResult:
        self.items[proposal_id] = replace(
            self.items[proposal_id], state=state, can_approve=f"It is {state} already."
        )
        if self.listener is not None:
            self.listener(QueueChanged())
        return DecisionResult(proposal_id, state, f"{self.items[proposal_id].path} {state}.")

    def measure(self) -> str:
        return "level 4\nno socket could be opened"

    def busy(self) -> bool:
        return False


def audit_row(index: int) -> AuditRow:
    """Return one entry of a ledger that reads and denies by turns."""
    denied = index % 5 == 3
    return AuditRow(
        index,
        "2026-01-05T10:00:00.000000Z",
        "file.read" if index % 2 else "search.run",
        "outcome",
        "agent:editor",
        "src/net/tls.py",
        "deny" if denied else "ok",
    )
