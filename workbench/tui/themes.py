"""Loads themes from TOML files and refuses those that could hide a change.

The rules:

1. A file names only the keys listed here, each exactly once, and every colour parses (`#rrggbb`, or
   `ansi_…` in a theme that says `ansi = true`): Textual accepts any string and dies of it later.
2. A file is at most 16 KiB, regular, and not a link.
3. Text of a diff or of an approval has a contrast of at least 4.5:1 on what it stands on.
4. Added and deleted rows differ by at least 20 (CIE76) for people with deuteranopia and protanopia.
5. A file that breaks a rule is listed with the reason and skipped; it is never fatal.

`ansi` colours are judged by the VGA palette; what a terminal makes of them cannot be known.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from workbench.core.errors import WorkbenchError
from workbench.core.safe_text import one_line
from workbench.tui.colour import DEUTERANOPIA, PROTANOPIA, Rgb, contrast, distance

MAX_BYTES = 16 * 1024
MIN_CONTRAST = 4.5
MIN_DISTANCE = 20.0
DEFAULT = "dark"

CHROME = (
    "background",
    "text",
    "dim",
    "frame",
    "frame-focus",
    "accent",
    "cursor-background",
    "cursor-text",
    "bar-background",
    "bar-text",
)
DIFF = (
    "add-background",
    "add-text",
    "add-mark",
    "delete-background",
    "delete-text",
    "delete-mark",
    "gutter",
    "hunk",
    "note",
)
APPROVAL = ("risk-low", "risk-elevated", "risk-high", "stale", "good", "bad")
SYNTAX = ("keyword", "string", "number", "comment", "function", "type")
TOKENS = CHROME + DIFF + APPROVAL + SYNTAX
EMPHASIS = ("add-emphasis", "delete-emphasis")
"""The ground of words that changed inside a line; a theme that does not name them gets them mixed."""
MIX = 0.3
"""How much of the mark's colour is mixed into the row's ground; less where text could not be read on it."""

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_ANSI_RGB: Mapping[str, Rgb] = MappingProxyType(
    {
        "black": (0, 0, 0),
        "red": (170, 0, 0),
        "green": (0, 170, 0),
        "yellow": (170, 85, 0),
        "blue": (0, 0, 170),
        "magenta": (170, 0, 170),
        "cyan": (0, 170, 170),
        "white": (170, 170, 170),
        "bright_black": (85, 85, 85),
        "bright_red": (255, 85, 85),
        "bright_green": (85, 255, 85),
        "bright_yellow": (255, 255, 85),
        "bright_blue": (85, 85, 255),
        "bright_magenta": (255, 85, 255),
        "bright_cyan": (85, 255, 255),
        "bright_white": (255, 255, 255),
    }
)


@dataclass(frozen=True, slots=True)
class Palette:
    """A theme that passed every rule."""

    name: str
    dark: bool
    ansi: bool
    syntax_on_changes: bool
    """Whether changed rows keep their syntax colours."""
    colours: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Shelf:
    """What was found in the theme folders."""

    palettes: Mapping[str, Palette]
    refused: tuple[str, ...]
    """One line for each file that was skipped: its name and why."""

    def pick(self, name: str) -> Palette:
        """Return the theme called `name`, else the default one.

        Raises:
            WorkbenchError: No usable theme was found at all.
        """
        palette = self.palettes.get(name) or self.palettes.get(DEFAULT)
        if palette is None and self.palettes:
            palette = next(iter(self.palettes.values()))
        if palette is None:
            raise WorkbenchError(
                "No usable theme was found, so the screen cannot be drawn.",
                "Reinstall Workbench, or use `workbench --plain`.",
            )
        return palette


def shipped_folder() -> Path:
    """Return the folder of the themes that came with the program, in a wheel or in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "themes"
    return installed if installed.is_dir() else package.parent / "themes"


def load_all(folders: Iterable[Path]) -> Shelf:
    """Load every `*.toml` of `folders`; a later folder cannot replace a theme of an earlier one."""
    palettes: dict[str, Palette] = {}
    refused: list[str] = []
    for folder in folders:
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
            try:
                palette = load(path)
                if palette.name in palettes:
                    raise WorkbenchError(f"a theme called {palette.name} exists already")
                palettes[palette.name] = palette
            except WorkbenchError as error:
                refused.append(f"Theme {one_line(path.name)} was skipped: {error.cause}")
    return Shelf(MappingProxyType(palettes), tuple(refused))


