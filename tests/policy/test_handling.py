"""What is done with a finding: by class, and more strictly in labelled files, never less."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from workbench.core.records import CheckResult, CheckVerdict
from workbench.policy import Action, Policy, settings

PolicyOf = Callable[..., Policy]


def test_without_a_file_secrets_are_redacted_and_card_numbers_blocked(policy_of: PolicyOf) -> None:
    found = policy_of().handling("src/a.py")
    assert {name: handling.action for name, handling in found.items()} == {
        "secrets": Action.REDACT,
        "pan": Action.BLOCK,
        "phi": Action.WARN,
    }


def test_the_highest_file_sets_an_action_and_lower_ones_go_towards_block(policy_of: PolicyOf) -> None:
    policy = policy_of(
        admin='[detect]\npan = "off"\nphi = "redact"\n',
        user='[detect]\npan = "warn"\nphi = "off"\n',
        repository='[detect]\nphi = "block"\npan = "off"\n',
    )
    assert policy.handling()["pan"].action is Action.WARN
    assert policy.handling()["pan"].rule.source.endswith("user.toml:2")
    assert policy.handling()["phi"].action is Action.BLOCK
    assert policy.handling()["phi"].rule.source == ".workbench/policy.toml:2"


def test_a_repository_alone_cannot_switch_a_detector_off(policy_of: PolicyOf) -> None:
    policy = policy_of(repository='[detect]\npan = "off"\nsecrets = "warn"\n')
    assert policy.handling() == policy_of().handling()


def test_a_label_makes_an_action_stricter_and_never_looser(policy_of: PolicyOf) -> None:
    policy = policy_of(
        admin='[labels]\nphi = ["clinic/"]\ncde = ["till/"]\n[detect]\nphi = "redact"\n'
        '[detect.labels.phi]\nphi = "block"\n[detect.labels.cde]\nphi = "off"\n'
    )
    assert policy.handling("src/a.py")["phi"].action is Action.REDACT
    assert policy.handling("till/a.py")["phi"].action is Action.REDACT
    found = policy.handling("clinic/a.py")["phi"]
    assert found.action is Action.BLOCK
    assert found.rule.name == 'detect.labels.phi.phi = "block"'
    assert found.rule.source.endswith("admin.toml:7")


def test_text_without_a_file_has_no_label_and_a_malformed_path_has_all(policy_of: PolicyOf) -> None:
    policy = policy_of(admin='[detect.labels.secret]\nsecrets = "block"\n')
    assert policy.handling(None)["secrets"].action is Action.REDACT
    assert policy.handling("../x")["secrets"].action is Action.BLOCK


def test_a_required_check_is_met_only_by_having_run_and_not_failed(policy_of: PolicyOf) -> None:
    policy = policy_of(
        admin='[checks]\nrequired = ["syntax", "scope"]\n', user='[checks]\nrequired = ["budget", "scope"]\n'
    )
    values = policy.settings
    assert list(values.required_checks) == ["syntax", "scope", "budget"]
    assert values.required_checks["scope"].tier == "admin"

    def results(**verdicts: CheckVerdict) -> list[CheckResult]:
        return [CheckResult(name, verdict, "") for name, verdict in verdicts.items()]

    met = results(syntax=CheckVerdict.PASS, scope=CheckVerdict.WARN, budget=CheckVerdict.PASS)
    assert values.unmet_checks(met) == ()
    assert values.unmet_checks(met[:2]) == ("budget",)
    assert values.unmet_checks(results(syntax=CheckVerdict.SKIPPED, scope=CheckVerdict.FAIL)) == (
        "syntax",
        "scope",
        "budget",
    )


def test_retention_can_only_grow_and_archives_outlast_the_ledger(policy_of: PolicyOf) -> None:
    policy = policy_of(
        admin="[retention]\nonline_days = 90\narchive_days = 365\n",
        user="[retention]\nonline_days = 30\narchive_days = 30\n",
        repository="[retention]\nonline_days = 400\n",
    )
    assert policy.settings.online_days == 400
    assert policy.settings.archive_days == 400


def test_every_required_check_names_the_line_it_stands_on(policy_of: PolicyOf) -> None:
    policy = policy_of(repository='[checks]\nrequired = [\n  "syntax",\n  "scope",\n]\n')
    assert {name: rule.source for name, rule in policy.settings.required_checks.items()} == {
        "syntax": ".workbench/policy.toml:3",
        "scope": ".workbench/policy.toml:4",
    }


def test_a_changed_default_is_a_changed_policy(policy_of: PolicyOf, monkeypatch: pytest.MonkeyPatch) -> None:
    before = policy_of().sha256
    monkeypatch.setattr(settings, "DEFAULTS", {**settings.DEFAULTS, "detect.phi": "block"})
    assert policy_of().sha256 != before


WITNESSES = [f"w.example/{number}+0000000{number}+{'B' * 44}" for number in range(2)]


def test_only_the_highest_file_says_which_witnesses_are_believed(policy_of: PolicyOf) -> None:
    named = [f'[anchors]\nwitnesses = ["{key}"]\n' for key in WITNESSES]
    assert policy_of(repository=named[0]).settings.witnesses == ()
    assert policy_of(admin='name = "x"\n', user=named[0]).settings.witnesses == ()
    assert policy_of(admin=named[1], user=named[0], repository=named[0]).settings.witnesses == (WITNESSES[1],)
    assert policy_of(user=named[0], repository=named[1]).settings.witnesses == (WITNESSES[0],)


def test_a_lower_file_can_demand_newer_anchors_but_not_switch_any_off(policy_of: PolicyOf) -> None:
    policy = policy_of(
        admin="[anchors]\nmax_age_hours = 12\n",
        repository="[anchors]\nmax_age_hours = 1\ngit_notes = false\nsyslog = false\n",
    ).settings
    assert (policy.max_anchor_age, policy.git_notes, policy.syslog) == (3600, True, True)
    assert policy_of(admin="[anchors]\ngit_notes = false\n").settings.git_notes is False
