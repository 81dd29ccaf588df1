"""Untrusted text is inert: what could drive a terminal or hide becomes a mark a person can see."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.safe_text import TERMINAL_CONTROLS, decode, imitated, look_alikes, one_line, safe_text


def test_an_escape_sequence_becomes_visible() -> None:
    safe = safe_text("\x1b]52;c;aGk=\x07")
    assert safe.text == "␛]52;c;aGk=␇"
    assert safe.hidden == 2


def test_bidi_and_zero_width_characters_become_visible_and_are_counted() -> None:
    safe = safe_text("if admin\u202e\u2066 {\u200b")
    assert safe.text == "if admin<U+202E><U+2066> {<U+200B>"
    assert safe.findings == {
        "U+202E RIGHT-TO-LEFT OVERRIDE": 1,
        "U+2066 LEFT-TO-RIGHT ISOLATE": 1,
        "U+200B ZERO WIDTH SPACE": 1,
    }


def test_newlines_and_tabs_stay_in_text_and_show_in_a_line() -> None:
    assert safe_text("a\tb\n").text == "a\tb\n"
    assert one_line("a\tb\n") == "a␉b␊"


def test_undecodable_bytes_are_shown_as_what_they_are() -> None:
    assert safe_text(decode(b"caf\xe9")).text == "caf<U+DCE9>"


def test_ordinary_text_of_any_language_is_left_alone() -> None:
    for text in ("naïve façade", "日本語のコメント", "Привет", "👍 ok", "a = b  # ok"):
        assert safe_text(text) == type(safe_text(""))(text)


@given(st.text())
def test_nothing_that_drives_a_terminal_survives(text: str) -> None:
    assert not TERMINAL_CONTROLS.search(one_line(text))


@given(st.text())
def test_making_text_safe_twice_changes_nothing_more(text: str) -> None:
    once = safe_text(text).text
    assert safe_text(once).text == once


@given(st.text(st.characters(categories=("Cc", "Cf", "Co", "Cs"))))
def test_no_control_format_private_or_surrogate_character_survives(text: str) -> None:
    for char in one_line(text):
        assert unicodedata.category(char) not in ("Cc", "Co", "Cs")


def test_identifiers_that_imitate_latin_are_named() -> None:
    assert look_alikes("def p\u0430ypal(user): return scope") == ["p\u0430ypal"]
    assert look_alikes("имя = 'x'") == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("def \u0441\u043e\u0440\u0443(x):", ["\u0441\u043e\u0440\u0443"]),
        ("\u0441\u043e\u0440\u0443(x)  # \u043f\u0440\u0438\u0432\u0435\u0442", ["\u0441\u043e\u0440\u0443"]),
        ("\u0430 = 1", ["\u0430"]),
        ("for \u0430 in \u0441\u043e\u0440\u0443 or x:", ["\u0430", "\u0441\u043e\u0440\u0443"]),
        ("\u03bf = 0", ["\u03bf"]),
        ("\u0391\u0392 = 1", ["\u0391\u0392"]),
        ("\uff45\uff56\uff41\uff4c(x)", ["\uff45\uff56\uff41\uff4c"]),
        ("\U0001d41e\U0001d42f\U0001d41a\U0001d425(x)", ["\U0001d41e\U0001d42f\U0001d41a\U0001d425"]),
        ("of\ufb01ce = 1", ["of\ufb01ce"]),
    ],
)
def test_a_word_that_is_read_as_another_is_found(line: str, words: list[str]) -> None:
    assert look_alikes(line) == words
    assert all(imitated(word).isascii() for word in words)


@pytest.mark.parametrize(
    "line",
    [
        "# \u0430 \u0441\u043e\u0440 \u043e\u0441\u0442\u0430\u043b\u0441\u044f",
        "\u03b1 = 0.05; \u03c1 = \u03bd / 2",
        "\u03c3 = \u03b4(x)",
        "n\u00ba 5, 2\u00aa, m\u00b2",
        "na\u00efve fa\u00e7ade stra\u00dfe",
        "\u5909\u6570 = 1",
        "\u0438\u043c\u044f = '\u041f\u0440\u0438\u0432\u0435\u0442'",
    ],
)
def test_prose_mathematics_and_other_languages_imitate_nothing(line: str) -> None:
    assert look_alikes(line) == []


def test_what_a_word_looks_like_can_be_said() -> None:
    assert imitated("\u0441\u043e\u0440\u0443") == "copy"
    assert imitated("p\u0430ypal") == "paypal"
