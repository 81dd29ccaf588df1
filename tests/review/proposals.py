"""Makes proposals for tests of the queue."""

from __future__ import annotations

from dataclasses import replace

from workbench.core.clock import utc_now
from workbench.core.ids import uuid7
from workbench.core.records import (
    CheckResult,
    CheckVerdict,
    Command,
    FileChange,
    Inference,
    Principal,
    Proposal,
    Risk,
    Span,
    sha256,
)
from workbench.review.rendering import Contents


def contents(*known: bytes | None) -> Contents:
    """Return what looks up `known` bytes by their digest."""
    by_digest = {sha256(data): data for data in known if data is not None}
    return lambda digest: by_digest[digest] if digest else b""


WORDS = ("pytest", "-q", "caf\udce9", "two words", "")
EDITOR = Principal("agent", "agent:editor", "editor", "coder", 1000, "user:ada")


def proposal(before: bytes | None = b"old\n", after: bytes | None = b"new\n", path: str = "a.py") -> Proposal:
    """Return a proposal that changes `path` from `before` to `after`."""
    change = FileChange(
        path,
        None if before is None else sha256(before),
        None if after is None else sha256(after),
        0o644,
        "f",
    )
    return Proposal(
        id=uuid7(),
        task_id=uuid7(),
        created=utc_now(),
        author=EDITOR,
        task="change it",
        justification="because",
        changes=(change,),
        spans=(Span(path, 0, 4, sha256(b"old\n")),),
        inferences=(Inference(uuid7(), "coder", "m", "0" * 64, "1" * 64, 1, 700, 10, 5, 0, 20, "end"),),
        checks=(CheckResult("syntax", CheckVerdict.PASS, "fine", 3),),
        risk=Risk.LOW,
        policy_sha256="2" * 64,
    )


def command_proposal(argv: tuple[str, ...] = WORDS) -> Proposal:
    """Return a proposal to run `argv`."""
    return replace(proposal(), changes=(), command=Command(argv, 30), risk=Risk.HIGH)
