"""The folded key: two names that some file system may open as one are one name to a rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.policy import Fault, fault, fold


@pytest.mark.parametrize(
    ("written", "key"),
    [
        (".ENV", ".env"),
        ("．env", ".env"),
        (".env\u200b", ".env"),
        (".e\u00adnv", ".env"),
        (".env\ufe0f", ".env"),
        (".env\U000e0041", ".env"),
        (".env ", ".env"),
        (".env.", ".env"),
        (".env. .", ".env"),
        (".env\u00a0", ".env"),
        (".env\u2024", ".env"),
        ("./a//./b/", "a/b"),
        ("e\u0301/.env", "é/.env"),
        ("\u212aEY.pem", "key.pem"),
        ("ſecrets", "secrets"),
        ("ﬁle.key", "file.key"),
        ("a／.env", "a/.env"),
    ],
)
def test_names_that_may_be_opened_as_one_have_one_key(written: str, key: str) -> None:
    assert fold(written) == key


@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(path: str) -> None:
    assert fold(fold(path)) == fold(path)


@given(st.text(alphabet="aBc./ -_", max_size=30))
def test_ascii_is_folded_like_any_other_text(path: str) -> None:
    assert fold(path) == fold(path + "\u200b")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", Fault.EMPTY),
        ("a" * 5000, Fault.TOO_LONG),
        ("a\0b", Fault.NUL),
        ("a\0\udcff", Fault.NUL),
        ("caf\udce9.py", Fault.NOT_UTF8),
        ("a\nb", Fault.CONTROL),
        ("a\rb", Fault.CONTROL),
        ("a\x1b[31m", Fault.CONTROL),
        ("a\x7f", Fault.CONTROL),
        ("a\u2028b", Fault.CONTROL),
        (".env\u200b", Fault.FORMAT),
        ("a\u202eb", Fault.FORMAT),
        ("file:///etc/passwd", Fault.SCHEME),
        ("https://example.invalid/x", Fault.SCHEME),
        ("/etc/passwd", Fault.ABSOLUTE),
        ("／etc/passwd", Fault.ABSOLUTE),
        ("~/x", Fault.HOME),
        ("~root/x", Fault.HOME),
        ("a\\..\\b", Fault.BACKSLASH),
        ("a＼b", Fault.BACKSLASH),
        ("..", Fault.PARENT),
        ("src/../.env", Fault.PARENT),
        ("src/‥/x", Fault.PARENT),
        ("src/.. /x", Fault.PARENT),
    ],
)
def test_a_malformed_path_is_refused_with_its_reason(path: str, why: Fault) -> None:
    assert fault(path) is why


@pytest.mark.parametrize(
    "path", ["a", "a/b.py", "a b/c", "a..b", "...", "a:b", "x~", "naïve/日本語.py", "dir/", "x/y:z//w"]
)
def test_an_ordinary_path_has_no_fault(path: str) -> None:
    assert fault(path) is None
