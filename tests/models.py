"""Finds the models that tests load, in the cache that `scripts/fetch_model.py` fills, or skips the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.core.places import cache_root
from workbench.model import catalogue

# Taken once, at import: tests of other rooms point the XDG variables elsewhere.
_CACHE = cache_root() / "models"


def smollm2() -> Path:
    """Return SmolLM2 135M, the fastest model that answers, or skip the test."""
    return _cached("smollm2-135m")


def qwen05() -> Path:
    """Return Qwen2.5-Coder 0.5B, the smallest model that writes code, or skip the test."""
    return _cached("qwen2.5-coder-0.5b")


def _cached(name: str) -> Path:
    entry = catalogue.by_name(name)
    assert entry is not None
    path = _CACHE / name / entry.file
    if not path.is_file() or path.stat().st_size != entry.size:
        pytest.skip(f"{name} is not in the cache: run scripts/fetch_model.py {name}")
    return path
