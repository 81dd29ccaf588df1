"""Provides the agent transcript: plain, safe text that streams; no markup, no links.

New text is kept in view until the person scrolls up, and again when they return to the end. Old entries
are pruned; the ledger has them.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from workbench.session.views import Speaker, Utterance
from workbench.tui.flow_view import Block, FlowView

MAX_ROWS = 1500
"""Rows kept before old entries are pruned."""
PRUNE_TO = 1000

_LABEL_INKS = {
    Speaker.PERSON: "accent",
    Speaker.AGENT: "strong",
    Speaker.PROGRAM: "dim",
    Speaker.OUTPUT: "dim",
    Speaker.ERROR: "bad",
}


class Transcript(FlowView):
    """What was said, oldest first, with the words for the present state at the end."""

    gap = 1

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._said: list[Block] = []
        self._banner: list[Block] = []
        self.pruned = 0
        """Entries no longer kept here."""

    @property
    def follows(self) -> bool:
        """Whether the end is in view, so that new text keeps it there."""
        return self.scroll_offset.y >= self.rows - self.page - 1

    @property
    def silent(self) -> bool:
        """Whether neither the person nor the agent has said anything yet."""
        own = (f"{Speaker.PERSON.value}: ", f"{Speaker.AGENT.value}: ")
        return not any(block.label in own for block in self._said)

    def say(self, utterance: Utterance) -> None:
        """Add an entry."""
        self._said.append(_block(utterance))
        self._settle(len(self._said) - 1)

    def catch_up(self, utterances: Sequence[Utterance]) -> None:
        """Put what was said before this screen began in front of what has been said since."""
        known = {block.id for block in self._said}
        self._said[:0] = [_block(utterance) for utterance in utterances if utterance.id not in known]
        self._settle(0)

    def grow(self, utterance_id: str, text: str) -> None:
        """Add text to the end of an entry; text for an entry that was pruned is dropped."""
        for index in range(len(self._said) - 1, -1, -1):
            if self._said[index].id == utterance_id:
                self._said[index].text += text
                self._settle(index, grown=True)
                return

    def show_banner(self, blocks: list[Block]) -> None:
        """Put the words for the present state at the end."""
        if [(b.label, b.text) for b in blocks] != [(b.label, b.text) for b in self._banner]:
            self._banner = blocks
            self._settle(len(self._said))

    def on_resize(self, event: events.Resize) -> None:
        """Keep the end in view through a change of size."""
        follow = self.follows or self._width == 0
        super().on_resize(event)
        if follow:
            self.go_bottom()

    def _settle(self, first: int, *, grown: bool = False) -> None:
        follow = self.follows
        self.blocks = self._said + self._banner
        self.lay_out(first, grown=grown)
        if self.rows > MAX_ROWS and self._prune():
            self.blocks = self._said + self._banner
            self.lay_out()
        if follow:
            self.go_bottom()

    def _prune(self) -> bool:
        rows, before = self.rows, len(self._said)
        while rows > PRUNE_TO and len(self._said) > 1:
            rows -= len(self._said.pop(0).lines) + self.gap
        self.pruned += before - len(self._said)
        return len(self._said) < before


def _block(utterance: Utterance) -> Block:
    speaker = utterance.speaker
    ink = "bad" if speaker is Speaker.ERROR else "dim" if speaker is Speaker.PROGRAM else "text"
    return Block(utterance.id, f"{speaker.value}: ", utterance.text, ink, _LABEL_INKS[speaker])
