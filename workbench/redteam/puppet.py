"""A model that is entirely the attacker's: it answers what the attack wants, whatever it is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from types import MappingProxyType

from workbench.model import Engine, Generation, GenerationRequest, Message, ModelInfo, TextPiece
from workbench.model.engine import OnEvent, Scoring, ScoringRequest

BYTES_PER_TOKEN = 4


class Puppet:
    """Gives its answers one after the other, then the last one again and again."""

    def __init__(self, answers: Sequence[str], *, context_size: int = 8192) -> None:
        self._answers = list(answers)
        self.heard: list[GenerationRequest] = []
        """Every request, in order."""
        self.info = ModelInfo(
            name="redteam-puppet",
            sha256=hashlib.sha256(b"redteam-puppet").hexdigest(),
            family="chatml",
            context_size=context_size,
            library="none",
            settings=MappingProxyType({"threads": 1}),
        )

    def count(self, text: str) -> int:
        """Return a fourth of the bytes, rounded up."""
        return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)

    def count_messages(self, messages: Sequence[Message]) -> int:
        """Return what `count` says of all texts together."""
        return sum(self.count(message.text) for message in messages)

    def generate(self, request: GenerationRequest, on_event: OnEvent | None = None) -> Generation:
        """Answer as the attacker wants."""
        self.heard.append(request)
        text = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if on_event is not None:
            on_event(TextPiece(text, 1))
        tokens = self.count_messages(request.messages)
        digest = hashlib.sha256(repr(request.messages).encode()).hexdigest()
        return Generation(text, tokens, 0, (0,) * self.count(text), digest, "end", 0.0, 0.0)

    def score(self, request: ScoringRequest, on_event: OnEvent | None = None) -> Scoring:
        """Find every version alike."""
        del on_event
        tokens = self.count_messages(request.messages) + self.count(request.text)
        digest = hashlib.sha256(request.text.encode("utf-8", "replace")).hexdigest()
        return Scoring((0.0,) * len(request.variants), (), tokens, 0, 0, digest, "end", 0.0, 0.0)

    def abort(self) -> None:
        """Do nothing: it answers at once."""

    def close(self) -> None:
        """Do nothing: it holds nothing."""


def _keeps_the_protocol(puppet: Puppet) -> Engine:
    return puppet
