"""Wires one workbench on one repository; the faces talk to nothing else.

The names below are loaded when first used, so that the audit commands, which read a ledger with the words
of `history`, load neither an agent nor a parser.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.session.opening import Options as Options
    from workbench.session.session import Session as Session

_HOMES = {"Options": "opening", "Session": "session"}

__all__ = ["Options", "Session"]


def __getattr__(name: str) -> Any:
    """Load a name on its first use (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"workbench.session.{home}"), name)
