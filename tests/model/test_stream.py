from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.model.stream import AnswerStream


def test_a_character_in_two_tokens_is_shown_once_it_is_whole() -> None:
    stream = AnswerStream()
    first, second = "é".encode()[:1], "é".encode()[1:]
    assert stream.feed(b"caf" + first) == "caf"
    assert stream.feed(second + b"!") == "é!"
    assert stream.finish() == ""
    assert stream.text == "café!"


def test_bytes_that_are_no_character_are_shown_as_such() -> None:
    stream = AnswerStream()
    assert stream.feed(b"a\xff") == "a\ufffd"
    assert stream.feed(b"\xe2\x82") == ""
    assert stream.finish() == "\ufffd"


def test_a_stop_text_is_found_across_tokens_and_never_shown() -> None:
    stream = AnswerStream(("</end>",))
    shown = "".join(stream.feed(piece) for piece in (b"text <", b"/e", b"nd", b"> more"))
    assert (shown, stream.text, stream.stopped) == ("text ", "text ", True)
    assert stream.finish() == ""


def test_what_only_looked_like_a_stop_text_is_shown_later() -> None:
    stream = AnswerStream(("STOP",))
    assert stream.feed(b"a ST") == "a "
    assert stream.feed(b"ART") == "START"
    assert stream.feed(b" STO") == " "
    assert stream.finish() == "STO"


def test_of_two_stop_texts_the_first_in_the_answer_counts() -> None:
    stream = AnswerStream(("b", "ab"))
    stream.feed(b"xxab")
    assert stream.text == "xx"


@given(
    st.text(alphabet="abé😀\n", max_size=40),
    st.lists(st.text(alphabet="ab\n", min_size=1, max_size=4), max_size=3),
    st.lists(st.integers(1, 5), min_size=1, max_size=40),
)
def test_pieces_add_up_to_the_answer_however_it_is_cut(text: str, stops: list[str], sizes: list[int]) -> None:
    data, shown, at = text.encode(), [], 0
    stream = AnswerStream(tuple(stops))
    while at < len(data) and not stream.stopped:
        size = sizes[at % len(sizes)]
        shown.append(stream.feed(data[at : at + size]))
        at += size
    shown.append(stream.finish())
    ends = [found for stop in stops if (found := text.find(stop)) >= 0]
    assert "".join(shown) == stream.text
    if not ends:
        assert stream.text == text
    else:
        assert stream.stopped
        assert text.startswith(stream.text)
        assert not any(stop in stream.text for stop in stops)
