"""Recognises entries that have the same shape as one that was checked in full, at a fraction of the cost.

Whether bytes are the canonical form of a body is found by parsing and writing them again, which takes most of
the time of a verification. But entries repeat: the same fields, other values. So of a body that was checked
in full, a pattern is made in which

1. every key, bracket and comma, every `true`, `false` and `null`, and every empty list stand as they are;
2. `v`, `ledger`, `type` and `phase` stand with their values, and so does an `op_id` that is empty; `prev`,
   `seq` and `t` in the only forms they can have;
3. every other text is any run of plain ASCII without quotes, backslashes and controls, every other integer
   any of up to fifteen digits without leading zeros: such a value has only one written form.

Bytes that match a pattern from end to end are therefore canonical, and have a complete envelope. What
matches none is checked in full. So every byte of every entry is checked either way, and hashed besides.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, TypeAlias

from workbench.core.records import Json
from workbench.ledger.events import REDACTION, ROTATED

LEARN_AFTER: Final = 64
"""Entries checked in full before a pattern is made of one: making one costs as much as checking fifty."""
MOST_OF_A_KIND: Final = 8
"""Patterns tried for one kind of entry; bounds what a hostile ledger can make this cost."""
MOST: Final = 256
"""Patterns in all."""
MOST_PARTS: Final = 400
"""Values in one pattern; longer entries are rare and checked in full."""

# Possessive: what ends a value cannot be part of it, so there is nothing to go back for.
# Possessive: what ends a value cannot be part of it, so there is nothing to go back for.
_TEXT: Final = r"[ !#-\[\]-~]*+"
_INTEGER: Final = r"(?>0|-?[1-9][0-9]{0,14}+)"
_FORMS: Final = {
    "prev": "([0-9a-f]{64})",
    "t": r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)",
}
_ACTOR: Final = ("actor", "id")
_COMPARED: Final = (("t",), ("seq",), ("prev",), ("op_id",), ("obj", "path"))
_AS_IT_IS: Final = (("ledger",), ("type",), ("phase",))
_NEVER: Final = frozenset({REDACTION, ROTATED})
"""Types whose further fields decide something, so that each is read in full."""

Place: TypeAlias = tuple[str, ...]
"""The keys that lead to a value."""
Row: TypeAlias = tuple[Any, ...]
"""`idx, leaf, prev, body`, then what it is searched by in the order of `store.SEARCHED`; texts as bytes."""


class Shape:
    """The pattern of one shape.

    Entries of one session begin alike, with who acted and the boot: what was matched there once is compared
    as it stands from then on, and only the rest is matched again.
    """

    __slots__ = ("_actor", "_begin", "_groups", "_has_op_id", "_has_path", "_plain", "_rest", "_start")

    def __init__(self, body: dict[str, Json]) -> None:
        begin: list[Place] = []
        rest: list[Place] = []
        # `{` and `}` are part of the whole; the fields before `id` are "actor", "boot_id" and whatever else.
        parts = [(key, value, key < "id") for key, value in body.items()]
        first = ",".join(_field(key, value, begin) for key, value, early in parts if early)
        second = ",".join(_field(key, value, rest) for key, value, early in parts if not early)
        self._begin = re.compile(rf"\{{{first},".encode("ascii")).match
        self._rest = re.compile(rf"{second}\}}".encode("ascii")).fullmatch
        self._actor = begin.index(_ACTOR) + 1
        self._has_path, self._has_op_id = ("obj", "path") in rest, ("op_id",) in rest
        self._plain = self._has_path and not self._has_op_id
        self._groups = tuple(rest.index(place) + 1 for place in _COMPARED if place in rest)
        self._start: tuple[bytes, bytes] = (b"\n", b"")

    def fits(self, row: Row, seq: bytes, prev: bytes) -> bool:
        """Say whether a row has this shape, stands at `seq` after `prev`, and is searched by what it says."""
        raw: bytes = row[3]
        start, actor = self._start
        if not raw.startswith(start):
            begin = self._begin(raw)
            if begin is None:
                return False
            start, actor = self._start = begin.group(), begin.group(self._actor)
        rest = self._rest(raw, len(start))
        if rest is None or actor != row[8]:
            return False
        # The type and the phase stand in the pattern, and it was chosen by these two columns.
        said = rest.group(*self._groups)
        if not self._plain:
            op_id, path = said[3] if self._has_op_id else b"", said[-1] if self._has_path else None
            return said[:3] == (row[7], seq, prev) and (op_id, path) == (row[6], row[9])
        return said == (row[7], seq, prev, row[9]) and row[6] == b""


class Shapes:
    """The shapes met so far in one walk."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes], list[Shape]] = {}
        self._met: dict[tuple[bytes, bytes], int] = {}
        self._count = 0

    def fits(self, row: Row, seq: bytes, prev: bytes) -> bool:
        """Say whether a row fits one of the shapes; where it does not, it must be checked in full."""
        for shape in self._known.get(row[4:6], ()):  # noqa: SIM110 - a generator would cost as much as a match
            if shape.fits(row, seq, prev):
                return True
        return False

    def learn(self, raw: bytes, body: dict[str, Json]) -> None:
        """Take note of a body that was checked in full, with its fields in the order of its bytes."""
        actor = body["actor"]
        named = isinstance(actor, dict) and isinstance(actor.get("id"), str)
        if body["type"] in _NEVER or body["sealed"] or body["seq"] == 0 or not named:
            return
        if not raw.isascii():
            return
        kind = (str(body["type"]).encode(), str(body["phase"]).encode())
        met = self._met[kind] = self._met.get(kind, 0) + 1
        known = self._known.get(kind, [])
        if (
            met % LEARN_AFTER
            or len(known) >= MOST_OF_A_KIND
            or self._count >= MOST
            or _parts(body) > MOST_PARTS
        ):
            return
        self._count += 1
        self._known.setdefault(kind, []).append(Shape(body))


def _field(key: str, value: Json, order: list[Place], place: Place = ()) -> str:
    name = re.escape(json.dumps(key, ensure_ascii=False))
    return f"{name}:{_pattern(value, order, (*place, key))}"


def _pattern(value: Json, order: list[Place], place: Place) -> str:
    if isinstance(value, dict):
        inner = ",".join(_field(key, item, order, place) for key, item in value.items())
        return rf"\{{{inner}\}}"
    if isinstance(value, list):
        inner = ",".join(_pattern(item, order, (*place, "")) for item in value)
        return rf"\[{inner}\]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if place in _AS_IT_IS or (place == ("op_id",) and value == ""):
        return re.escape(json.dumps(value, ensure_ascii=False))
    captured = place in _COMPARED or place == _ACTOR
    if captured:
        order.append(place)
    if isinstance(value, int):
        if place == ("v",):
            return str(value)
        return f"({_INTEGER})" if captured else _INTEGER
    form = _FORMS.get(place[0], f"({_TEXT})") if len(place) == 1 else f"({_TEXT})"
    return f'"{form if captured else _TEXT}"'


def _parts(value: Json) -> int:
    if isinstance(value, dict):
        return 1 + sum(_parts(item) for item in value.values())
    if isinstance(value, list):
        return 1 + sum(_parts(item) for item in value)
    return 1
