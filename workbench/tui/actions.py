"""Registers every action once: its keys, its words, where it acts, and why it cannot act now.

Key bindings, the command palette, help and the key line are all made from this table, so none of them can
know an action that the others do not.
"""

from __future__ import annotations

from types import MappingProxyType

from workbench.tui.action import Action
from workbench.tui.review_actions import REVIEW_ACTIONS
from workbench.tui.situation import (
    ANYWHERE,
    DECIDING,
    LISTS,
    Where,
    can_open,
    can_release,
    has_diff,
    has_running,
    has_wanted,
)


def _pane(number: int, where: Where, label: str, more: str = "") -> Action:
    return Action(
        f"pane.{where}",
        f"{number},alt+{number}",
        label.lower(),
        f"Go to {number} {label}",
        f"Goes to pane {number}, {label}; with alt from an input too." + more,
    )


ACTIONS: tuple[Action, ...] = (
    *REVIEW_ACTIONS,
    Action(
        "diff.down",
        "J",
        "diff down",
        "Scroll the diff down",
        "Scrolls the diff while the focus stays in the queue.",
        DECIDING,
    ),
    Action(
        "diff.up",
        "K",
        "diff up",
        "Scroll the diff up",
        "Scrolls the diff up while the focus stays in the queue.",
        DECIDING,
    ),
    Action(
        "list.open",
        "enter",
        "open",
        "Open",
        "Opens the file, folder, item or entry under the cursor, or the prompt; never decides.",
        frozenset({Where.FILES, Where.REVIEW, Where.AUDIT, Where.CHAT}),
        can_open,
        line=5,
    ),
    Action(
        "list.search",
        "slash",
        "search",
        "Search, or filter the files",
        "In Files: shows only paths that hold every word typed. In a diff or a file: looks for text.",
        frozenset({Where.FILES, Where.DIFF, Where.REVIEW}),
        line=8,
    ),
    Action(
        "view.line",
        "colon",
        "line",
        "Go to a line",
        "Asks for the number of a line of the diff or the file shown, and goes there.",
        DECIDING,
    ),
    Action(
        "diff.split",
        "v",
        "split",
        "Side by side, or unified",
        "Puts old and new side by side, where both get 80 columns, or one above the other.",
        DECIDING,
        has_diff,
    ),
    Action(
        "diff.more",
        "plus",
        "context",
        "More context",
        "Shows more unchanged lines around each hunk, up to the whole file.",
        DECIDING,
        has_diff,
    ),
    Action(
        "diff.less",
        "minus",
        "less context",
        "Less context",
        "Shows fewer unchanged lines around each hunk; never fewer than are decided on.",
        DECIDING,
        has_diff,
    ),
    Action(
        "diff.blanks",
        "w",
        "white space",
        "Set white space back",
        "Sets lines back that differ only in white space, and passes hunks of such lines; hides nothing.",
        DECIDING,
        has_diff,
    ),
    Action("tree.unfold", "l,right", "unfold", "Unfold", "Unfolds the folder.", frozenset({Where.FILES})),
    Action(
        "tree.fold",
        "h,left",
        "fold",
        "Fold",
        "Folds the folder, or the one around it.",
        frozenset({Where.FILES}),
    ),
    Action(
        "release.file",
        "r",
        "release",
        "Release the file under the cursor for the agent",
        "For a file that policy asks about: shows for how long it can be released, and to what extent.",
        frozenset({Where.FILES}),
        can_release,
        line=4,
        shy=True,
    ),
    Action(
        "release.wanted",
        "f9",
        "release",
        "Release the file that the last task was refused for",
        "Shows for how long the file can be released that the last task was refused for.",
        ANYWHERE,
        has_wanted,
        line=4,
        shy=True,
    ),
    Action(
        "release.list",
        "",
        "releases",
        "Releases in force",
        "Lists what is released for the agent, for how long and by whom; d there revokes one.",
    ),
    Action("move.down", "j,down", "down", "Down", "Moves down by a row.", LISTS),
    Action("move.up", "k,up", "up", "Up", "Moves up by a row.", LISTS),
    Action("move.top", "g,home", "top", "To the top", "Moves to the first row.", LISTS),
    Action("move.bottom", "G,end", "bottom", "To the bottom", "Moves to the last row.", LISTS),
    Action("move.page_down", "ctrl+d,pagedown", "page", "Page down", "Moves down by a page.", LISTS),
    Action("move.page_up", "ctrl+u,pageup", "page up", "Page up", "Moves up by a page.", LISTS),
    _pane(1, Where.FILES, "Files"),
    _pane(2, Where.DIFF, "Diff"),
    _pane(3, Where.REVIEW, "Review", " From the queue: to the item's details."),
    _pane(4, Where.AUDIT, "Audit"),
    _pane(5, Where.CHAT, "Chat"),
    Action("pane.next", "tab,f6", "next pane", "Next pane", "Goes to the next pane."),
    Action("pane.previous", "shift+tab", "previous pane", "Previous pane", "Goes to the previous pane."),
    Action(
        "pane.zoom",
        "f",
        "zoom",
        "Zoom the pane",
        "Gives the whole screen to one pane; again, or esc, brings the others back.",
        LISTS,
        line=7,
    ),
    Action(
        "app.stop",
        "ctrl+c",
        "stop",
        "Stop what runs",
        "Copies if there is a selection, else stops the generation, or the command that runs.",
        ANYWHERE,
        has_running,
        line=8,
    ),
    Action(
        "app.back",
        "escape",
        "back",
        "Back",
        "Back one level: leaves an input (never sends), ends a zoom, a filter or a confirmation.",
    ),
    Action("app.find", "ctrl+f", "find file", "Find a file", "Opens a file by parts of its path.", line=9),
    Action(
        "app.help", "question_mark,f1", "help", "Help", "Shows the keys of this pane and all others.", line=10
    ),
    Action(
        "app.palette",
        "ctrl+p",
        "commands",
        "Commands",
        "Lists every action; decisions are listed but only their keys make them.",
        line=11,
    ),
    Action("app.quit", "ctrl+q", "quit", "Quit", "Quits; asks first if work waits or runs. Decides nothing."),
    Action(
        "command.propose",
        "",
        "run",
        "Run a command …",
        "Asks for a program and its words; it runs in a copy, once its item is approved.",
    ),
    Action(
        "app.measure",
        "",
        "measure",
        "Measure the boundary again",
        "Runs the boundary's self-test again and shows what it found.",
    ),
    Action(
        "app.verify",
        "",
        "verify",
        "Verify the record",
        "Checks the whole ledger against every anchor that is found, and shows the first entry that is bad.",
    ),
)
"""Every action of the main screen."""

