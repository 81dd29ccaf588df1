"""Says what the ledger keeps of one inference: enough to show it, and to repeat it."""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING

from workbench.core.records import Inference, Json, Principal, sha256

if TYPE_CHECKING:
    from workbench.model import Generation, GenerationRequest, ModelInfo, Scoring


def prompt_bytes(request: GenerationRequest) -> bytes:
    """Return the conversation as the bytes that are sealed and digested."""
    return json.dumps([[turn.role, turn.text] for turn in request.messages], ensure_ascii=True).encode()


def model_fields(info: ModelInfo) -> dict[str, Json]:
    """Return which model is asked."""
    return {"name": info.name, "digest": info.sha256, "runtime": info.library, "ctx": info.context_size}


def request_fields(request: GenerationRequest, prompt: bytes) -> dict[str, Json]:
    """Return how it is asked; the words are sealed apart."""
    return {
        "seed": request.seed,
        "temperature_milli": round(request.temperature * 1000),
        "max_tokens": request.max_tokens,
        "grammar_sha256": sha256(request.grammar.encode()) if request.grammar else "",
        "prompt_sha256": sha256(prompt),
    }


def inference_of(
    operation: str,
    actor: Principal,
    info: ModelInfo,
    request: GenerationRequest,
    prompt: bytes,
    answer: Generation | Scoring,
) -> Inference:
    """Return the record of an answered request."""
    return Inference(
        id=operation,
        role=actor.role,
        model=info.name,
        model_sha256=info.sha256,
        prompt_sha256=sha256(prompt),
        seed=request.seed,
        temperature_milli=round(request.temperature * 1000),
        tokens_in=answer.prompt_tokens,
        tokens_out=answer.tokens_out,
        prefix_reused=answer.reused,
        milliseconds=round((answer.prompt_seconds + answer.generate_seconds) * 1000),
        stop=answer.stop,
    )


def answer_fields(inference: Inference, answer: Generation | Scoring) -> dict[str, Json]:
    """Return what came of it; the answer's words are sealed apart."""
    return {
        "tokens_in": inference.tokens_in,
        "tokens_out": inference.tokens_out,
        "prefix_reused": inference.prefix_reused,
        "prompt_tokens_sha256": answer.prompt_sha256,
        "stop": answer.stop,
        "dur_ms": inference.milliseconds,
    }


def sealed_answer(answer: Generation | Scoring) -> dict[str, bytes]:
    """Return what is sealed of an answer: its text and the tokens it was generated as, or the scores."""
    from workbench.model import Generation

    if isinstance(answer, Generation):
        text = answer.text.encode("utf-8", "surrogateescape")
        return {"answer": text, "token_ids": json.dumps(answer.token_ids).encode()}
    # No float in the ledger: thousandths of a natural logarithm.
    lines = [[each.at, each.text, _milli(each.score)] for each in answer.branches]
    scores = {"variants": [_milli(score) for score in answer.variants], "branches": lines}
    return {"answer": json.dumps(scores).encode()}


def _milli(score: float) -> int | None:
    return round(score * 1000) if isfinite(score) else None
