"""A release turns ask into allow and nothing else, and only for as long, and as much, as a person said."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.errors import Refused, UsageError, WorkbenchError
from workbench.core.records import Effect, Principal
from workbench.policy import Policy, Release, Releases, Scope, choices, end_of, release
from workbench.policy.policy import build
from workbench.policy.reader import parse_tier
from workbench.policy.releases import MAX_DAYS, MAX_HELD

PolicyOf = Callable[..., Policy]

ADA = Principal("human", "user:ada", "Ada", "owner", 1000)
AGENT = Principal("agent", "agent:editor", "editor", "editor", 1000, "user:ada")
NOW = "2026-03-01T12:00:00.000000Z"
SOON = "2026-03-01T12:30:00.000000Z"
LATER = "2026-03-01T13:00:00.000000Z"


def _given(policy: Policy, pattern: str, *, scope: Scope = Scope.SESSION, **more: object) -> Release:
    return release(policy, pattern, scope=scope, by=ADA, now=NOW, **more)  # type: ignore[arg-type]


def _effect(releases: Releases, policy: Policy, path: str, now: str = NOW) -> Effect:
    return releases.judge(policy, path, now)[0].effect


def test_a_released_file_may_be_read_and_no_other(policy_of: PolicyOf) -> None:
    policy = policy_of()
    one = _given(policy, "data/readings.csv")
    releases = Releases().giving(one, NOW)
    verdict, used = releases.judge(policy, "data/readings.csv", SOON)
    assert verdict.effect is Effect.ALLOW
    assert used == one
    assert verdict.rule.name == 'release "data/readings.csv" session'
    assert (verdict.rule.tier, verdict.rule.source) == ("release", f"user:ada at {NOW}")
    for other in ("data/other.csv", "x/data/readings.csv", "data/readings.csv/a.csv", "data/Readings.csv"):
        assert _effect(releases, policy, other) is Effect.ASK


def test_a_name_that_only_looks_alike_is_not_released(policy_of: PolicyOf) -> None:
    policy = policy_of()
    releases = Releases().giving(_given(policy, "data/a.csv"), NOW)
    for alike in ("data/A.csv", "data/ａ.csv", "data/a.csv ", "./data/a.csv", "data//a.csv"):
        assert policy.read(alike).effect is Effect.ASK
        assert _effect(releases, policy, alike) is Effect.ASK


def test_a_name_with_glob_characters_releases_that_file_alone(policy_of: PolicyOf) -> None:
    policy = policy_of()
    releases = Releases().giving(_given(policy, "data/*.csv"), NOW)
    assert _effect(releases, policy, "data/*.csv") is Effect.ALLOW
    assert _effect(releases, policy, "data/a.csv") is Effect.ASK


def test_a_glob_releases_what_it_names_and_shows_itself(policy_of: PolicyOf) -> None:
    policy = policy_of()
    until = _given(policy, "fixtures/*.csv", scope=Scope.UNTIL, expires=LATER, exact=False)
    releases = Releases().giving(until, NOW)
    verdict, _ = releases.judge(policy, "fixtures/a.csv", SOON)
    assert verdict.effect is Effect.ALLOW
    assert verdict.rule.name == f'release "fixtures/*.csv" until {LATER}'
    assert _effect(releases, policy, "fixtures/a.sql") is Effect.ASK


def test_what_is_denied_stays_denied_whatever_was_released(policy_of: PolicyOf) -> None:
    policy = policy_of(user='[read]\nask = ["data/", ".env", "*.pem"]\ndeny = ["data/real/"]\n')
    releases = Releases()
    for pattern in ("data/", ".env*", "*.pem", "real/"):
        releases = releases.giving(_given(policy, pattern, exact=False), NOW)
    assert _effect(releases, policy, "data/x.csv") is Effect.ALLOW
    for path in (".env", "data/.env", "x.pem", "data/real/x.csv", "data/../.env", ".git/config"):
        verdict, used = releases.judge(policy, path, NOW)
        assert verdict == policy.read(path)
        assert verdict.effect is Effect.DENY
        assert used is None


@pytest.mark.parametrize("path", [".env", "keys/x.pem", "private/a.csv", "../a.csv", ""])
def test_a_denied_file_cannot_be_released_at_all(policy_of: PolicyOf, path: str) -> None:
    policy = policy_of(repository='[read]\ndeny = ["private/"]\n')
    with pytest.raises(Refused, match="cannot lift a denial"):
        _given(policy, path)


def test_once_is_one_read(policy_of: PolicyOf) -> None:
    policy = policy_of()
    releases = Releases().giving(_given(policy, "a.csv", scope=Scope.ONCE), NOW)
    _, used = releases.judge(policy, "a.csv", NOW)
    assert used is not None
    assert _effect(releases.using(used), policy, "a.csv") is Effect.ASK


def test_a_release_that_lasts_is_used_before_one_for_one_read(policy_of: PolicyOf) -> None:
    policy = policy_of()
    releases = Releases().giving(_given(policy, "a.csv", scope=Scope.ONCE), NOW)
    releases = releases.giving(_given(policy, "*.csv", exact=False), NOW)
    _, used = releases.judge(policy, "a.csv", NOW)
    assert used is not None
    assert used.scope is Scope.SESSION
    assert releases.using(used) == releases


def test_until_ends_at_its_time_and_does_not_begin_before_it_was_given(policy_of: PolicyOf) -> None:
    policy = policy_of()
    releases = Releases().giving(_given(policy, "a.csv", scope=Scope.UNTIL, expires=LATER), NOW)
    assert _effect(releases, policy, "a.csv", SOON) is Effect.ALLOW
    assert _effect(releases, policy, "a.csv", LATER) is Effect.ASK
    assert _effect(releases, policy, "a.csv", "2026-02-01T00:00:00.000000Z") is Effect.ASK
    assert releases.giving(_given(policy, "b.csv"), LATER).covers("a.csv", SOON) is None


def test_a_revoked_release_is_gone(policy_of: PolicyOf) -> None:
    policy = policy_of()
    one, two = _given(policy, "a.csv"), _given(policy, "b.csv")
    releases = Releases().giving(one, NOW).giving(two, NOW).revoking(one.id)
    assert _effect(releases, policy, "a.csv") is Effect.ASK
    assert _effect(releases, policy, "b.csv") is Effect.ALLOW
    with pytest.raises(UsageError, match="no such release"):
        releases.revoking(one.id)


def test_a_release_does_not_answer_a_rule_written_after_it(policy_of: PolicyOf) -> None:
    policy = policy_of()
    releases = Releases().giving(_given(policy, "src/*.csv", exact=False), NOW)
    later = policy_of(repository='[read]\nask = ["src/"]\n')
    assert _effect(releases, later, "src/a.csv") is Effect.ASK


def test_an_agent_cannot_release_to_itself(policy_of: PolicyOf) -> None:
    with pytest.raises(Refused, match="Only a person"):
        release(policy_of(), "a.csv", scope=Scope.ONCE, by=AGENT, now=NOW)


def test_where_policy_demands_reasons_a_release_needs_one(policy_of: PolicyOf) -> None:
    policy = policy_of(user="[approvals]\nreason_required = true\n")
    with pytest.raises(Refused, match="reason"):
        _given(policy, "a.csv", reason="  ")
    assert _given(policy, "a.csv", reason="synthetic").reason == "synthetic"


@pytest.mark.parametrize(
    ("pattern", "more", "cause"),
    [
        ("src/a.py", {}, "needs no release"),
        ("secrets/", {}, "is a directory"),
        ("a.csv", {"expires": LATER}, "no time"),
        ("a.csv", {"scope": Scope.UNTIL}, "not understood"),
        ("a.csv", {"scope": Scope.UNTIL, "expires": "tomorrow"}, "not understood"),
        ("a.csv", {"scope": Scope.UNTIL, "expires": NOW}, "ends after now"),
        ("a.csv", {"scope": Scope.UNTIL, "expires": "2026-3-1T13:00:00.000000Z"}, "ends after now"),
        ("a.csv", {"scope": Scope.UNTIL, "expires": "2027-03-01T12:00:00.000000Z"}, f"{MAX_DAYS} days"),
        ("a.csv", {"reason": "x" * 1001}, "longer than"),
        ("*.csv", {"exact": False, "scope": Scope.ONCE}, "names one file"),
        ("!a.csv", {"exact": False}, "not a usable glob"),
        ("*", {"exact": False}, "nothing in particular"),
        ("**/*", {"exact": False}, "nothing in particular"),
        ("/*.*", {"exact": False}, "nothing in particular"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    policy_of: PolicyOf, pattern: str, more: dict[str, object], cause: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(cause)) as caught:
        _given(policy_of(), pattern, **more)  # type: ignore[arg-type]
    assert caught.value.next_step


def test_only_so_many_are_held(policy_of: PolicyOf) -> None:
    policy = policy_of()
    releases = Releases(tuple(_given(policy, f"{number}.csv") for number in range(MAX_HELD)))
    with pytest.raises(UsageError, match="in force"):
        releases.giving(_given(policy, "more.csv"), NOW)


_PATHS = [
    "a.csv",
    "A.csv",
    "src/a.py",
    "src/b.csv",
    ".env",
    "x.pem",
    "data/a.csv",
    "data/real/a.csv",
    "../a",
    "src/",
]
_GLOBS = ["*.csv", "src/", "data/**", ".env*", "*.pem", "a.csv", "/data/real/", "real/"]
_TIMES = [NOW, SOON, LATER, "2026-03-20T00:00:00.000000Z"]
_texts = st.lists(st.sampled_from(_GLOBS), max_size=3)
_policies = st.builds(
    lambda deny, ask, allow: build(
        [
            parse_tier(
                f"[read]\ndeny = {deny}\nask = {ask}\n{f'allow = {allow}' if allow else ''}\n".encode(),
                tier="user",
                file="policy.toml",
            )
        ]
    ),
    _texts,
    _texts,
    _texts,
)
_wishes = st.lists(
    st.tuples(
        st.sampled_from(_PATHS + _GLOBS), st.sampled_from(list(Scope)), st.booleans(), st.sampled_from(_TIMES)
    ),
    max_size=6,
)


def _granted(policy: Policy, wishes: list[tuple[str, Scope, bool, str]]) -> Releases:
    releases = Releases()
    for pattern, scope, exact, expires in wishes:
        end = expires if scope is Scope.UNTIL else ""
        try:
            releases = releases.giving(_given(policy, pattern, scope=scope, exact=exact, expires=end), NOW)
        except WorkbenchError:
            continue
    return releases


@settings(max_examples=300, deadline=None)
@given(_policies, _wishes, st.sampled_from(_TIMES))
def test_releases_only_ever_answer_an_ask(
    policy: Policy, wishes: list[tuple[str, Scope, bool, str]], now: str
) -> None:
    releases = _granted(policy, wishes)
    for path in _PATHS:
        before, (after, used) = policy.read(path), releases.judge(policy, path, now)
        if before.effect is Effect.ASK and releases.covers(path, now):
            assert after.effect is Effect.ALLOW
            assert used in releases.held
        else:
            assert (after, used) == (before, None)


@settings(max_examples=200, deadline=None)
@given(_policies, _wishes)
def test_without_its_releases_a_policy_says_what_it_always_said(
    policy: Policy, wishes: list[tuple[str, Scope, bool, str]]
) -> None:
    releases = _granted(policy, wishes)
    for each in releases.held:
        releases = releases.revoking(each.id)
    assert all(releases.judge(policy, path, NOW) == (policy.read(path), None) for path in _PATHS)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("8h", "2026-03-01T20:00:00.000000Z"),
        ("3d", "2026-03-04T12:00:00.000000Z"),
        ("2026-03-02", "2026-03-02T00:00:00.000000Z"),
        ("2026-03-02T18:30Z", "2026-03-02T18:30:00.000000Z"),
        ("2026-03-02T18:30:05Z", "2026-03-02T18:30:05.000000Z"),
    ],
)
def test_a_time_is_understood_as_a_person_writes_it(text: str, end: str) -> None:
    assert end_of(text, NOW) == end


@pytest.mark.parametrize("text", ["", "soon", "0h", "-1d", "2026-02-31", "8 h", "99999d", "2026-03-02T18:30"])
def test_a_time_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a time"):
        end_of(text, NOW)


def test_choices_go_from_the_narrowest_and_every_one_can_be_given(policy_of: PolicyOf) -> None:
    path = "data/orders [1].csv"
    found = choices(path, NOW)
    assert [each.scope for each in found] == ["once", "session", "until", "until", "session", "session"]
    for each in found:
        one = _given(policy_of(), each.pattern, scope=each.scope, expires=each.expires, exact=each.exact)
        assert one.matches(path)


def test_a_folder_is_offered_by_its_exact_name(policy_of: PolicyOf) -> None:
    folder = next(each for each in choices("a*b/x.csv", NOW) if not each.exact)
    releases = Releases((_given(policy_of(), folder.pattern, exact=False),))
    assert releases.covers("a*b/y.csv", SOON)
    assert releases.covers("acb/y.csv", SOON) is None
