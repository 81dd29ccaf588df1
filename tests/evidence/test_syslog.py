"""A collector gets every entry once, in order, within its limits, and can tell what was left out."""

from __future__ import annotations

import json
import re
from pathlib import Path

from workbench.core.records import SYSTEM, Event, Json
from workbench.evidence import frame, message
from workbench.evidence.syslog import MAX_BYTES
from workbench.ledger import Entry, Ledger, LedgerReader

_MESSAGE = re.compile(
    rb"<(\d+)>1 (\S+) (\S+) workbench (\d+) (\S+) "
    rb'\[workbench@32473 idx="(\d+)" leaf="([0-9a-f]{64})"\] (\{.*\})\Z',
    re.DOTALL,
)


def _entries(tmp_path: Path, *events: Event) -> list[Entry]:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    with Ledger.open(state, head_file=tmp_path / "heads" / "head", session="s", app_version="0") as ledger:
        made = ledger.append_many(events)
    with LedgerReader.open(state) as reader:
        return [reader.entry(entry.index) for entry in made]


def test_every_field_a_collector_needs_is_there(tmp_path: Path) -> None:
    obj: Json = {"kind": "file", "path": 'we"ird]\\.py', "before": None}
    (entry,) = _entries(tmp_path, Event("file.read", SYSTEM, fields={"obj": obj}))
    found = _MESSAGE.match(message(entry))
    assert found is not None
    assert int(found[1]) == 13 * 8 + 5
    assert found[5] == b"file_read"
    assert int(found[6]) == entry.index
    assert found[7].decode() == entry.leaf.hex()
    assert json.loads(found[8]) == entry.body


def test_a_refusal_is_a_warning(tmp_path: Path) -> None:
    denied: Json = {"status": "denied", "code": "", "detail": ""}
    (entry,) = _entries(tmp_path, Event("file.read_denied", SYSTEM, fields={"outcome": denied}))
    assert message(entry).startswith(b"<108>1 ")


def test_a_long_entry_fits_and_says_what_was_left_out(tmp_path: Path) -> None:
    (entry,) = _entries(tmp_path, Event("command.proposed", SYSTEM, fields={"cmd": {"argv": ["x" * 20_000]}}))
    sent = message(entry)
    assert len(sent) <= MAX_BYTES
    found = _MESSAGE.match(sent)
    assert found is not None
    body = json.loads(found[8])
    assert body["cmd"]["truncated"] > 20_000
    assert body["seq"] == entry.body["seq"]


def test_messages_are_framed_by_their_length_in_bytes(tmp_path: Path) -> None:
    events = [
        Event("file.read", SYSTEM, fields={"obj": {"path": name}}) for name in ("é.py", "b\nc.py", "d.py")
    ]
    stream = b"".join(frame(message(entry)) for entry in _entries(tmp_path, *events))
    count = 0
    while stream:
        length, _, rest = stream.partition(b" ")
        assert _MESSAGE.match(rest[: int(length)])
        stream = rest[int(length) :]
        count += 1
    assert count == 3
