"""Knows the models measured with this program: digest, size, licence, format, what each is fit for."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One known model file."""

    name: str
    title: str
    file: str
    """The file name under which it is usually found."""
    sha256: str
    size: int
    """Bytes."""
    licence: str
    """SPDX identifier."""
    family: str
    """Chat format."""
    context: int
    """Tokens the model was trained on."""
    edit_format: str
    roles: tuple[str, ...]
    """What the model is fit for; empty for one that only serves to try the program out."""


@cache
def entries() -> tuple[CatalogueEntry, ...]:
    """Return every known model, smallest first."""
    text = resources.files("workbench.model").joinpath("catalogue.toml").read_text("utf-8")
    tables = tomllib.loads(text)["model"]
    return tuple(CatalogueEntry(**{**table, "roles": tuple(table["roles"])}) for table in tables)


def by_name(name: str) -> CatalogueEntry | None:
    """Return the entry called `name`, or whose file is called so."""
    wanted = name.casefold()
    return next((entry for entry in entries() if wanted in {entry.name, entry.file.casefold()}), None)


def by_sha256(digest: str) -> CatalogueEntry | None:
    """Return the entry of the file with this digest."""
    return next((entry for entry in entries() if entry.sha256 == digest), None)
