"""Models for the tests of this room: real ones from the cache, and a toy that every machine can load."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import models
from tests.model import gguf_files
from workbench.model import RegisteredModel, Registry, load
from workbench.model.llama import LlamaEngine


@pytest.fixture(scope="session")
def smollm2_path() -> Path:
    """The file of SmolLM2 135M; the test is skipped where it is not in the cache."""
    return models.smollm2()


@pytest.fixture(scope="session")
def qwen05_path() -> Path:
    """The file of Qwen2.5-Coder 0.5B; the test is skipped where it is not in the cache."""
    return models.qwen05()


@pytest.fixture(scope="module")
def smollm2_model(smollm2_path: Path, tmp_path_factory: pytest.TempPathFactory) -> RegisteredModel:
    """SmolLM2, registered anew for each module: other tests may have touched the file since."""
    return Registry(tmp_path_factory.mktemp("smollm2")).add(smollm2_path)


@pytest.fixture(scope="session")
def toy_model(tmp_path_factory: pytest.TempPathFactory) -> RegisteredModel:
    """The toy model, registered."""
    folder = tmp_path_factory.mktemp("toy")
    return Registry(folder / "registry").add(gguf_files.toy().write(folder / "toy.gguf"))


@pytest.fixture
def toy(toy_model: RegisteredModel) -> Iterator[LlamaEngine]:
    """The toy model, loaded, with an empty cache."""
    engine = load(toy_model)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def smollm2(smollm2_model: RegisteredModel) -> Iterator[LlamaEngine]:
    """SmolLM2, loaded once for a module."""
    engine = load(smollm2_model)
    yield engine
    engine.close()
