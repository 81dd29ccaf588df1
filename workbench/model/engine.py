"""Says what an engine is: the records that go in and come out, and the protocol that every engine keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    """`system`, `user` or `assistant`."""
    text: str


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What to generate, and how."""

    messages: tuple[Message, ...]
    max_tokens: int
    """Tokens to generate at most; 0 only reads the prompt, which warms the cache for the next request."""
    temperature: float = 0.0
    """Up to 10; below 0.001 the most likely token is taken each time."""
    top_p: float = 0.95
    top_k: int = 40
    """0 considers the whole vocabulary."""
    seed: int = 0
    grammar: str = ""
    """GBNF that the answer must match; empty for none (see `workbench.model.grammar`)."""
    stop: tuple[str, ...] = ()
    """Texts at which to stop; the answer ends before the first that occurs."""
    answer_prefix: str = ""
    """Text that the assistant's turn begins with; part of the prompt, not of the answer."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How a model is loaded; what came of it is in `ModelInfo.settings`."""

    context_size: int = 8192
    """Tokens; never more than the model was trained on."""
    n_batch: int = 512
    """Tokens evaluated in one call at most."""
    n_ubatch: int = 256
    """Tokens evaluated in one step; the prompt is read in pieces of this size."""
    threads: int = 0
    """0 takes every physical core this process may use."""
    gpu_layers: int = -1
    """Layers given to a graphics processor; -1 gives all where the library was built for one."""


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far the model has been loaded."""

    done: int
    """Bytes."""
    total: int


@dataclass(frozen=True, slots=True)
class PromptProgress:
    """How far the prompt has been read."""

    done: int
    """Tokens, with those reused."""
    total: int
    reused: int
    """Tokens that were still in the cache from the request before."""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A piece of the answer: whole characters only, never a part of a stop text."""

    text: str
    tokens: int
    """Tokens generated since the piece before."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One answer, with what is needed to record it."""

    text: str
    prompt_tokens: int
    reused: int
    """Prompt tokens that did not have to be read again."""
    token_ids: tuple[int, ...]
    """What was generated; longer than `text` where a stop text was cut off."""
    prompt_sha256: str
    """Digest of the prompt's tokens, each as four bytes, little-endian: what the model really read."""
    stop: str
    """`end`, `length`, `cancelled` or `stop-text`."""
    prompt_seconds: float
    generate_seconds: float

    @property
    def tokens_out(self) -> int:
        """How many tokens were generated."""
        return len(self.token_ids)


@dataclass(frozen=True, slots=True)
class ScoringRequest:
    """A text to judge, as if the model had answered it."""

    messages: tuple[Message, ...]
    text: str
    answer_prefix: str = ""
    """Text that the assistant's turn begins with, before `text`; read, not judged."""
    variants: tuple[str, ...] = ()
    """Other versions of `text`, each rated where it first differs."""
    branches: int = 0
    """Lines that the model may write anew, at most."""
    max_line_tokens: int = 48
    """Tokens that such a line may take."""


@dataclass(frozen=True, slots=True)
class Branch:
    """Another end of a line, which the model finds likely."""

    at: int
    """Where it begins: a byte offset in the UTF-8 of the text."""
    text: str
    """From there to the end of the line, without the line's ending."""
    score: float
    """Natural logarithm of the probability of its first token."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """What the model makes of a text."""

    variants: tuple[float, ...]
    """For each variant: log p(its first other token) - log p(the token that stands there), natural; minus
    infinity for one that has no other token."""
    branches: tuple[Branch, ...]
    """Likeliest first."""
    prompt_tokens: int
    """Tokens of the prompt and the text."""
    reused: int
    """Those of them that did not have to be read again."""
    tokens_out: int
    prompt_sha256: str
    """Digest of those tokens, as in `Generation`."""
    stop: str
    """`end` or `cancelled`."""
    prompt_seconds: float
    generate_seconds: float


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is loaded, as measured after loading."""

    name: str
    sha256: str
    family: str
    """The chat format in use: a name in `workbench.model.chat.FORMATS`."""
    context_size: int
    """Tokens that are really allocated."""
    library: str
    """Such as `llama-cpp-python 0.3.36`."""
    settings: Mapping[str, int | str]
    """Batch sizes, threads and the rest that decides whether a run can be repeated bit by bit."""


EngineEvent: TypeAlias = PromptProgress | TextPiece
OnEvent: TypeAlias = Callable[[EngineEvent], None]


class Engine(Protocol):
    """A model that answers one request at a time."""

    @property
    def info(self) -> ModelInfo:
        """What is loaded."""
        ...

    def count(self, text: str) -> int:
        """Return how many tokens `text` takes as content, exactly."""
        ...

    def count_messages(self, messages: Sequence[Message]) -> int:
        """Return how many tokens a prompt of `messages` takes, with the chat format's own, exactly."""
        ...

    def generate(self, request: GenerationRequest, on_event: OnEvent | None = None) -> Generation:
        """Answer `request`; `on_event` is called in the calling thread, and what it raises stops the answer.

        Raises:
            PromptTooLong: The prompt leaves no room in the context; says the numbers, nothing is truncated.
            ModelError: The request is not valid, or the model failed.
        """
        ...

    def score(self, request: ScoringRequest, on_event: OnEvent | None = None) -> Scoring:
        """Judge a text; `on_event` as for `generate`.

        Raises:
            PromptTooLong: Prompt and text leave no room in the context.
            ModelError: The request is not valid, or the model failed.
        """
        ...

    def abort(self) -> None:
        """Stop every request now running or waiting, from any thread; they return with `cancelled`."""
        ...

    def close(self) -> None:
        """Stop, free everything; safe to call twice."""
        ...
