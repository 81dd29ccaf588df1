"""Makes one answer: reads the prompt in pieces, chooses token after token, and knows why it stopped."""

from __future__ import annotations

import threading
import time

from workbench.model import chat
from workbench.model.engine import Generation, GenerationRequest, OnEvent, TextPiece
from workbench.model.native import Aborted, NativeModel
from workbench.model.reading import digest_of, read_prompt, stop_if
from workbench.model.sampling import Sampler
from workbench.model.stream import AnswerStream


class Answer:
    """One answer in the making; lives in the owner thread."""

    def __init__(
        self,
        family: str,
        native: NativeModel,
        request: GenerationRequest,
        tokens: list[int],
        cancelled: threading.Event,
        emit: OnEvent,
    ) -> None:
        self._native = native
        self._cancelled = cancelled
        self._emit = emit
        self._tokens = tokens
        self._limit = min(request.max_tokens, native.context_size - len(tokens))
        self._stream = AnswerStream(request.stop + chat.FORMATS[family].stop)
        self._sampler = Sampler(native.library, native.vocabulary, request)
        self._ids: list[int] = []
        self._unsaid = 0
        self._stop = "length"
        self._reused = 0
        self._started = self._prompt_read = time.perf_counter()

    def run(self) -> None:
        """Read the prompt and generate, until an end, a limit, a stop text or an abort."""
        try:
            self._reused = read_prompt(self._native, self._tokens, self._cancelled, self._emit)
            self._prompt_read = time.perf_counter()
            self._generate()
        except Aborted:
            self._stop = "cancelled"
        self._say(self._stream.finish())

    def close(self) -> None:
        """Free what the sampler holds."""
        self._sampler.close()

    def result(self) -> Generation:
        """Return the finished answer."""
        now = time.perf_counter()
        read = self._prompt_read - self._started if self._prompt_read > self._started else now - self._started
        return Generation(
            text=self._stream.text,
            prompt_tokens=len(self._tokens),
            reused=self._reused,
            token_ids=tuple(self._ids),
            prompt_sha256=digest_of(self._tokens),
            stop=self._stop,
            prompt_seconds=read,
            generate_seconds=now - self._started - read,
        )

    def _generate(self) -> None:
        native = self._native
        while len(self._ids) < self._limit:
            stop_if(self._cancelled)
            token = self._sampler.choose(native.scores())
            if native.ends_answer(token):
                self._stop = "end"
                return
            self._sampler.accept(token)
            self._ids.append(token)
            self._unsaid += 1
            self._say(self._stream.feed(native.piece(token)))
            if self._stream.stopped:
                self._stop = "stop-text"
                return
            if len(self._ids) < self._limit:
                native.evaluate([token], scores=True)

    def _say(self, text: str) -> None:
        if text:
            self._emit(TextPiece(text, self._unsaid))
            self._unsaid = 0
