"""Provides the diff of a proposal: exactly the rows that a decision is bound to.

Beside the colour of a changed row stand an edge bar and `+` or `-`. Rows are painted plain first; syntax
colours come later from a thread. Side by side, further context, words marked inside a line and white space
set back are ways to look at the same rows: none of them leaves a row out, and which rows have been on
screen is counted here, where they are painted. A folded row counts once all its pieces have been.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence

from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip

from workbench.session.views import Shown
from workbench.tui.code_view import CodeView, padded
from workbench.tui.layers import coloured, overlay
from workbench.tui.row_look import WIDE, RowLook
from workbench.tui.sheet import BORDER, NOTHING, STEPS, UNFOLDED, Folded, Sheet, arrange, half
from workbench.tui.syntax import Coloured

SIDE = 80
"""Columns that each side needs before old and new stand side by side."""
MARGIN = 3
"""Rows of a hunk that must be on screen below its heading, or it is scrolled to the top."""
LARGE = 20_000
"""Rows from which on a sheet is made beside the loop."""
Laid = tuple[Sheet, Folded]
Beside = Callable[[Callable[[], Laid], Callable[[Laid], None]], None]
"""Lays a sheet out on a thread, and hands it back on the loop."""


class DiffView(CodeView):
    """The rows of a proposal, unified or side by side."""

    class Seen(Message):
        """More rows have been on screen, or another hunk is."""

        def can_replace(self, message: Message) -> bool:
            """Only the newest count matters."""
            return isinstance(message, DiffView.Seen)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.item: Shown | None = None
        self.look: RowLook | None = None
        """The rows as they are laid out now, and how they look."""
        self.folded = UNFOLDED
        """How they are folded."""
        self._seen = bytearray()
        self._pieces_seen: dict[int, set[int]] = {}
        self.unseen = 0
        """Rows that have not been on screen yet."""
        self._syntax_on_changes = True
        self.wants_split = True
        """Whether old and new stand side by side where there is room."""
        self._step = 0
        self.beside: Beside = lambda make, done: done(make())

    # -- what is shown ----------------------------------------------------------------------------

    @property
    def sheet(self) -> Sheet | None:
        """The rows as they are laid out now."""
        return self.look.sheet if self.look is not None else None

    @property
    def ignores_blanks(self) -> bool:
        """Whether lines that differ only in white space are set back."""
        return self.look is not None and self.look.ignores_blanks

    @property
    def fits_split(self) -> bool:
        """Whether both sides get the columns that they need."""
        return self.columns >= 2 * SIDE + len(BORDER)

    @property
    def _splits(self) -> bool:
        return self.wants_split and self.fits_split

    def show(self, item: Shown) -> None:
        """Show a proposal from its first row, in plain text."""
        same = self.item is not None and self.item.shown_sha256 == item.shown_sha256
        # All rows after the first of them: whoever reads on stays where they are.
        more = (
            self.item is not None and not self.item.shown_sha256 and self.item.proposal_id == item.proposal_id
        )
        self.item = item
        if not same:
            self._seen = bytearray(len(item.rows))
            self.unseen = len(item.rows)
            self.look, self.search = None, None
            self._step = 0
            sheet = arrange(item, split=self._splits and len(item.rows) < LARGE)
            self._take(sheet, sheet.fold(self.columns) if self.columns else UNFOLDED)
            if not more:
                self.scroll_to(y=0, animate=False, force=True)
            self._arrange_again()
        self.repaint()

    def colour(self, files: Sequence[tuple[Coloured, Coloured]]) -> None:
        """Take the syntax colours of each whole file, before and after."""
        if self.look is not None:
            self.look.colour(files)
            self.repaint()

    def set_syntax_on_changes(self, *, on: bool) -> None:
        """Say whether changed rows keep their syntax colours in the present theme."""
        self._syntax_on_changes = on
        if self.look is not None:
            self.look.syntax_on_changes = on

    def _take(self, sheet: Sheet, folded: Folded) -> None:
        """Paint another sheet, with the same row on top; a row seen only in part has to be seen again."""
        top, look = self.top_row, RowLook(sheet)
        look.syntax_on_changes = self._syntax_on_changes
        if self.look is not None:
            look.take_after(self.look)
        self.look, self.measured = look, sheet.measured
        self.folded, self._starts, self._width = folded, folded.starts, folded.columns
        self._pieces_seen.clear()
        self._folds.clear()
        lines = folded.starts[-1] if folded.starts is not None else len(sheet.left)
        self.set_rows(lines if folded.columns else 0)
        self.go_row(top)

    def _arrange_again(self) -> None:
        """Lay out what the width and the wishes of the person ask for, unless that is what is shown."""
        item, sheet, columns = self.item, self.sheet, self.columns
        split, context = self._splits, STEPS[self._step]
        if item is None or sheet is None or not columns:
            return
        kept = sheet if (sheet.split, sheet.context) == (split, context) else None
        if kept is not None and self.folded.columns == columns:
            return

        def make() -> Laid:
            made = kept or arrange(item, split=split, context=context)
            return made, made.fold(columns)

        def done(laid: Laid) -> None:
            wanted = (self._splits, STEPS[self._step], self.columns)
            if self.item is item and wanted == (split, context, columns):
                self._take(*laid)
                self.post_message(self.Seen())

        if len(item.rows) < LARGE:
            done(make())
        else:
            self.beside(make, done)

    def width_changed(self) -> None:
        """Fold again, and go side by side or back, as the width allows."""
        self._arrange_again()

    @property
    def marked_at(self) -> int:
        """The hunk that is decided on next; 0 while they are not decided one by one."""
        return self.look.marked_at if self.look is not None else 0

    def mark(self, marks: Mapping[int, str], at: int) -> None:
        """Put a mark before the heading of each hunk, and go to hunk `at`; 0 for none.

        Args:
            marks: For each hunk, counted from 1, what stands before it; none without any.
            at: The hunk that is decided on next.
        """
        look = self.look
        if look is None:
            return
        look.marks, look.marked_at = marks, at
        if at and at <= len(look.sheet.hunks):
            line = self.line_of(look.sheet.hunks[at - 1])
            top = self.scroll_offset.y
            if not top <= line < top + max(1, self.page - MARGIN):
                self.scroll_to(y=line, animate=False, force=True)
        self.repaint()

    # -- wishes -----------------------------------------------------------------------------------

    def toggle_split(self) -> str:
        """Change between unified and side by side; return why that shows nothing new, or nothing."""
        self.wants_split = not self.wants_split
        self._arrange_again()
        if self.wants_split and not self.fits_split:
            return f"Side by side needs {2 * SIDE + 1} columns, here are {self.columns}: zoom with f."
        return ""

    def toggle_blanks(self) -> str:
        """Set lines back that differ only in white space, or stop; every row stays. Return what is so now."""
        if self.look is not None:
            self.look.set_back_blanks(on=not self.look.ignores_blanks)
        self.repaint()
        self.post_message(self.Seen())
        back = "Lines that differ only in white space are set back; they are still part of the decision."
        return back if self.ignores_blanks else "All changed lines stand out again."

    def change_context(self, step: int) -> str:
        """Show more unchanged lines around each hunk (1) or fewer (-1); return why there are no others."""
        wanted = self._step + step
        if not 0 <= wanted < len(STEPS):
            return "All of the file is shown." if step > 0 else "No less: these rows are what is decided on."
        self._step = wanted
        self._arrange_again()
        return ""

    # -- moving -----------------------------------------------------------------------------------

    @property
    def top_row(self) -> int:
        """The proposal's row that stands on top, or the next one after it."""
        sheet = self.sheet
        if sheet is None or not self.rows:
            return 0
        line = self.row_at(self.scroll_offset.y)[0]
        for at in range(line, len(sheet.left)):
            own = [row for row in sheet.sides(at) if 0 <= row < sheet.bound]
            if own:
                return min(own)
        return 0

    def line_of_row(self, row: int) -> int:
        """Return the first line of the screen on which the proposal's row `row` stands."""
        return 0 if self.sheet is None else self.line_of(self.sheet.line_of(row))

    def go_number(self, number: int) -> str:
        """Go to line `number` as it is after the change; return why that cannot be, or nothing."""
        if self.sheet is None:
            return "No diff is shown."
        line = self.sheet.line_of_number(number)
        if line is None:
            return f"Line {number:,} is not among the rows shown: + shows more of the file."
        self.scroll_to(y=self.line_of(line), animate=False, force=True)
        return ""

    @property
    def hunk(self) -> int:
        """The hunk on screen, counted from 1; 0 without hunks."""
        if self.sheet is None or not self.sheet.hunks:
            return 0
        top = self.row_at(self.scroll_offset.y)[0]
        at_end = self.scroll_offset.y >= self.rows - self.page > 0
        if at_end:
            top = max(top, self.row_at(max(0, self.rows - 1))[0])
        return max(1, bisect_right(self.sheet.hunks, top))

    def go_hunk(self, direction: int) -> None:
        """Scroll to the next (1) or previous (-1) hunk, past those of white space if that is set back."""
        look = self.look
        if look is None or not look.sheet.hunks:
            return
        heads, top = look.sheet.hunks, self.row_at(self.scroll_offset.y)[0]
        if direction > 0:
            target = next(filter(look.stands_out, heads[bisect_right(heads, top) :]), heads[-1])
        else:
            earlier = reversed(heads[: bisect_left(heads, top)])
            target = next(filter(look.stands_out, earlier), heads[0])
        self.scroll_to(y=self.line_of(target), animate=False, force=True)

    def go_file(self, direction: int) -> bool:
        """Scroll to the next or the previous file; False where there is none."""
        if self.sheet is None or not self.sheet.files:
            return False
        files, top = self.sheet.files, self.row_at(self.scroll_offset.y)[0]
        place = bisect_right(files, top) if direction > 0 else bisect_left(files, top) - 1
        if not 0 <= place < len(files):
            return False
        before = self.scroll_offset.y
        self.scroll_to(y=self.line_of(files[place]), animate=False, force=True)
        return self.scroll_offset.y != before

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Say that another part is on screen."""
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Seen())

    # -- painting ---------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Paint a line, and note that it has been on screen."""
        line = y + self.scroll_offset.y
        if line < self.rows and self.screen.is_active and self.columns == self._width:
            self._note_seen(*self.row_at(line))
        return super().render_line(y)

    def _note_seen(self, line: int, piece: int) -> None:
        sheet = self.sheet
        if sheet is None:
            return
        for row in set(sheet.sides(line)):
            if not 0 <= row < sheet.bound or self._seen[row]:
                continue
            height = self.folded.heights[row] if self.folded.heights is not None else 1
            if height > 1:
                seen = self._pieces_seen.setdefault(row, set())
                seen.add(piece)
                if len(seen.intersection(range(height))) < height:
                    continue
            self._seen[row] = 1
            self.unseen -= 1
            # Painting runs in the screen's task; a message from there would not bubble past the screen.
            self.post_message(self.Seen().set_sender(self))

    def paint(self, row: int, width: int) -> list[Segment]:
        """Paint one line: one row across, or the old one beside the new one."""
        line, piece = self.row_at(row)
        look = self.look
        if look is None:
            return []
        left, right = look.sheet.sides(line)
        if not look.sheet.split or (left == right and look.sheet.rows[left].kind in WIDE):
            return self._side(look, left, piece, width, "")
        side = half(self._width)
        border = Segment(BORDER, self.inks.frame)
        new = self._side(look, right, piece, width - side - len(BORDER), "new")
        return [*self._side(look, left, piece, side, "old"), border, *new]

    def _side(self, look: RowLook, row: int, piece: int, width: int, side: str) -> list[Segment]:
        inks = self.inks
        if row == NOTHING:
            return [Segment(" " * width, inks.text)]
        ink = look.ink(row, inks)
        folded = self.folded
        if folded.heights is not None and piece >= folded.heights[row]:
            return [Segment(" " * width, ink)]
        text, offset = self.piece(row, piece, folded.room, whole=folded.heights is None)
        body = coloured(text, offset, overlay(look.layers(row, inks), self.found_in(row)), ink)
        return padded([*look.gutter(row, piece, side, inks), *body], width, ink)
