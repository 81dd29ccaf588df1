"""Defines what a face sees of the session: frozen snapshots, and the past-tense events that announce change.

A snapshot holds only text that is safe to show (`workbench.core.safe_text` has been applied) and figures
that were measured. A face never computes a rule from them: whether a decision is possible, and why not,
is a field.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from workbench.core.records import CheckResult, Inference, ProposalState, Risk, Span
from workbench.review import Choice, Row, RowKind


class Activity(StrEnum):
    """What the session is doing now; the word the status bar begins with."""

    READY = "READY"
    NO_MODEL = "NO MODEL"
    LOADING = "LOAD"
    READING = "PROMPT"
    GENERATING = "GEN"
    WORKING = "WORK"
    """Between two inferences: reading, parsing, checking."""
    RUNNING = "RUN"
    """A command runs in the copy."""
    ERROR = "ERROR"
    LEDGER_BROKEN = "LEDGER BROKEN"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far something long has come."""

    done: int
    total: int
    unit: str
    """`bytes` or `tokens`."""
    seconds: float
    """Since it began."""


@dataclass(frozen=True, slots=True)
class IndexReading:
    """One reading of the index for the status bar."""

    done: int = 0
    total: int = 0
    """Files of the present look that are new or changed; 0 when there are none, or before the first look."""
    busy: bool = False
    looked: bool = False
    """Whether a look at the worktree has ended."""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """One reading of everything the status bar shows."""

    activity: Activity
    model: str
    """Name of the loaded or loading model; empty without one."""
    progress: Progress | None
    """Bytes while loading, prompt tokens while reading, None otherwise."""
    context_used: int
    """Tokens in the context window at the last inference."""
    context_size: int
    """Tokens the context window holds; 0 without a model."""
    tokens_per_second: float
    """Generation speed, over the present or the last answer; 0 before the first."""
    seconds: float
    """Since the present activity began."""
    quiet_seconds: float
    """While generating: since the last token arrived."""
    level: int
    """The measured boundary level: 4, 3, 2 or 0."""
    level_short: str
    level_words: str
    waiting: int
    """Proposals that wait for a decision."""
    oldest_waiting: str
    """When the oldest of them was made; empty without one."""
    ledger_size: int
    ledger_ok: bool
    policy: str
    """Name and the first digits of the digest, as `default@a1b2`."""
    branch: str
    """The git branch; empty where there is none."""
    read_only: str
    """Why nothing can be decided or changed now; empty when it can."""
    error: str
    next_step: str
    index: IndexReading = IndexReading()


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One path of the worktree as the file tree lists it."""

    path: str
    """Relative to the root, as the disk names it; may hold anything, so it is shown through safe_text."""
    denied: bool
    git_state: str
    """Two letters of `git status --porcelain`, or empty."""
    asks: bool = False
    """The agent may read it only when a person has released it."""
    released: str = ""
    """For a file that asks: `once`, `session` or `until` while a release covers it."""


@dataclass(frozen=True, slots=True)
class ShownFile:
    """One file of a proposal as it is shown."""

    path: str
    kind: str
    """`edit`, `new`, `delete`, `rename` or `mode`."""
    added: int
    removed: int
    language: str
    """For syntax colours: a Pygments alias, or empty."""
    before: str
    """The whole file before the change, safe to show, for colouring whole-file; empty for a new file."""
    after: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A proposal as it is shown: what a decision is bound to."""

    proposal_id: str
    path: str
    """The path of its first file, and how many more there are."""
    files: tuple[ShownFile, ...]
    """`Row.file` counts them from 0."""
    rows: tuple[Row, ...]
    hunks: int
    """Through all files; `Row.hunk` counts them from 1."""
    split: tuple[int, ...]
    """The hunks shown in pieces, in the numbers they have unsplit; what `Session.shown` was asked for."""
    origins: tuple[int, ...]
    """For each hunk shown, its number unsplit."""
    added: int
    removed: int
    hidden: int
    """Control, bidi and zero-width characters made visible in it, and identifiers that imitate others; a
    person acknowledges this number before it can be approved."""
    task: str
    justification: str
    risk: Risk
    state: ProposalState
    stale: str
    """Why the item is stale; empty when it is not."""
    rule: str
    """The rule under which it waits."""
    checks: tuple[CheckResult, ...]
    spans: tuple[Span, ...]
    inferences: tuple[Inference, ...]
    attempts: int
    author: str
    """Who proposed it, as the ledger names them."""
    amended_by: str
    """The id of the person who edited an earlier proposal into it; empty in the ordinary case."""
    rolls_back: str
    """The id of the approval it takes back; empty in the ordinary case."""
    tainted: str
    """What in the context of its turn gives orders to the model; empty where nothing does."""
    shown_sha256: str
    """What `Session.approve` must be given back: digest of the rows, the bytes, the base and the policy."""
    can_approve: str
    """Empty when approving is possible now, else the reason it is not."""
    reason_required: bool = False
    """Whether policy demands the person's words with an approval."""
    hidden_names: tuple[str, ...] = ()
    """What was counted in `hidden`, each with its number; safe to show."""
    signatures: str = ""
    """How many signed approvals it needs and has, in words; empty where it needs none."""
    structure: tuple[str, ...] = ()
    """What it does to definitions, one line each kind, such as `changed: Flask.run (body)`; safe to show."""


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One line of the approval queue."""

    id: str
    path: str
    """The path of its first file, and how many more there are."""
    kind: str
    """`edit`, `new`, `delete`, `rename` or `mode`; `edit` where its files differ; `run` for a command."""
    added: int
    removed: int
    risk: Risk
    state: ProposalState
    task: str
    created: str
    checks_passed: int
    checks_total: int
    task_id: str = ""
    """Items of one task stand together."""
    files: tuple[str, ...] = ()
    """Every path it changes, as the disk names it; may hold anything."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry of the ledger as the audit pane lists it."""

    index: int
    time: str
    type: str
    phase: str
    actor: str
    subject: str
    """A path, a model, a proposal: what it was about."""
    result: str
    """`allow`, `deny`, `ok`, `failed`, `approve` …; empty on an intent."""