def load(path: Path) -> Palette:
    """Load one theme file.

    Raises:
        WorkbenchError: The file breaks one of the rules above; the cause says which.
    """
    try:
        table = tomllib.loads(_read(path).decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WorkbenchError(f"not valid TOML ({one_line(str(error))})") from error
    palette = _parse(table)
    _check_contrast(palette)
    _check_distance(palette)
    return palette


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise WorkbenchError(f"cannot be read, or is a link ({os.strerror(error.errno or 0)})") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise WorkbenchError("not a regular file")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise WorkbenchError(f"larger than {MAX_BYTES} bytes")
    return data


def _parse(table: Mapping[str, object]) -> Palette:
    unknown = sorted(set(table) - {"name", "dark", "ansi", "syntax-on-changes", "colours"})
    if unknown:
        raise WorkbenchError(f"unknown key {one_line(unknown[0])}")
    name, colours = table.get("name"), table.get("colours")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise WorkbenchError("name must be 1 to 32 of a-z, 0-9 and -")
    flags = {key: table.get(key, default) for key, default in _FLAGS.items()}
    for key, flag in flags.items():
        if not isinstance(flag, bool):
            raise WorkbenchError(f"{key} must be true or false")
    if not isinstance(colours, dict):
        raise WorkbenchError("the table [colours] is missing")
    ansi = bool(flags["ansi"])
    return Palette(
        name, bool(flags["dark"]), ansi, bool(flags["syntax-on-changes"]), _parse_colours(colours, ansi)
    )


_FLAGS = MappingProxyType({"dark": True, "ansi": False, "syntax-on-changes": True})


def _parse_colours(colours: Mapping[str, object], ansi: bool) -> Mapping[str, str]:
    unknown = sorted(set(colours) - {*TOKENS, *EMPHASIS})
    if unknown:
        raise WorkbenchError(f"unknown colour {one_line(unknown[0])}")
    for token in (*TOKENS, *(token for token in EMPHASIS if token in colours)):
        value = colours.get(token)
        if value is None:
            raise WorkbenchError(f"{token} is missing")
        named = isinstance(value, str) and ansi and value.removeprefix("ansi_") in {*_ANSI_RGB, "default"}
        if not isinstance(value, str) or not ((named and value.startswith("ansi_")) or _HEX.fullmatch(value)):
            raise WorkbenchError(f"{token} is not a colour: {one_line(str(value))[:40]}")
    known = {token: str(colours[token]) for token in TOKENS}
    for token in EMPHASIS:
        kind = token.removesuffix("-emphasis")
        mixed = known[f"{kind}-background"] if ansi else _mixed(known, kind)
        known[token] = str(colours.get(token, mixed))
    return MappingProxyType(known)


def _mixed(colours: Mapping[str, str], kind: str) -> str:
    ground, mark, text = (_hex(colours[f"{kind}-{part}"]) for part in ("background", "mark", "text"))
    share = MIX
    while share > 0:
        red, green, blue = (round(a + (b - a) * share) for a, b in zip(ground, mark, strict=True))
        if contrast(text, (red, green, blue)) >= MIN_CONTRAST:
            return f"#{red:02x}{green:02x}{blue:02x}"
        share -= 0.05
    return colours[f"{kind}-background"]


def _hex(value: str) -> Rgb:
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)


def _rgb(palette: Palette, token: str) -> Rgb:
    value = palette.colours[token]
    if value.startswith("#"):
        return _hex(value)
    name = value.removeprefix("ansi_")
    if name == "default":
        light_on_dark = token.endswith("background") != palette.dark
        return (255, 255, 255) if light_on_dark else (0, 0, 0)
    return _ANSI_RGB[name]


def _check_contrast(palette: Palette) -> None:
    plain = ("text", "gutter", "hunk", "note", *APPROVAL, *SYNTAX)
    pairs = [(token, "background") for token in plain]
    pairs += [("cursor-text", "cursor-background"), ("bar-text", "bar-background")]
    for kind in ("add", "delete"):
        pairs.append((f"{kind}-text", f"{kind}-emphasis"))
        changed = [f"{kind}-text", f"{kind}-mark"]
        changed += [*SYNTAX, "gutter"] if palette.syntax_on_changes else []
        pairs += [(token, f"{kind}-background") for token in changed]
    for token, ground in pairs:
        ratio = contrast(_rgb(palette, token), _rgb(palette, ground))
        if ratio < MIN_CONTRAST:
            raise WorkbenchError(
                f"{token} on {ground} has a contrast of {ratio:.1f}:1, less than {MIN_CONTRAST}:1"
            )


def _check_distance(palette: Palette) -> None:
    added, deleted = _rgb(palette, "add-background"), _rgb(palette, "delete-background")
    for name, matrix in (("deuteranopia", DEUTERANOPIA), ("protanopia", PROTANOPIA)):
        apart = distance(added, deleted, matrix)
        if apart < MIN_DISTANCE:
            raise WorkbenchError(
                f"added and deleted rows differ by {apart:.0f} in {name}, less than {MIN_DISTANCE:.0f}"
            )
