"""The records that pass between rooms: frozen, self-contained, the same on screen, on disk and in the ledger.

Ids are UUIDv7. Times are UTC strings with six digits. Sizes are bytes, lengths are tokens, digests are
SHA-256 in lower-case hex.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Json: TypeAlias = None | bool | int | str | list["Json"] | dict[str, "Json"]
"""What a ledger body may hold: JSON without floats (RFC 8785 keeps only integers exact)."""


def sha256(data: bytes) -> str:
    """Return the SHA-256 of `data` in hex."""
    return hashlib.sha256(data).hexdigest()


class Effect(StrEnum):
    """What policy says; the order of severity is `allow` < `redact` < `ask` < `deny`."""

    ALLOW = "allow"
    REDACT = "redact"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Rule:
    """The line of policy that decided."""

    name: str
    """Such as `read.deny "*.pem"`."""
    tier: str
    """`floor`, `admin`, `user`, `repository` or `default`."""
    source: str
    """Where the rule stands: `file:line`, or `compiled in`."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What policy says about one request."""

    effect: Effect
    rule: Rule
    """The rule that decided; shown to the person and written to the ledger."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: a person, one of the agent's roles, or the program itself."""

    kind: str
    """`human`, `agent` or `system`."""
    id: str
    """Such as `user:alice`, `agent:editor`, `system:workbench`."""
    name: str
    role: str
    os_uid: int
    on_behalf_of: str = ""
    """For an agent: the id of the person whose task it works on."""


@dataclass(frozen=True, slots=True)
class Span:
    """A range of one file that was read, and the digest of exactly the bytes that were handed out."""

    path: str
    start: int
    end: int
    sha256: str
    """Where values were replaced, of the text with placeholders: that of the values could be tried out."""

    @property
    def size(self) -> int:
        """Bytes in the range."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Replacement:
    """One protected value of a file, and the placeholder that is shown in its place."""

    start: int
    """Where the value begins, in the file as it is on disk."""
    end: int
    shown_start: int
    """Where the placeholder begins, in what is shown."""
    shown_end: int


@dataclass(frozen=True, slots=True)
class FileContent:
    """One file as it was read through the gate: to a person as it is, to an agent with placeholders."""

    path: str
    data: bytes
    mode: int
    disk_sha256: str = ""
    """Digest of the file as it is on disk, where `data` is not that."""
    replacements: tuple[Replacement, ...] = ()
    """In order; empty where `data` is the file as it is on disk."""

    @property
    def sha256(self) -> str:
        """The digest of the whole file as it is on disk."""
        return self.disk_sha256 or sha256(self.data)

    def on_disk(self, offset: int) -> int:
        """Return where an offset of `data` is in the file on disk; one inside a placeholder is its end."""
        at = bisect_left(self.replacements, offset, key=lambda each: each.shown_end)
        if at < len(self.replacements) and offset > self.replacements[at].shown_start:
            return self.replacements[at].end
        return offset + (self.replacements[at - 1].end - self.replacements[at - 1].shown_end if at else 0)

    def span(self, start: int = 0, end: int | None = None) -> Span:
        """Return the range `[start, end)` of `data` as a span: its place on disk, its digest as shown."""
        end = len(self.data) if end is None else end
        shown = sha256(self.data[start:end])
        return Span(self.path, self.on_disk(start), self.on_disk(end), shown)


@dataclass(frozen=True, slots=True)
class Inference:
    """One answer of the model, with what is needed to show or repeat it."""

    id: str
    role: str
    model: str
    model_sha256: str
    prompt_sha256: str
    seed: int
    temperature_milli: int
    """Thousandths, because ledger bodies hold no floats."""
    tokens_in: int
    tokens_out: int
    prefix_reused: int
    """Prompt tokens that did not have to be read again."""
    milliseconds: int
    stop: str
    """`end`, `length`, `cancelled` or `stop-text`."""


class CheckVerdict(StrEnum):
    """What a check found."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's verdict on one proposal, with the evidence a person can judge it by."""

    name: str
    verdict: CheckVerdict
    evidence: str
    milliseconds: int = 0


