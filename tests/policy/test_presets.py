"""A preset is the defaults of the file that chose it: its own words come first, and the tiers' law holds."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

import pytest

from workbench.core.errors import UsageError
from workbench.core.records import Effect
from workbench.policy import PHASES, Action, Policy, PolicyFileError, preset_text
from workbench.policy.presets import file_of
from workbench.policy.reader import parse_tier
from workbench.policy.rules import CHECKS

PolicyOf = Callable[..., Policy]


@pytest.mark.parametrize("name", PHASES)
def test_every_preset_is_a_policy_file_that_tells_an_administrator_what_it_means(name: str) -> None:
    text = preset_text(name)
    tier = parse_tier(text.encode(), tier="admin", file=file_of(name))
    assert not tier.phase
    assert not tier.name
    comments = " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))
    for said in (f'phase = "{name}"', "What it means:", "can only tighten"):
        assert said in comments
    assert max(map(len, text.splitlines())) <= 110


def test_only_shipped_presets_can_be_chosen(policy_of: PolicyOf) -> None:
    with pytest.raises(UsageError, match="no preset"):
        preset_text("../floor")
    with pytest.raises(PolicyFileError) as caught:
        policy_of(user='name = "x"\nphase = "regulatd"\n')
    assert caught.value.line == 2
    assert '"pilot" or "narrow" or "regulated" or "graduated"' in caught.value.next_step


def test_pilot_reads_and_proposes_and_never_commits(policy_of: PolicyOf) -> None:
    policy = policy_of(user='phase = "pilot"\n')
    assert policy.read("src/a.py").effect is Effect.ALLOW
    assert policy.edit("src/a.py").effect is Effect.ALLOW
    assert policy.run(["pytest"]).effect is Effect.DENY
    assert policy.settings.commit_mode == "off"
    assert policy.settings.reason_required
    assert policy.settings.lines_per_proposal < policy_of().settings.lines_per_proposal


def test_narrow_edits_listed_places_only_and_the_file_names_them(policy_of: PolicyOf) -> None:
    policy = policy_of(admin='phase = "narrow"\n')
    assert policy.edit("src/a.py").effect is Effect.ALLOW
    assert policy.edit("app/a.py").rule.source.startswith("presets/narrow.toml:")
    named = policy_of(admin='phase = "narrow"\n[edit]\nallow = ["app/"]\n')
    assert named.edit("app/a.py").effect is Effect.ALLOW
    assert named.edit("src/a.py").rule.source.endswith("admin.toml:3")
    assert named.edit("app/.github/x.yml").effect is Effect.DENY
    assert named.read("src/a.py").effect is Effect.ALLOW


def test_regulated_demands_the_kernel_blocks_findings_and_labels_code(policy_of: PolicyOf) -> None:
    policy = policy_of(admin='phase = "regulated"\n')
    assert policy.settings.boundary_minimum == 3
    assert policy.settings.reason_required
    assert {handling.action for handling in policy.handling("a.py").values()} == {Action.BLOCK}
    assert policy.labels("app/payments/charge.py") == {"cde"}
    assert policy.read("tests/testdata/x.json").effect is Effect.ASK
    assert policy.settings.online_days >= 365
    assert policy.settings.archive_days >= 6 * 365


def test_graduated_has_larger_budgets_and_still_demands_the_kernel(policy_of: PolicyOf) -> None:
    regulated = policy_of(admin='phase = "regulated"\n').settings
    graduated = policy_of(admin='phase = "graduated"\n').settings
    assert graduated.boundary_minimum == regulated.boundary_minimum == 3
    for key, value in regulated.values.items():
        if key.startswith("budget."):
            assert int(graduated.values[key]) > int(value)


def test_a_files_own_words_come_before_its_presets(policy_of: PolicyOf) -> None:
    text = (
        'phase = "regulated"\n[boundary]\nminimum = 2\n[detect]\nphi = "redact"\n'
        '[read]\ndeny = ["x/"]\n[checks]\nrequired = ["syntax"]\n[labels]\ncde = ["till/"]\n'
    )
    policy = policy_of(admin=text)
    assert policy.settings.boundary_minimum == 2
    assert policy.settings.rules["boundary.minimum"].source.endswith("admin.toml:3")
    assert policy.handling()["phi"].action is Action.REDACT
    assert policy.handling()["pan"].action is Action.BLOCK
    assert policy.read("x/a").effect is Effect.DENY
    assert policy.labels("till/a.py") == policy.labels("payments/a.py") == {"cde"}
    assert {"syntax", "target"} <= set(policy.settings.required_checks) < set(CHECKS)


def test_beneath_another_file_a_preset_only_tightens(policy_of: PolicyOf) -> None:
    policy = policy_of(admin="[budget]\nlines_per_proposal = 50\n", user='phase = "graduated"\n')
    assert policy.settings.lines_per_proposal == 50
    assert policy.settings.files_per_proposal == policy_of().settings.files_per_proposal
    assert policy.settings.boundary_minimum == 3
    alone = policy_of(repository='phase = "graduated"\n')
    assert alone.settings.lines_per_proposal == policy_of().settings.lines_per_proposal
    assert alone.settings.boundary_minimum == 3
    both = policy_of(user='phase = "regulated"\n', repository='phase = "pilot"\n')
    assert both.settings.commit_mode == "off"
    assert both.settings.boundary_minimum == 3


def test_the_phase_in_force_is_the_highest_files(policy_of: PolicyOf) -> None:
    policy = policy_of(admin='phase = "regulated"\n', repository='phase = "pilot"\n')
    assert policy.settings.phase == "regulated"
    assert policy.name.startswith("regulated@")
    assert policy_of().settings.phase == ""


def test_the_digest_stands_for_the_presets_content(
    policy_of: PolicyOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.policy import presets

    before = policy_of(user='phase = "pilot"\n').sha256
    changed = preset_text("pilot").replace("lines_per_proposal = 100", "lines_per_proposal = 101")
    assert tomllib.loads(changed) != tomllib.loads(preset_text("pilot"))
    monkeypatch.setattr(presets, "text", lambda _name: changed)
    presets._parsed.cache_clear()
    try:
        assert policy_of(user='phase = "pilot"\n').sha256 != before
    finally:
        presets._parsed.cache_clear()
