"""Shows where an item comes from: who made it, from what, with which model, in how many tries."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widget import Widget

from workbench.core.ids import short
from workbench.core.records import Inference
from workbench.core.safe_text import one_line
from workbench.session.views import RowKind, Shown
from workbench.tui.flow_view import Block
from workbench.tui.help_sheet import HelpText

LABEL = 10
"""Columns of the labels."""


class ProvenanceSheet(ModalScreen[None]):
    """A window over the panes; `esc`, `i` or `q` closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,i,q,enter", "close", "Close", show=False)]

    def __init__(self, item: Shown, hunk: int) -> None:
        super().__init__()
        self._item = item
        self._hunk = hunk

    def compose(self) -> list[Widget]:
        """Yield the text."""
        text = HelpText(id="provenance")
        text.add_class("sheet")
        text.set_blocks(provenance_blocks(self._item, self._hunk))
        return [text]

    def action_close(self) -> None:
        """Go back to the panes."""
        self.dismiss(None)


def provenance_blocks(item: Shown, hunk: int) -> list[Block]:
    """Return what is known of where `item` comes from, beginning with the hunk on screen."""
    made = [("hunk", _hunk(item, hunk))] if hunk else []
    made += [("author", item.author), ("tries", f"{item.attempts}"), ("why", item.justification)]
    if item.amended_by:
        made.append(("amended", f"by {item.amended_by}, who edited an earlier proposal into this one"))
    if item.rolls_back:
        made.append(("rolls back", f"the approval {short(item.rolls_back)}"))
    for span in item.spans:
        size = f"bytes {span.start}-{span.end}, sha256 {span.sha256[:16]}"
        made.append(("read", f"{one_line(span.path)} {size}"))
    if not item.spans:
        made.append(("read", "no file was read for it"))
    for inference in item.inferences:
        made += _inference(inference)
    if not item.inferences:
        made.append(("model", "no model had a part in it"))
    rows = [
        Block(f"{n}", f"{label:<{LABEL}}", text, "text", hang=LABEL) for n, (label, text) in enumerate(made)
    ]
    heading = Block("heading", "", f"Where it comes from: {item.path}", "text")
    return [heading, *rows, Block("close", "", "esc closes this; every row has its entry in 4 Audit.", "dim")]


def _hunk(item: Shown, hunk: int) -> str:
    heading = next((row for row in item.rows if row.kind is RowKind.HUNK and row.hunk == hunk), None)
    if heading is None:
        return str(hunk)
    return f"{hunk} of {item.hunks}, in {item.files[heading.file].path}: {heading.text.removeprefix('@@ ')}"


def _inference(inference: Inference) -> list[tuple[str, str]]:
    warmth = f"{inference.temperature_milli / 1000:g}"
    return [
        ("model", f"{one_line(inference.model)}, sha256 {inference.model_sha256[:16]}"),
        ("prompt", f"sha256 {inference.prompt_sha256[:16]}, {inference.tokens_in:,} tokens"),
        ("answer", f"{inference.tokens_out:,} tokens, seed {inference.seed}, temperature {warmth}"),
    ]
