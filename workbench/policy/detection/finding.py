"""Defines what a scan returns: where something was found, and what was not searched. Never the value."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.policy.detection.material import Material
from workbench.policy.detection.rule import Confidence, Klass


@dataclass(frozen=True, slots=True)
class Finding:
    """One value that a rule found."""

    rule_id: str
    klass: Klass
    confidence: Confidence
    start: int
    """Offset of its first byte."""
    end: int
    """Offset after its last byte."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A range that was not searched, by any rule or by one."""

    start: int
    end: int
    reason: str
    """One sentence for a person."""
    rule_id: str = ""
    """The rule that was stopped; empty where none looked at the range."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found in one text."""

    material: Material
    size: int
    """Bytes that were given."""
    findings: tuple[Finding, ...]
    """In the order of their offsets; ranges may overlap."""
    gaps: tuple[Gap, ...] = ()
    """What was not searched; empty when everything was."""
    encoding: str = "utf-8"
    """A codec that can write ASCII text between these bytes."""

    @property
    def complete(self) -> bool:
        """Whether every rule saw every byte."""
        return not self.gaps

    @property
    def searched(self) -> int:
        """Bytes from the beginning that every rule has seen."""
        return min((gap.start for gap in self.gaps), default=self.size)
