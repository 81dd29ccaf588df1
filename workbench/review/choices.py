"""Decides hunk by hunk, in the vocabulary of `git add -p`: a value; each step returns the next one.

>>> choices = Choices.begin((0, 0, 1)).take().leave("not here")
>>> choices.words, choices.taken
('2 of 3 decided', (1,))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from workbench.review.desk import Choice


@dataclass(frozen=True, slots=True)
class Mark:
    """What was decided on one hunk."""

    taken: bool
    reason: str = ""
    """Why it is left out, where the person said so."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What was decided on each hunk so far, and which is decided on next."""

    files: tuple[int, ...]
    """For each hunk, the file it belongs to."""
    marks: tuple[Mark | None, ...]
    """For each hunk, what was decided; None where nothing was."""
    at: int
    """The hunk that is decided on next, from 0; behind the last one the whole is."""

    @classmethod
    def begin(cls, files: Sequence[int], at: int = 0) -> Choices:
        """Return a beginning with nothing decided, on the hunk `at`."""
        return cls(tuple(files), (None,) * len(files), at)

    @property
    def at_end(self) -> bool:
        """Whether all hunks lie behind, and the whole is decided on next."""
        return self.at >= len(self.marks)

    @property
    def decided(self) -> int:
        """How many hunks were decided on."""
        return sum(mark is not None for mark in self.marks)

    @property
    def taken(self) -> tuple[int, ...]:
        """The hunks taken, counted from 1."""
        return tuple(number for number, mark in enumerate(self.marks, 1) if mark and mark.taken)

    @property
    def words(self) -> str:
        """Say how many are decided."""
        return f"{self.decided} of {len(self.marks)} decided"

    def take(self) -> Choices:
        """Take the hunk, and go on to the next undecided one."""
        return self._marked(Mark(True))

    def leave(self, reason: str = "") -> Choices:
        """Leave the hunk out, and go on to the next undecided one."""
        return self._marked(Mark(False, reason))

    def take_rest(self) -> Choices:
        """Take the hunk and the undecided ones behind it in its file."""
        return self._rest(Mark(True))

    def leave_rest(self) -> Choices:
        """Leave out the hunk and the undecided ones behind it in its file."""
        return self._rest(Mark(False))

    def toggle(self) -> Choices:
        """Take the hunk if it is not taken, else leave it out; stay on it."""
        if self.at_end:
            return self
        mark = self.marks[self.at]
        return self._set(Mark(not (mark and mark.taken)))

    def go(self, step: int) -> Choices:
        """Go to another hunk, or behind the last one."""
        return replace(self, at=max(0, min(len(self.marks), self.at + step)))

    def split(self, parts: int) -> Choices:
        """Put `parts` undecided hunks in place of the present one."""
        at, file = self.at, self.files[self.at]
        files = (*self.files[:at], *[file] * parts, *self.files[at + 1 :])
        return Choices(files, (*self.marks[:at], *[None] * parts, *self.marks[at + 1 :]), at)

    def choice(self, split: tuple[int, ...]) -> Choice:
        """Return what is to be approved; `split` are the hunks shown in pieces."""
        reasons = {number: mark.reason for number, mark in enumerate(self.marks, 1) if mark and mark.reason}
        return Choice(self.taken, split, reasons)

    def _marked(self, mark: Mark) -> Choices:
        return self if self.at_end else _next(self._set(mark))

    def _rest(self, mark: Mark) -> Choices:
        if self.at_end:
            return self
        file = self.files[self.at]
        marks = list(self.marks)
        for number in range(self.at, len(marks)):
            if number == self.at or (marks[number] is None and self.files[number] == file):
                marks[number] = mark
        return _next(replace(self, marks=tuple(marks)))

    def _set(self, mark: Mark) -> Choices:
        return replace(self, marks=(*self.marks[: self.at], mark, *self.marks[self.at + 1 :]))


def _next(choices: Choices) -> Choices:
    """Go to the next undecided hunk, from here on and then from the start; else behind the last."""
    count = len(choices.marks)
    order = [*range(choices.at + 1, count), *range(choices.at)]
    return replace(choices, at=next((number for number in order if choices.marks[number] is None), count))
