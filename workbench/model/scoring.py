"""Judges a text in one pass: how likely each other version of it is, and which lines the model would write.

The text is read as if the model had answered it, with the scores of every position. A variant is rated by
the first token in which it differs; the likeliest other tokens open branches, of which the model writes the
line to its end. Nothing else is generated, so a whole function costs about as much as reading it.
Related work: arXiv 2404.15236.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from math import inf

import numpy as np

from workbench.model.engine import Branch, OnEvent, Scoring, ScoringRequest
from workbench.model.native import Aborted, NativeModel
from workbench.model.reading import digest_of, read_prompt, stop_if
from workbench.model.sampling import Scores

ALTERNATIVES = 4
"""Other tokens looked at in each position."""
ROWS = 32
"""Positions read at once: each has 600 KB of scores with a vocabulary of 152,000."""
POOL = 3
"""Openings that are followed for each branch wanted; some lead to the line that stands there."""


@dataclass(frozen=True, slots=True)
class _Opening:
    """Another token than the one that stands in a position."""

    position: int
    token: int
    score: float


class Judgement:
    """One text being judged; lives in the owner thread."""

    def __init__(
        self,
        native: NativeModel,
        request: ScoringRequest,
        prompt: list[int],
        cancelled: threading.Event,
        emit: OnEvent,
    ) -> None:
        self._native = native
        self._request = request
        self._prompt = prompt
        self._text = native.tokens(request.text, special=False)
        self._cancelled = cancelled
        self._emit = emit
        self._reused = 0
        self._generated = 0
        self._stop = "end"
        self._variants = [-inf] * len(request.variants)
        self._openings: list[_Opening] = []
        self._branches: list[Branch] = []
        self._started = self._read = time.perf_counter()

    @property
    def tokens(self) -> list[int]:
        """Prompt and text, as the model reads them."""
        return self._prompt + self._text

    def run(self) -> None:
        """Read, rate and branch, until it is done or stopped."""
        try:
            self._reused = read_prompt(self._native, self._prompt, self._cancelled, self._emit)
            self._rate()
            self._read = time.perf_counter()
            self._branch()
        except Aborted:
            self._stop = "cancelled"

    def result(self) -> Scoring:
        """Return what was found."""
        now = time.perf_counter()
        read = self._read if self._read > self._started else now
        return Scoring(
            variants=tuple(self._variants),
            branches=tuple(self._branches),
            prompt_tokens=len(self.tokens),
            reused=self._reused,
            tokens_out=self._generated,
            prompt_sha256=digest_of(self.tokens),
            stop=self._stop,
            prompt_seconds=read - self._started,
            generate_seconds=now - read,
        )

    def _rate(self) -> None:
        """Look at the scores of every position; none is kept."""
        native, text = self._native, self._text
        wanted = self._differences()
        # The scores before the first token of the text are those after the prompt.
        self._look(0, native.scores(), wanted)
        rows = min(ROWS, native.step)
        for start in range(0, len(text) - 1, rows):
            stop_if(self._cancelled)
            piece = text[start : min(start + rows, len(text) - 1)]
            native.evaluate_each(piece)
            for row in range(len(piece)):
                self._look(start + row + 1, native.scores(row), wanted)

    def _differences(self) -> dict[int, list[tuple[int, int]]]:
        """Return, for each position, the variants that first differ there, and their token."""
        found: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for number, variant in enumerate(self._request.variants):
            tokens = self._native.tokens(variant, special=False)
            pairs = enumerate(zip(self._text, tokens, strict=False))
            at = next((at for at, (ours, theirs) in pairs if ours != theirs), None)
            if at is not None:
                found[at].append((number, tokens[at]))
        return found

    def _look(self, position: int, scores: Scores, wanted: dict[int, list[tuple[int, int]]]) -> None:
        present = self._text[position]
        for number, token in wanted.get(position, ()):
            self._variants[number] = float(scores[token]) - float(scores[present])
        if not self._request.branches:
            return
        top = float(scores.max())
        total = top + float(np.log(np.exp(scores - top).sum()))
        for token in np.argpartition(scores, -ALTERNATIVES - 1)[-ALTERNATIVES - 1 :]:
            if token != present and not self._native.ends_answer(int(token)):
                self._openings.append(_Opening(position, int(token), float(scores[token]) - total))

    def _branch(self) -> None:
        """Write the likeliest lines, from the last position to the first: what is before each stays read."""
        request, native = self._request, self._native
        best = sorted(self._openings, key=lambda each: -each.score)[: request.branches * POOL]
        starts = self._starts()
        data = request.text.encode("utf-8", "surrogateescape")
        if starts[-1] + len(native.piece(self._text[-1])) != len(data):
            # A vocabulary that adds or drops spaces: no place in the text is known.
            return
        seen: set[tuple[int, bytes]] = set()
        found: list[Branch] = []
        for opening in sorted(best, key=lambda each: (-each.position, -each.score)):
            stop_if(self._cancelled)
            at = starts[opening.position]
            begin = data.rfind(b"\n", 0, at) + 1
            end = data.find(b"\n", at)
            present = data[begin : len(data) if end < 0 else end].rstrip()
            if not native.piece(opening.token).strip() or data[at] & 0xC0 == 0x80:
                # A space or an end of line opens no other line; nor does one half of a character.
                continue
            before = len(self._prompt) + opening.position
            if native.keep(before) != before:
                # A model with a recurrent state forgets all: what it writes would not follow the text.
                return
            text = self._line(opening)
            line = (data[begin:at] + text).rstrip()
            if line == present or (begin, line) in seen:
                continue
            seen.add((begin, line))
            try:
                found.append(Branch(at, text.decode().rstrip(), opening.score))
            except UnicodeDecodeError:
                # It begins or ends within a character.
                continue
        self._branches = sorted(found, key=lambda branch: -branch.score)[: request.branches]

    def _starts(self) -> list[int]:
        """Return where each token of the text begins, in bytes."""
        starts, at = [], 0
        for token in self._text:
            starts.append(at)
            at += len(self._native.piece(token))
        return starts

    def _line(self, opening: _Opening) -> bytes:
        """Return the rest of the line, as the model goes on after another token."""
        native = self._native
        written, token = b"", opening.token
        for _ in range(self._request.max_line_tokens):
            if native.ends_answer(token):
                break
            written += native.piece(token)
            if b"\n" in written:
                break
            self._generated += 1
            stop_if(self._cancelled)
            native.evaluate([token], scores=True)
            token = int(native.scores().argmax())
        return written.split(b"\n")[0]
