"""Keeps terminal controls out of every line that is painted: the second wall against hostile text.

The first wall is `workbench.core.safe_text`, which makes controls visible where text enters. This one
stands at the one place that every painted line passes, whatever widget made it, because Textual hands
`ESC ]52` (clipboard), `ESC ]0` (title) and C1 controls in a string to the terminal as they are. It also
takes away OSC 8 links, which carry an address of the text's choosing.
"""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from workbench.core.safe_text import TERMINAL_CONTROLS

_found = TERMINAL_CONTROLS.search
_drop = TERMINAL_CONTROLS.sub


class TerminalWall(LineFilter):
    """Drops control and bidi characters and links from every segment."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Return `segments` unchanged where they are clean, else without what could act.

        A removed character leaves as many blanks as it took columns, so that the rest of the row stays.
        """
        for text, style, control in segments:
            if control or _found(text) or (style is not None and style.link):
                return [_clean(segment) for segment in segments if not segment.control]
        return segments


def _clean(segment: Segment) -> Segment:
    text, style, _ = segment
    if style is not None and style.link:
        style = style.update_link(None)
    return Segment(_drop(_blank, text), style)


def _blank(match: re.Match[str]) -> str:
    return " " * cell_len(match.group())
