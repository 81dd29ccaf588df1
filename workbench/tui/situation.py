"""Says what an action's availability depends on, and why an action cannot act now.

Every reason is one sentence for the person; an empty one means that the action can act.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from workbench.core.records import ProposalState, Risk
from workbench.review.choices import Choices
from workbench.session.views import Activity, Shown, Status


class Where(StrEnum):
    """A place that can have the focus."""

    FILES = "files"
    DIFF = "diff"
    REVIEW = "review"
    AUDIT = "audit"
    CHAT = "chat"
    PROMPT = "prompt"


PANES = (Where.FILES, Where.DIFF, Where.REVIEW, Where.AUDIT, Where.CHAT)
"""The panes, in the order of their numbers."""
ANYWHERE = frozenset(Where)
LISTS = frozenset(PANES)
DECIDING = frozenset({Where.DIFF, Where.REVIEW})


@dataclass(frozen=True, slots=True)
class Situation:
    """What an action's availability depends on."""

    status: Status | None
    where: Where | None
    item: Shown | None
    """The proposal chosen in the queue, as it is shown."""
    item_on_screen: bool = False
    """Whether its rows, and not something else, are on screen."""
    unseen: int = 0
    """Rows of it that have not been on screen yet."""
    rows: int = 0
    deciding: bool = False
    """Whether a decision is being carried out."""
    confirming: bool = False
    """Whether the second key of a high-risk approval is awaited."""
    hunks: Choices | None = None
    """What was decided hunk by hunk; None while the item is decided on as a whole."""
    together: int = 0
    """Items that could be approved together: read to the end, and not of high risk."""
    asked: bool = False
    """Whether the second key is awaited for several items at once."""
    acknowledged: bool = False
    """Whether the person has acknowledged what is hidden in the item, as it is shown now."""
    file_asks: bool = False
    """Whether policy asks for a release of the file under the cursor of the tree."""
    release_wanted: bool = False
    """Whether a task was refused for want of a release."""
    selection: bool = False
    """Whether text is selected in an input."""


Reason = Callable[[Situation], str]
"""Returns an empty string when the action can act, else why it cannot."""

RUNNING = frozenset({Activity.GENERATING, Activity.READING, Activity.WORKING, Activity.RUNNING})
"""Activities that `ctrl+c` stops."""
_OPEN = frozenset({ProposalState.QUEUED, ProposalState.STALE})


def always(_: Situation) -> str:
    """It can always act."""
    return ""


def deciding_blocked(situation: Situation) -> str:
    """Why nothing at all can be decided: the ledger, or the session's own reason."""
    status = situation.status
    if status is None:
        return "The session has not started yet."
    if not status.ledger_ok or status.activity is Activity.LEDGER_BROKEN:
        return f"The ledger is broken at #{status.ledger_size}: nothing can be decided."
    return status.read_only


def can_reject(situation: Situation) -> str:
    """An item that is still open must be chosen and on screen."""
    item = situation.item
    if item is None:
        return "No item is chosen in the review queue."
    if not situation.item_on_screen:
        return "The item is not on screen: press enter in the queue to show it."
    if item.state not in _OPEN:
        return f"The item is {item.state} already."
    if situation.deciding:
        return "A decision is being carried out."
    return deciding_blocked(situation)


def can_approve(situation: Situation) -> str:
    """As for rejecting; besides, the session must allow it, and all of a high risk must have been seen."""
    if reason := can_reject(situation):
        return reason
    item = situation.item
    if item is None or item.can_approve:
        return item.can_approve if item else ""
    if item.risk is Risk.HIGH and situation.unseen:
        return f"{situation.unseen} of {situation.rows} rows unseen: scroll through all of them first."
    if item.hidden and not situation.acknowledged:
        return f"{item.hidden} hidden or look-alike characters in it: acknowledge them first."
    return ""


def can_acknowledge(situation: Situation) -> str:
    """Something hidden must be in the item on screen, and not be acknowledged yet."""
    if reason := can_reject(situation):
        return reason
    if situation.item is None or not situation.item.hidden:
        return "Nothing is hidden in this item."
    return "It is acknowledged already." if situation.acknowledged else ""


def can_confirm(situation: Situation) -> str:
    """An approval of high risk, or of several items, must be under way."""
    if not situation.confirming:
        return "Nothing waits to be confirmed."
    return deciding_blocked(situation) if situation.asked else can_approve(situation)


def can_choose_hunks(situation: Situation) -> str:
    """An item with hunks that is still open must be on screen."""
    return can_reject(situation) or has_hunks(situation)


def can_mark(situation: Situation) -> str:
    """Hunks must be decided on one by one, and one of them next."""
    if situation.hunks is None:
        return "That is for single hunks: press space first."
    return "All hunks lie behind: [ goes back to one." if situation.hunks.at_end else ""


def can_roll_back(situation: Situation) -> str:
    """What is chosen must have been applied."""
    item = situation.item
    if item is None:
        return "No item is chosen in the review queue."
    if item.state is not ProposalState.APPLIED:
        return f"The item is {item.state}: only what was applied is rolled back."
    return deciding_blocked(situation)


def can_approve_together(situation: Situation) -> str:
    """Some items must have been read to their last row."""
    if situation.item is not None and situation.item.reason_required:
        return "Policy demands a reason for every approval: decide on the items one by one."
    if not situation.together:
        return "No waiting item of low or elevated risk was read to its last row: only those go together."
    return deciding_blocked(situation)


def has_item(situation: Situation) -> str:
    """An item must be chosen."""
    return "" if situation.item is not None else "No item is chosen in the review queue."


def has_hunks(situation: Situation) -> str:
    """A diff must be on screen."""
    shown = situation.item is not None and situation.item_on_screen and situation.item.hunks
    return "" if shown else "No diff is shown."


def has_diff(situation: Situation) -> str:
    """The rows of an item must be on screen."""
    return "" if situation.item is not None and situation.item_on_screen else "No diff is shown."


def can_open(situation: Situation) -> str:
    """In the review, the item must not be on screen already."""
    shown = situation.where is Where.REVIEW and situation.item_on_screen
    return "The item is on screen already." if shown else ""


def has_waiting(situation: Situation) -> str:
    """Something must wait for a decision."""
    return "" if situation.status and situation.status.waiting else "Nothing waits for a decision."


def has_running(situation: Situation) -> str:
    """Something must run, or text be selected."""
    running = situation.status is not None and situation.status.activity in RUNNING
    return "" if running or situation.selection else "Nothing runs."


def can_release(situation: Situation) -> str:
    """The cursor of the tree must be on a file that policy asks about."""
    return "" if situation.file_asks else "Policy asks for no release of what the cursor is on."


def has_wanted(situation: Situation) -> str:
    """A task must have been refused for want of a release."""
    return "" if situation.release_wanted else "No task waits for a release; r in 1 Files releases a file."