class Speaker(StrEnum):
    """Who speaks in the transcript."""

    PERSON = "You"
    AGENT = "Agent"
    PROGRAM = "Workbench"
    OUTPUT = "Output"
    """What a command prints, while it runs."""
    ERROR = "Error"


@dataclass(frozen=True, slots=True)
class Utterance:
    """One entry of the transcript; its text may still grow while it streams."""

    id: str
    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True)
class FileView:
    """A file opened for reading."""

    path: str
    text: str
    """Safe to show."""
    language: str
    lines: int
    hidden: int


@dataclass(frozen=True, slots=True)
class ReleaseChoice:
    """One way in which a file can be released for the agent."""

    words: str
    """Such as `for one read`."""
    shown: str
    """What is released: the file, or a glob; safe to show."""
    ends: str
    """When it ends, where that is a time; else empty."""
    pattern: str
    """What `shown` stands for, as the disk names it; not safe to show."""
    exact: bool
    scope: str
    expires: str


@dataclass(frozen=True, slots=True)
class ReleaseOffer:
    """A file that policy asks about, and how it can be released."""

    path: str
    rule: str
    """The rule that asks, with its place."""
    choices: tuple[ReleaseChoice, ...]
    """The narrowest first."""
    reason_required: bool


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """A release in force."""

    id: str
    pattern: str
    """Safe to show."""
    exact: bool
    """`pattern` is one file and no glob."""
    scope: str
    """`once`, `session` or `until`."""
    holds: str
    """The scope in words, with the time where there is one."""
    expires: str
    given: str
    by: str
    reason: str
    """Empty for a release of an earlier session, whose reason is sealed in the ledger."""


@dataclass(frozen=True, slots=True)
class DecisionResult:
    """What became of a decision."""

    proposal_id: str
    state: ProposalState
    message: str
    """One line for the person: what was written, the commit, or why it is stale."""


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The status has a new reading; ask for it."""


@dataclass(frozen=True, slots=True)
class QueueChanged:
    """An item was added or changed its state."""

    arrived: str = ""
    """The id of a new item; a face raises a badge for it and never moves the focus."""


@dataclass(frozen=True, slots=True)
class LedgerGrew:
    """Entries were appended; the ledger now holds `size` of them."""

    size: int


@dataclass(frozen=True, slots=True)
class TreeChanged:
    """Files of the worktree came, went or changed."""


@dataclass(frozen=True, slots=True)
class Uttered:
    """A new entry stands in the transcript."""

    utterance: Utterance


@dataclass(frozen=True, slots=True)
class UtteranceGrew:
    """Text was added to the end of an entry of the transcript."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class ReleaseWanted:
    """A task was refused because the agent needs a person's release of a file."""

    path: str
    """As the disk names it; not safe to show."""


@dataclass(frozen=True, slots=True)
class CommandEnded:
    """A command has ended, or did not start."""

    proposal_id: str
    code: int
    """Its exit code; negative where it was killed or did not start."""


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """The agent is done with a task."""

    task_id: str
    outcome: str
    """`queued`, `nothing`, `refused`, `cancelled` or `failed`."""


__all__ = [
    "Activity",
    "AuditRow",
    "CheckResult",
    "Choice",
    "CommandEnded",
    "DecisionResult",
    "FileView",
    "LedgerGrew",
    "Progress",
    "ProposalState",
    "QueueChanged",
    "QueueItem",
    "ReleaseChoice",
    "ReleaseOffer",
    "ReleaseView",
    "ReleaseWanted",
    "Risk",
    "Row",
    "RowKind",
    "SessionEvent",
    "Shown",
    "ShownFile",
    "Span",
    "Speaker",
    "Status",
    "StatusChanged",
    "TaskEnded",
    "TreeChanged",
    "TreeEntry",
    "Utterance",
    "UtteranceGrew",
    "Uttered",
]

SessionEvent = (
    StatusChanged
    | QueueChanged
    | LedgerGrew
    | TreeChanged
    | Uttered
    | UtteranceGrew
    | ReleaseWanted
    | CommandEnded
    | TaskEnded
)
"""What a listener is called with, from any thread, never while a lock is held."""
