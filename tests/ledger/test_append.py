"""What is appended is durable, complete, canonical and in one order."""

from __future__ import annotations

import base64
import json
import re
import threading
import uuid
from enum import StrEnum

import pytest
import rfc8785

from tests.ledger.places import ALICE, EDITOR, Place, intent, outcome, read_of
from workbench.core.errors import LedgerUnavailable
from workbench.core.records import SYSTEM, Event, Principal
from workbench.ledger import EventRefused
from workbench.ledger.events import OURS, PHASES, TYPES
from workbench.ledger.tree import leaf_hash, root


def test_an_entry_carries_the_whole_envelope(place: Place) -> None:
    with place.open() as ledger:
        first = ledger.append(Event("boundary.measured", SYSTEM))
        second = ledger.append(read_of("src/app.py", policy={"verdict": "allow"}))
        origin, vkey = ledger.origin, ledger.vkey
    assert re.fullmatch(r"workbench/[A-Za-z0-9._-]+/[0-9a-f-]{36}", origin)
    assert first.body["prev"] == "00" * 32
    assert first.body["vkey"] == vkey
    body = dict(second.body)
    assert body.pop("v") == 1
    assert uuid.UUID(str(body.pop("id"))).version == 7
    assert body.pop("seq") == 1
    assert body.pop("prev") == first.leaf.hex()
    assert body.pop("ledger") == origin
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", str(body.pop("t")))
    assert int(str(body.pop("mono_ns"))) > int(str(first.body["mono_ns"]))
    assert body.pop("boot_id")
    assert body.pop("pid")
    assert (body.pop("type"), body.pop("phase"), body.pop("op_id")) == ("file.read", "event", "")
    assert body.pop("actor") == {
        "kind": "agent",
        "id": "agent:editor",
        "name": "editor",
        "role": "coder",
        "os_uid": 1000,
        "on_behalf_of": "user:alice",
    }
    assert body.pop("session") == "s-1"
    assert body.pop("origin") == {"host": first.body["origin"]["host"], "app_version": "0.1.0"}  # type: ignore[index,call-overload]
    assert body.pop("sealed") == {}
    assert body == {"obj": {"kind": "file", "path": "src/app.py"}, "policy": {"verdict": "allow"}}


def test_the_stored_bytes_are_canonical_and_the_leaf_is_their_hash(place: Place) -> None:
    with place.open() as ledger:
        entry = ledger.append(read_of("naïve €\U0001f600/\x01\t\x7f.py", z=1, a=[None, True, "\u2028"]))
    stored = place.reader().entry(0)
    assert stored == entry
    assert stored.raw == rfc8785.dumps(json.loads(stored.raw))
    assert stored.leaf == leaf_hash(stored.raw)
    assert (stored.type, stored.phase, stored.op_id, stored.time) == (
        "file.read",
        "event",
        "",
        stored.body["t"],
    )


def test_many_events_are_neighbours_in_one_commit(place: Place) -> None:
    with place.open() as ledger:
        done = threading.Event()
        entries: list[int] = []

        def disturb() -> None:
            while not done.is_set():
                ledger.append(read_of("disturbance"))

        thread = threading.Thread(target=disturb)
        thread.start()
        for number in range(20):
            group = ledger.append_many([read_of(f"group/{number}") for _ in range(100)])
            entries += [entry.index - group[0].index for entry in group]
        done.set()
        thread.join()
    assert entries == list(range(100)) * 20
    assert place.verify().exit_code == 0


def test_nothing_to_append_is_nothing(place: Place) -> None:
    with place.open() as ledger:
        assert ledger.append_many([]) == []
        assert ledger.size == 0


def test_an_unknown_type_is_refused_and_the_ledger_stays_open(place: Place) -> None:
    with place.open() as ledger:
        with pytest.raises(EventRefused, match="no event type"):
            ledger.append(Event("something.else", SYSTEM))
        assert ledger.append(read_of()).index == 0
        assert ledger.failed() is None


