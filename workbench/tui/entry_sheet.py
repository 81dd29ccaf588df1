"""Shows one entry of the ledger: all its fields, and under which signed checkpoint it stands."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widget import Widget

from workbench.tui.flow_view import Block
from workbench.tui.help_sheet import HelpText


class EntrySheet(ModalScreen[None]):
    """A window over the panes; `esc`, `q` or `enter` closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "close", "Close", show=False)]

    def __init__(self, index: int, lines: tuple[str, ...]) -> None:
        super().__init__()
        self._index = index
        self._lines = lines

    def compose(self) -> list[Widget]:
        """Yield the text."""
        text = HelpText(id="entry")
        text.add_class("sheet")
        title = Block("title", f"Entry {self._index}", "", "text", "accent")
        text.set_blocks(
            [title, *(Block(str(number), "", line, "text") for number, line in enumerate(self._lines))]
        )
        return [text]

    def action_close(self) -> None:
        """Go back to the panes."""
        self.dismiss(None)
