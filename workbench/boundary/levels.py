"""Turns what the self-test found into a level, and the level into the words that the screen shows.

1. Level 2: no way to a network, to a keyboard or out of the seal was open.
2. Level 3: besides, no file outside was within reach, nor within the reach of a command that was really run.
3. Level 4: besides, that command had namespaces of its own.

What was not tried does not hold. There is no 1: a network that is nearly blocked is not blocked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

REPORTED_ONLY = "info."
"""Checks so named are facts for the reader; every other check decides a level."""
NEEDED = {2: ("net.", "tty.", "self."), 3: ("fs.", "cmd."), 4: ("isolated.",)}
"""How the checks are named that a level needs beside those of the level below it."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level's words."""

    words: str
    """The whole line, as the banner and `workbench doctor` show it."""
    short: str
    """At most 22 characters, for the status bar."""


LEVELS = {
    4: Level("KERNEL-ENFORCED  net blocked · files confined · commands isolated", "KERNEL-ENFORCED 4"),
    3: Level("KERNEL-ENFORCED  net blocked · files confined · commands in copy", "KERNEL-ENFORCED 3"),
    2: Level("NET BLOCKED BY KERNEL · FILES: POLICY ONLY", "NET BLOCKED kernel"),
    0: Level("NOT ENFORCED", "NOT ENFORCED"),
}
"""Every level that policy can demand, with its words."""


class Check(NamedTuple):
    """One thing that was tried, and what came of it."""

    name: str
    """What it is about (see `NEEDED`), then the attempt."""
    held: bool
    """Whether it was refused, as the seal promises."""
    detail: str
    """What the kernel answered, in one line."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the kernel was found to enforce on this process at one moment."""

    level: int
    """A key of `LEVELS`."""
    words: str
    short: str
    checks: tuple[Check, ...]
    milliseconds: int
    """What measuring cost, rounded up."""

    @property
    def failing(self) -> tuple[Check, ...]:
        """The checks that keep the level at 0; empty from level 2 on."""
        return tuple(check for check in self.checks if not check.held and check.name.startswith(NEEDED[2]))


def judge(checks: Iterable[Check], *, milliseconds: int) -> Measurement:
    """Return the measurement that follows from `checks`: the highest level of which everything holds."""
    found = tuple(checks)
    level = 0
    for candidate, kinds in NEEDED.items():
        deciding = [check for check in found if check.name.startswith(kinds)]
        # Of the seal, the network is what must have been tried; of what comes above it, everything.
        wanted = kinds if candidate > 2 else kinds[:1]
        tried = all(any(check.name.startswith(kind) for check in deciding) for kind in wanted)
        if not tried or not all(check.held for check in deciding):
            break
        level = candidate
    words = LEVELS[level]
    return Measurement(level, words.words, words.short, found, milliseconds)
