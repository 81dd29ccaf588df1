"""Holds one file's change that is not a proposal yet: what the checks look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from workbench.context import Language, Symbol, language_of, symbols


@dataclass(frozen=True)
class Draft:
    """One file's change, with what was asked for; a change of several files is several of these."""

    path: str
    before: bytes | None
    """None for a file that does not exist yet."""
    after: bytes
    target: Symbol | None
    """The symbol the agent was asked to rewrite; None means the whole file."""
    task: str
    kept: int = 0
    """How many protected values stand in it that the model did not see."""
    mode: int = 0o644
    """Its permission bits after the change."""
    deleted: bool = False
    """The file goes; `after` is then empty."""

    @cached_property
    def language(self) -> Language | None:
        """The language of the file, where we know it."""
        return language_of(self.path)

    @cached_property
    def symbols_before(self) -> tuple[Symbol, ...]:
        """The definitions before the change."""
        return symbols(self.before or b"", self.language) if self.language else ()

    @cached_property
    def symbols_after(self) -> tuple[Symbol, ...]:
        """The definitions after the change."""
        return symbols(self.after, self.language) if self.language else ()
