"""Lends one loaded model to session after session, and counts what it generates for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.model import (
    Engine,
    Generation,
    GenerationRequest,
    Message,
    ModelInfo,
    Scoring,
    ScoringRequest,
)
from workbench.model.engine import OnEvent


@dataclass(slots=True)
class Lent:
    """An engine whose `close` gives it back instead of unloading it."""

    engine: Engine
    tokens_out: int = 0
    """Generated since it was lent: answers, and lines written anew in a search."""

    @property
    def info(self) -> ModelInfo:
        """What is loaded."""
        return self.engine.info

    def count(self, text: str) -> int:
        """Return how many tokens `text` takes."""
        return self.engine.count(text)

    def count_messages(self, messages: Sequence[Message]) -> int:
        """Return how many tokens a prompt takes."""
        return self.engine.count_messages(messages)

    def generate(self, request: GenerationRequest, on_event: OnEvent | None = None) -> Generation:
        """Answer `request`."""
        answer = self.engine.generate(request, on_event)
        self.tokens_out += answer.tokens_out
        return answer

    def score(self, request: ScoringRequest, on_event: OnEvent | None = None) -> Scoring:
        """Judge a text."""
        scoring = self.engine.score(request, on_event)
        self.tokens_out += scoring.tokens_out
        return scoring

    def abort(self) -> None:
        """Stop every request."""
        self.engine.abort()

    def close(self) -> None:
        """Give it back: stop what it does."""
        self.engine.abort()
