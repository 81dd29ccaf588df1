"""Shows every key, those of the pane with the focus first; made from the registry."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widget import Widget

from workbench.tui.action import Action
from workbench.tui.actions import ACTIONS, PROMPT_ACTIONS, SEARCH_ACTIONS
from workbench.tui.flow import pad
from workbench.tui.flow_view import Block, FlowView
from workbench.tui.keymap import Keymap, shown_key
from workbench.tui.situation import Where

KEYS = 16
"""Columns of the keys."""


class HelpText(FlowView):
    """The keys and what they do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "go(1)", "Down", show=False),
        Binding("k,up", "go(-1)", "Up", show=False),
        Binding("ctrl+d,pagedown,space", "go_page(1)", "Page down", show=False),
        Binding("ctrl+u,pageup", "go_page(-1)", "Page up", show=False),
    ]

    def action_go(self, rows: int) -> None:
        """Scroll by rows."""
        self.move(rows)

    def action_go_page(self, direction: int) -> None:
        """Scroll by a page."""
        self.move_page(direction)


class HelpSheet(ModalScreen[None]):
    """A window over the panes; `esc`, `?` or `q` closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter", "close", "Close", show=False)
    ]

    def __init__(self, where: Where | None, keymap: Keymap) -> None:
        super().__init__()
        self._where = where
        self._keymap = keymap

    def compose(self) -> list[Widget]:
        """Yield the text."""
        text = HelpText(id="help")
        text.add_class("sheet")
        text.set_blocks(help_blocks(self._where, self._keymap))
        return [text]

    def action_close(self) -> None:
        """Go back to the panes."""
        self.dismiss(None)


def help_blocks(where: Where | None, keymap: Keymap) -> list[Block]:
    """Return help for the place `where`, then for everything else."""
    here = [
        action
        for action in (*PROMPT_ACTIONS, *ACTIONS, *SEARCH_ACTIONS)
        if where in action.where and len(action.where) < len(Where)
    ]
    rest = [action for action in (*ACTIONS, *PROMPT_ACTIONS, *SEARCH_ACTIONS) if action not in here]
    title = f"Keys in {str(where).capitalize()}" if where else "Keys"
    blocks = [Block("here", title, "", "text", "accent")] if here else []
    blocks += [_block(action, keymap) for action in here]
    blocks.append(
        Block("rest", "\nKeys everywhere and in other panes" if here else title, "", "accent", "accent")
    )
    blocks += [_block(action, keymap) for action in rest]
    close = "\nesc closes this. Keys can be changed in keymap.toml by the names at the end of each line."
    return [*blocks, Block("end", "", close, "dim")]


def _block(action: Action, keymap: Keymap) -> Block:
    keys = " ".join(shown_key(key) for key in keymap.keys(action)) or "palette only"
    text = f" {action.description} [{action.id}]"
    return Block(action.id, pad(keys, KEYS), text, hang=KEYS + 1)
