"""Reads and writes the file that lists the registered models; a file it cannot understand is left alone."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.core.errors import ModelError
from workbench.core.safe_text import one_line
from workbench.model import files

FORMAT = 1
_MAX_BYTES = 4 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_TEXTS = ("name", "path", "sha256", "family", "architecture", "added")
_NUMBERS = ("size", "mtime_ns", "ctime_ns", "device", "inode", "context_length")


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """One model file that was checked, hashed and tried."""

    name: str
    path: Path
    """Absolute, with links resolved."""
    sha256: str
    identity: files.FileIdentity
    family: str
    """Chat format."""
    architecture: str
    context_length: int
    """Tokens the model was trained on; 0 where the file does not say."""
    added: str
    """UTC."""

    @property
    def size(self) -> int:
        """Bytes."""
        return self.identity.size


@dataclass(frozen=True, slots=True)
class Registrations:
    """Everything the file says."""

    models: tuple[RegisteredModel, ...] = ()
    default: str = ""

    def with_model(self, model: RegisteredModel) -> Registrations:
        """Return these with `model` in place of the one of the same name, or at the end."""
        if any(other.name == model.name for other in self.models):
            swapped = tuple(model if other.name == model.name else other for other in self.models)
            return replace(self, models=swapped)
        return replace(self, models=(*self.models, model))

    def without(self, name: str) -> Registrations:
        """Return these without `name`; the last one left becomes the default where `name` was it."""
        models = tuple(model for model in self.models if model.name != name)
        default = self.default if self.default != name else (models[-1].name if models else "")
        return Registrations(models, default)


def read(path: Path) -> Registrations:
    """Return what the file at `path` says; a missing file says nothing.

    Raises:
        ModelError: It cannot be read or understood; it is not touched.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return Registrations()
    except OSError as error:
        raise ModelError(
            f"{one_line(str(path))} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    try:
        return _parsed(data)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(
            f"{one_line(str(path))} cannot be understood: {one_line(str(error)) or type(error).__name__}.",
            "Restore it from a copy, or move it away and add your models again; no model file is affected.",
        ) from error


def write(path: Path, registrations: Registrations) -> None:
    """Replace the file at `path`, whole or not at all.

    Raises:
        ModelError: It cannot be written.
    """
    document = {
        "format": FORMAT,
        "default": registrations.default,
        "models": [_table(model) for model in registrations.models],
    }
    files.write_private(path, (json.dumps(document, indent=2) + "\n").encode("ascii"))


def _table(model: RegisteredModel) -> dict[str, str | int]:
    identity = model.identity
    return {
        "name": model.name,
        "path": str(model.path),
        "sha256": model.sha256,
        "size": identity.size,
        "mtime_ns": identity.mtime_ns,
        "ctime_ns": identity.ctime_ns,
        "device": identity.device,
        "inode": identity.inode,
        "family": model.family,
        "architecture": model.architecture,
        "context_length": model.context_length,
        "added": model.added,
    }


def _parsed(data: bytes) -> Registrations:
    if len(data) > _MAX_BYTES:
        raise ValueError(f"it is larger than {_MAX_BYTES} bytes")
    document = json.loads(data)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"it is not of format {FORMAT}")
    models = tuple(_model(table) for table in document["models"])
    names = [model.name for model in models]
    if len(set(names)) != len(names):
        raise ValueError("it lists a name twice")
    default = document["default"]
    if default not in (names or [""]):
        raise ValueError("its default is not among its models")
    return Registrations(models, default)


def _model(table: Any) -> RegisteredModel:
    if not isinstance(table, dict):
        raise TypeError("an entry is not a table")
    for key in _TEXTS:
        if not isinstance(table.get(key), str):
            raise TypeError(f"an entry has no text {key!r}")
    for key in _NUMBERS:
        if type(table.get(key)) is not int:
            raise ValueError(f"an entry has no whole number {key!r}")
    if not _SHA256.match(table["sha256"]) or not table["path"].startswith("/") or not table["name"]:
        raise ValueError("an entry has an impossible name, path or digest")
    identity = files.FileIdentity(
        table["size"], table["mtime_ns"], table["ctime_ns"], table["device"], table["inode"]
    )
    return RegisteredModel(
        table["name"],
        Path(table["path"]),
        table["sha256"],
        identity,
        table["family"],
        table["architecture"],
        table["context_length"],
        table["added"],
    )
