"""Writes ledger entries as syslog messages that a collector can parse, order and check for gaps.

RFC 5424 messages, octet-counted (RFC 6587, 3.4.1), so that a message may hold any byte. The ledger's own
JSON is the text; the index and the leaf hash stand in the structured data, so the receiver can see a gap
and compare what it got with the ledger. Sealed values are never in an entry's body, so they never leave.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from workbench.core.records import Json
from workbench.ledger import Entry

FACILITY: Final = 13
"""`log audit` (RFC 5424, table 1)."""
NOTICE, WARNING, ALERT = 5, 4, 1
MAX_BYTES: Final = 8_000
"""rsyslog splits messages above 8 KiB without an error; other collectors drop them."""
ENTERPRISE: Final = 32473
"""The number reserved for examples (RFC 5612): this project has none of its own yet."""

_ALERTS = frozenset({"ledger.verify_failed", "gap.detected", "clock.anomaly"})


def message(entry: Entry) -> bytes:
    """Return one entry as an RFC 5424 message of at most `MAX_BYTES`.

    A body that is too long keeps its small fields; each large one is replaced by its size and SHA-256.
    """
    body = entry.body
    origin = _text(body.get("origin"), "host")
    application, process = "workbench", str(body.get("pid", "-"))
    header = (
        f"<{FACILITY * 8 + _severity(body)}>1 {entry.time} {_token(origin, 255)} {application} "
        f"{_token(process, 128)} {_token(entry.type.replace('.', '_'), 32)} "
        f'[workbench@{ENTERPRISE} idx="{entry.index}" leaf="{entry.leaf.hex()}"] '
    ).encode("ascii")
    return header + _fitting(body, MAX_BYTES - len(header))


def frame(data: bytes) -> bytes:
    """Return a message with its length in bytes before it (RFC 6587, 3.4.1)."""
    return b"%d %s" % (len(data), data)


def _severity(body: Mapping[str, Json]) -> int:
    kind = str(body.get("type", ""))
    if kind in _ALERTS:
        return ALERT
    denied = kind.endswith("denied") or _text(body.get("outcome"), "status") in ("denied", "failure")
    return WARNING if denied else NOTICE


def _fitting(body: Mapping[str, Json], room: int) -> bytes:
    kept: dict[str, Json] = dict(body)
    for name, _ in sorted(body.items(), key=lambda item: -len(_json(item[1]))):
        if len(data := _json(kept)) <= room:
            return data
        whole = _json(kept[name])
        kept[name] = {"truncated": len(whole), "sha256": sha256(whole).hexdigest()}
    return _json(kept)


def _json(value: Json | Mapping[str, Json]) -> bytes:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def _token(text: str, length: int) -> str:
    """Return text as an RFC 5424 header field: printable ASCII without spaces, `-` for nothing."""
    return "".join(char if 33 <= ord(char) <= 126 else "_" for char in text)[:length] or "-"


def _text(value: Json, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
