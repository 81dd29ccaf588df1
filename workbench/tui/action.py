"""Defines an action: its keys, its words, where it acts, and why it cannot act now."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.tui.situation import ANYWHERE, Reason, Where, always


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a key can do."""

    id: str
    keys: str
    """Textual's names of the default keys, separated by commas; empty for the palette only."""
    label: str
    """One word or two, for the key line."""
    title: str
    """For the palette."""
    description: str
    """One sentence, for help."""
    where: frozenset[Where] = ANYWHERE
    reason: Reason = always
    by_key_only: bool = False
    """Never from the palette or the mouse: deciding needs its own key."""
    line: int = 0
    """Order in the key line; 0 keeps it out."""
    partner: str = ""
    """The id of the opposite action, shown beside it in the key line."""
    shy: bool = False
    """It stands in the key line only while it can act."""
    hunk_label: str = ""
    """What it is called in the key line while hunks are decided one by one."""
    hunk_line: int = 0
    """Its order there; 0 keeps it out."""
    end_label: str = ""
    """What it is called there behind the last hunk, where the whole is decided on."""
