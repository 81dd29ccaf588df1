"""Refuses settings and requests that are out of range, before native code meets them."""

from __future__ import annotations

import math

from workbench.core.errors import ModelError
from workbench.model.engine import EngineSettings, GenerationRequest

_MAX_THREADS = 256
_MIN_CONTEXT = 64
_MAX_CONTEXT = 1 << 20
_MAX_BATCH = 4096


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
