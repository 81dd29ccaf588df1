"""Turns a palette into the styles that line widgets paint with, and into Textual's theme.

Without colour (`NO_COLOR`), what colour said is said by reverse video and weight; never by underlining,
which would hide an underscore.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from types import MappingProxyType

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from workbench.core.records import Risk
from workbench.tui.themes import TOKENS, Palette


@dataclass(frozen=True, slots=True)
class Inks:
    """Every style a line widget uses, by what it is for."""

    base: Style
    """What every row is painted on; under every other ink."""
    text: Style
    dim: Style
    strong: Style
    frame: Style
    frame_focus: Style
    accent: Style
    title_focus: Style
    tab_current: Style
    cursor: Style
    cursor_away: Style
    """The cursor's row while the focus is elsewhere."""
    bar: Style
    bar_dim: Style
    bar_strong: Style
    add: Style
    add_mark: Style
    add_emphasis: Style
    """Over a word that an added row has and its other side has not."""
    delete: Style
    delete_mark: Style
    delete_emphasis: Style
    gutter: Style
    hunk: Style
    note: Style
    found: Style
    """Over what was searched for."""
    found_here: Style
    """Over it where the search stands."""
    risk_low: Style
    risk_elevated: Style
    risk_high: Style
    stale: Style
    good: Style
    bad: Style
    keyword: Style
    string: Style
    number: Style
    comment: Style
    function: Style
    type: Style

    def risk(self, risk: Risk) -> Style:
        """Return the ink a risk is written in; the word always stands beside it."""
        return {Risk.LOW: self.risk_low, Risk.ELEVATED: self.risk_elevated, Risk.HIGH: self.risk_high}[risk]


def inks_of(palette: Palette, *, no_color: bool = False) -> Inks:
    """Return the styles of `palette`."""

    def ink(token: str, ground: str = "", *, bold: bool | None = None, reverse: bool | None = None) -> Style:
        background = _rich(palette, ground) if ground else None
        return Style(color=_rich(palette, token), bgcolor=background, bold=bold, reverse=reverse)

    named = {
        "base": ink("text", "background"),
        "text": ink("text"),
        "dim": ink("dim"),
        "strong": ink("text", bold=True),
        "frame": ink("frame"),
        "frame_focus": ink("frame-focus", bold=True),
        "accent": ink("accent", bold=True),
        "tab_current": ink("bar-text", "bar-background", bold=True, reverse=True),
        "title_focus": ink("accent", bold=True, reverse=True),
        "cursor": ink("text", reverse=True) if no_color else ink("cursor-text", "cursor-background"),
        "cursor_away": ink("text", bold=True) if no_color else ink("text", "bar-background"),
        "bar": ink("bar-text", "bar-background"),
        "bar_dim": ink("dim", "bar-background"),
        "bar_strong": ink("bar-text", "bar-background", bold=True),
        "add": ink("add-text", "add-background", bold=no_color or None),
        "add_mark": ink("add-mark", "add-background", bold=True, reverse=no_color or None),
        "add_emphasis": _emphasis(palette, "add", no_color=no_color),
        "delete_emphasis": _emphasis(palette, "delete", no_color=no_color),
        "found": ink("note", "background", reverse=True),
        "found_here": ink("accent", "background", bold=True, reverse=True),
        "delete": ink("delete-text", "delete-background"),
        "delete_mark": ink("delete-mark", "delete-background", bold=True, reverse=no_color or None),
    }
    for slot in fields(Inks):
        if slot.name not in named:
            named[slot.name] = ink(slot.name.replace("_", "-"))
    return Inks(**named)


def _emphasis(palette: Palette, kind: str, *, no_color: bool) -> Style:
    """Return the style of changed words: their own ground, or reverse video where colours are not ours."""
    if palette.ansi or no_color:
        return Style(bold=True, reverse=True)
    return Style(
        color=palette.colours[f"{kind}-text"], bgcolor=palette.colours[f"{kind}-emphasis"], bold=True
    )


def theme_of(palette: Palette) -> Theme:
    """Return `palette` as a Textual theme whose variables are called `$ink-…`."""
    colour = palette.colours
    return Theme(
        name=palette.name,
        dark=palette.dark,
        ansi=palette.ansi,
        primary=colour["accent"],
        secondary=colour["accent"],
        accent=colour["accent"],
        warning=colour["risk-elevated"],
        error=colour["bad"],
        success=colour["good"],
        foreground=colour["text"],
        background=colour["background"],
        surface=colour["background"],
        panel=colour["bar-background"],
        variables={**variables_of(palette), **(_ANSI_VARIABLES if palette.ansi else {})},
    )


_ANSI_VARIABLES = MappingProxyType(
    {
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
        "input-selection-background": "ansi_cyan",
        "input-selection-foreground": "ansi_black",
    }
)
"""What Textual's own styles ask of an `ansi` theme."""


def variables_of(palette: Palette) -> dict[str, str]:
    """Return the variables that the style sheet uses."""
    return {f"ink-{token}": palette.colours[token] for token in TOKENS}


def _rich(palette: Palette, token: str) -> str:
    value = palette.colours[token]
    if not palette.ansi:
        return value
    colour = Color.parse(value)
    return colour.rich_color.name if value.startswith("ansi_") else value