@pytest.mark.parametrize(
    "event",
    [
        Event("file.read", EDITOR, phase="later"),
        Event("edit.intent", EDITOR, op_id="op-1"),
        Event("edit.outcome", EDITOR, phase="intent", op_id="op-1"),
        Event("edit.intent", EDITOR, phase="intent"),
        Event("file.read", EDITOR, fields={"seq": 7}),
        Event("file.read", EDITOR, fields={"prev": "x"}),
        Event("file.read", EDITOR, fields={"vkey": "x"}),
        Event("file.read", EDITOR, fields={"n": 2**53}),
        Event("file.read", EDITOR, fields={"n": 0.5}),  # type: ignore[dict-item]
        Event("file.read", EDITOR, fields={"n": b"bytes"}),  # type: ignore[dict-item]
        Event("file.read", EDITOR, fields={"n": {1: 2}}),  # type: ignore[dict-item]
        Event("file.read", EDITOR, fields={"n": "x" * 70_000}),
        Event("file.read", Principal("human", "u", "U", "r", 2**60)),
    ],
)
def test_what_the_ledger_cannot_hold_is_refused_alone(place: Place, event: Event) -> None:
    with place.open() as ledger:
        with pytest.raises(EventRefused):
            ledger.append(event)
        with pytest.raises(EventRefused):
            ledger.append_many([read_of("before"), event, read_of("after")])
        assert ledger.append(read_of("next")).index == 0
    assert place.verify().exit_code == 0


def test_a_cyclic_field_is_refused(place: Place) -> None:
    cycle: dict[str, object] = {}
    cycle["self"] = cycle
    with place.open() as ledger, pytest.raises(EventRefused):
        ledger.append(Event("file.read", EDITOR, fields={"cycle": cycle}))  # type: ignore[dict-item]


def test_the_largest_body_fits_and_one_byte_more_does_not(place: Place) -> None:
    with place.open() as ledger:
        ledger.append(read_of())
        empty = len(ledger.append(read_of(pad="")).raw)
        entry = ledger.append(read_of(pad="x" * (65_535 - empty)))
        assert len(entry.raw) == 65_535
        with pytest.raises(EventRefused, match="65536 bytes"):
            ledger.append(read_of(pad="x" * (65_536 - empty)))


def test_a_path_that_is_not_utf8_is_kept_exactly(place: Place) -> None:
    name = b"src/\xff\xfebad\xc3.py"
    text = name.decode("utf-8", "surrogateescape")
    with place.open() as ledger:
        entry = ledger.append(read_of(text, cmd={"argv": ["cat", text], "cwd": "/x"}, note="\ud800"))
    obj, cmd = entry.body["obj"], entry.body["cmd"]
    assert isinstance(obj, dict)
    assert isinstance(cmd, dict)
    assert base64.b64decode(str(obj["path_b64"])) == name
    assert "\udcff" not in str(obj["path"])
    assert str(obj["path"]).startswith("src/<U+DCFF>")
    assert cmd["argv_b64"] == [base64.b64encode(part).decode() for part in (b"cat", name)]
    assert "note_b64" in entry.body
    assert place.verify().exit_code == 0
    assert [found.index for found in place.reader().find(path=str(obj["path"]))] == [0]


def test_an_enum_and_a_tuple_are_written_as_what_they_are(place: Place) -> None:
    class Colour(StrEnum):
        RED = "red"

    with place.open() as ledger:
        fields = {"c": Colour.RED, "pair": (1, 2)}
        entry = ledger.append(Event("file.read", EDITOR, fields=fields))  # type: ignore[arg-type]
    assert (entry.body["c"], entry.body["pair"]) == ("red", [1, 2])
    assert type(entry.body["c"]) is str


def test_an_event_changed_after_it_was_handed_over_is_recorded_as_it_was(place: Place) -> None:
    fields = {"obj": {"path": "a"}, "list": [1]}
    with place.open() as ledger:
        entry = ledger.append(Event("file.read", EDITOR, fields=fields))  # type: ignore[arg-type]
        fields["list"].append(2)  # type: ignore[attr-defined]
        assert entry.body["list"] == [1]


