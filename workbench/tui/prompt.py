"""Provides the prompt: one to five rows in which a task is written.

`enter` sends, but never as part of a paste: a bracketed paste arrives as one event and is inserted, and an
`enter` that follows another key within 30 ms was not typed. What is pasted is made visible first, so that
what the person sees is what the model gets.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import TextArea

from workbench.core.safe_text import safe_text
from workbench.tui.actions import PROMPT_ACTIONS
from workbench.tui.guard import GAP
from workbench.tui.inked import inks_for

MAX_ROWS = 5
MAX_HISTORY = 100


class PromptText(TextArea):
    """The text being written."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(action.keys, action.id.replace(".", "_"), action.title, id=action.id, priority=True)
        for action in PROMPT_ACTIONS
    ]

    class Sent(Message):
        """The person sent a task."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(
            id="prompt-text",
            soft_wrap=True,
            show_line_numbers=False,
            compact=True,
            highlight_cursor_line=False,
            placeholder="write a task",
        )
        self.cursor_blink = False
        self._now = now
        self._last_key_at = float("-inf")
        self._typed_gap = float("inf")
        self._history: list[str] = []
        self._place = 0
        self._draft = ""

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return as many rows as the text needs, one to five."""
        return max(1, min(MAX_ROWS, super().get_content_height(container, viewport, width)))

    def noticed(self, at: float) -> None:
        """A key has arrived; `at` says when, on the clock of key events."""
        self._typed_gap = at - self._last_key_at
        self._last_key_at = at

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.insert(safe_text(event.text.replace("\r\n", "\n").replace("\r", "\n")).text)

    def action_prompt_send(self) -> None:
        """Send the text, unless the key came too fast to have been typed.

        A binding is found before the keys typed ahead of it have reached this field; they come first.
        """
        if self._typed_gap < GAP:
            self.call_later(self.insert, "\n")
        else:
            self.call_later(self._send)

    def _send(self) -> None:
        text = self.text.strip()
        if text:
            self.post_message(self.Sent(text))

    def accepted(self, text: str) -> None:
        """The task was taken: keep it in the history and clear the prompt."""
        if not self._history or self._history[-1] != text:
            self._history = [*self._history[-(MAX_HISTORY - 1) :], text]
        self._place = len(self._history)
        self._draft = ""
        self.text = ""

    def action_prompt_newline(self) -> None:
        """Start a new line."""
        self.call_later(self.insert, "\n")

    def action_prompt_older(self) -> None:
        """Bring back an earlier task, from the first line; elsewhere move up."""
        if self.cursor_location[0] > 0:
            self.action_cursor_up()
        elif self._place > 0:
            if self._place == len(self._history):
                self._draft = self.text
            self._recall(self._place - 1)

    def action_prompt_newer(self) -> None:
        """Bring back a later task, from the last line; elsewhere move down."""
        if self.cursor_location[0] < self.document.line_count - 1:
            self.action_cursor_down()
        elif self._place < len(self._history):
            self._recall(self._place + 1)

    def _recall(self, place: int) -> None:
        self._place = place
        self.text = self._history[place] if place < len(self._history) else self._draft
        self.move_cursor(self.document.end)


class PromptMark(Widget):
    """The mark before the prompt."""

    DEFAULT_CSS = "PromptMark { width: 2; height: 1; }"

    def render_line(self, y: int) -> Strip:
        """Paint the mark."""
        inks = inks_for(self)
        return Strip([Segment("> " if y == 0 else "  ", inks.base + inks.accent)])


class Prompt(Widget):
    """The prompt with its mark."""

    DEFAULT_CSS = """
    Prompt { layout: horizontal; height: auto; max-height: 5; }
    PromptText, PromptText:focus {
        width: 1fr; height: auto; max-height: 5; min-height: 1; border: none; padding: 0;
        background: $ink-background; color: $ink-text; scrollbar-size-vertical: 1;
    }
    """

    class Resized(Message):
        """The prompt has grown or shrunk: the frame above it ends elsewhere."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(id="prompt")
        self.field = PromptText(now=now)

    def compose(self) -> list[Widget]:
        """Yield the mark and the field."""
        return [PromptMark(), self.field]

    def on_resize(self) -> None:
        """Tell the pane whose frame ends where this begins."""
        self.post_message(self.Resized())