class Risk(StrEnum):
    """How much care an item needs; `high` asks for a second, different key."""

    LOW = "low"
    ELEVATED = "elevated"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file's proposed change, by digests; the bytes are in the object store of `review`."""

    path: str
    before_sha256: str | None
    """None for a file that does not exist yet."""
    after_sha256: str | None
    """None for a file that will be deleted."""
    mode: int
    """Permission bits after the change; of the file that is deleted, where one is."""
    symbol: str = ""
    """The qualified name of the symbol that was rewritten, where there is one."""
    renamed_from: str = ""
    """The path the file had before; empty where it keeps its name. `before_sha256` is then that file's."""
    mode_before: int | None = None
    """Permission bits before, where the change is also one of them; None leaves the bits on disk alone."""

    @property
    def kind(self) -> str:
        """What it does to the file, in one word: `new`, `delete`, `rename`, `mode` or `edit`."""
        if self.before_sha256 is None:
            return "new"
        if self.after_sha256 is None:
            return "delete"
        if self.renamed_from:
            return "rename"
        return "mode" if self.before_sha256 == self.after_sha256 else "edit"


@dataclass(frozen=True, slots=True)
class Command:
    """A command that is proposed: its words, handed to the program as they are, and never to a shell."""

    argv: tuple[str, ...]
    """The program and its words; undecodable bytes are lone surrogates, as `os.fsdecode` makes them."""
    seconds: int = 600
    """After which it is killed, with all that it started."""

    @property
    def sha256(self) -> str:
        """The digest of exactly these words, which a decision is bound to."""
        return sha256(b"\0".join(os.fsencode(word) for word in self.argv) + b"\0\0%d" % self.seconds)

    @property
    def text(self) -> str:
        """The words as one line that a shell would split alike; not yet safe to show."""
        return shlex.join(self.argv)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the agent wants to change or run, and everything a person needs to judge it."""

    id: str
    task_id: str
    created: str
    author: Principal
    task: str
    """The person's words."""
    justification: str
    changes: tuple[FileChange, ...]
    spans: tuple[Span, ...]
    inferences: tuple[Inference, ...]
    checks: tuple[CheckResult, ...]
    risk: Risk
    policy_sha256: str
    attempts: int = 1
    command: Command | None = None
    """The command to run, in a proposal that changes no file itself (`changes` is then empty)."""
    amends: str = ""
    """The id of the proposal that a person edited into this one."""
    amended_by: str = ""
    """The id of that person."""
    rolls_back: str = ""
    """The id of the approval whose changes this one takes back."""
    tainted: str = ""
    """What in the context of its turn gives orders to the model; empty where nothing does."""


class ProposalState(StrEnum):
    """Where a proposal stands."""

    QUEUED = "queued"
    STALE = "stale"
    APPROVED = "approved"
    """Decided, and not yet on disk: seen after a crash, and while a command runs."""
    APPLIED = "applied"
    RAN = "ran"
    """A command that was run in the copy, however it ended."""
    REJECTED = "rejected"
    EXPIRED = "expired"
    """It waited longer than policy lets it; nobody decided."""
    AMENDED = "amended"
    """A person edited it: the edited one is a proposal of its own."""
    ROLLED_BACK = "rolled back"
    """It was applied, and a later approval took it back."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A hunk that was rejected although others of its proposal were approved."""

    hunk: int
    """Counted from 1, as in the decision."""
    reason: str
    """The person's words; empty where none were given."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided, bound to exactly what was shown."""

    id: str
    proposal_id: str
    value: str
    """`approve`, `reject`, `expire`, or `withdraw` for a rejection that was taken back."""
    by: Principal
    time: str
    reason: str
    hunks: tuple[int, ...]
    """The hunks approved, counted from 1 through all files as shown; empty means all of them."""
    shown_sha256: str
    """Digest of what was shown: the diff, the bytes it stands for, the file replaced, the policy."""
    policy_sha256: str
    split: tuple[int, ...] = ()
    """The hunks that were shown in pieces, in the numbers they had before; `hunks` counts the pieces."""
    left_out: tuple[LeftOut, ...] = ()
    """The hunks not approved, where only some were."""
    signatures: int = 0
    """How many different people signed an approval with keys of their own."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an effect ended."""

    status: str
    """`success`, `failure`, `denied` or `unknown`."""
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """What the ledger is asked to record; `workbench.ledger` adds sequence, time, origin and session."""

    type: str
    """From the closed set in `workbench.ledger.events`."""
    actor: Principal
    phase: str = "event"
    """`intent`, `outcome` or `event`."""
    op_id: str = ""
    """Shared by an intent and its outcome."""
    fields: Mapping[str, Json] = field(default_factory=dict)
    """Further fields of the body, named as in the envelope: `obj`, `proposal`, `decision`, `model` …"""
    sealed: Mapping[str, bytes] = field(default_factory=dict)
    """Values that may be sensitive: stored encrypted, only a salted commitment goes into the body."""


SYSTEM = Principal("system", "system:workbench", "workbench", "system", -1)
"""The program itself, for events that no person and no agent caused."""
