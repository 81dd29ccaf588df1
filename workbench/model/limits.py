"""Refuses settings and requests that are out of range, before native code meets them."""

from __future__ import annotations

import math

from workbench.core.errors import ModelError
from workbench.model.engine import EngineSettings, GenerationRequest, ScoringRequest

_MAX_THREADS = 256
_MIN_CONTEXT = 64
_MAX_CONTEXT = 1 << 20
_MAX_BATCH = 4096
_MAX_VARIANTS = 1000
_MAX_BRANCHES = 64
_MAX_LINE_TOKENS = 200


def checked_settings(settings: EngineSettings) -> EngineSettings:
    """Return `settings` if each is possible.

    Raises:
        ModelError: One is not; names it and its bounds.
    """
    bounds = {
        "context_size": (_MIN_CONTEXT, _MAX_CONTEXT),
        "n_batch": (1, _MAX_BATCH),
        "n_ubatch": (1, settings.n_batch),
        "threads": (0, _MAX_THREADS),
        "gpu_layers": (-1, 10_000),
    }
    for name, (least, most) in bounds.items():
        if not least <= getattr(settings, name) <= most:
            raise ModelError(
                f"{name} is {getattr(settings, name)}, not {least} to {most}.", "Correct the model settings."
            )
    return settings


def check_request(request: GenerationRequest) -> None:
    """Return if each number of `request` is possible.

    Raises:
        ModelError: One is not; names it.
    """
    problems = {
        "max_tokens": request.max_tokens < 0,
        "temperature": not (math.isfinite(request.temperature) and 0 <= request.temperature <= 10),
        "top_p": not 0 < request.top_p <= 1,
        "top_k": request.top_k < 0,
        "seed": not 0 <= request.seed < 1 << 64,
    }
    for name, wrong in problems.items():
        if wrong:
            raise ModelError(
                f"{name} is {getattr(request, name)}, which is not possible.", "Correct the request."
            )


def check_scoring(request: ScoringRequest) -> None:
    """Return if `request` is possible.

    Raises:
        ModelError: It has no text, or more of something than is allowed; says which.
    """
    if not request.text:
        raise ModelError("There is no text to score.", "Correct the request.")
    bounds = {
        "variants": (len(request.variants), 0, _MAX_VARIANTS),
        "branches": (request.branches, 0, _MAX_BRANCHES),
        "max_line_tokens": (request.max_line_tokens, 1, _MAX_LINE_TOKENS),
    }
    for name, (found, least, most) in bounds.items():
        if not least <= found <= most:
            raise ModelError(f"{name} is {found}, not {least} to {most}.", "Correct the request.")
