"""Everything in force is listed, with tier and line; what a file says in vain is listed apart."""

from __future__ import annotations

import re
from collections.abc import Callable

from workbench.policy import InForce, Policy, in_force
from workbench.policy.settings import DEFAULTS

PolicyOf = Callable[..., Policy]


def _section(policy: Policy, name: str) -> list[InForce]:
    return [line for line in in_force(policy) if line.section == name]


def test_every_line_names_its_tier_file_and_line(policy_of: PolicyOf) -> None:
    policy = policy_of(
        admin='phase = "regulated"\n[run]\nallow = [["ls"], { argv = ["pytest"], more = "paths" }]\n',
        user=f'[model]\nallow = ["{"a" * 64}"]\n[run]\nallow = []\n',
        repository='[read]\nallow = []\n[edit]\nallow = ["src/"]\n',
        own_paths=("state",),
    )
    found = in_force(policy)
    for line in found:
        assert line.tier in ("floor", "default", "admin", "user", "repository")
        assert re.search(r"\S+:[1-9]\d*$", line.source), line
    names = {line.name: line.source for line in found}
    assert names['phase = "regulated"'].endswith("admin.toml:1")
    assert names["run.allow ['pytest'] and paths"].endswith("admin.toml:3")
    assert names["run.allow = []"].endswith("user.toml:4")
    assert names["read.allow = []"] == ".workbench/policy.toml:2"
    assert names['edit.allow "src/"'] == ".workbench/policy.toml:4"
    assert names[f"model.allow {'a' * 64}"].endswith("user.toml:2")
    assert names['read.deny ".env"'].startswith("compiled in, floor.py:")
    assert names['checks.required = "scope"'].startswith("presets/regulated.toml:")
    assert 'read.deny "/state"' in names


def test_every_setting_is_listed_once(policy_of: PolicyOf) -> None:
    listed = [line.name.partition(" = ")[0] for line in _section(policy_of(), "settings")]
    assert listed == list(DEFAULTS)


def test_what_a_lower_file_says_in_vain_is_listed_with_the_reason(policy_of: PolicyOf) -> None:
    policy = policy_of(
        user='phase = "regulated"\n',
        repository='phase = "graduated"\n[budget]\nlines_per_proposal = 9000\nfiles_per_proposal = 1\n'
        '[run]\nallow = [["ls"]]\n[approvals]\nreason_required = true\n',
    )
    vain = {line.name: line for line in _section(policy, "without effect")}
    assert set(vain) == {"budget.lines_per_proposal = 9000", "run.allow"}
    assert "grants nothing" in vain["run.allow"].note
    assert vain["budget.lines_per_proposal = 9000"].source == ".workbench/policy.toml:3"
    assert "= 200 holds" in vain["budget.lines_per_proposal = 9000"].note


def test_a_preset_that_tightens_nothing_is_said_to(policy_of: PolicyOf) -> None:
    same = policy_of(user='phase = "regulated"\n', repository='phase = "regulated"\n')
    assert [line.name for line in _section(same, "without effect")] == ['phase = "regulated"']
    stricter = policy_of(user='phase = "regulated"\n', repository='phase = "pilot"\n')
    assert _section(stricter, "without effect") == []


def test_the_highest_file_says_nothing_in_vain(policy_of: PolicyOf) -> None:
    policy = policy_of(user='phase = "graduated"\n[budget]\nlines_per_proposal = 99999\n[run]\nallow = []\n')
    assert _section(policy, "without effect") == []


def test_a_repository_alone_is_a_lower_file(policy_of: PolicyOf) -> None:
    policy = policy_of(repository="[budget]\nlines_per_proposal = 99999\n[run]\nallow = [['ls']]\n")
    vain = [line.name for line in _section(policy, "without effect")]
    assert vain == ["budget.lines_per_proposal = 99999", "run.allow"]
