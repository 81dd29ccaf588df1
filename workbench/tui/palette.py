"""Offers every action and theme in Textual's command palette, from the registry."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from workbench.tui.actions import EVERY
from workbench.tui.keymap import shown_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workbench.tui.app import WorkbenchApp


class ActionProvider(Provider):
    """Every action; those that decide are listed, and say that only their key does it."""

    def entries(self) -> Iterator[tuple[str, str, Callable[[], None]]]:
        """Yield title, help and what to run, in the registry's order."""
        app = cast("WorkbenchApp", self.app)
        for action in EVERY:
            keys = ", ".join(shown_key(key) for key in app.keymap.keys(action))
            title = f"{action.title}  ({keys})" if keys else action.title
            yield title, action.description, partial(app.act, action.id, listed=True)
        for name in app.shelf.palettes:
            yield (
                f"Theme: {name}",
                "Paints with this theme until the program ends.",
                partial(app.use_theme, name),
            )

    async def discover(self) -> Hits:
        """Offer everything before anything is typed."""
        for title, description, run in self.entries():
            yield DiscoveryHit(Content(title), run, title, description)

    async def search(self, query: str) -> Hits:
        """Offer what matches."""
        matcher = self.matcher(query)
        for title, description, run in self.entries():
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, Content(title), run, title, description)


def palette() -> CommandPalette:
    """Return the palette, with our provider only."""
    return CommandPalette(providers=[ActionProvider], placeholder="Search for a command")
