"""Says what the ledger keeps of one inference: enough to show it, and to repeat it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workbench.core.records import Inference, Json, Principal, sha256

if TYPE_CHECKING:
    from workbench.model import Generation, GenerationRequest, ModelInfo


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
    answer: Generation,
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
        tokens_out=len(answer.token_ids),
        prefix_reused=answer.reused,
        milliseconds=round((answer.prompt_seconds + answer.generate_seconds) * 1000),
        stop=answer.stop,
    )


def answer_fields(inference: Inference, answer: Generation) -> dict[str, Json]:
    """Return what came of it; the answer's words are sealed apart."""
    return {
        "tokens_in": inference.tokens_in,
        "tokens_out": inference.tokens_out,
        "prefix_reused": inference.prefix_reused,
        "prompt_tokens_sha256": answer.prompt_sha256,
        "stop": answer.stop,
        "dur_ms": inference.milliseconds,
    }


def sealed_answer(answer: Generation) -> dict[str, bytes]:
    """Return what is sealed of an answer: its text, and the tokens it was generated as."""
    text = answer.text.encode("utf-8", "surrogateescape")
    return {"answer": text, "token_ids": json.dumps(answer.token_ids).encode()}
