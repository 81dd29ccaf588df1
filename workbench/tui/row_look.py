"""Says how each row of a diff looks: its numbers and sign, its colour, and the words that changed in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.segment import Segment
from rich.style import Style

from workbench.review import Row, RowKind
from workbench.tui.emphasis import Range, changed_words
from workbench.tui.inks import Inks
from workbench.tui.layers import Layer, overlay
from workbench.tui.sheet import NOTHING, Sheet
from workbench.tui.syntax import Coloured, Span

HEADINGS = frozenset({RowKind.FILE, RowKind.HUNK})
WIDE = HEADINGS | {RowKind.NOTE, RowKind.WORD, RowKind.OUTPUT}
"""What takes both sides where old and new stand side by side."""
CHANGED = frozenset({RowKind.INSERT, RowKind.DELETE})


class RowLook:
    """How the rows of one sheet look."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.ignores_blanks = False
        """Whether lines that differ only in white space are set back."""
        self.syntax_on_changes = True
        self.marks: Mapping[int, str] = {}
        """What stands before the heading of each hunk, counted from 1, while they are decided one by one."""
        self.marked_at = 0
        """The hunk that is decided on next; 0 for none."""
        self._old: Sequence[Coloured] = ()
        self._new: Sequence[Coloured] = ()
        self._words: dict[int, tuple[Range, ...]] = {}

    def take_after(self, other: RowLook) -> None:
        """Look as the sheet before did; the proposal is the same."""
        self.ignores_blanks, self.syntax_on_changes = other.ignores_blanks, other.syntax_on_changes
        self._old, self._new = other._old, other._new
        self.marks, self.marked_at = other.marks, other.marked_at

    def colour(self, files: Sequence[tuple[Coloured, Coloured]]) -> None:
        """Take the syntax colours of each whole file, before and after."""
        self._old = [old for old, _ in files]
        self._new = [new for _, new in files]

    def set_back_blanks(self, *, on: bool) -> None:
        """Set lines back that differ only in white space, or stop."""
        self.ignores_blanks = on
        self._words.clear()

    def gutter(self, row: int, piece: int, side: str, inks: Inks) -> list[Segment]:
        """Return edge bar, numbers and sign; a folded line's further pieces have no number.

        Args:
            row: A row of the sheet.
            piece: Which of its lines, from 0.
            side: `old` or `new` where they stand side by side, else empty.
            inks: The styles of the present theme.
        """
        item = self.sheet.rows[row]
        if item.kind in HEADINGS:
            mark = self.marks.get(item.hunk) if item.kind is RowKind.HUNK else None
            if mark is None:
                return [Segment(" ", inks.hunk)]
            here = ">" if item.hunk == self.marked_at else " "
            return [Segment(f"{here}{mark} ", inks.hunk + inks.note if here == ">" else inks.hunk)]
        sign, ink = {
            RowKind.INSERT: ("+", inks.add_mark),
            RowKind.DELETE: ("-", inks.delete_mark),
        }.get(item.kind, (" ", inks.gutter))
        if item.kind in CHANGED and self._is_set_back(row):
            ink = inks.gutter
        numbers = self._numbers(item, piece, side)
        return [
            Segment(" " if sign == " " else "▌", ink),
            Segment(numbers, ink if sign == " " else self.ink(row, inks) + inks.gutter),
            Segment(f"{sign} ", ink),
        ]

    def _numbers(self, item: Row, piece: int, side: str) -> str:
        digits = self.sheet.text.digits
        old = "" if item.old is None or item.kind is RowKind.INSERT else "·" if piece else str(item.old)
        new = "" if item.new is None or item.kind is RowKind.DELETE else "·" if piece else str(item.new)
        if side:
            return f"{new if side == 'new' else old:>{digits}} "
        return f"{old:>{digits}}  {new:>{digits}} "

    def ink(self, row: int, inks: Inks) -> Style:
        """Return the style of a row's text."""
        kind = self.sheet.rows[row].kind
        if kind in CHANGED:
            if self._is_set_back(row):
                return inks.dim
            return inks.add if kind is RowKind.INSERT else inks.delete
        if kind is RowKind.CONTEXT:
            return inks.text if row < self.sheet.bound else inks.dim
        if kind in (RowKind.WORD, RowKind.OUTPUT):
            return inks.text
        return inks.note if kind is RowKind.NOTE else inks.hunk

    def layers(self, row: int, inks: Inks) -> list[Layer]:
        """Return the colours over a row's text: its syntax, and above it the words that changed."""
        syntax: list[Layer] = [(start, end, getattr(inks, name)) for start, end, name in self.spans(row)]
        kind = self.sheet.rows[row].kind
        if kind not in CHANGED:
            return syntax
        if row not in self._words:
            self._compare(row)
        ink = inks.add_emphasis if kind is RowKind.INSERT else inks.delete_emphasis
        return overlay(syntax, [(start, end, ink) for start, end in self._words[row]])

    def _compare(self, row: int) -> None:
        partner = self.sheet.text.blocks.partner(row)
        self._words[row] = ()
        if partner == NOTHING or self._is_set_back(row):
            return
        texts = self.sheet.measured.texts
        old, new = sorted((row, partner))
        self._words[old], self._words[new] = changed_words(texts[old], texts[new])

    def _is_set_back(self, row: int) -> bool:
        return self.ignores_blanks and self._only_blanks(row)

    def _only_blanks(self, row: int) -> bool:
        """Return whether a changed row differs from its other side in white space only, or is all of that."""
        texts, partner = self.sheet.measured.texts, self.sheet.text.blocks.partner(row)
        other = texts[partner] if partner != NOTHING else ""
        return "".join(texts[row].split()) == "".join(other.split())

    def stands_out(self, line: int) -> bool:
        """Return whether the hunk whose heading is on `line` has a row that is not set back."""
        if not self.ignores_blanks:
            return True
        text = self.sheet.text
        start = self.sheet.left[line] + 1
        end = text.blocks.kinds.find(b"h", start)
        rows = range(start, end if end >= 0 else len(text.rows))
        return any(text.rows[row].kind in CHANGED and not self._only_blanks(row) for row in rows)

    def spans(self, row: int) -> tuple[Span, ...]:
        """Return a row's syntax colours, if its text is the line they were made for."""
        item = self.sheet.rows[row]
        files = self._old if item.kind is RowKind.DELETE else self._new
        if item.kind in WIDE or (item.kind in CHANGED and not self.syntax_on_changes) or not files:
            return ()
        number = item.old if item.kind is RowKind.DELETE else item.new
        lines, spans = files[item.file]
        if number is None or not 0 < number <= min(len(lines), len(spans)):
            return ()
        return spans[number - 1] if lines[number - 1] == self.sheet.measured.texts[row] else ()
