"""Chooses the next token from the model's scores: greedy or seeded, and within a grammar where there is one.

The grammar is asked about the chosen token alone; only if it refuses are more tokens tried. That is the same
choice as masking the whole vocabulary first, and costs nothing instead of 16 to 105 ms per token.
"""

from __future__ import annotations

import ctypes
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from workbench.core.errors import ModelError
from workbench.model import chat, grammar
from workbench.model.engine import GenerationRequest

Scores: TypeAlias = npt.NDArray[np.float32]

_NEAR = 256
"""How many likely tokens are tried before the whole vocabulary is."""
_REFUSED = -1e30
_GREEDY_BELOW = 1e-3
"""A smaller temperature would divide beyond what a float holds."""


class Sampler:
    """Chooses the tokens of one answer."""

    def __init__(self, library: Any, vocabulary: Any, request: GenerationRequest) -> None:
        self._temperature = request.temperature
        self._greedy = request.temperature < _GREEDY_BELOW
        self._top_p = request.top_p
        self._top_k = request.top_k
        self._random = np.random.Generator(np.random.PCG64(request.seed))
        self._rules = GrammarState(library, vocabulary, request.grammar) if request.grammar else None

    def close(self) -> None:
        """Free the grammar's native state."""
        if self._rules is not None:
            self._rules.close()

    def choose(self, scores: Scores) -> int:
        """Return the next token for `scores`, one per token of the vocabulary.

        Raises:
            ModelError: A score is not a number, or the grammar allows no token at all.
        """
        best = int(scores.argmax())
        if not np.isfinite(scores[best]):
            raise ModelError(
                "The model returned scores that are not numbers.", "Verify the file: workbench model verify."
            )
        token = best if self._greedy else self._draw(*self._candidates(scores))
        if self._rules is None or self._rules.allows(token):
            return token
        return self._within_rules(scores)

    def accept(self, token: int) -> None:
        """Advance the grammar over `token`, which `choose` returned."""
        if self._rules is not None:
            self._rules.accept(token)

    def _within_rules(self, scores: Scores) -> int:
        assert self._rules is not None  # noqa: S101 - only called with a grammar
        for tokens in (_most_likely(scores, _NEAR), np.arange(len(scores))):
            allowed = self._rules.allowed(tokens)
            if len(allowed) == 0:
                continue
            if self._greedy:
                return int(allowed[scores[allowed].argmax()])
            masked = np.full_like(scores, -np.inf)
            masked[allowed] = scores[allowed]
            return self._draw(*self._candidates(masked))
        raise ModelError(
            "The answer grammar allows no token here.", "Correct the grammar: some rule cannot be completed."
        )

    def _candidates(self, scores: Scores) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return tokens and their probabilities after top-k and top-p, most likely first."""
        tokens = _most_likely(scores, self._top_k or len(scores))
        chances = _softmax(scores[tokens].astype(np.float64))
        # The smallest set whose probabilities reach top_p; it always has one member.
        keep = int(np.searchsorted(np.cumsum(chances), self._top_p)) + 1
        tokens = tokens[:keep]
        return tokens, _softmax(scores[tokens].astype(np.float64) / self._temperature)

    def _draw(self, tokens: npt.NDArray[np.int64], chances: npt.NDArray[np.float64]) -> int:
        at = int(np.searchsorted(np.cumsum(chances), self._random.random(), side="right"))
        return int(tokens[min(at, len(tokens) - 1)])


class GrammarState:
    """How far an answer has come through its grammar; owns native memory."""

    def __init__(self, library: Any, vocabulary: Any, text: str) -> None:
        grammar.check(text)
        self._library = library
        self._state = library.llama_sampler_init_grammar(vocabulary, chat.encoded(text), b"root")
        if not self._state:
            raise ModelError(
                "llama.cpp refuses the answer grammar; a rule may begin with itself.", "Correct the grammar."
            )

    def close(self) -> None:
        """Free the native state; safe to call twice."""
        if self._state:
            self._library.llama_sampler_free(self._state)
            self._state = None

    def allows(self, token: int) -> bool:
        """Tell whether `token` may come next."""
        return len(self.allowed(np.array([token]))) == 1

    def allowed(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return those of `tokens` that may come next, in the same order."""
        library = self._library
        entries = (library.llama_token_data * len(tokens))()
        view = np.frombuffer(entries, dtype=[("id", "<i4"), ("logit", "<f4"), ("p", "<f4")])
        view["id"] = tokens
        pointer = ctypes.cast(entries, library.llama_token_data_p)
        array = library.llama_token_data_array(pointer, len(tokens), -1, False)
        library.llama_sampler_apply(self._state, ctypes.byref(array))
        kept: npt.NDArray[np.int64] = tokens[view["logit"] > _REFUSED]
        return kept

    def accept(self, token: int) -> None:
        """Advance over `token`; the library aborts on one that is not allowed, so ask first."""
        self._library.llama_sampler_accept(self._state, token)


def _most_likely(scores: Scores, count: int) -> npt.NDArray[np.int64]:
    """Return the `count` best tokens, best first, equals by their number."""
    if count < len(scores):
        tokens = np.sort(np.argpartition(scores, -count)[-count:])
    else:
        tokens = np.arange(len(scores))
    ordered: npt.NDArray[np.int64] = tokens[np.argsort(-scores[tokens], kind="stable")]
    return ordered


def _softmax(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    powers = np.exp(values - values.max())
    shares: npt.NDArray[np.float64] = powers / powers.sum()
    return shares
