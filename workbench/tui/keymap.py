"""Reads `keymap.toml`, which gives actions other keys, and refuses one that could make deciding unsafe.

The file is one table of action ids and keys, such as `"review.approve" = "a"`; several keys are separated
by commas. The rules:

1. Every id exists, every value is a string of keys that a terminal can send.
2. No two actions of one place end up on the same key.
3. Deciding keeps off `enter`, `space`, `ctrl+d`, `ctrl+j`, `ctrl+m` and `tab`; the keys that confirm a high
   risk, or acknowledge what is hidden, are none of those that approve.
4. A file that breaks a rule is not used at all: one notice says why, and the default keys stay.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.keys import _character_to_key

from workbench.core.errors import UsageError, WorkbenchError
from workbench.core.safe_text import one_line
from workbench.tui.action import Action
from workbench.tui.actions import ACTIONS, BY_ID, PROMPT_ACTIONS

MAX_BYTES = 64 * 1024
NEVER_DECIDE = frozenset({"enter", "space", "ctrl+d", "ctrl+j", "ctrl+m", "tab", "escape"})
_DECIDING = ("review.approve", "review.confirm", "review.reject", "review.acknowledge")
_KEY = re.compile(r"(?:(?:ctrl|alt|shift)\+)*(?:[a-z0-9_]+|[A-Z])")


for _digit in range(10):
    # Textual takes what every terminal sends for alt and a digit for the sign that a Mac types with option.
    cast("dict[str, object]", ANSI_SEQUENCES_KEYS).pop(f"\x1b{_digit}", None)


@dataclass(frozen=True, slots=True)
class Keymap:
    """The keys in force."""

    changed: Mapping[str, str]
    """Only what the file changes, as `App.set_keymap` takes it."""
    notice: str = ""
    """Why the file was not used; empty when it was, or when there is none."""

    def keys(self, action: Action) -> tuple[str, ...]:
        """Return Textual's names of the keys of `action`."""
        return split_keys(self.changed.get(action.id, action.keys))


def split_keys(keys: str) -> tuple[str, ...]:
    """Return the single keys of a comma-separated list, as Textual names them."""
    return tuple(_name(key.strip()) for key in keys.split(",") if key.strip())


def _name(key: str) -> str:
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    return "+".join([*modifiers, _character_to_key(last) if len(last) == 1 else last])


def read_keymap(path: Path) -> Keymap:
    """Return the keys in force with the file at `path`; never raises."""
    try:
        return Keymap(MappingProxyType(_load(path)))
    except FileNotFoundError:
        return Keymap(MappingProxyType({}))
    except WorkbenchError as error:
        notice = f"{one_line(path.name)} is not used, the default keys stay: {error.cause}"
        return Keymap(MappingProxyType({}), notice)


def _load(path: Path) -> dict[str, str]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"it is larger than {MAX_BYTES} bytes.")
        table = tomllib.loads(path.read_bytes()[:MAX_BYTES].decode("utf-8"))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UsageError(f"it cannot be read ({os.strerror(error.errno or 0)}).") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"it is not valid TOML ({one_line(str(error))}).") from error
    changed = {action_id: _checked(action_id, value) for action_id, value in table.items()}
    _check_deciding(changed)
    _check_clashes(changed, ACTIONS)
    _check_clashes(changed, PROMPT_ACTIONS)
    return changed


def _checked(action_id: str, value: object) -> str:
    if action_id not in BY_ID:
        raise UsageError(f"there is no action {one_line(action_id)[:60]!r}.")
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"the keys of {action_id} are not a string.")
    keys = split_keys(value)
    for key in keys:
        if not _KEY.fullmatch(key):
            raise UsageError(f"{action_id} names {one_line(key)[:30]!r}, which is no key.")
    return ",".join(keys)


def _check_clashes(changed: Mapping[str, str], actions: Sequence[Action]) -> None:
    taken: dict[str, str] = {}
    for action in actions:
        for key in split_keys(changed.get(action.id, action.keys)):
            if key in taken:
                raise UsageError(f"{taken[key]} and {action.id} would both be on {key}.")
            taken[key] = action.id


def _check_deciding(changed: Mapping[str, str]) -> None:
    keys = {name: set(split_keys(changed.get(name, BY_ID[name].keys))) for name in _DECIDING}
    for name, chosen in keys.items():
        if unsafe := sorted(chosen & NEVER_DECIDE):
            raise UsageError(f"{name} may not be on {unsafe[0]}, which is too easily pressed by accident.")
    for name in ("review.confirm", "review.acknowledge"):
        if keys["review.approve"] & keys[name]:
            raise UsageError(f"{name} must be on another key than review.approve.")


def shown_key(key: str) -> str:
    """Return a key as a person reads it: `^p`, `alt+1`, `]`, `pgdn`."""
    if key.startswith("ctrl+"):
        return "^" + shown_key(key.removeprefix("ctrl+"))
    if "+" in key:
        modifier, _, rest = key.rpartition("+")
        return f"{modifier}+{shown_key(rest)}"
    return _SHOWN.get(key, key)


_SHOWN = MappingProxyType(
    {
        "right_square_bracket": "]",
        "left_square_bracket": "[",
        "right_curly_bracket": "}",
        "left_curly_bracket": "{",
        "question_mark": "?",
        "exclamation_mark": "!",
        "slash": "/",
        "colon": ":",
        "plus": "+",
        "minus": "-",
        "escape": "esc",
        "pagedown": "pgdn",
        "pageup": "pgup",
    }
)
