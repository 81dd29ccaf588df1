"""Provides the one screen: five panes in three size classes, switched by the style sheet alone.

The screen carries a class for its width, one for its height, `-zoom`, and `-show-…` for the pane that a
one-pane layout shows; everything else is in `workbench.tcss`.
"""

from __future__ import annotations

from textual import events
from textual.containers import Container, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, TextArea

from workbench.tui.bars import KeyLine, StatusBar, TabStrip
from workbench.tui.clock import Clock
from workbench.tui.flow_view import FlowView
from workbench.tui.frame import Pane
from workbench.tui.line_view import LineView
from workbench.tui.panes import AuditPane, ChatPane, DiffPane, FilesPane, ReviewPane, centre
from workbench.tui.prompt import Prompt
from workbench.tui.situation import PANES, Where
from workbench.tui.too_small import TooSmall

WIDTHS = [(0, "-tiny"), (60, "-narrow"), (100, "-medium"), (160, "-wide")]
HEIGHTS = [(0, "-flat"), (16, "-short"), (30, "-normal"), (50, "-tall")]


class MainScreen(Screen[None]):
    """The panes and the bars around them."""

    AUTO_FOCUS = ""
    ALLOW_SELECT = False
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    class Rearranged(Message):
        """The layout, the pane shown or the focus has changed."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.prompt = Prompt(now=clock.monotonic)
        self.files = FilesPane()
        self.diff = DiffPane()
        self.review = ReviewPane()
        self.audit = AuditPane()
        self.chat = ChatPane(self.prompt)
        self.tabs = TabStrip(id="tabs")
        self.status_bar = StatusBar(id="status")
        self.keys = KeyLine(id="keys")
        self.current = Where.CHAT
        """The pane a one-pane layout shows."""
        self.listing = False
        """In a one-pane layout: pane 3 shows the queue, not the item."""
        self._place: Where | None = None
        """Where the focus was before a resize; None once the person has acted since."""

    def compose(self) -> list[Widget]:
        """Yield the bars and the panes."""
        return [
            self.tabs,
            TooSmall(id="too-small"),
            Container(self.files, centre(self.diff, self.chat), self.review, self.audit, id="body"),
            Vertical(self.status_bar, self.keys, id="footer"),
        ]

    def on_mount(self) -> None:
        """Begin in the prompt."""
        self._mark()
        self.prompt.field.focus()

    @property
    def one_pane(self) -> bool:
        """Whether one pane is shown at a time."""
        return self.has_class("-narrow") or self.has_class("-zoom")

    @property
    def too_small(self) -> bool:
        """Whether the terminal is too small for any pane."""
        return self.has_class("-tiny") or self.has_class("-flat")

    @property
    def shows_item(self) -> bool:
        """Whether the rows of an item are on screen."""
        if self.too_small or self.diff.mode != "item":
            return False
        return self.shown_pane is Where.DIFF if self.one_pane else True

    @property
    def shown_pane(self) -> Where:
        """The pane whose frame a one-pane layout shows: pane 3 shows the item in the frame of pane 2."""
        if self.current is Where.REVIEW and self.diff.mode == "item" and not self.listing:
            return Where.DIFF
        return self.current

    @property
    def where(self) -> Where | None:
        """Where the focus is; None in a one-line input or nowhere."""
        focused = self.focused
        if isinstance(focused, TextArea):
            return Where.PROMPT
        if focused is None or isinstance(focused, Input):
            return None
        for where in PANES:
            if focused in self.pane(where).walk_children(with_self=True):
                reviewing = where is Where.DIFF and self.one_pane and self.current is Where.REVIEW
                return Where.REVIEW if reviewing else where
        return None

    @property
    def typing(self) -> bool:
        """Whether letters go into a text input."""
        return isinstance(self.focused, (TextArea, Input))

    def pane(self, where: Where) -> Pane:
        """Return the pane called `where`."""
        panes: dict[Where, Pane] = {
            Where.FILES: self.files,
            Where.DIFF: self.diff,
            Where.REVIEW: self.review,
            Where.AUDIT: self.audit,
            Where.CHAT: self.chat,
            Where.PROMPT: self.chat,
        }
        return panes[where]

    def go_to(self, where: Where, *, listing: bool = False) -> None:
        """Show a pane and put the focus into it; from the queue to pane 3 again means to its details."""
        again = where is Where.REVIEW and self.focused is self.review.queue
        self.current, self.listing = where, listing or (again and self.listing)
        self._mark()
        target = self.review.detail if again and self.review.display else self._target(where)
        target.focus(scroll_visible=False)
        self.post_message(self.Rearranged())

    def go_by(self, step: int) -> None:
        """Go to the pane `step` places further, round the corner."""
        here = self.where if self.where in PANES else Where.CHAT
        index = (PANES.index(here if here is not None else Where.CHAT) + step) % len(PANES)
        self.go_to(PANES[index])

    def leave_prompt(self) -> None:
        """Take the focus out of the prompt, to the transcript or to the pane shown."""
        self.go_to(self.current if self.one_pane and self.current is not Where.CHAT else Where.CHAT)
        if self.current is Where.CHAT:
            self.chat.transcript.focus(scroll_visible=False)

    def zoom(self, *, on: bool) -> None:
        """Give the whole screen to the pane with the focus, or bring the others back."""
        where = self.where
        if on and where in PANES and where is not None:
            self.current, self.listing = where, False
        self.set_class(on, "-zoom")
        self._mark()
        if where is not None and where is not Where.PROMPT:
            self._target(where).focus(scroll_visible=False)
        self.post_message(self.Rearranged())

    def item_shown(self) -> None:
        """Follow a change of what pane 2 shows."""
        self._mark()
        if self.focused is not None and not self._focus_is_displayed():
            self._target(self.current).focus(scroll_visible=False)
        self.post_message(self.Rearranged())

    def _target(self, where: Where) -> Widget:
        if where is Where.REVIEW and self.one_pane and self.shown_pane is Where.DIFF:
            where = Where.DIFF
        targets: dict[Where, Widget] = {
            Where.FILES: self.files.paths,
            Where.DIFF: self.diff.view,
            Where.REVIEW: self.review.queue,
            Where.AUDIT: self.audit.list,
        }
        return targets.get(where, self.prompt.field)

    def _mark(self) -> None:
        shown = self.shown_pane
        for where in PANES:
            self.set_class(where is shown, f"-show-{where}")
        for pane in (self.diff, self.chat):
            pane.refresh()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Light the frame of the pane that got the focus."""
        for where in PANES:
            pane = self.pane(where)
            pane.lit = event.widget in pane.walk_children(with_self=True)
            if pane.lit and event.widget is not self.prompt.field and not self.one_pane:
                self.current = where
        self._keep_place()
        self.post_message(self.Rearranged())

    def on_descendant_blur(self) -> None:
        """Say that the focus went."""
        self.post_message(self.Rearranged())

    def on_screen_suspend(self) -> None:
        """A window has opened over the panes."""
        self.post_message(self.Rearranged())

    def on_screen_resume(self) -> None:
        """The panes are on top again."""
        self.post_message(self.Rearranged())

    async def _on_resize(self, event: events.Resize) -> None:
        if self._place is None:
            self._place = self.where
        await super()._on_resize(event)
        self._mark()
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        self._keep_place()
        self.post_message(self.Rearranged())

    def _keep_place(self) -> None:
        """Bring the focus back to where it was before a resize hid its widget and Textual moved it on."""
        if self._place is None or self.too_small:
            return
        if self.where is not self._place or not self._focus_is_displayed():
            self._target(self._place).focus(scroll_visible=False)

    def release_place(self) -> None:
        """Let the focus go where the person now takes it: a key or the mouse was used."""
        self._place = None

    def _focus_is_displayed(self) -> bool:
        focused = self.focused
        return focused is not None and all(
            node.display for node in focused.ancestors_with_self if isinstance(node, Widget)
        )

    def mover(self) -> LineView | None:
        """Return the view that movement keys move."""
        focused = self.focused
        if isinstance(focused, LineView):
            return focused
        return None

    def banner_view(self) -> FlowView:
        """Return where the words for the present state stand."""
        return self.chat.transcript
