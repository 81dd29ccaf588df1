"""Holds one model and its context in llama.cpp: load, tokenise, evaluate, read scores, free.

Everything but `tokens` belongs to the thread that loaded the model: two threads in one context abort the
process. `tokens` reads only the immutable vocabulary.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from workbench.core.errors import Cancelled, ModelError
from workbench.model import library as binding
from workbench.model.chat import Segment, encoded
from workbench.model.engine import EngineSettings
from workbench.model.sampling import Scores

_MAX_TEXT_BYTES = 256 << 20
"""More than any context could hold, and within the 32-bit lengths of the library."""
_ABORTED = 2


class Aborted(Exception):
    """The evaluation was stopped through the abort flag."""


class NativeModel:
    """One loaded model with one context and one sequence."""

    def __init__(
        self,
        path: str,
        label: str,
        settings: EngineSettings,
        threads: int,
        on_progress: Callable[[float], bool],
    ) -> None:
        """Load the file at `path`; `on_progress` gets a fraction, returns False to stop, and never raises."""
        self.library = binding.load()
        self._abort_flag = ctypes.create_string_buffer(2)
        self._cached: list[int] = []
        self._context: Any = None
        self._memory: Any = None
        self._batch: Any = None
        self._batch_size = 0
        self.step = 0
        """Tokens evaluated in one step; the prompt is best read in pieces of this size."""
        self.context_size = 0
        """Tokens of context that may be used."""
        binding.last_errors()
        self._model = self._load_model(path, label, settings, on_progress)
        try:
            self._vocabulary = self.library.llama_model_get_vocab(self._model)
            self.vocabulary_size = int(self.library.llama_vocab_n_tokens(self._vocabulary))
            self._open_context(label, settings, threads)
            self._warm_up()
        except BaseException:
            self.free()
            raise

    def _load_model(
        self, path: str, label: str, settings: EngineSettings, on_progress: Callable[[float], bool]
    ) -> Any:
        library = self.library
        wanted = True

        def progress(fraction: float, _user_data: object) -> bool:
            nonlocal wanted
            wanted = on_progress(fraction)
            return wanted

        parameters = library.llama_model_default_params()
        parameters.n_gpu_layers = settings.gpu_layers
        parameters.load_mode = library.LLAMA_LOAD_MODE_MMAP
        callback = library.llama_progress_callback(progress)
        parameters.progress_callback = callback
        model = library.llama_model_load_from_file(path.encode(), parameters)
        if model:
            return model
        if not wanted:
            raise Cancelled("Loading was stopped.")
        raise ModelError(
            f"llama.cpp cannot load {label}: {binding.last_errors() or 'it does not say why'}.",
            "Verify the file (workbench model verify), or choose another model.",
        )

    def _open_context(self, label: str, settings: EngineSettings, threads: int) -> None:
        library = self.library
        trained = int(library.llama_model_n_ctx_train(self._model))
        wanted = min(settings.context_size, trained) if trained > 0 else settings.context_size
        parameters = library.llama_context_default_params()
        parameters.n_ctx = wanted
        parameters.n_batch = min(settings.n_batch, wanted)
        parameters.n_ubatch = min(settings.n_ubatch, wanted)
        parameters.n_seq_max = 1
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.flash_attn_type = library.LLAMA_FLASH_ATTN_TYPE_AUTO
        parameters.no_perf = True
        self._context = library.llama_init_from_model(self._model, parameters)
        if not self._context:
            raise ModelError(
                f"llama.cpp cannot open a context of {wanted} tokens for {label}: {binding.last_errors()}.",
                "Choose a smaller context.",
            )
        # The library rounds up; positions beyond the training length are never used.
        allocated = int(library.llama_n_ctx(self._context))
        self.context_size = min(allocated, trained) if trained > 0 else allocated
        self._batch_size = int(library.llama_n_batch(self._context))
        self.step = int(library.llama_n_ubatch(self._context))
        self._memory = library.llama_get_memory(self._context)
        self._batch = library.llama_batch_init(self._batch_size, 0, 1)
        # strlen of the flag says whether to stop: asked 470 times per token without entering Python.
        strlen = ctypes.cast(ctypes.CDLL(None).strlen, library.ggml_abort_callback)
        library.llama_set_abort_callback(self._context, strlen, ctypes.addressof(self._abort_flag))

    def _warm_up(self) -> None:
        """Evaluate one token, so that the first answer does not pay for mapped pages and buffers."""
        self.evaluate([0], scores=False)
        self.keep(0)

    def try_out(self) -> None:
        """Evaluate a few tokens and look at the scores; the trial of a file nobody knows.

        Raises:
            ModelError: The model does not compute numbers.
        """
        self.evaluate([token % self.vocabulary_size for token in range(8)], scores=True)
        if not np.isfinite(self.scores()).all():
            raise ModelError("The model computes scores that are not numbers.", "Choose another model file.")
        self.keep(0)

    def abort(self, wanted: bool) -> None:
        """Set or clear the abort flag; the only method any thread may call while an evaluation runs."""
        self._abort_flag[0] = b"\1" if wanted else b"\0"

    def tokens(self, text: str, *, special: bool) -> list[int]:
        """Return the tokens of `text`; control tokens in it count as such only with `special`."""
        data = encoded(text)
        if len(data) > _MAX_TEXT_BYTES:
            raise ModelError(
                f"A text of {len(data)} bytes is too large to tokenise.",
                f"The limit is {_MAX_TEXT_BYTES} bytes.",
            )
        room = len(data) + 8
        array = (self.library.llama_token * room)()
        found = self.library.llama_tokenize(self._vocabulary, data, len(data), array, room, False, special)
        if found < 0:
            raise ModelError(
                "llama.cpp cannot tokenise this text.", "Report this with the name of the model."
            )
        return list(array[:found])

    def prompt_tokens(self, segments: Sequence[Segment]) -> list[int]:
        """Return the tokens of a whole prompt, with the model's begin token where it wants one."""
        tokens = [token for text, special in segments for token in self.tokens(text, special=special)]
        if self.library.llama_vocab_get_add_bos(self._vocabulary):
            begin = int(self.library.llama_vocab_bos(self._vocabulary))
            if begin >= 0 and tokens[:1] != [begin]:
                tokens.insert(0, begin)
        return tokens

    def piece(self, token: int) -> bytes:
        """Return the bytes of `token`; control tokens have none."""
        for room in (64, 4096):
            buffer = ctypes.create_string_buffer(room)
            length = self.library.llama_token_to_piece(self._vocabulary, token, buffer, room, 0, False)
            if length >= 0:
                return buffer.raw[:length]
        return b""

    def ends_answer(self, token: int) -> bool:
        """Tell whether `token` ends a turn or a text."""
        return bool(self.library.llama_vocab_is_eog(self._vocabulary, token))

    @property
    def measured(self) -> dict[str, int | str]:
        """What the context really has, for the record of every answer."""
        library, context = self.library, self._context
        return {
            "n_batch": self._batch_size,
            "n_ubatch": self.step,
            "threads": int(library.llama_n_threads(context)),
            "flash_attention": "auto",
            "kv_type": "f16",
        }

    @property
    def vocabulary(self) -> Any:
        """The native vocabulary, for the grammar."""
        return self._vocabulary

    def common_prefix(self, tokens: Sequence[int]) -> int:
        """Return how many of `tokens` are in the cache from the start, leaving at least one to evaluate."""
        same = 0
        for ours, theirs in zip(self._cached, tokens, strict=False):
            if ours != theirs:
                break
            same += 1
        return max(0, min(same, len(tokens) - 1))

    def keep(self, count: int) -> int:
        """Cut the cache to its first `count` tokens and return how many were kept: all, or none."""
        count = min(count, len(self._cached))
        if count < len(self._cached) and not self.library.llama_memory_seq_rm(self._memory, 0, count, -1):
            # Models with a recurrent state cannot be cut.
            self.library.llama_memory_clear(self._memory, True)
            count = 0
        del self._cached[count:]
        return count

    def evaluate(self, tokens: Sequence[int], *, scores: bool) -> None:
        """Evaluate `tokens` after what is cached, with scores for the last of them if `scores`.

        Raises:
            Aborted: The abort flag was set; the cache is as before.
            ModelError: llama.cpp failed; the cache is as before.
        """
        self._decode(tokens, range(len(tokens) - 1, len(tokens)) if scores else range(0))

    def evaluate_each(self, tokens: Sequence[int]) -> None:
        """Evaluate `tokens` with scores for each of them: `scores(0)` are those after the first.

        Raises:
            Aborted: As for `evaluate`.
            ModelError: As for `evaluate`.
        """
        self._decode(tokens, range(len(tokens)))

    def _decode(self, tokens: Sequence[int], scored: range) -> None:
        before = len(self._cached)
        if len(tokens) > self._batch_size or before + len(tokens) > self.context_size:
            raise ModelError("More tokens than the batch or the context holds.", "Report this.")
        batch = self._batch
        batch.n_tokens = len(tokens)
        for at, token in enumerate(tokens):
            batch.token[at] = token
            batch.pos[at] = before + at
            batch.n_seq_id[at] = 1
            batch.seq_id[at][0] = 0
            batch.logits[at] = 1 if at in scored else 0
        code = self.library.llama_decode(self._context, batch)
        self._cached += tokens
        if code == 0:
            return
        # Steps that were finished before a failure stay in the native cache: cut them off.
        self.keep(before)
        if code == _ABORTED:
            raise Aborted
        raise ModelError(
            f"llama.cpp could not evaluate the prompt (code {code}): {binding.last_errors()}.",
            "Try again; if it fails again, choose a smaller context or another model.",
        )

    def scores(self, row: int = -1) -> Scores:
        """Return the scores after one token of the last evaluation; valid until the next.

        Args:
            row: Of which token; the last by default. Only tokens that were evaluated with scores have them.
        """
        pointer = self.library.llama_get_logits_ith(self._context, row)
        if not pointer:
            raise ModelError("llama.cpp has no scores for this token.", "Report this.")
        scores: Scores = np.ctypeslib.as_array(pointer, shape=(self.vocabulary_size,))
        return scores

    def free(self) -> None:
        """Free everything native; safe to call twice."""
        if self._batch is not None:
            self.library.llama_batch_free(self._batch)
        if self._context:
            self.library.llama_free(self._context)
        if self._model:
            self.library.llama_model_free(self._model)
        self._batch = self._context = self._model = self._memory = None
