"""Finds the inks of the running program for a widget, without widgets knowing the application class."""

from __future__ import annotations

from typing import Protocol, cast

from textual.widget import Widget

from workbench.tui.inks import Inks


class Inked(Protocol):
    """An application that has chosen its inks."""

    inks: Inks


def inks_for(widget: Widget) -> Inks:
    """Return the inks that `widget` paints with now."""
    return cast("Inked", widget.app).inks