PROMPT_ACTIONS: tuple[Action, ...] = (
    Action("prompt.send", "enter", "send", "Send", "Sends the task.", frozenset({Where.PROMPT}), line=1),
    Action(
        "prompt.newline",
        "ctrl+j",
        "newline",
        "New line",
        "Starts a new line in the prompt.",
        frozenset({Where.PROMPT}),
        line=2,
    ),
    Action(
        "prompt.older",
        "up",
        "history",
        "Earlier task",
        "On the first line: brings back an earlier task.",
        frozenset({Where.PROMPT}),
        line=3,
    ),
    Action(
        "prompt.newer",
        "down",
        "later task",
        "Later task",
        "On the last line: brings back a later task.",
        frozenset({Where.PROMPT}),
    ),
)
"""What the prompt itself does with its keys."""

SEARCH_ACTIONS: tuple[Action, ...] = (
    Action(
        "search.next",
        "n",
        "next find",
        "Next find",
        "While a search stands: goes to the next place where it was found.",
        frozenset({Where.DIFF}),
    ),
    Action(
        "search.previous",
        "N",
        "find before",
        "Previous find",
        "While a search stands: goes back to the place before.",
        frozenset({Where.DIFF}),
    ),
)
"""What keys do while a search stands; they then come before all others."""

EVERY = ACTIONS + PROMPT_ACTIONS + SEARCH_ACTIONS
BY_ID = MappingProxyType({action.id: action for action in EVERY})
