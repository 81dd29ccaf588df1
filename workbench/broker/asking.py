"""Asks the model, with the words on record (sealed) before it reads them and what it said after.

Two ways: `infer` has it answer, `score` has it judge a text as if it had answered that. Both go the same way
through policy and the search for protected values, and both leave an intent and an outcome.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from workbench.broker import inferring
from workbench.broker.screened import Screened
from workbench.core.errors import ModelError, Refused, WorkbenchError
from workbench.core.ids import uuid7
from workbench.core.records import Effect, Event, Inference, Json, Principal, Verdict

if TYPE_CHECKING:
    from workbench.model import (
        Engine,
        Generation,
        GenerationRequest,
        PromptProgress,
        Scoring,
        ScoringRequest,
        TextPiece,
    )

    Told = Callable[[PromptProgress | TextPiece], None]
    Answered = TypeVar("Answered", Generation, Scoring)


class Asking(Screened):
    """The part of the gate that leads to the model."""

    def __init__(self) -> None:
        """Begin without a model."""
        super().__init__()
        self.engine: Engine | None = None

    @abstractmethod
    def _judgement(self, verdict: Verdict) -> dict[str, Json]:
        """Return a verdict as a row keeps it."""

    @abstractmethod
    def _refusal(self, what: str, verdict: Verdict, verb: str) -> Refused:
        """Return the error for what policy does not allow."""

    @abstractmethod
    def _outcome(
        self,
        kind: str,
        actor: Principal,
        operation: str,
        fields: Mapping[str, Json],
        error: WorkbenchError | None,
        sealed: Mapping[str, bytes] | None = None,
    ) -> None:
        """Record how an operation ended."""

    def infer(
        self, request: GenerationRequest, *, actor: Principal, on_event: Told | None = None
    ) -> tuple[Generation, Inference]:
        """Return the model's answer.

        Raises:
            ModelError: No model is loaded, or it failed; the failure is on record.
            Refused: Policy does not allow this model, or a protected value cannot be kept from it.
        """
        engine = self._allowed_engine()
        seen = self._screen(request, actor)
        return self._ask(engine, seen, actor, lambda: engine.generate(seen, on_event))

    def score(
        self, request: ScoringRequest, *, actor: Principal, on_event: Told | None = None
    ) -> tuple[Scoring, Inference]:
        """Return how likely the model finds the text of `request`, and what it would rather have said.

        Raises:
            ModelError: As for `infer`.
            Refused: As for `infer`; a text to score cannot be changed, so one that holds a protected value
                is not sent at all.
        """
        from workbench.model import GenerationRequest, Message

        engine = self._allowed_engine()
        scored = Message("assistant", request.answer_prefix + request.text)
        room = request.branches * request.max_line_tokens
        seen = self._screen(GenerationRequest((*request.messages, scored), max_tokens=room), actor)
        if seen.messages[-1] != scored:
            raise Refused("A protected value stands in the code to be scored.", "Nothing was sent.")
        asked = replace(request, messages=seen.messages[:-1])
        return self._ask(engine, seen, actor, lambda: engine.score(asked, on_event))

    def _allowed_engine(self) -> Engine:
        if self.engine is None:
            raise ModelError("No model is loaded.", "Add one: `workbench model add FILE`, or `make model`.")
        verdict = self.policy.model(self.engine.info.sha256)
        if verdict.effect is not Effect.ALLOW:
            raise self._refusal(self.engine.info.name, verdict, "run")
        return self.engine

    def _screen(self, request: GenerationRequest, actor: Principal) -> GenerationRequest:
        """Return a request without protected values; what was found is on record."""
        request, examined = self.examiner.prompt(self.policy, request)
        self._record_scan(examined, "prompt", actor)
        if examined.stopped:
            raise examined.refusal("The prompt")
        return request

    def _ask(
        self, engine: Engine, request: GenerationRequest, actor: Principal, answered: Callable[[], Answered]
    ) -> tuple[Answered, Inference]:
        info = engine.info
        prompt, operation = inferring.prompt_bytes(request), uuid7()
        asked = inferring.request_fields(request, prompt)
        common: dict[str, Json] = {
            "model": inferring.model_fields(info),
            "policy": self._judgement(self.policy.model(info.sha256)),
        }
        intent = {**common, "inference": asked}
        self.record(Event("inference.intent", actor, "intent", operation, intent, {"prompt": prompt}))
        try:
            answer = answered()
        except WorkbenchError as error:
            self._outcome("inference.outcome", actor, operation, common, error)
            raise
        inference = inferring.inference_of(operation, actor, info, request, prompt, answer)
        outcome = {**common, "inference": {**asked, **inferring.answer_fields(inference, answer)}}
        self._outcome("inference.outcome", actor, operation, outcome, None, inferring.sealed_answer(answer))
        return answer, inference
