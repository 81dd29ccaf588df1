"""Defines what one policy file can say, as typed rules that remember the line they stand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from workbench.core.errors import PolicyError


class Kind(StrEnum):
    """What a glob says about the paths it matches; the value is its key in a policy file."""

    READ_DENY = "read.deny"
    READ_ASK = "read.ask"
    READ_ALLOW = "read.allow"
    EDIT_DENY = "edit.deny"
    EDIT_ALLOW = "edit.allow"
    PHI = "labels.phi"
    CDE = "labels.cde"
    SECRET = "labels.secret"  # noqa: S105
    EXECUTES = "executes"
    """Compiled in only: some tool executes the file."""
    EXCEPTION = "exception"
    """Compiled in only: the rest of its group does not apply to this name."""


LABEL_KINDS = (Kind.PHI, Kind.CDE, Kind.SECRET)
LABELS = ("phi", "cde", "secret")
"""What a path can be labelled as: health information, cardholder data environment, secret."""


class Action(StrEnum):
    """What is done where a detector finds something; the order of severity is that of the members."""

    OFF = "off"
    WARN = "warn"
    """It is handed on, and the finding is shown and recorded."""
    REDACT = "redact"
    """It is handed on with placeholders in place of what was found."""
    BLOCK = "block"
    """It is not handed on."""


CLASSES = ("secrets", "pan", "phi")
"""What detectors look for: credentials, card numbers, health information about a person."""
PHASES = ("pilot", "narrow", "regulated", "graduated")
"""The presets that are shipped, in the order in which an organisation goes through them."""
CHECKS = (
    "target",
    "base",
    "scope",
    "budget",
    "syntax",
    "elisions",
    "vanished",
    "hidden characters",
    "secrets",
    "personal data",
    "dangerous code",
    "sensitive files",
    "linter",
    "types",
    "tests",
    "tests kept",
)
"""The checks that a proposal goes through before a person sees it. Required, the first ten must have been run
and not have failed; the last six, which otherwise only inform, must have found nothing."""


@dataclass(frozen=True, slots=True)
class GlobLine:
    """One glob and where it stands."""

    kind: Kind
    pattern: str
    source: str
    """`file:line`."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """One command that may be proposed, and where it stands."""

    argv: tuple[str, ...]
    more: str
    """What may follow these words: `none`, or `paths` (worktree paths that policy lets be read)."""
    source: str
    """`file:line`."""
    until: str = ""
    """The last day on which it is granted, UTC, as `2026-01-31`; empty where it does not end."""

    @property
    def shown(self) -> str:
        """The grant as rules show it, with its scope and its end."""
        more = "" if self.more == "none" else f" and {self.more}"
        return f"run.allow {list(self.argv)}{more}" + (f" until {self.until}" if self.until else "")


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check that is required, and where that stands."""

    name: str
    source: str
    """`file:line`."""


@dataclass(frozen=True, slots=True)
class Tier:
    """One policy file, checked; after `presets.under` with the defaults of the preset it chose."""

    tier: str
    """`admin`, `user` or `repository`."""
    file: str
    """The file as it is shown to a person."""
    raw: Mapping[str, Any]
    """The document as parsed: what the policy digest is computed over."""
    globs: tuple[GlobLine, ...] = ()
    run: tuple[CommandLine, ...] | None = None
    """The commands listed; None where the file has no such list."""
    models: tuple[str, ...] = ()
    """The model digests listed; empty where the file names none."""
    checks: tuple[CheckLine, ...] = ()
    """The checks required."""
    settings: Mapping[str, int | str | bool] = field(default_factory=dict)
    """The single values given, by dotted key, such as `budget.files_per_proposal`."""
    at: Mapping[str, str] = field(default_factory=dict)
    """Where each list and single value stands, as `file:line`, by dotted key."""

    @property
    def name(self) -> str:
        """What the file calls itself; empty where it does not say."""
        return str(self.settings.get("name", ""))

    @property
    def phase(self) -> str:
        """The preset the file stands on; empty where it chooses none."""
        return str(self.settings.get("phase", ""))

    def has(self, dotted: str) -> bool:
        """Say whether the file has this key, even with an empty list."""
        return dotted in self.at

    def is_own(self, source: str) -> bool:
        """Say whether `source` is a line of the file itself, and not of the preset it stands on."""
        return source.startswith(f"{self.file}:")


class PolicyFileError(PolicyError):
    """One policy file cannot be understood; the other tiers are not affected."""

    def __init__(self, tier: str, file: str, line: int, problem: str, next_step: str) -> None:
        super().__init__(f"{file}:{line}: {problem}.", next_step)
        self.tier = tier
        """Whose file it is, so that the caller can decide whether to go on without it."""
        self.file = file
        self.line = line
        """Counted from 1; 1 also where the whole file is at fault."""
