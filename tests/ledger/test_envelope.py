"""A body has exactly one written form, and every other form is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.places import EDITOR
from workbench.core.errors import LedgerBroken
from workbench.core.records import Event
from workbench.ledger.envelope import Source, compose, draft, parse

SOURCE = Source("workbench/host/1", "vkey", "s-1", "host", "0.1.0")

text = st.text(st.characters(codec="utf-8"), max_size=12)
unruly = st.text(st.characters(), max_size=5)
"""With lone surrogates."""
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(text, anything, max_size=6)


@given(st.dictionaries(text.map(lambda name: f"x{name}"), anything, max_size=4))
def test_whatever_an_event_holds_can_be_read_back(fields: dict[str, Any]) -> None:
    body, raw = compose(draft(Event("file.read", EDITOR, fields=fields), SOURCE.ledger), SOURCE, 1, bytes(32))
    assert raw == rfc8785.dumps(body)
    assert parse(raw) == body
    assert {name: body[name] for name in fields} == fields


@given(
    st.dictionaries(
        st.text(max_size=5).map(lambda name: f"x{name}"), st.text(max_size=5) | st.lists(st.text())
    )
)
def test_text_that_is_not_utf8_never_stops_a_record(fields: dict[str, Any]) -> None:
    body, raw = compose(draft(Event("file.read", EDITOR, fields=fields), SOURCE.ledger), SOURCE, 1, bytes(32))
    assert parse(raw) == body


@given(objects, st.booleans(), st.booleans(), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_only_the_canonical_form_is_accepted(
    value: dict[str, Any], ascii_only: bool, ordered: bool, separators: tuple[str, str]
) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, sort_keys=ordered, separators=separators).encode()
    if raw == rfc8785.dumps(value):
        assert parse(raw) == value
    else:
        with pytest.raises(LedgerBroken):
            parse(raw)


@given(objects.map(rfc8785.dumps), st.data())
def test_a_changed_byte_leaves_another_canonical_body_or_none(raw: bytes, data: st.DataObject) -> None:
    changed = bytearray(raw)
    changed[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        body = parse(bytes(changed))
    except LedgerBroken:
        return
    assert rfc8785.dumps(body) == bytes(changed)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"{",
        b'{"a":1}\n',
        b' {"a":1}',
        b'{"a": 1}',
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"b":1,"a":2}',
        b'{"a":1.0}',
        b'{"a":1e2}',
        b'{"a":-0}',
        b'{"a":01}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":9007199254740992}',
        b'{"a":' + b"9" * 5_000 + b"}",
        b'{"a":"\\u0061"}',
        b'{"a":"\\/"}',
        b'{"a":"\\u001F"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":' * 30_000,
        b"[" * 60_000,
        '{"\U0001f600":1,"\ue000":2}'.encode()[::-1],
        # By code point the order would be right; JCS orders by UTF-16 units.
        '{"\ue000":2,"\U0001f600":1}'.encode(),
    ],
)
def test_another_form_is_refused(raw: bytes) -> None:
    with pytest.raises(LedgerBroken):
        parse(raw)


def test_keys_are_ordered_by_utf16_units() -> None:
    assert parse('{"\U0001f600":1,"\ue000":2}'.encode()) == {"\U0001f600": 1, "\ue000": 2}
