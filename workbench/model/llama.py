"""Runs a model in this process: one owner thread with a queue, to which every other thread only posts.

The thread that calls `generate` waits for events and calls `on_event` itself, so a slow or failing listener
never holds up the model, and Ctrl-C reaches the caller. `abort` sets a flag that llama.cpp reads in its
innermost loop; the engine is usable at once afterwards.
"""

from __future__ import annotations

import atexit
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from workbench.core.errors import ModelError, PromptTooLong, WorkbenchError
from workbench.model import chat, files, hardware
from workbench.model import library as binding
from workbench.model.answer import Answer
from workbench.model.engine import (
    EngineEvent,
    EngineSettings,
    Generation,
    GenerationRequest,
    LoadProgress,
    Message,
    ModelInfo,
    OnEvent,
    PromptProgress,
    Scoring,
    ScoringRequest,
    TextPiece,
)
from workbench.model.gguf import Header, read_header_from
from workbench.model.limits import check_request, check_scoring, checked_settings
from workbench.model.native import NativeModel
from workbench.model.registry_file import RegisteredModel
from workbench.model.scoring import Judgement

_CLOSE_SECONDS = 30.0

_Item: TypeAlias = "EngineEvent | LoadProgress | Generation | Scoring | BaseException | None"


@dataclass(slots=True, eq=False)
class _Job:
    """One request on its way through the owner thread."""

    request: GenerationRequest | ScoringRequest
    cancelled: threading.Event = field(default_factory=threading.Event)
    items: queue.SimpleQueue[_Item] = field(default_factory=queue.SimpleQueue)


