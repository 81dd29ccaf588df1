"""The model room: what a model file is, which ones are trusted, and the engine that runs one in this process.

Other rooms use the names below. They are loaded when first used, so that importing this room maps no
native library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.model.catalogue import CatalogueEntry as CatalogueEntry
    from workbench.model.engine import Branch as Branch
    from workbench.model.engine import Engine as Engine
    from workbench.model.engine import EngineSettings as EngineSettings
    from workbench.model.engine import Generation as Generation
    from workbench.model.engine import GenerationRequest as GenerationRequest
    from workbench.model.engine import LoadProgress as LoadProgress
    from workbench.model.engine import Message as Message
    from workbench.model.engine import ModelInfo as ModelInfo
    from workbench.model.engine import PromptProgress as PromptProgress
    from workbench.model.engine import Scoring as Scoring
    from workbench.model.engine import ScoringRequest as ScoringRequest
    from workbench.model.engine import TextPiece as TextPiece
    from workbench.model.gguf import Header as Header
    from workbench.model.gguf import read_header as read_header
    from workbench.model.grammar import one_of as one_of
    from workbench.model.llama import load as load
    from workbench.model.registry import AddProgress as AddProgress
    from workbench.model.registry import Registry as Registry
    from workbench.model.registry_file import RegisteredModel as RegisteredModel
    from workbench.model.trial import try_file as try_file

_HOMES = {
    "AddProgress": "registry",
    "Branch": "engine",
    "CatalogueEntry": "catalogue",
    "Engine": "engine",
    "EngineSettings": "engine",
    "Generation": "engine",
    "GenerationRequest": "engine",
    "Header": "gguf",
    "LoadProgress": "engine",
    "Message": "engine",
    "ModelInfo": "engine",
    "PromptProgress": "engine",
    "RegisteredModel": "registry_file",
    "Registry": "registry",
    "Scoring": "engine",
    "ScoringRequest": "engine",
    "TextPiece": "engine",
    "load": "llama",
    "one_of": "grammar",
    "read_header": "gguf",
    "try_file": "trial",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Load a name on its first use (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
