"""What is recognised by its shape is what the full check would have found to be right, and nothing else."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.places import EDITOR, Place, read_of
from workbench.core.errors import LedgerBroken
from workbench.core.records import Event, Json
from workbench.ledger import shapes, store
from workbench.ledger.envelope import Source, check, compose, draft, parse
from workbench.ledger.shapes import LEARN_AFTER, MOST_OF_A_KIND, Shape, Shapes

SOURCE = Source("workbench/host/1", "vkey", "s-1", "host", "0.1.0")
PREV = bytes(range(32))
FIELDS: dict[str, dict[str, Json]] = {
    "obj": {"kind": "file", "path": "src/a.py", "bytes": 4096, "before": None, "labels": ["a", "b"], "x": []},
    "policy": {"verdict": "allow", "held": True, "n": -5, "zero": 0},
    "cmd": {"argv": ["make", "test"], "exit": 0},
}


def made(fields: Mapping[str, Json], seq: int = 7) -> bytes:
    return compose(draft(Event("file.read", EDITOR, fields=fields), SOURCE.ledger), SOURCE, seq, PREV)[1]


def row_of(raw: bytes, body: dict[str, Json]) -> tuple[Any, ...]:
    searched = (None if value is None else value.encode() for value in store.searched(body))
    return (7, b"", PREV, raw, *searched)


def fits(shape: Shape, raw: bytes, body: dict[str, Json]) -> bool:
    return shape.fits(row_of(raw, body), b"7", PREV.hex().encode())


def holds(raw: bytes) -> dict[str, Json] | None:
    try:
        body = parse(raw)
        check(body, SOURCE.ledger, 7, PREV)
    except LedgerBroken:
        return None
    return body


plain = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'), max_size=9)


@given(plain, plain, st.integers(-(10**15) + 1, 10**15 - 1))
def test_other_values_in_the_same_shape_are_recognised(path: str, verdict: str, number: int) -> None:
    shape = Shape(parse(made(FIELDS)))
    other = made(
        {
            **FIELDS,
            "obj": {**FIELDS["obj"], "path": path},
            "policy": {**FIELDS["policy"], "verdict": verdict, "n": number},
        }
    )
    assert fits(shape, other, parse(other))


@given(st.text(max_size=6), st.integers(-(2**53) + 1, 2**53 - 1), st.booleans())
def test_values_that_could_be_written_otherwise_are_left_to_the_full_check(
    text: str, n: int, more: bool
) -> None:
    shape = Shape(parse(made(FIELDS)))
    obj: dict[str, Json] = {**FIELDS["obj"], "path": text, "bytes": n}
    raw = made({**FIELDS, "obj": {**obj, "y": 1} if more else obj})
    plain_text = text.isascii() and text.isprintable() and not set(text) & {'"', "\\"}
    assert fits(shape, raw, parse(raw)) == (plain_text and abs(n) < 10**15 and not more)


def test_no_change_of_a_byte_is_recognised_that_the_full_check_refuses() -> None:
    """10,000 bodies with bytes changed, taken out, put in or swapped."""
    raw = made(FIELDS)
    shape, chance = Shape(parse(raw)), random.Random(8785)
    recognised = 0
    interesting = b'"\\{}[]:,0123456789-+.eE \n\t\x00\x7f\x80truefalsn'
    for _ in range(10_000):
        changed = bytearray(raw)
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(changed))
            what = chance.randrange(4)
            if what == 0:
                changed[at] = chance.choice(interesting)
            elif what == 1:
                del changed[at]
            elif what == 2:
                changed.insert(at, chance.choice(interesting))
            else:
                changed[at] = chance.randrange(256)
        data = bytes(changed)
        body = holds(data)
        if body is not None:
            recognised += fits(shape, data, body)
            continue
        # The columns of the honest body are the best that an attacker can offer.
        assert not fits(shape, data, parse(raw)), data
    assert recognised > 300


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"v":1', b'"v":2'),
        (b'"v":1', b'"v":1.0'),
        (b'"seq":7', b'"seq":8'),
        (b'"seq":7', b'"seq":07'),
        (b'"workbench/host/1"', b'"workbench/host/2"'),
        (b'"phase":"event"', b'"phase":"later"'),
        (b'"bytes":4096', b'"bytes":-0'),
        (b'"bytes":4096', b'"bytes":04'),
        (b'"bytes":4096', b'"bytes":9007199254740993'),
        (b'"src/a.py"', b'"src/\\u0061.py"'),
        (b'"before":null', b'"before":true'),
        (b'"exit":0}', b'"exit":0,"exit":0}'),
        (b'{"actor"', b' {"actor"'),
        (b'"v":1}', b'"v":1}\n'),
        (b'"v":1}', b'"v":1}}'),
    ],
)
def test_another_shape_is_not_recognised(old: bytes, new: bytes) -> None:
    raw = made(FIELDS)
    assert raw.count(old) == 1
    shape, body = Shape(parse(raw)), parse(raw)
    assert fits(shape, raw, body)
    assert not fits(shape, raw.replace(old, new), body)


@pytest.mark.parametrize("column", range(4, 10))
@pytest.mark.parametrize("op_id", ["", "op-1"])
@pytest.mark.parametrize("fields", [FIELDS, {"cmd": FIELDS["cmd"]}], ids=["with a path", "without"])
def test_a_column_that_says_something_else_is_not_recognised(
    column: int, op_id: str, fields: dict[str, Json]
) -> None:
    event = Event("file.read", EDITOR, op_id=op_id, fields=fields)
    raw = compose(draft(event, SOURCE.ledger), SOURCE, 7, PREV)[1]
    known, row, named = Shapes(), row_of(raw, parse(raw)), PREV.hex().encode()
    for _ in range(LEARN_AFTER):
        known.learn(raw, parse(raw))
    assert known.fits(row, b"7", named)
    for value in {b"other", b"", None} - {row[column]}:
        assert not known.fits((*row[:column], value, *row[column + 1 :]), b"7", named)
    assert not known.fits(row, b"8", named)
    assert not known.fits(row, b"7", bytes(32).hex().encode())


def test_what_decides_something_is_never_learned() -> None:
    raw = made(FIELDS)
    changes: tuple[dict[str, Json], ...] = (
        {"type": "redaction.applied"},
        {"type": "key.rotated"},
        {"sealed": {"x": {}}},
        {"seq": 0},
    )
    for change in changes:
        known = Shapes()
        body = {**parse(raw), **change}
        for _ in range(3 * LEARN_AFTER):
            known.learn(raw, body)
        assert known._count == 0


def test_a_hostile_ledger_cannot_make_it_learn_without_end() -> None:
    known = Shapes()
    for number in range(40 * LEARN_AFTER):
        raw = made({f"x{number}": 1})
        known.learn(raw, parse(raw))
    assert known._count == MOST_OF_A_KIND


def test_a_long_ledger_is_mostly_recognised_and_gives_the_same_verdict(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.open() as ledger:
        ledger.append_many([read_of(f"src/{number}.py", n=number) for number in range(600)])
    calls: list[bool] = []
    real = Shapes.fits

    def counted(self: Shapes, row: tuple[Any, ...], seq: bytes, prev: bytes) -> bool:
        calls.append(real(self, row, seq, prev))
        return calls[-1]

    monkeypatch.setattr(Shapes, "fits", counted)
    assert place.verify().exit_code == 0
    assert len(calls) == 600
    assert sum(calls) > 500
    monkeypatch.setattr(Shapes, "fits", lambda *_: False)
    assert place.verify().exit_code == 0
    assert json.loads(place.reader().entry(599).raw)["n"] == 599
    assert shapes.LEARN_AFTER == LEARN_AFTER
