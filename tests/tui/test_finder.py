"""Finding a file: every word must occur, names come before folders."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.timing import seconds_of
from workbench.tui.finder import MOST, matching


def _find(query: str, *paths: str) -> list[str]:
    return matching(query, paths, [path.casefold() for path in paths])


def test_a_match_in_the_name_comes_before_one_in_a_folder() -> None:
    assert _find("tls", "tls/other.py", "src/net/tls.py", "zz.py") == ["src/net/tls.py", "tls/other.py"]


@given(st.lists(st.text("ab/C.", max_size=10), max_size=20), st.text("abc ", max_size=6))
def test_only_paths_that_hold_every_word_are_found(paths: list[str], query: str) -> None:
    found = _find(query, *paths)
    for path in found:
        assert all(word in path.casefold() for word in query.casefold().split())
    assert len(found) == sum(all(word in p.casefold() for word in query.casefold().split()) for p in paths)


def test_100_000_paths_are_searched_within_100_ms_and_few_are_listed() -> None:
    paths = [f"src/d{n // 100}/file_{n}.py" for n in range(100_000)]
    folded = [path.casefold() for path in paths]
    assert seconds_of(lambda: matching("file 99", paths, folded)) < 0.1
    assert len(matching("file 99", paths, folded)) == MOST
