"""Provides a pane of wrapped prose, block by block: what the transcript and the details are made of."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from rich.segment import Segment
from textual import events

from workbench.tui.flow import wrap
from workbench.tui.line_view import LineView


@dataclass(slots=True)
class Block:
    """One stretch of prose: a label in its own ink, then text; both safe to show."""

    id: str
    label: str
    text: str
    ink: str = "text"
    label_ink: str = "strong"
    hang: int = 0
    """Blanks before each further line."""
    lines: list[str] = field(default_factory=list)
    _whole: int = 0
    """Characters of label and text whose wrapping can no longer change, and the lines they gave."""
    _whole_lines: int = 0

    def lay_out(self, width: int, *, grown: bool = False) -> None:
        """Wrap to `width` columns; after growth only the last paragraph is wrapped again."""
        if not grown:
            self._whole, self._whole_lines = 0, 0
        content = self.label + self.text
        kept = self.lines[: self._whole_lines]
        end = content.rfind("\n") + 1
        if end > self._whole:
            kept += wrap(content[self._whole : end - 1], width, self.hang)
            self._whole, self._whole_lines = end, len(kept)
        self.lines = kept + wrap(content[end:], width, self.hang)


class FlowView(LineView):
    """Blocks of text, wrapped to the width of the pane."""

    gap = 0
    """Empty rows after each block."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.blocks: list[Block] = []
        self._starts: list[int] = []
        self._width = 0

    def set_blocks(self, blocks: list[Block]) -> None:
        """Replace everything."""
        self.blocks = blocks
        self.lay_out()

    def lay_out(self, first: int = 0, *, grown: bool = False) -> None:
        """Wrap the blocks from index `first` on, and count the rows.

        Args:
            first: The blocks before it are as they were.
            grown: The block at `first` only had text added to its end.
        """
        self._width = self.columns
        if not self._width:
            return
        del self._starts[first:]
        row = self._starts[-1] + self._height(first - 1) if first else 0
        for index in range(first, len(self.blocks)):
            self.blocks[index].lay_out(self._width, grown=grown and index == first)
            self._starts.append(row)
            row += self._height(index)
        self.set_rows(max(0, row - self.gap))

    def _height(self, index: int) -> int:
        return len(self.blocks[index].lines) + self.gap

    def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002
        """Wrap again when the width changes."""
        if self.columns != self._width:
            self.lay_out()

    def paint(self, row: int, width: int) -> list[Segment]:  # noqa: ARG002
        """Paint one wrapped line."""
        index = bisect_right(self._starts, row) - 1
        block = self.blocks[index]
        line = row - self._starts[index]
        text = block.lines[line] if line < len(block.lines) else ""
        ink, label_ink = getattr(self.inks, block.ink), getattr(self.inks, block.label_ink)
        label = block.label.rstrip()
        if line == 0 and label and text.startswith(label):
            return [Segment(label, label_ink), Segment(text[len(label) :], ink)]
        return [Segment(text, ink)]
