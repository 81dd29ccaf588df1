"""Words the bars around the panes from the registry and the situation; pure."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.tui.action import Action
from workbench.tui.actions import ACTIONS, BY_ID, PROMPT_ACTIONS
from workbench.tui.bars import Tab
from workbench.tui.flow import cells
from workbench.tui.keymap import Keymap, shown_key
from workbench.tui.situation import PANES, Situation, Where
from workbench.tui.wording import Part

LAST = ("app.help", "app.palette")
"""What the key line keeps when it is short of room."""


def key_parts(situation: Situation, keymap: Keymap, width: int) -> list[Part]:
    """Return the keys that belong where the focus is, as many as fit; the dimmed ones dimmed."""
    where = situation.where
    hunks = situation.hunks is not None and situation.item_on_screen
    known = [action for action in (*PROMPT_ACTIONS, *ACTIONS) if _belongs(action, where)]
    actions = [action for action in known if (action.hunk_line if hunks else action.line)]
    actions = [action for action in actions if not (action.shy and action.reason(situation))]
    if hunks and situation.hunks is not None and situation.hunks.at_end:
        actions = [action for action in actions if not action.reason(situation)]
    actions.sort(key=lambda action: action.hunk_line if hunks else action.line)
    first = [_part(action, situation, keymap) for action in actions if action.id not in LAST]
    last = [_part(BY_ID[name], situation, keymap) for name in LAST]
    room = width - 2 - sum(cells(part.text) + 2 for part in last)
    kept = []
    for part in first:
        room -= cells(part.text) + 2
        if room < 0:
            break
        kept.append(part)
    return kept + last


def _belongs(action: Action, where: Where | None) -> bool:
    return where in action.where if where is not None else len(action.where) > len(PANES)


def _part(action: Action, situation: Situation, keymap: Keymap) -> Part:
    keys = [shown_key(keymap.keys(action)[0])]
    if action.partner:
        keys.append(shown_key(keymap.keys(BY_ID[action.partner])[0]))
    text = f"{'/'.join(keys)} {_label(action, situation)}"
    return Part(text, "bar_dim" if action.reason(situation) else "bar")


def _label(action: Action, situation: Situation) -> str:
    hunks = situation.hunks
    if hunks is None or not action.hunk_line:
        return action.label
    if hunks.at_end and action.end_label:
        return action.end_label.format(taken=len(hunks.taken), count=len(hunks.marks))
    return action.hunk_label


def tabs(current: Where, waiting: int) -> Sequence[Tab]:
    """Return the five panes by number, pane 3 with a badge for what waits."""
    names = [str(where).capitalize() for where in PANES]
    if waiting:
        names[PANES.index(Where.REVIEW)] += f"({waiting})"
    return [
        Tab(f"{number} {name}", where is current)
        for number, (name, where) in enumerate(zip(names, PANES, strict=True), 1)
    ]
