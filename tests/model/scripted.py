"""An engine that answers from a script: the one stand-in for a model, for tests of the rooms above."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from types import MappingProxyType

from workbench.core.errors import ModelError, PromptTooLong
from workbench.model.chat import encoded
from workbench.model.engine import (
    Engine,
    Generation,
    GenerationRequest,
    Message,
    ModelInfo,
    OnEvent,
    PromptProgress,
    Scoring,
    ScoringRequest,
    TextPiece,
)
from workbench.model.stream import AnswerStream

BYTES_PER_TOKEN = 4
TURN_TOKENS = 4
"""What the format itself takes for each message."""


class ScriptedEngine:
    """Gives `answers` one after the other; four bytes of UTF-8 count as one token.

    An answer that is an exception is raised instead. With a `gate`, each piece of an answer waits until the
    gate is set (`on_event` has then been told of everything before it), and an abort opens the way as well.
    """

    def __init__(
        self,
        answers: Iterable[str | Exception],
        *,
        context_size: int = 8192,
        gate: threading.Event | None = None,
        name: str = "scripted",
        judge: Callable[[ScoringRequest], float | Sequence[float]] = lambda _request: 0.0,
    ) -> None:
        self._answers = iter(answers)
        self._gate = gate
        self._turn = threading.Lock()
        self._state = threading.Condition()
        self._active = 0
        self._aborts = 0
        self._closed = False
        self._seen = b""
        self._judge = judge
        self.scored: list[ScoringRequest] = []
        """Every request to score, in order."""
        self.requests: list[GenerationRequest] = []
        """Every request that was answered or refused, in order."""
        self.info = ModelInfo(
            name=name,
            sha256=hashlib.sha256(name.encode()).hexdigest(),
            family="chatml",
            context_size=context_size,
            library="scripted 1",
            settings=MappingProxyType({"n_batch": 512, "n_ubatch": 256, "threads": 1}),
        )

    def count(self, text: str) -> int:
        """Return the tokens of `text`: its bytes divided by four, rounded up."""
        return -(-len(encoded(text)) // BYTES_PER_TOKEN)

    def count_messages(self, messages: Sequence[Message]) -> int:
        """Return the tokens of `messages`, four more for each, and four for the answer's opening."""
        return TURN_TOKENS + sum(TURN_TOKENS + self.count(message.text) for message in messages)

    def generate(self, request: GenerationRequest, on_event: OnEvent | None = None) -> Generation:
        """Give the next answer of the script."""
        tell = on_event or (lambda _event: None)
        with self._state:
            if self._closed:
                raise ModelError("The model is closed.", "Load it again.")
            self._active += 1
            asked_at = self._aborts
        try:
            with self._turn:
                return self._answer(request, tell, asked_at)
        finally:
            with self._state:
                self._active -= 1

    def score(self, request: ScoringRequest, on_event: OnEvent | None = None) -> Scoring:
        """Rate the variants as `judge` says, all alike by default; no line is written anew."""
        self.scored.append(request)
        rated = self._judge(request)
        rates = (rated,) * len(request.variants) if isinstance(rated, float) else tuple(rated)
        total = self.count_messages(request.messages) + self.count(request.answer_prefix + request.text)
        if on_event is not None:
            on_event(PromptProgress(total, total, 0))
        digest = hashlib.sha256(encoded(request.text)).hexdigest()
        return Scoring(rates, (), total, 0, 0, digest, "end", 0.0, 0.0)

    def abort(self) -> None:
        """Stop every request now running or waiting."""
        with self._state:
            if self._active:
                self._aborts += 1

    def close(self) -> None:
        """Stop; further requests are refused."""
        self.abort()
        with self._state:
            self._closed = True

    def _answer(self, request: GenerationRequest, tell: OnEvent, asked_at: int) -> Generation:
        self.requests.append(request)
        total = self.count_messages(request.messages) + self.count(request.answer_prefix)
        if total >= self.info.context_size:
            raise PromptTooLong(
                f"The prompt takes {total} tokens; the context holds {self.info.context_size}.", "Shorten it."
            )
        prompt = encoded("\0".join(message.role + message.text for message in request.messages))
        reused = self._reused(prompt, total)
        tell(PromptProgress(reused, total, reused))
        tell(PromptProgress(total, total, reused))
        ids: list[int] = []
        stream, stop = AnswerStream(request.stop), "end"
        limit = min(request.max_tokens, self.info.context_size - total)
        for piece in self._pieces():
            if not self._may_go_on(asked_at):
                stop = "cancelled"
                break
            if len(ids) >= limit:
                stop = "length"
                break
            ids.append(int.from_bytes(piece.ljust(BYTES_PER_TOKEN, b"\0"), "little"))
            if shown := stream.feed(piece):
                tell(TextPiece(shown, 1))
            if stream.stopped:
                stop = "stop-text"
                break
        if shown := stream.finish():
            tell(TextPiece(shown, 0))
        digest = hashlib.sha256(prompt).hexdigest()
        return Generation(stream.text, total, reused, tuple(ids), digest, stop, 0.0, 0.0)

    def _pieces(self) -> list[bytes]:
        answer = next(self._answers, None)
        if answer is None:
            raise ModelError("The script has no further answer.", "Give the ScriptedEngine more answers.")
        if isinstance(answer, Exception):
            raise answer
        data = encoded(answer)
        return [data[at : at + BYTES_PER_TOKEN] for at in range(0, len(data), BYTES_PER_TOKEN)]

    def _may_go_on(self, asked_at: int) -> bool:
        """Wait for the gate, if there is one; tell whether nobody aborted."""
        while self._gate is not None and self._aborts == asked_at and not self._gate.wait(0.01):
            pass
        return self._aborts == asked_at

    def _reused(self, prompt: bytes, total: int) -> int:
        same = 0
        for ours, theirs in zip(self._seen, prompt, strict=False):
            if ours != theirs:
                break
            same += 1
        self._seen = prompt
        return min(same // BYTES_PER_TOKEN, total - 1)


def _keeps_the_protocol(engine: ScriptedEngine) -> Engine:
    return engine
