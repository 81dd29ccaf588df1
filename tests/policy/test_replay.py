"""Past requests are judged again, and what would have been different is counted and named."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from workbench.core.records import Effect
from workbench.policy import Asked, Policy, changed_settings, count, replay

PolicyOf = Callable[..., Policy]

A, B = "a" * 64, "b" * 64


def test_the_same_policy_changes_nothing(policy_of: PolicyOf) -> None:
    policy = policy_of(user='[read]\ndeny = ["x/"]\n[run]\nallow = [["ls"]]\n')
    history = [
        Asked("read", "src/a.py", policy.read("src/a.py").effect),
        Asked("read", "x/a.py", policy.read("x/a.py").effect),
        Asked("edit", ".env", policy.edit(".env").effect),
        Asked("run", ("ls",), policy.run(["ls"]).effect),
        Asked("run", (), policy.run([]).effect),
        Asked("model", A, policy.model(A).effect),
    ]
    found = replay(policy, history)
    assert (found.requests, found.denied, found.allowed, found.asked) == (6, (), (), ())
    assert not found.loosens
    assert not found.tightens


def test_every_kind_of_request_is_judged_by_its_own_rule(policy_of: PolicyOf) -> None:
    policy = policy_of(
        user=f'[read]\ndeny = ["x/"]\nask = ["y/"]\n[edit]\ndeny = ["src/"]\n[model]\nallow = ["{A}"]\n'
        '[run]\nallow = [["ls"]]\n'
    )
    history = [
        Asked("read", "x/a.py", Effect.ALLOW),
        Asked("read", "x/a.py", Effect.ALLOW),
        Asked("edit", "src/a.py", Effect.ALLOW),
        Asked("model", B, Effect.ALLOW),
        Asked("run", ("rm", "-rf"), Effect.ALLOW),
        Asked("read", "y/a.py", Effect.ALLOW),
        Asked("read", "y/b.py", Effect.DENY),
        Asked("run", ("ls",), Effect.DENY),
        Asked("read", "src/a.csv.py", Effect.ASK),
    ]
    found = replay(policy, history)
    assert found.requests == 9
    assert [(each.asked.what, each.times) for each in found.denied] == [
        ("read", 2),
        ("edit", 1),
        ("model", 1),
        ("run", 1),
    ]
    assert count(found.denied) == 5
    assert [each.asked.text for each in found.allowed] == ["ls", "src/a.csv.py"]
    assert [each.asked.text for each in found.asked] == ["y/a.py", "y/b.py"]
    assert found.denied[0].now.rule.source.endswith("user.toml:2")
    assert found.loosens
    assert found.tightens


@pytest.mark.parametrize(
    ("old", "path", "loosens", "tightens"),
    [
        (Effect.ALLOW, "a.csv", False, True),
        (Effect.DENY, "a.csv", True, False),
        (Effect.ASK, "a.py", True, False),
        (Effect.ASK, ".env", False, True),
        (Effect.REDACT, "a.py", True, False),
        (Effect.ALLOW, "a.py", False, False),
    ],
)
def test_stricter_and_less_strict_are_told_apart(
    policy_of: PolicyOf, old: Effect, path: str, loosens: bool, tightens: bool
) -> None:
    found = replay(policy_of(), [Asked("read", path, old)])
    assert (found.loosens, found.tightens) == (loosens, tightens)


def test_settings_that_differ_are_named_with_both_values(policy_of: PolicyOf) -> None:
    old, new = policy_of(), policy_of(user='[commit]\nmode = "off"\n[budget]\nlines_per_proposal = 50\n')
    assert changed_settings(old, new) == {
        "commit.mode": ("current-branch", "off"),
        "budget.lines_per_proposal": (500, 50),
    }
