"""A scan finds the same in every encoding, says what it did not search, and never shows a value."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.detection import fakes
from workbench.policy.detection import (
    BY_ID,
    MAX_SCANNED_BYTES,
    Material,
    Scan,
    SessionKey,
    ledger_rows,
    material_of,
    scan,
)
from workbench.policy.detection.reading import read
from workbench.policy.detection.scanner import MAX_FINDINGS, MAX_PIECE_BYTES, pieces

SSN = fakes.ssn()


def _values(data: bytes, result: Scan) -> list[bytes]:
    return [data[one.start : one.end] for one in result.findings]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
@pytest.mark.parametrize("before", ["patient number ", "Größe é, patient number "])
def test_a_value_is_found_at_its_bytes_in_every_encoding(encoding: str, before: str) -> None:
    data = f"{before}{SSN}, end of the line".encode(encoding)
    result = scan(data, Material.DATA)
    codec = {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}.get(encoding, encoding)
    assert _values(data, result) == [SSN.encode(codec)]


@pytest.mark.parametrize("dash", ["-", "\u2010", "\u2011", "\u2013", "\u2212"])
def test_typographic_dashes_and_full_width_digits_hide_nothing(dash: str) -> None:
    for number in (SSN, SSN.translate({48 + digit: 0xFF10 + digit for digit in range(10)})):
        for encoding in ("utf-8", "utf-16"):
            data = f"nr {number.replace('-', dash)}; é".encode(encoding)
            [value] = _values(data, scan(data, Material.DATA))
            codec = "utf-16-le" if encoding == "utf-16" else encoding
            assert value == number.replace("-", dash).encode(codec)


def test_invisible_characters_inside_a_key_hide_nothing() -> None:
    key = "ghp_" + fakes.text(fakes.ALPHANUMERIC, 36)
    hidden = f"{key[:9]}\u200b{key[9:20]}\u00ad{key[20:]}"
    data = f"x = '{hidden}'".encode()
    assert hidden.encode() in _values(data, scan(data, Material.CODE))


@given(st.binary(max_size=400))
def test_any_bytes_are_searched_without_an_error(data: bytes) -> None:
    result = scan(data, Material.DATA)
    assert all(0 <= one.start < one.end <= len(data) for one in result.findings)
    assert result.complete


@given(st.text(max_size=80), st.sampled_from(["utf-8", "utf-16", "utf-32"]))
def test_offsets_of_the_view_are_offsets_of_the_bytes(text: str, encoding: str) -> None:
    data = text.encode(encoding, "surrogatepass")
    reading = read(data)
    spans = [reading.source(at, at + 1) for at in range(len(reading.view))]
    assert all(0 <= start < end <= len(data) for start, end in spans)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))


def test_what_lies_beyond_the_limit_is_reported_as_not_searched() -> None:
    data = b"a line of nothing\n" * 20_000 + SSN.encode()
    result = scan(data, Material.DATA)
    assert not result.findings
    assert not result.complete
    assert result.searched == MAX_SCANNED_BYTES
    assert [(gap.start, gap.end) for gap in result.gaps] == [(MAX_SCANNED_BYTES, len(data))]


def test_a_long_line_is_searched_to_its_end_in_pieces() -> None:
    key = "ghp_" + fakes.text(fakes.ALPHANUMERIC, 36)
    for place in (MAX_PIECE_BYTES - 20, MAX_PIECE_BYTES, 3 * MAX_PIECE_BYTES - 39, 100_000):
        data = (b"x, " * 50_000)[:place] + f" {key} ".encode() + b"y, " * 20_000
        assert _values(data, scan(data, Material.CODE)) == [key.encode()], place


@given(st.binary(max_size=5 * MAX_PIECE_BYTES))
def test_pieces_cover_every_byte_once(view: bytes) -> None:
    ranges = list(pieces(view))
    assert b"".join(view[start:stop] for start, stop in ranges) == view
    assert all(stop - start <= MAX_PIECE_BYTES for start, stop in ranges)


def test_a_rule_that_uses_up_its_time_is_stopped_and_named() -> None:
    ticks = itertools.count()
    data = (f"{SSN}\n" + "nothing here\n" * 1_000).encode() * 8
    result = scan(data, Material.DATA, rules=[BY_ID["ssn"]], clock=lambda: next(ticks) * 0.3)
    [gap] = result.gaps
    assert (gap.rule_id, gap.end) == ("ssn", len(data))
    assert "used up" in gap.reason
    assert 0 < result.searched == gap.start < len(data)
    places = [at for at in range(len(data)) if data.startswith(SSN.encode(), at)]
    assert [one.start for one in result.findings] == [at for at in places if at < result.searched]


def test_a_scan_that_uses_up_its_time_says_how_far_it_came() -> None:
    ticks = itertools.count()
    data = b"nothing here\n" * 10_000
    result = scan(data, Material.DATA, clock=lambda: next(ticks) * 0.02)
    assert [gap.rule_id for gap in result.gaps] == [""]
    assert 0 < result.searched < len(data)


def test_more_values_than_the_limit_end_the_search_with_a_gap() -> None:
    numbers = "".join(f"{fakes.ssn(group=1 + n % 99, serial=1 + n)}\n" for n in range(9_000))
    result = scan(numbers.encode(), Material.DATA, clock=lambda: 0.0)
    assert MAX_FINDINGS <= len(result.findings) <= MAX_FINDINGS + MAX_PIECE_BYTES // len(SSN)
    assert result.findings[-1].end < result.searched < len(numbers)


def test_where_values_fill_the_limit_all_before_the_gap_are_reported() -> None:
    line = f"{SSN} {fakes.card()}\n".encode()
    data = line * 7_000
    result = scan(data, Material.DATA, clock=lambda: 0.0)
    for one in range(0, result.searched - len(line), len(line)):
        assert any(f.start == one for f in result.findings)


def test_neither_findings_nor_ledger_rows_hold_the_value() -> None:
    data = f"ssn {SSN} card {fakes.card()}".encode()
    result, key = scan(data, Material.DATA), SessionKey()
    rows = ledger_rows(result.findings, data, key)
    shown = f"{result!r} {rows!r} {key!r}"
    assert len(rows) == 2
    assert SSN not in shown
    assert fakes.card() not in shown


def test_digests_of_a_session_are_equal_for_equal_values_and_useless_outside() -> None:
    data = f"{SSN}\n{SSN}\n".encode()
    findings = scan(data, Material.DATA).findings
    key, other = SessionKey(), SessionKey()
    first, second = (
        {row["hmac"] for row in ledger_rows(findings, data, k) if isinstance(row, dict)} for k in (key, other)
    )
    assert len(first) == 1
    assert first.isdisjoint(second)


@pytest.mark.parametrize(
    ("path", "material"),
    [
        ("src/app.py", Material.CODE),
        ("Dockerfile", Material.CODE),
        ("package.json", Material.CODE),
        ("deploy/values.yaml.example", Material.CODE),
        ("README", Material.CODE),
        ("export.csv", Material.DATA),
        ("patients.JSON", Material.DATA),
        ("notes.txt", Material.DATA),
        ("audit.log", Material.DATA),
        ("dump.sql", Material.DATA),
        ("feed.hl7", Material.DATA),
        ("no-suffix", Material.DATA),
        ("x.py.bak", Material.DATA),
        ("", Material.DATA),
    ],
)
def test_what_is_not_known_to_be_code_is_data(path: str, material: Material) -> None:
    assert material_of(path) is material
