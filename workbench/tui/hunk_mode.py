"""Decides on the item shown hunk by hunk; what comes of it goes to the guard like any other decision.

Marks are only marks: nothing is decided before the whole is, behind the last hunk, by the key that approves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.review.choices import Choices, Mark
from workbench.session.views import Choice, RowKind, Shown

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

UNDECIDED, TAKEN, LEFT = "[ ]", "[y]", "[n]"
"""How hunks are marked in the diff."""


class HunkMode:
    """The marks on one item's hunks, and the way back through them."""

    def __init__(self, app: WorkbenchApp) -> None:
        self._app = app
        self.choices: Choices | None = None
        """None while items are decided on as a whole."""
        self.split: tuple[int, ...] = ()
        """The hunks shown in pieces, in the numbers they have unsplit."""
        self._past: list[Choices] = []

    @property
    def at_end(self) -> bool:
        """Whether the whole is decided on next: outside this mode, always."""
        return self.choices is None or self.choices.at_end

    @property
    def choice(self) -> Choice | None:
        """What would be approved; None outside this mode."""
        return None if self.choices is None else self.choices.choice(self.split)

    def begin(self) -> None:
        """Begin on the hunk that is on screen, or toggle the present one if begun already."""
        item, diff = self._app.desk.shown, self._app.main.diff.diff
        if item is None:
            return
        if self.choices is not None:
            self._to(self.choices.toggle())
            return
        self._past = []
        self.choices = Choices.begin(_files(item), max(0, diff.hunk - 1))
        self._show()
        keys = [self._app.key_of(f"review.{name}") for name in ("approve", "reject", "split_hunk")]
        self._app.flash("Hunk by hunk: {} takes it, {} leaves it out, {} splits it; esc ends.".format(*keys))

    def end(self) -> None:
        """Decide on items as a whole again; the marks are gone."""
        was_split, self.split = self.split, ()
        if self.choices is not None:
            self.choices, self._past = None, []
            self._show()
        if was_split:
            self._app.desk.show_again()

    def forget(self) -> None:
        """Drop the marks: another item comes."""
        self.choices, self.split, self._past = None, (), []
        self._app.main.diff.show_state("")

    def take(self) -> None:
        """Take the hunk."""
        if self.choices is not None:
            self._to(self.choices.take())

    def leave(self, reason: str = "") -> None:
        """Leave the hunk out."""
        if self.choices is not None:
            self._to(self.choices.leave(reason))

    def take_rest(self) -> None:
        """Take the hunk and those behind it in its file."""
        if self.choices is not None:
            self._to(self.choices.take_rest())

    def leave_rest(self) -> None:
        """Leave out the hunk and those behind it in its file."""
        if self.choices is not None:
            self._to(self.choices.leave_rest())

    def go(self, step: int) -> None:
        """Go to another hunk, or behind the last one."""
        if self.choices is not None:
            self._to(self.choices.go(step), kept=True)

    def undo(self) -> bool:
        """Take back the last mark; False where there is none."""
        if not self._past:
            return False
        self._to(self._past.pop(), kept=True)
        return True

    def split_hunk(self) -> None:
        """Ask for the present hunk in pieces."""
        item, choices = self._app.desk.shown, self.choices
        if item is None or choices is None or choices.at_end:
            return
        origin = item.origins[choices.at]
        if origin in self.split:
            self._app.flash("This hunk is one run of changed lines: it cannot be split further.")
            return
        self.split = (*self.split, origin)
        self._app.desk.show_again()

    def came(self, item: Shown) -> None:
        """Follow an item that came with a hunk in pieces."""
        choices = self.choices
        if choices is None:
            return
        if item.split != tuple(sorted(self.split)):
            self.split = item.split
            self._app.flash("This hunk is one run of changed lines: it cannot be split.")
        if len(item.origins) != len(choices.marks):
            parts = item.origins.count(item.origins[choices.at])
            self._past = []
            self.choices = choices.split(parts)
        self._show()

    def words(self) -> str:
        """Say what was decided so far; empty outside this mode."""
        choices = self.choices
        if choices is None:
            return ""
        if not choices.at_end:
            mark = choices.marks[choices.at]
            reason = f" because: {mark.reason}" if mark and mark.reason else ""
            return choices.words + (f", this one {_word(mark)}{reason}" if mark else "")
        taken = ", ".join(map(str, choices.taken)) or "none"
        return f"{choices.words}, taken: {taken}"

    def _to(self, choices: Choices, *, kept: bool = False) -> None:
        if self.choices is not None and not kept and choices.marks != self.choices.marks:
            self._past.append(self.choices)
        arrived = choices.at_end and not self.at_end
        self.choices = choices
        self._show()
        if arrived:
            self._app.desk.arm_again()

    def _show(self) -> None:
        diff, choices = self._app.main.diff, self.choices
        marks = {} if choices is None else {n: _sign(mark) for n, mark in enumerate(choices.marks, 1)}
        at = 0 if choices is None or choices.at_end else choices.at + 1
        diff.diff.mark(marks, at)
        diff.show_state(self.words())
        self._app.rearranged()


def _files(item: Shown) -> list[int]:
    return [row.file for row in item.rows if row.kind is RowKind.HUNK]


def _sign(mark: Mark | None) -> str:
    return UNDECIDED if mark is None else TAKEN if mark.taken else LEFT


def _word(mark: Mark) -> str:
    return "taken" if mark.taken else "left out"
