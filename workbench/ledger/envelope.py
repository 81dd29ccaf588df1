"""Turns an event into the exact bytes of a ledger entry, and such bytes back into a body.

A body is one RFC 8785 (JCS) object. Its envelope:

    v         1
    id        UUIDv7 of this entry
    seq       its index in the tree, from 0
    prev      leaf hash of the entry before it, in hex; 64 zeros for the first
    ledger    the origin, so that an entry of another ledger cannot be spliced in
    vkey      only in the first entry: the key that signs this ledger's checkpoints
    vkey_pq   only there, and only where there is one: the key of their second line
    t         UTC, `YYYY-MM-DDThh:mm:ss.ffffffZ`
    mono_ns   nanoseconds since boot, as a decimal string; held against `t` (see `clock_check`)
    boot_id, pid, type, phase, op_id, session
    actor     {kind, id, name, role, os_uid, on_behalf_of}
    origin    {host, app_version}
    sealed    {field: {c: base64(SHA-256(salt || value)), ref: UUIDv7}}

Further fields stand beside it under names of their own. Bodies hold no floats, no integers beyond
2^53 - 1, and no text that is not UTF-8: where a path or an argument is not, a visible form stands in its
place and the exact bytes stand beside it in base64, under the same name with `_b64`.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NoReturn

import rfc8785

from workbench.core.errors import LedgerBroken
from workbench.core.ids import uuid7
from workbench.core.records import Event, Json, Principal
from workbench.core.safe_text import one_line
from workbench.ledger.clock_check import Reading
from workbench.ledger.errors import EventRefused
from workbench.ledger.events import PHASES, check_event
from workbench.ledger.sealed import SealedValue

VERSION: Final = 1
MAX_BODY: Final = 65_535
"""Bytes in a body: tlog-tiles entry bundles count them with 16 bits."""
MAX_DEPTH: Final = 32
"""Nested lists and objects in a field; bounds recursion on cyclic values."""
NO_PREV: Final = bytes(32)
"""What the first entry names as the leaf hash before it."""

_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, separators=(",", ":"), sort_keys=True
)
_BEYOND: Final = re.compile("[\ud800-\U0010ffff]")
"""Where the order of code points, which Python sorts keys by, is not that of UTF-16, which JCS asks for."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_LARGEST: Final = 2**53 - 1
_ENVELOPE: Final = frozenset(
    {
        "v",
        "id",
        "seq",
        "prev",
        "ledger",
        "vkey",
        "vkey_pq",
        "t",
        "mono_ns",
        "boot_id",
        "pid",
        "type",
        "phase",
        "op_id",
    }
    | {"actor", "session", "origin", "sealed"}
)


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that was checked and copied in its caller's thread, before it has a place in the ledger."""

    type: str
    phase: str
    op_id: str
    actor: dict[str, Json]
    fields: dict[str, Json]
    sealed: tuple[SealedValue, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """What all entries of one session of one ledger share."""

    ledger: str
    vkey: str
    session: str
    host: str
    app_version: str
    second_vkey: str = ""
    """The key of the second line, for the first entry; empty where there is none."""


def draft(event: Event, ledger: str) -> Draft:
    """Check an event and copy it, sealing what must be sealed.

    Raises:
        EventRefused: If the ledger cannot hold it, or writes it by itself.
    """
    check_event(event.type, event.phase, event.op_id)
    return copied(event, ledger)


def copied(event: Event, ledger: str) -> Draft:
    """Return a draft of an event that may be written, sealing what must be sealed.

    Raises:
        EventRefused: If the ledger cannot hold it.
    """
    taken = _ENVELOPE & event.fields.keys()
    if taken:
        raise EventRefused(
            f"The ledger itself fills in {', '.join(sorted(taken))}.", "Name the field otherwise."
        )
    sealed = tuple(SealedValue.make(_text(name), value, ledger) for name, value in event.sealed.items())
    actor = _actor(event.actor).copy()
    return Draft(event.type, event.phase, _text(event.op_id), actor, _object(event.fields, 0), sealed)


@lru_cache(maxsize=64)
def _actor(who: Principal) -> dict[str, Json]:
    return {
        "kind": _text(who.kind),
        "id": _text(who.id),
        "name": _text(who.name),
        "role": _text(who.role),
        "os_uid": _plain(who.os_uid, 0),
        "on_behalf_of": _text(who.on_behalf_of),
    }


def compose(
    item: Draft, source: Source, seq: int, prev: bytes, reading: Reading | None = None
) -> tuple[dict[str, Json], bytes]:
    """Give a draft its place, and return the body with its canonical bytes.

    Args:
        item: The draft.
        source: What all entries of this session share.
        seq: Its index.
        prev: The leaf hash of the entry before it.
        reading: What the clocks say; they are read where it is None.

    Raises:
        EventRefused: If the bytes would be more than `MAX_BODY`.
    """
    reading = reading or Reading.now()
    body: dict[str, Json] = {
        **item.fields,
        "v": VERSION,
        "id": uuid7(),
        "seq": seq,
        "prev": prev.hex(),
        "ledger": source.ledger,
        "t": reading.t,
        # A string: after 104 days of uptime the number passes 2^53, which JCS cannot hold.
        "mono_ns": str(reading.mono_ns),
        "boot_id": reading.boot_id,
        "pid": os.getpid(),
        "type": item.type,
        "phase": item.phase,
        "op_id": item.op_id,
        "actor": item.actor,
        "session": source.session,
        "origin": {"host": source.host, "app_version": source.app_version},
        "sealed": {value.name: {"c": value.commitment, "ref": value.ref} for value in item.sealed},
    }
    if seq == 0:
        body["vkey"] = source.vkey
        if source.second_vkey:
            body["vkey_pq"] = source.second_vkey
    try:
        raw = canonical(body)
    except rfc8785.CanonicalizationError as error:
        raise EventRefused(f"A {item.type} event cannot be written as canonical JSON: {error}.") from error
    if len(raw) > MAX_BODY:
        raise EventRefused(
            f"A {item.type} event of {len(raw)} bytes is larger than the {MAX_BODY} an entry can hold.",
            "Seal large values, or record their digest.",
        )
    return body, raw


def canonical(body: dict[str, Json]) -> bytes:
    """Return the RFC 8785 form of a body that holds no floats and no integers beyond 2^53 - 1.

    Raises:
        rfc8785.CanonicalizationError: If it has none.
    """
    # Without floats, and with nothing beyond U+D7FF, the standard library writes the same bytes.
    text = _ENCODER.encode(body)
    if text.isascii():
        return text.encode("ascii")
    return rfc8785.dumps(body) if _BEYOND.search(text) else text.encode()


def parse(raw: bytes) -> dict[str, Json]:
    """Return the body behind an entry's bytes.

    Raises:
        LedgerBroken: If the bytes are not exactly the canonical form of one object; a repeated key, an
            unordered key, a float or stray white space all make them another form.
    """
    if not isinstance(raw, bytes):
        # A damaged record can hold a value of another type than its column.
        raise LedgerBroken("It is not a body that the ledger writes.")
    try:
        text = raw.decode("utf-8")
        body = _DECODER.decode(text)
        if not isinstance(body, dict):
            raise LedgerBroken("It is not a JSON object.")
        same = canonical(body) == raw
    except (ValueError, RecursionError) as error:
        raise LedgerBroken("It is not JSON of the kind the ledger writes.") from error
    if not same:
        raise LedgerBroken("It is not in canonical form (RFC 8785).")
    return body


def check(body: Mapping[str, Json], origin: str, seq: int, prev: bytes) -> None:
    """Check that a body's envelope belongs at this place of this ledger.

    Raises:
        LedgerBroken: If it does not; the cause is one clause about "it".
    """
    # `true` equals 1 in Python, so the type is asked as well.
    if type(body.get("v")) is not int or body["v"] != VERSION:
        raise LedgerBroken("It is of a version this program does not know.")
    if type(body.get("seq")) is not int or body["seq"] != seq:
        raise LedgerBroken("It was written for another index.")
    if body.get("prev") != prev.hex():
        raise LedgerBroken("It does not name the leaf of the entry before it.")
    if body.get("ledger") != origin:
        raise LedgerBroken("It was written for another ledger.")
    texts = ("id", "t", "type", "phase", "op_id", "session")
    if not all(isinstance(body.get(name), str) for name in texts) or body["phase"] not in PHASES:
        raise LedgerBroken("Its envelope is not complete.")
    if not _TIME.fullmatch(str(body["t"])):
        raise LedgerBroken("Its time is not one.")
    if not isinstance(body.get("actor"), dict) or not isinstance(body.get("sealed"), dict):
        raise LedgerBroken("Its envelope is not complete.")


def _integer(text: str) -> int:
    value = int(text)
    if abs(value) > _LARGEST:
        raise ValueError(text)
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


_DECODER: Final = json.JSONDecoder(parse_int=_integer, parse_float=_refuse, parse_constant=_refuse)


def _object(value: Mapping[str, Json], depth: int) -> dict[str, Json]:
    plain: dict[str, Json] = {}
    exact: dict[str, Json] = {}
    for key, item in value.items():
        # Nearly everything is plain, and this is on the way of every effect.
        if type(key) is str and key.isascii():
            kind = type(item)
            if kind is str:
                if item.isascii():  # type: ignore[union-attr]
                    plain[key] = item
                    continue
            elif item is None or kind is bool:
                plain[key] = item
                continue
            elif kind is dict and depth < MAX_DEPTH:
                plain[key] = _object(item, depth + 1)  # type: ignore[arg-type]
                continue
        if not isinstance(key, str):
            raise EventRefused(f"A field of an event is named {key!r}, which is not text.")
        name = _text(key)
        plain[name] = _plain(item, depth + 1)
        data = _exact(item)
        if data is not None:
            exact[f"{name}_b64"] = data
    return {**plain, **exact}


def _plain(value: object, depth: int) -> Json:
    if depth > MAX_DEPTH:
        raise EventRefused(f"A field of an event is nested deeper than {MAX_DEPTH} levels.")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        if abs(value) > _LARGEST:
            raise EventRefused(
                f"The integer {value} is larger than JSON can hold exactly.", "Write it as text."
            )
        return int(value)
    if isinstance(value, Mapping):
        return _object(value, depth)
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    raise EventRefused(
        f"A field of an event holds a {type(value).__name__}.", "Use text, integers, lists or objects."
    )


def _text(value: str) -> str:
    # A plain str: an enum member would change its meaning when the enum does.
    return one_line(value) if _undecodable(value) else str.__str__(value)


def _undecodable(value: object) -> bool:
    if not isinstance(value, str) or value.isascii():
        return False
    return any("\ud800" <= char <= "\udfff" for char in value)


def _exact(value: object) -> Json:
    if isinstance(value, str) and _undecodable(value):
        return _base64(value)
    if isinstance(value, list | tuple) and any(_undecodable(item) for item in value):
        return [_base64(item) if isinstance(item, str) else None for item in value]
    return None


def _base64(value: str) -> str:
    try:
        data = value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = value.encode("utf-8", "surrogatepass")
    return base64.b64encode(data).decode()