class LlamaEngine:
    """The `Engine` over llama.cpp; made by `load`."""

    def __init__(
        self,
        model: RegisteredModel,
        settings: EngineSettings | None = None,
        on_progress: Callable[[LoadProgress], None] | None = None,
        cancelled: threading.Event | None = None,
    ) -> None:
        """Load `model`, whose file must be as it was registered; see `load`."""
        self._model = model
        self._settings = checked_settings(settings or EngineSettings())
        self._lock = threading.Lock()
        self._vocabulary_lock = threading.Lock()
        self._jobs: list[_Job] = []
        self._running: _Job | None = None
        self._closed = False
        self._inbox: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._native: NativeModel | None = None
        self._stop_loading = cancelled or threading.Event()
        loading: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._own, args=(loading,), name="model", daemon=True)
        self._thread.start()
        self._wait_for_load(loading, on_progress)
        # Before the interpreter goes, or native threads would meet a half-dismantled one.
        atexit.register(self.close)

    @property
    def info(self) -> ModelInfo:
        """What is loaded."""
        return self._info

    def count(self, text: str) -> int:
        """Return how many tokens `text` takes as content, exactly."""
        with self._vocabulary_lock:
            return len(self._loaded().tokens(text, special=False))

    def count_messages(self, messages: Sequence[Message]) -> int:
        """Return how many tokens a prompt of `messages` takes, with the chat format's own, exactly."""
        segments = chat.segments(self._info.family, messages)
        with self._vocabulary_lock:
            return len(self._loaded().prompt_tokens(segments))

    def generate(self, request: GenerationRequest, on_event: OnEvent | None = None) -> Generation:
        """Answer `request`; see `Engine.generate`."""
        check_request(request)
        answer = self._post(_Job(request), on_event)
        assert isinstance(answer, Generation)  # noqa: S101  # what such a request is answered with
        return answer

    def score(self, request: ScoringRequest, on_event: OnEvent | None = None) -> Scoring:
        """Judge a text; see `Engine.score`."""
        check_scoring(request)
        answer = self._post(_Job(request), on_event)
        assert isinstance(answer, Scoring)  # noqa: S101  # what such a request is answered with
        return answer

    def _post(self, job: _Job, on_event: OnEvent | None) -> Generation | Scoring:
        """Give a request to the owner thread, and wait for its end."""
        with self._lock:
            if self._closed:
                raise _closed_error()
            self._jobs.append(job)
            self._inbox.put(job)
        try:
            while True:
                item = job.items.get()
                if isinstance(item, Generation | Scoring):
                    return item
                if isinstance(item, BaseException):
                    raise item
                if isinstance(item, PromptProgress | TextPiece) and on_event is not None:
                    on_event(item)
        except BaseException:
            self._cancel([job])
            raise

    def abort(self) -> None:
        """Stop every request now running or waiting, from any thread; they return with `cancelled`."""
        with self._lock:
            jobs = list(self._jobs)
        self._cancel(jobs)

    def close(self) -> None:
        """Stop, free everything; safe to call twice."""
        with self._lock:
            first, self._closed = not self._closed, True
        if first:
            self.abort()
            self._inbox.put(None)
            atexit.unregister(self.close)
        if threading.current_thread() is not self._thread:
            self._thread.join(_CLOSE_SECONDS)

    def _cancel(self, jobs: Sequence[_Job]) -> None:
        with self._lock:
            for job in jobs:
                job.cancelled.set()
                if job is self._running and self._native is not None:
                    self._native.abort(True)

    def _loaded(self) -> NativeModel:
        if self._native is None:
            raise _closed_error()
        return self._native

    def _wait_for_load(
        self, loading: queue.SimpleQueue[_Item], on_progress: Callable[[LoadProgress], None] | None
    ) -> None:
        try:
            while (item := loading.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                if isinstance(item, LoadProgress) and on_progress is not None:
                    on_progress(item)
        except BaseException:
            self._stop_loading.set()
            self._inbox.put(None)
            raise

    # From here on: the owner thread.

    def _own(self, loading: queue.SimpleQueue[_Item]) -> None:
        hardware.give_way()
        try:
            self._native, self._info = self._load(loading)
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits for the load
            loading.put(_as_model_error(error))
            return
        loading.put(None)
        while (job := self._inbox.get()) is not None:
            self._serve(job)
        with self._vocabulary_lock:
            native, self._native = self._native, None
        native.free()
        with self._lock:
            left = list(self._jobs)
        for job in left:
            job.items.put(_closed_error())

    def _load(self, loading: queue.SimpleQueue[_Item]) -> tuple[NativeModel, ModelInfo]:
        model, settings = self._model, self._settings
        with files.open_unchanged(model.path, model.identity, model.name) as stream:
            header = read_header_from(stream, model.name)
            context = min(settings.context_size, header.context_length or settings.context_size)
            hardware.require_memory(header, context, hardware.available_memory())
            last = -1

            def progress(fraction: float) -> bool:
                nonlocal last
                percent = int(fraction * 100)
                if percent != last:
                    last = percent
                    loading.put(LoadProgress(int(fraction * header.size), header.size))
                return not self._stop_loading.is_set()

            threads = settings.threads or hardware.physical_cores()
            native = NativeModel(
                files.loadable_path(stream, model.path), model.name, settings, threads, progress
            )
        return native, self._measured(native, header)

    def _measured(self, native: NativeModel, header: Header) -> ModelInfo:
        family = _usable_family(native, self._model.family or chat.family_of(header))
        settings = {**native.measured, "gpu_layers": self._settings.gpu_layers}
        size = native.context_size
        return ModelInfo(
            self._model.name, self._model.sha256, family, size, binding.version(), MappingProxyType(settings)
        )

    def _serve(self, job: _Job) -> None:
        native = self._loaded()
        with self._lock:
            self._running = job
            native.abort(job.cancelled.is_set())
        result: Generation | Scoring | BaseException
        try:
            result = self._answer(native, job)
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits for the answer
            result = _as_model_error(error)
        with self._lock:
            self._running = None
            native.abort(False)
            self._jobs.remove(job)
        job.items.put(result)

    def _answer(self, native: NativeModel, job: _Job) -> Generation | Scoring:
        request = job.request
        segments = chat.segments(self._info.family, request.messages, request.answer_prefix)
        tokens = native.prompt_tokens(segments)
        if isinstance(request, ScoringRequest):
            judgement = Judgement(native, request, tokens, job.cancelled, job.items.put)
            # A line written anew may be longer than the one it stands for.
            _refuse_too_long(native, len(judgement.tokens) + request.max_line_tokens)
            judgement.run()
            return judgement.result()
        _refuse_too_long(native, len(tokens))
        answer = Answer(self._info.family, native, request, tokens, job.cancelled, job.items.put)
        try:
            answer.run()
        finally:
            answer.close()
        return answer.result()


def _refuse_too_long(native: NativeModel, count: int) -> None:
    if count >= native.context_size:
        raise PromptTooLong(
            f"The prompt takes {count} tokens; the context holds {native.context_size}, "
            "and an answer needs at least one of them.",
            "Give the task fewer or smaller files, or load the model with a larger context.",
        )


def load(
    model: RegisteredModel,
    settings: EngineSettings | None = None,
    on_progress: Callable[[LoadProgress], None] | None = None,
    cancelled: threading.Event | None = None,
) -> LlamaEngine:
    """Load `model` and return the engine; `on_progress` is called in this thread.

    Args:
        model: From `Registry.checked`, which re-hashes a file that was touched.
        settings: Context and batch sizes.
        on_progress: Told how many bytes are loaded; what it raises stops the load.
        cancelled: Set from any thread to stop the load.

    Raises:
        Cancelled: `cancelled` was set.
        ModelError: The file changed, does not fit into memory, or cannot be loaded.
    """
    return LlamaEngine(model, settings, on_progress, cancelled)


def _usable_family(native: NativeModel, family: str) -> str:
    """Return `family` if each of its markers is one control token of this vocabulary, else `plain`."""
    form = chat.FORMATS.get(family, chat.FORMATS[chat.PLAIN])
    for marker in form.markers:
        if len(native.tokens(marker, special=True)) != 1 or len(native.tokens(marker, special=False)) == 1:
            return chat.PLAIN
    return form.name


def _as_model_error(error: BaseException) -> BaseException:
    if isinstance(error, WorkbenchError | MemoryError):
        return error
    return ModelError(f"The model failed: {type(error).__name__}: {error}.", "Load it again; report this.")


def _closed_error() -> ModelError:
    return ModelError("The model is closed.", "Load it again.")
