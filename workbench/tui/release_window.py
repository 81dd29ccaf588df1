"""Provides two windows: one to release a file for the agent, one that lists the releases in force.

A release is given by `y` and nothing else, and not in the first moments after the window appeared, so that
a key meant for what was there before gives nothing away. `esc` gives and revokes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input

from workbench.session.views import ReleaseChoice, ReleaseOffer, ReleaseView
from workbench.tui.detail import Notice
from workbench.tui.flow import clip, clip_start, pad
from workbench.tui.flow_view import Block
from workbench.tui.guard import ARMING
from workbench.tui.line_view import CursorView

WORDS = 36
"""Columns of what a choice means."""
PATTERN = 40
"""Columns of what is released, in the list."""

_MOVES: list[BindingType] = [
    Binding("down,j", "go(1)", "Down", show=False),
    Binding("up,k", "go(-1)", "Up", show=False),
    Binding("escape", "close", "Close", show=False),
]


@dataclass(frozen=True, slots=True)
class Given:
    """What the person chose."""

    choice: ReleaseChoice
    reason: str


class ChoiceList(CursorView):
    """The ways in which a file can be released."""

    def __init__(self, choices: tuple[ReleaseChoice, ...]) -> None:
        super().__init__(id="choices")
        self.choices = choices

    def on_mount(self) -> None:
        """Begin with the narrowest."""
        self.set_rows(len(self.choices))

    def paint(self, row: int, width: int) -> list[Segment]:
        """Paint one choice: what it means, then its end, or the glob it stands for."""
        choice = self.choices[row]
        more = f"ends {choice.ends}" if choice.ends else "" if choice.exact else choice.shown
        text = f"{'>' if row == self.cursor else ' '} {pad(choice.words, WORDS)} {more}"
        return [Segment(pad(clip(text, width), width), self.row_ink(row))]


class ReleaseWindow(ModalScreen[Given | None]):
    """Asks for how long a file is released."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *_MOVES,
        Binding("y", "give", "Release", show=False),
        Binding("tab,shift+tab", "switch", "Reason", show=False, priority=True),
    ]

    def __init__(self, offer: ReleaseOffer, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._offer = offer
        self._now = now
        self._since = float("inf")
        self.choices = ChoiceList(offer.choices)
        self.reason = Input(id="release-reason", placeholder="why; kept sealed in the ledger", compact=True)
        self.reason.cursor_blink = False
        self._head, self._foot = Notice(id="release-head"), Notice(id="release-foot")

    def compose(self) -> list[Widget]:
        """Yield what is asked, the choices, the reason and the keys."""
        return [Vertical(self._head, self.choices, self.reason, self._foot, classes="sheet release")]

    def on_mount(self) -> None:
        """Begin on the narrowest choice."""
        asked = f"{self._offer.rule}. Released, the agent may read it; every read is on record."
        self._head.set_blocks(
            [
                Block("path", "Release for the agent: ", self._offer.path, "text", "accent"),
                Block("rule", "policy asks: ", asked, "dim"),
            ]
        )
        self._say("")
        self.choices.focus()
        self.call_after_refresh(self._appeared)

    def _appeared(self) -> None:
        self._since = self._now()

    def _say(self, problem: str) -> None:
        demanded = " (policy demands one)" if self._offer.reason_required else ""
        keys = f"y releases · j k choose · tab reason{demanded} · esc closes, nothing is released"
        self._foot.set_blocks([Block("keys", "", problem or keys, "bad" if problem else "dim")])

    def action_go(self, rows: int) -> None:
        """Move the cursor."""
        self.choices.move(rows)

    def action_switch(self) -> None:
        """Go to the reason, or back to the choices."""
        (self.choices if self.reason.has_focus else self.reason).focus()

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.choices.focus()

    def action_give(self) -> None:
        """Release what the cursor is on, if the person had time to read it."""
        if self._now() - self._since < ARMING:
            self._say("The window has only just appeared: look at it, then press again.")
        elif self._offer.reason_required and not self.reason.value.strip():
            self._say("Policy demands a reason: tab goes to it.")
        else:
            choice = self._offer.choices[self.choices.cursor]
            self.dismiss(Given(choice, self.reason.value.strip()))

    def action_close(self) -> None:
        """Go back; nothing is released."""
        self.dismiss(None)


class HeldList(CursorView):
    """The releases in force."""

    def __init__(self, held: tuple[ReleaseView, ...]) -> None:
        super().__init__(id="held")
        self.held = held

    def on_mount(self) -> None:
        """Begin with the oldest."""
        self.set_rows(len(self.held))

    def paint(self, row: int, width: int) -> list[Segment]:
        """Paint one release: what, for how long, by whom."""
        each = self.held[row]
        room = min(PATTERN, width // 2)
        what = clip_start(each.pattern, room - 2) if each.exact else clip(f"{each.pattern} (glob)", room - 2)
        text = f"{'>' if row == self.cursor else ' '} {pad(what, room)} {each.holds} · {each.by}"
        return [Segment(pad(clip(text, width), width), self.row_ink(row))]


class ReleaseList(ModalScreen[str | None]):
    """Lists the releases in force; `d` revokes the one under the cursor, and closes with its id."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *_MOVES,
        Binding("d,delete", "revoke", "Revoke", show=False),
        Binding("q", "close", "Close", show=False),
    ]

    def __init__(self, held: tuple[ReleaseView, ...]) -> None:
        super().__init__()
        self.list = HeldList(held)
        self._head, self._foot = Notice(id="release-head"), Notice(id="release-foot")

    def compose(self) -> list[Widget]:
        """Yield the list and its keys."""
        return [Vertical(self._head, self.list, self._foot, classes="sheet release")]

    def on_mount(self) -> None:
        """Say what is listed."""
        count = len(self.list.held)
        text = f"{count} in force" if count else "none: the agent reads no file that policy asks about"
        self._head.set_blocks([Block("head", "Releases: ", text, "text", "accent")])
        keys = "d revokes the one marked · j k move · esc closes" if count else "esc closes"
        self._foot.set_blocks([Block("keys", "", keys, "dim")])
        self.list.focus()

    def action_go(self, rows: int) -> None:
        """Move the cursor."""
        self.list.move(rows)

    def action_revoke(self) -> None:
        """Revoke what the cursor is on; taking back needs no second key."""
        if self.list.held:
            self.dismiss(self.list.held[self.list.cursor].id)

    def action_close(self) -> None:
        """Go back; nothing is revoked."""
        self.dismiss(None)
