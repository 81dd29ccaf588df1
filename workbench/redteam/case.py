"""Says what one attack is, and how it can end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from workbench.redteam.lab import Lab


class Outcome(StrEnum):
    """How an attack ended."""

    HELD = "held"
    BREACH = "BREACH"
    SKIPPED = "skipped"


class Guard(StrEnum):
    """What holds against a case; a test switches each of them off and sees the case call it a breach."""

    READING = "reading"
    """Policy and the read gate, which the agent's every read passes."""
    DETECTING = "detecting"
    """The detector of secrets, card numbers and identifiers of persons."""
    WRITING = "writing"
    """The writer, which compares what it replaces and follows no link."""
    GIT = "git"
    """Git's switches and the profile it is started under."""
    CONFINING = "confining"
    """The command runner's Landlock rules, filter, session, environment and limits."""
    COPYING = "copying"
    """The copy that commands work on, and the collecting of what they changed in it."""
    SEAL = "seal"
    """The application's own filter and Landlock rules."""
    TIERS = "tiers"
    """The reader of policy files, and the law that a lower tier only tightens."""
    DECIDING = "deciding"
    """The desk, which binds a decision to what was shown and to what is on disk."""
    KEYS = "keys"
    """The guard before the deciding keys, and the faces' handling of the end of input."""
    SHOWING = "showing"
    """`safe_text` and the wall before the terminal."""
    TAINT = "taint"
    """The score of text that gives orders to a model, and the fence around it."""
    RECORDING = "recording"
    """The ledger: no row, no effect."""
    VERIFYING = "verifying"
    """The verification of a ledger."""
    HEADER = "header"
    """The bounded reader of model files, and the digest they are pinned by."""
    PROMPT = "prompt"
    """The chat format and the limits of a request."""


class Breach(Exception):
    """The attack got through; the message says what it got."""


class Skip(Exception):
    """The attack cannot be made on this machine; the message says why."""


Attack: TypeAlias = "Callable[[Lab], str]"
"""Makes the attack and returns, in one line, what stopped it; raises `Breach` or `Skip`."""


@dataclass(frozen=True, slots=True)
class Case:
    """One attack."""

    id: str
    """Its group, a dot, its name."""
    title: str
    """What it tries, in a few words."""
    source: str
    """Where it comes from: a row of `docs/redteam.md` (S for the boundary's list, A for agents'), a CVE."""
    holds: str
    """What must hold."""
    guard: Guard
    attack: Attack
    argued: str = ""
    """Why no double without the guard shows the breach; empty where a test does."""

    @property
    def group(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one attack."""

    case: Case
    outcome: Outcome
    detail: str
    """What stopped it, what it got, or why it was not made; untrusted text."""
    milliseconds: int