def test_a_checkpoint_is_signed_after_256_entries_without_being_asked(place: Place) -> None:
    with place.open() as ledger:
        for number in range(5):
            ledger.append_many([read_of(f"{number}/{step}") for step in range(64)])
            found = place.reader().checkpoint()
            assert found is not None
            assert found.size == (256 if number >= 3 else 0)
        # The head file follows the answer, and is there before the next one.
        ledger.append(read_of())
        found = place.reader().checkpoint()
        assert found is not None
        assert place.head.read_text() == found.note


def test_a_checkpoint_is_stored_and_written_elsewhere(place: Place) -> None:
    with place.open() as ledger:
        entries = ledger.append_many([read_of(str(number)) for number in range(5)])
        checkpoint = ledger.checkpoint()
        assert checkpoint.size == ledger.size == 5
        assert checkpoint.root == root(entry.leaf for entry in entries)
        assert checkpoint.origin == ledger.origin
        assert place.head.read_text() == checkpoint.note
        assert place.reader().checkpoint() == checkpoint
        assert ledger.checkpoint() == checkpoint
        assert checkpoint.trailer().split(" ")[:2] == [ledger.origin, "5"]


def test_closing_signs_what_is_left(place: Place) -> None:
    ledger = place.open()
    ledger.append(read_of())
    ledger.close()
    ledger.close()
    found = place.reader().checkpoint()
    assert found is not None
    assert found.size == 1
    with pytest.raises(LedgerUnavailable, match="closed"):
        ledger.append(read_of())
    with pytest.raises(LedgerUnavailable, match="closed"):
        ledger.checkpoint()


def test_a_ledger_goes_on_where_it_ended(place: Place) -> None:
    sizes = [3, 250, 10, 520]
    total = 0
    for count in sizes:
        with place.open() as ledger:
            assert ledger.size == total
            ledger.append_many([read_of(str(number)) for number in range(count)])
            total += count
    assert place.verify().exit_code == 0
    assert place.reader().size() == total


def test_two_openers_in_one_process_take_turns(place: Place) -> None:
    with place.open() as one, place.open() as two:
        assert [ledger.append(read_of()).index for ledger in (one, two, two, one, two)] == [0, 1, 2, 3, 4]
        assert two.checkpoint().size == 5
        one.append(read_of())
        assert one.checkpoint().size == 6
    assert place.verify().exit_code == 0


def test_files_are_private(place: Place) -> None:
    with place.open() as ledger:
        ledger.append(Event("file.read", ALICE, sealed={"value": b"secret"}))
        assert place.directory.stat().st_mode & 0o777 == 0o700
        for path in place.directory.iterdir():
            assert path.stat().st_mode & 0o777 == 0o600, path
        assert place.head.stat().st_mode & 0o777 == 0o600
        assert place.head.parent.stat().st_mode & 0o777 == 0o700


def test_rights_that_a_backup_brought_back_are_taken_away(place: Place) -> None:
    place.filled()
    place.directory.chmod(0o755)
    for path in place.directory.iterdir():
        path.chmod(0o644)
    with place.open():
        assert place.directory.stat().st_mode & 0o777 == 0o700
        for name in ("ledger.db", "ledger.key"):
            assert (place.directory / name).stat().st_mode & 0o777 == 0o600


def test_every_intent_type_has_its_outcome() -> None:
    intents = {name.removesuffix(".intent") for name in TYPES if name.endswith(".intent")}
    outcomes = {name.removesuffix(".outcome") for name in TYPES if name.endswith(".outcome")}
    assert intents == outcomes
    assert {"edit", "command", "inference", "rollback", "commit"} <= intents
    assert {"intent", "outcome", "event"} == PHASES


def test_every_type_can_be_recorded(place: Place) -> None:
    events = []
    for name in sorted(TYPES - OURS):
        phase = name.rpartition(".")[2]
        if phase not in ("intent", "outcome"):
            phase = "event"
        events.append(Event(name, SYSTEM, phase=phase, op_id=name.partition(".")[0]))
    with place.open() as ledger:
        ledger.append_many([*events, intent("x"), outcome("x")])
    assert {entry.type for entry in place.reader().entries()} == TYPES - OURS
