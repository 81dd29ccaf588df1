"""The law of the tiers: adding a lower file never makes any verdict or value less strict.

Each law is tried on 1,000 random policies, with presets, labels, actions on findings and budgets in them.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.records import Effect
from workbench.policy.policy import Handling, Policy, build
from workbench.policy.reader import parse_tier
from workbench.policy.rules import CHECKS, CLASSES, LABELS, PHASES
from workbench.policy.settings import DEFAULTS

_SEVERITY = [Effect.ALLOW, Effect.REDACT, Effect.ASK, Effect.DENY]
_PATHS = [
    "a.py", "src/a.py", "src/gen/b.py", "docs/x.md", ".env", ".env.example", "data/t.csv", "Makefile",
    ".workbench/policy.toml", "src/", "SRC/A.PY", "a\0", "../x", "payments/a.py", "testdata/a.py",
    ".github/a.yml", "tests/patient/a.py",
]  # fmt: skip
_COMMANDS = [["pytest"], ["pytest", "-q"], ["pytest", "-q", "src/a.py"], ["sh", "-c", "x"]]
_MODELS = ["a" * 64, "b" * 64]

_WITNESSES = [f"w.example/{number}+0000000{number}+{'B' * 44}" for number in range(2)]

_globs = st.lists(
    st.sampled_from(["*", "*.py", "src/", "/src/*.py", "**/gen/", "docs/**", "a.py", ".env*", "*.csv"]),
    max_size=3,
)
_words = st.sampled_from([*_COMMANDS, {"argv": ["pytest", "-q"], "more": "paths"}])
_budget = st.integers(1, 10**6)
_days = st.integers(1, 4000)
_ACTIONS = ["off", "warn", "redact", "block"]
_actions = dict.fromkeys(CLASSES, st.sampled_from(_ACTIONS))
_section = st.fixed_dictionaries
_document = st.fixed_dictionaries(
    {},
    optional={
        "phase": st.sampled_from(PHASES),
        "read": _section({}, optional={"allow": _globs, "deny": _globs, "ask": _globs}),
        "edit": _section({}, optional={"allow": _globs, "deny": _globs}),
        "run": _section({}, optional={"allow": st.lists(_words, max_size=3)}),
        "model": _section({}, optional={"allow": st.lists(st.sampled_from(_MODELS), max_size=2)}),
        "budget": _section(
            {},
            optional=dict.fromkeys(
                ["files_per_proposal", "lines_per_proposal", "proposals_per_task", "tokens_per_task"], _budget
            ),
        ),
        "approvals": _section(
            {},
            optional={
                "reason_required": st.booleans(),
                "signed": st.sampled_from([False, "labels", True]),
                "people": st.integers(1, 3),
                "labels": _section({}, optional={"phi": st.builds(dict, people=st.integers(1, 3))}),
            },
        ),
        "commit": _section({}, optional={"mode": st.sampled_from(["off", "current-branch"])}),
        "boundary": _section({}, optional={"minimum": st.sampled_from([0, 2, 3, 4])}),
        "labels": _section({}, optional={"phi": _globs, "cde": _globs, "secret": _globs}),
        "checks": _section({}, optional={"required": st.lists(st.sampled_from(CHECKS), max_size=2)}),
        "retention": _section({}, optional={"online_days": _days, "archive_days": _days}),
        "anchors": _section(
            {},
            optional={
                "max_age_hours": st.integers(1, 8784),
                "git_notes": st.booleans(),
                "syslog": st.booleans(),
                "witnesses": st.lists(st.sampled_from(_WITNESSES), max_size=2),
            },
        ),
        "detect": _section(
            {},
            optional={
                **_actions,
                "labels": _section({}, optional=dict.fromkeys(LABELS, _section({}, optional=_actions))),
            },
        ),
    },
)
_maybe = st.none() | _document
_thoroughly = settings(max_examples=1000, deadline=None)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


def _policy(**documents: dict[str, Any] | None) -> Policy:
    tiers = []
    for tier, document in documents.items():
        if document is not None:
            text = "\n".join(f"{section} = {_toml(value)}" for section, value in document.items())
            tiers.append(parse_tier(text.encode(), tier=tier, file=f"{tier}.toml"))
    return build(tiers)


def _strictness(policy: Policy) -> list[int]:
    """Everything the policy says, as numbers that may only grow."""
    verdicts = [judge(path) for path in _PATHS for judge in (policy.read, policy.edit)]
    verdicts += [policy.run(argv) for argv in _COMMANDS] + [policy.model(digest) for digest in _MODELS]
    actions = [handling.action.value for path in (None, *_PATHS) for handling in _handled(policy, path)]
    return [
        *(_SEVERITY.index(verdict.effect) for verdict in verdicts),
        *(label in policy.labels(path) for path in _PATHS for label in LABELS),
        *(_ACTIONS.index(action) for action in actions),
        *(name in policy.settings.required_checks for name in CHECKS),
        *(_growing(key, policy.settings.values[key]) for key in DEFAULTS),
        policy.settings.archive_days,
    ]


def _handled(policy: Policy, path: str | None) -> list[Handling]:
    found = policy.handling(path)
    return [found[name] for name in CLASSES]


def _growing(key: str, value: int | str | bool) -> int:
    section = key.partition(".")[0]
    if section == "detect":
        return _ACTIONS.index(str(value))
    if section == "commit":
        return ["current-branch", "off"].index(str(value))
    if key == "approvals.signed":
        return [False, "labels", True].index(value)
    if key in ("anchors.witnesses", "approvals.allowed_signers"):
        return 0  # whom to believe has no order; the highest file says it, see test_handling
    if key == "anchors.max_age_hours":
        return -int(value)
    assert section in ("anchors", "budget", "approvals", "boundary", "retention"), (
        f"say what is strict for {key}"
    )
    return -int(value) if section == "budget" else int(value)


def _not_looser(after: Policy, before: Policy) -> bool:
    return all(new >= old for new, old in zip(_strictness(after), _strictness(before), strict=True))


@_thoroughly
@given(_maybe, _maybe, _document)
def test_adding_a_repository_policy_never_loosens_anything(
    admin: dict[str, Any] | None, user: dict[str, Any] | None, repository: dict[str, Any]
) -> None:
    assert _not_looser(
        _policy(admin=admin, user=user, repository=repository), _policy(admin=admin, user=user)
    )


@_thoroughly
@given(_document, _document, _maybe)
def test_adding_a_user_policy_under_an_administrators_never_loosens_anything(
    admin: dict[str, Any], user: dict[str, Any], repository: dict[str, Any] | None
) -> None:
    without = _policy(admin=admin, repository=repository)
    assert _not_looser(_policy(admin=admin, user=user, repository=repository), without)


@given(_maybe, _maybe, _maybe)
def test_an_edit_is_never_judged_less_strictly_than_a_read(
    admin: dict[str, Any] | None, user: dict[str, Any] | None, repository: dict[str, Any] | None
) -> None:
    policy = _policy(admin=admin, user=user, repository=repository)
    for path in _PATHS:
        assert _SEVERITY.index(policy.edit(path).effect) >= _SEVERITY.index(policy.read(path).effect)


@pytest.mark.parametrize(
    "strict",
    [
        {"read": {"deny": ["a.py"]}},
        {"phase": "pilot"},
        {"detect": {"phi": "block"}},
        {"detect": {"labels": {"cde": {"secrets": "block"}}}, "labels": {"cde": ["a.py"]}},
        {"checks": {"required": ["syntax"]}},
        {"retention": {"online_days": 4000}},
        {"budget": {"proposals_per_task": 1}},
    ],
)
def test_the_law_would_notice_a_loosening(strict: dict[str, Any]) -> None:
    assert not _not_looser(_policy(), _policy(admin=strict))


def test_a_repository_cannot_graduate_itself() -> None:
    for above in PHASES:
        regulated = _policy(user={"phase": above})
        assert _not_looser(_policy(user={"phase": above}, repository={"phase": "graduated"}), regulated)
