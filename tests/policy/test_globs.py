"""The matcher means what gitignore means: checked against pathspec, and against the traps it avoids."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pathspec import PathSpec

from tests.timing import stopwatch
from workbench.policy.globs import Glob, GlobError, Matcher, escape, parse

_NAME = st.text(alphabet="ab.", min_size=1, max_size=4).filter(lambda name: not name.endswith("."))
_PART = st.one_of(
    st.just("**"), st.just("*"), st.text(alphabet="ab.*?", min_size=1, max_size=4), st.just("[ab]*"), _NAME
).filter(lambda part: not part.endswith(".") and (part == "**" or "**" not in part))
_PATTERN = st.builds(
    lambda lead, parts, tail: lead + "/".join(parts) + tail,
    st.sampled_from(["", "/", "**/"]),
    st.lists(_PART, min_size=1, max_size=4),
    st.sampled_from(["", "/"]),
)
_PATH = st.lists(_NAME, min_size=1, max_size=5).map("/".join)


def _pathspec_says(pattern: str, path: str) -> bool:
    # Ours ignores a trailing slash, so the oracle is asked without it, for the path and all above it.
    spec = PathSpec.from_lines("gitignore", [pattern.rstrip("/") or "/"], backend="simple")
    parts = path.split("/")
    return any(spec.match_file("/".join(parts[: end + 1])) for end in range(len(parts)))


@given(_PATTERN, _PATH)
@example("a/**", "a")
@example("a/**/b", "a/b")
@example("**/a/b", "a/b/c")
@example("/a", "b/a")
@example("a/*", "a/b/c")
def test_one_pattern_matches_what_gitignore_matches(pattern: str, path: str) -> None:
    assert bool(Matcher([Glob(pattern)]).match(path)) == _pathspec_says(pattern, path)


@given(st.lists(_PATTERN, min_size=1, max_size=6), st.lists(_PATH, min_size=1, max_size=6))
def test_many_patterns_at_once_match_as_each_alone(patterns: list[str], paths: list[str]) -> None:
    together = Matcher([Glob(pattern) for pattern in patterns])
    alone = [Matcher([Glob(pattern)]) for pattern in patterns]
    for path in paths:
        expected = sum(1 << number for number, one in enumerate(alone) if one.match(path))
        assert together.match(path) == expected
        assert together.match(path) == expected, "a cached answer is the same answer"


@given(st.text(alphabet="ab*?[]!#\\ .", min_size=1, max_size=8).filter(lambda s: s.strip(". ") == s))
def test_an_escaped_path_matches_itself(name: str) -> None:
    matcher = Matcher([Glob(escape(f"top/{name}"))])
    assert matcher.match(f"top/{name}")
    assert matcher.match(f"top/{name}/below")
    assert not matcher.match(f"other/top/{name}")


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        (r"\#*\#", "#main.c#", True),
        (r"\#*\#", "main.c", False),
        (r"\!keep", "!keep", True),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        ("[!a]b", "cb", True),
        ("[^a]b", "ab", False),
        ("[]a]b", "]b", True),
        ("[a-c]*.TXT", "bee.txt", True),
        (".*.sw[a-p]", ".x.swp", True),
        ("*", "anything", True),
        ("**", "any/thing", True),
        ("*a*", "xax", True),
    ],
)
def test_wildcards_classes_and_escapes(pattern: str, name: str, matches: bool) -> None:
    assert bool(Matcher([Glob(pattern)]).match(name)) is matches


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("", "empty"),
        (" ", "empty"),
        ("a ", "space"),
        ("!keep", "negation"),
        ("# note", "comment"),
        ("/", "names nothing"),
        ("a/../b", "parent reference"),
        ("~/x", "starts with ~"),
        ("http://x", "URL"),
        ("a\nb", "control"),
        ("a\u202e", "formatting"),
        ("[abc", "not closed"),
        ("[a/b]", "not closed"),
        ("[[:alpha:]]", "single characters"),
        ("[z-a]", "range"),
        ("a\\", "backslash"),
        ("secret.", "dot or a space"),
        ("＊.pem", "Unicode folds"),
        ("x" * 1025, "longer"),
    ],
)
def test_a_pattern_that_would_surprise_is_refused(pattern: str, complaint: str) -> None:
    with pytest.raises(GlobError, match=complaint):
        parse(pattern)


def test_a_hostile_pattern_cannot_make_matching_exponential() -> None:
    matcher = Matcher([Glob("*a" * 200 + "*b")])
    with stopwatch() as taken:
        assert not matcher.match("a" * 4000 + "c")
    assert taken.seconds < 1.0


def test_a_very_deep_path_is_judged_without_recursion() -> None:
    assert Matcher([Glob("**/x/secret")]).match("x/" * 1900 + "secret")


def test_an_exception_is_for_the_name_only_and_for_its_own_group_only() -> None:
    matcher = Matcher([Glob(".env.*"), Glob(".env.example", leaf=True, lifts=0b1), Glob("*.example")])
    assert matcher.match("a/.env.local") == 0b001
    assert matcher.match("a/.env.example") == 0b110
    assert matcher.match(".env.example/x") & 0b001, "a directory of that name gets no exception"
