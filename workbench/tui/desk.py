"""Keeps the review: which item is chosen, what of it is on screen, and the way of a key to a decision.

One owner of that state. The guard judges keys, the session judges decisions; this module carries the
digest of what was shown from one to the other and never makes one up.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from workbench.core.errors import WorkbenchError
from workbench.core.records import ProposalState, Risk
from workbench.core.safe_text import one_line
from workbench.review.choices import Choices
from workbench.session.views import DecisionResult, QueueItem, Shown
from workbench.tui.guard import SETTLE, Dropped, Guard, Intent
from workbench.tui.hunk_mode import HunkMode
from workbench.tui.queue import UNDECIDED
from workbench.tui.sheet import measure
from workbench.tui.situation import Where
from workbench.tui.syntax import Coloured, coloured

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp


class Asked(StrEnum):
    """What the one-line input below the diff is asked for."""

    REJECT = "why it is rejected; enter rejects, esc cancels"
    LEAVE = "why the hunk is left out; enter leaves it out, esc cancels"
    APPROVE = "why it is approved, as policy demands; enter keeps the reason, esc cancels"
    ROLL_BACK = "why it is rolled back; enter proposes that, esc cancels"
    COUNT = "how many items are approved together; esc cancels"


class ReviewDesk:
    """The items, the one chosen, and the decision under way."""

    def __init__(self, app: WorkbenchApp) -> None:
        self._app = app
        self.guard = Guard()
        self.items: tuple[QueueItem, ...] = ()
        self.chosen = ""
        """The id of the item chosen; empty without one."""
        self.shown: Shown | None = None
        """The chosen item as it is shown; None until it has come."""
        self.deciding = False
        self._acknowledged = ""
        """The digest of what was on screen when the person acknowledged what is hidden in it."""
        self._on_guard = False
        self.hunks = HunkMode(app)
        """The marks on single hunks of the chosen item."""
        self._asked: tuple[Asked, str] | None = None
        """What the open input is for, and of which item."""
        self._reasons: dict[str, str] = {}
        """Why an item is approved, by the digest of what was shown."""
        self._seen: dict[str, str] = {}
        """Items read to the last row, each with the digest of what was shown."""
        self._together: dict[str, str] = {}
        """The items whose number was typed."""

    # -- what there is to review ------------------------------------------------------------------

    def refresh(self) -> None:
        """Read the queue anew."""
        self._app.beside("queue", self._app.session.queue, self._queue_came)

    def _queue_came(self, items: tuple[QueueItem, ...]) -> None:
        self.items = items
        known = {item.id for item in items}
        if self.chosen not in known:
            self._forget()
        pane = self._app.main.review
        pane.queue.load(items, self.chosen)
        undecided = (item for item in items if item.state in UNDECIDED)
        self._app.main.files.paths.propose(path for item in undecided for path in item.files)
        waiting = sum(item.state in UNDECIDED for item in items)
        pane.heading = f"3 Review ({waiting})" if waiting else "3 Review"
        if self.chosen:
            self._fetch(self.chosen)
        elif waiting and self._app.main.diff.mode == "":
            self.choose(next(item.id for item in items if item.state in UNDECIDED))
        self._app.rearranged()

    def choose(self, proposal_id: str) -> None:
        """Show an item; until it is painted nothing can be decided."""
        self._vanish()
        self.hunks.forget()
        self.chosen, self.shown = proposal_id, None
        queue = self._app.main.review.queue
        row = next((i for i, item in enumerate(queue.items) if item.id == proposal_id), None)
        if row is not None:
            queue.cursor = row
        self._fetch(proposal_id)

    def choose_by(self, step: int) -> None:
        """Show the item `step` places further in the queue."""
        queue = self._app.main.review.queue
        item = queue.item_at(queue.cursor + step)
        if item is not None:
            self.choose(item.id)

    def next_waiting(self) -> str:
        """Return the oldest item that waits; the one after it when that is chosen already."""
        waiting = [item.id for item in self.items if item.state in UNDECIDED]
        if not waiting:
            return ""
        on_it = self.chosen in waiting and self._app.main.where in (Where.REVIEW, Where.DIFF)
        return waiting[(waiting.index(self.chosen) + 1) % len(waiting)] if on_it else waiting[0]

    def show_again(self) -> None:
        """Ask for the chosen item once more, with the hunks in pieces that are wanted so."""
        self._fetch(self.chosen)

    def _fetch(self, proposal_id: str) -> None:
        """Show the rows at once, then what comparing them with the disk has found: that reads and records."""
        session, split = self._app.session, self.hunks.split

        def work() -> Shown:
            shown = session.shown(proposal_id, split)
            measure(shown)
            return shown

        def compare() -> None:
            self._app.beside("shown", work, self._shown_came)

        def glance() -> Shown:
            shown = session.glance(proposal_id)
            measure(shown)
            return shown

        def glanced(shown: Shown) -> None:
            if self.shown is None:
                self._shown_came(shown)
            compare()

        if self.shown is None and not split:
            self._app.beside("glance", glance, glanced)
        else:
            compare()

    def _shown_came(self, shown: Shown) -> None:
        if shown.proposal_id != self.chosen:
            return
        before, self.shown = self.shown, shown
        main = self._app.main
        if before == shown and main.diff.mode == "item":
            return
        self._vanish()
        main.review.detail.show(shown)
        if before is None or main.diff.mode == "item":
            main.diff.show_item(shown)
            main.item_shown()
        if before is None or before.shown_sha256 != shown.shown_sha256:
            self._colour(shown)
        self.hunks.came(shown)
        self.look()

    def _colour(self, shown: Shown) -> None:
        if not shown.shown_sha256:
            return

        def work() -> list[tuple[Coloured, Coloured]]:
            return [
                (coloured(file.before, file.language), coloured(file.after, file.language))
                for file in shown.files
            ]

        def done(files: list[tuple[Coloured, Coloured]]) -> None:
            diff = self._app.main.diff.diff
            if diff.item is not None and diff.item.shown_sha256 == shown.shown_sha256:
                diff.colour(files)

        self._app.beside("colour", work, done)

    def _forget(self) -> None:
        self._vanish()
        self.hunks.forget()
        self.chosen, self.shown = "", None
        self._app.main.review.detail.show(None)
        if self._app.main.diff.mode == "item":
            self._app.main.diff.show_nothing()
            self._app.main.item_shown()

    # -- what is on screen ------------------------------------------------------------------------

    @property
    def on_screen(self) -> bool:
        """Whether the chosen item's rows, as last fetched, are what a person sees now."""
        app = self._app
        item = app.main.diff.diff.item
        return (
            app.main.is_active
            and app.main.shows_item
            and self.shown is not None
            and item is not None
            and item.shown_sha256 == self.shown.shown_sha256
        )

    @property
    def acknowledged(self) -> bool:
        """Whether what is hidden in the chosen item, as it is shown now, was acknowledged."""
        return self.shown is not None and self.shown.shown_sha256 == self._acknowledged

    def look(self) -> None:
        """Compare what is on screen with what the guard believes; called after every change of layout."""
        if not self.on_screen:
            self._vanish()
        elif not self._on_guard:
            self._on_guard = True
            self._app.main.call_after_refresh(self._painted)

    def _painted(self) -> None:
        if self._on_guard and self.on_screen and self.shown is not None:
            self.guard.appeared(
                self.shown.proposal_id,
                self.shown.shown_sha256,
                high_risk=self.shown.risk is Risk.HIGH,
                at=self._app.clock.monotonic(),
            )
            self._app.rearranged()

    def arm_again(self) -> None:
        """What would be decided on has changed, although the rows have not: keys are dead for a while."""
        self._painted()

    def note_seen(self) -> None:
        """Remember an item of which every row has been on screen."""
        shown = self.shown
        read = shown is not None and self.on_screen and not self._app.main.diff.diff.unseen
        if read and shown is not None and not shown.split:
            self._seen[shown.proposal_id] = shown.shown_sha256

    def together(self) -> dict[str, str]:
        """Return the items that can be approved together, each with the digest of what was read."""
        return {
            item.id: self._seen[item.id]
            for item in self._app.main.review.queue.items
            if item.state is ProposalState.QUEUED and item.risk is not Risk.HIGH and item.id in self._seen
        }

    def _vanish(self) -> None:
        self._on_guard = False
        self.guard.vanished()

    # -- decisions --------------------------------------------------------------------------------

    def decide(self, verb: str, at: float) -> None:
        """The key that approves or rejects was pressed: for the hunk, or behind the last for the whole."""
        choices = self.hunks.choices
        if choices is not None and not choices.at_end:
            if (dropped := self.guard.burst()) is not None:
                self._app.flash(dropped.why)
            elif verb == "approve":
                self.hunks.take()
            else:
                self.hunks.leave()
        elif choices is not None and verb == "approve" and (why := _not_yet(choices)):
            self._app.flash(why)
        elif verb == "approve" and self._wants_reason():
            self.ask(Asked.APPROVE)
        else:
            self.press(verb, at)

    def press(self, verb: str, at: float) -> None:
        """A deciding key was pressed, and the action is not dimmed."""
        answer = self.guard.press(verb, at, self.hunks.choice if verb == "approve" else None)
        if isinstance(answer, Dropped):
            self._app.flash(answer.why)
        else:
            self._app.set_timer(SETTLE, partial(self._settled, answer.number))

    def _settled(self, number: int) -> None:
        intent = self.guard.settled(number)
        if intent is not None:
            self._carry_out(intent)
        elif self.guard.confirming:
            key = self._app.key_of("review.confirm")
            self._app.flash(f"High risk: press {key} to confirm, any other key cancels.", "bad", stay=True)

    def ask(self, what: Asked) -> None:
        """Ask for words; the answer belongs to this item, whatever arrives meanwhile."""
        if what is Asked.REJECT and not self.hunks.at_end:
            what = Asked.LEAVE
        self._asked = what, self.chosen
        if what is Asked.COUNT:
            self._together = self.together()
        main = self._app.main
        if main.one_pane and not main.shows_item:
            main.go_to(Where.REVIEW)  # Where the input stands: nobody types unseen.
        main.diff.ask(self._together_words() if what is Asked.COUNT else str(what))

    def _together_words(self) -> str:
        """Say which items are meant, and what to type."""
        waiting = [item for item in self.items if item.state is ProposalState.QUEUED]
        high = sum(item.risk is Risk.HIGH for item in waiting)
        unread = len(waiting) - high - len(self._together)
        left = [f"{high} of high risk" if high else "", f"{unread} not read to the end" if unread else ""]
        rest = " and ".join(filter(None, left))
        count = len(self._together)
        return f"type {count} to approve {count} read items" + (f"; left out: {rest}" if rest else "")

    def answered(self, text: str) -> None:
        """Do with the words what they were asked for."""
        asked, self._asked = self._asked, None
        if asked is None or self.deciding:
            return
        what, proposal_id = asked
        words = one_line(text)
        session = self._app.session
        match what:
            case Asked.REJECT:
                self._send(partial(session.reject, proposal_id, reason=words))
            case Asked.ROLL_BACK:
                self._send(partial(session.roll_back, proposal_id, words))
            case Asked.COUNT:
                self._count_typed(words)
            case Asked.LEAVE if proposal_id == self.chosen:
                self.hunks.leave(words)
            case Asked.APPROVE if self.shown is not None and proposal_id == self.chosen:
                self._reasons[self.shown.shown_sha256] = words
                self._app.flash(f"Reason kept. {self._app.key_of('review.approve')} approves the item.")
            case _:
                self._app.flash("Another item is shown by now: nothing was decided.")

    def _count_typed(self, text: str) -> None:
        count, shown = len(self._together), self.shown
        if text != str(count) or shown is None:
            self._app.flash(f"{text} was typed, {count} items are meant: nothing was approved.", "bad")
            return
        if self.guard.ask(Intent("approve_all", shown.proposal_id, shown.shown_sha256)):
            key = self._app.key_of("review.confirm")
            said = f"Press {key} to approve {count} items, any other key cancels."
            self._app.flash(said, "bad", stay=True)
            self._app.rearranged()
        else:
            self._app.flash("No item is on screen: nothing was approved.")

    def undo(self) -> None:
        """Take back the last mark on a hunk, else the last decision if it was not carried out."""
        if self.hunks.choices is not None:
            if not self.hunks.undo():
                self._app.flash("No mark is left to take back; esc leaves the single hunks.")
        elif not self.deciding:
            self._send(self._app.session.take_back)

    def edit(self) -> None:
        """Hand the item to the person's editor; what comes back is another item, and waits like any other."""
        app, proposal_id = self._app, self.chosen
        self._vanish()
        try:
            with app.suspend():
                result = app.session.edit(proposal_id)
        except SuspendNotSupported:
            app.flash("This terminal cannot be handed over; see `workbench queue amend --help`.", "bad")
        except WorkbenchError as error:
            app.show_error(error)
        else:
            self.hunks.forget()
            self._decided(result)
        app.refresh(layout=True)
        self.look()

    def _wants_reason(self) -> bool:
        shown = self.shown
        return shown is not None and shown.reason_required and shown.shown_sha256 not in self._reasons

    def _carry_out(self, intent: Intent) -> None:
        session = self._app.session
        if self.deciding:
            return
        if intent.verb == "acknowledge":
            self._acknowledged = intent.shown_sha256
            self._app.flash(f"Acknowledged. {self._app.key_of('review.approve')} approves the item.")
            self._app.rearranged()
        elif intent.verb == "approve":
            hidden = self.shown.hidden if self.shown is not None and self.acknowledged else 0
            reason = self._reasons.get(intent.shown_sha256, "")
            call = partial(session.approve, intent.proposal_id, intent.shown_sha256, intent.choice)
            self._send(partial(call, reason=reason, acknowledged=hidden))
        elif intent.verb == "approve_all":
            together, self._together = self._together, {}
            self._send(partial(session.approve_all, together, len(together)))
        else:
            self._send(partial(session.reject, intent.proposal_id))

    def _send(self, call: Callable[[], DecisionResult]) -> None:
        self.deciding = True
        self._vanish()
        self._app.rearranged()
        self._app.beside("decide", call, self._decided, self._decision_failed)

    def _decided(self, result: DecisionResult) -> None:
        self.deciding = False
        stale = result.state is ProposalState.STALE
        self._app.flash(f"STALE: {result.message}" if stale else result.message, "stale" if stale else "good")
        if result.state is ProposalState.QUEUED and result.proposal_id not in ("", self.chosen):
            self.choose(result.proposal_id)
        elif not stale:
            self._advance(result.proposal_id)
        self.refresh()
        self.look()

    def _decision_failed(self, error: WorkbenchError) -> None:
        self.deciding = False
        self._app.show_error(error)
        self.refresh()
        self.look()

    def _advance(self, decided: str) -> None:
        waiting = [item.id for item in self.items if item.state in UNDECIDED and item.id != decided]
        if waiting and self.chosen == decided:
            self.choose(waiting[0])


def _not_yet(choices: Choices) -> str:
    """Say why what was decided hunk by hunk cannot be approved; empty where it can."""
    left = len(choices.marks) - choices.decided
    if left:
        return f"{left} of {len(choices.marks)} hunks are not decided yet: [ goes back to them."
    return "" if choices.taken else "No hunk is taken: n rejects the item."
