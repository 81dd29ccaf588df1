"""Words are what an index knows; values are none."""

from __future__ import annotations

import pytest

from workbench.context.words import index_text, query_words


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("parse_http_date", "parse http date parsehttpdate"),
        ("parseHTTPDate", "parse http date parsehttpdate"),
        ("HTTPServer2", "http server httpserver2"),
        ("simple", "simple"),
        ("_private", "private"),
        ("MAX_RETRIES", "max retries maxretries"),
        ("größe", "gr öß e größe"),
        ("x = 4711", "x"),
    ],
)
def test_an_identifier_is_known_whole_and_in_its_parts(written: str, known: str) -> None:
    assert index_text(written).split() == known.split()


@pytest.mark.parametrize("value", ["AKIA1234567890", "deadbeef0123456789", "x" * 49, "id_20260101123000"])
def test_a_value_is_no_word(value: str) -> None:
    assert index_text(f"key = {value}") == "key"


def test_a_request_is_looked_for_by_what_it_says() -> None:
    words = query_words("Fix the `parse_date` of the parser, and parse_date again")
    assert words == ["fix", "parse", "date", "parsedate", "parser", "again"]
