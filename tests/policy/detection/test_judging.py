"""What happens to a text follows from policy, confidence and labels, and stricter inputs are never milder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.detection import fakes
from workbench.core.errors import PolicyError
from workbench.policy.detection import (
    ACTIONS,
    RULES,
    UNSCANNED,
    Finding,
    Gap,
    Material,
    Ruling,
    Scan,
    decide,
    scan,
)

PATIENT = '{"resource' + 'Type": "Patient", "birthDate": "x", "name": [{"family": "x"}]}'
ORDER = (Ruling.ALLOW, Ruling.WARN, Ruling.REDACT, Ruling.BLOCK)


def _judge(text: str, actions: dict[str, str] | None = None, labels: tuple[str, ...] = ()) -> Ruling:
    return decide(scan(text.encode(), Material.DATA), actions or {}, labels).ruling


@pytest.mark.parametrize(
    ("text", "ruling"),
    [
        ("nothing to see here", Ruling.ALLOW),
        ("ghp_" + fakes.text(fakes.ALPHANUMERIC, 36), Ruling.BLOCK),
        (f'api_token = "{fakes.text(fakes.ALPHANUMERIC, 32)}"', Ruling.REDACT),
        (fakes.card(), Ruling.BLOCK),
        ("4111" + "1111" + "1111" + "1111", Ruling.WARN),
        (fakes.ssn(), Ruling.BLOCK),
        ("jane@clinic-synthetic.org", Ruling.REDACT),
        ("10.20.30.40", Ruling.WARN),
        (PATIENT, Ruling.BLOCK),
    ],
)
def test_confidence_softens_what_policy_says(text: str, ruling: Ruling) -> None:
    assert _judge(text) is ruling


def test_policy_can_say_less() -> None:
    assert _judge(fakes.card(), {"pan": "redact"}) is Ruling.REDACT
    assert _judge(fakes.card(), {"pan": "warn"}) is Ruling.WARN
    assert _judge(fakes.card(), {"pan": "off"}) is Ruling.ALLOW


def test_a_label_is_one_step_stricter_and_does_not_soften() -> None:
    assert _judge("jane@clinic-synthetic.org", {}, ("phi",)) is Ruling.BLOCK
    assert _judge("jane@clinic-synthetic.org", {}, ("cde",)) is Ruling.REDACT
    assert _judge(fakes.card(), {"pan": "redact"}, ("cde",)) is Ruling.BLOCK
    assert _judge(fakes.card(), {"pan": "off"}, ("cde",)) is Ruling.WARN
    assert _judge("10.20.30.40", {}, ("phi",)) is Ruling.REDACT


def test_three_kinds_of_identifiers_block_though_each_would_be_redacted() -> None:
    two = "jane@clinic-synthetic.org, 312-867-5309"
    assert _judge(two) is Ruling.REDACT
    assert _judge(f"{two}, born 1970-01-31") is Ruling.BLOCK
    assert _judge(f"{two}, born 1970-01-31", {"phi": "warn"}) is Ruling.WARN
    assert _judge(f"{two}, bob@clinic-synthetic.org") is Ruling.REDACT


def test_a_record_of_a_person_is_never_only_redacted() -> None:
    judgement = decide(scan(PATIENT.encode(), Material.DATA), {"phi": "redact"})
    assert judgement.ruling is Ruling.BLOCK
    assert not judgement.redactable


def test_what_was_not_searched_is_said_and_follows_policy() -> None:
    cut = Scan(Material.CODE, 900, (), (Gap(500, 900, "Only the first 500 bytes are searched."),))
    assert decide(cut, {}).ruling is Ruling.WARN
    assert "byte 500 of 900" in decide(cut, {}).reasons[0]
    assert decide(cut, {UNSCANNED: "redact"}).ruling is Ruling.BLOCK
    assert decide(cut, {UNSCANNED: "off"}).ruling is Ruling.ALLOW
    assert decide(cut, {}, ("phi",)).ruling is Ruling.BLOCK
    assert not decide(cut, {}, ("phi",)).redactable


@pytest.mark.parametrize("actions", [{"secret": "delete"}, {"names": "block"}, {"": "warn"}])
def test_an_unknown_word_in_policy_is_an_error_with_the_allowed_ones(actions: dict[str, str]) -> None:
    with pytest.raises(PolicyError) as caught:
        decide(Scan(Material.CODE, 0, ()), actions)
    assert caught.value.next_step.startswith("Allowed: ")


def test_reasons_name_rules_and_numbers_never_values() -> None:
    text = f"{fakes.ssn()} {fakes.card()} {fakes.ssn(group=46)}"
    judgement = decide(scan(text.encode(), Material.DATA), {})
    assert any("2 × US social security number" in reason for reason in judgement.reasons)
    assert not any(fakes.ssn() in reason or fakes.card() in reason for reason in judgement.reasons)
    assert fakes.ssn() not in repr(judgement)


_findings = st.builds(
    lambda rule, start: Finding(rule.id, rule.klass, rule.confidence, start, start + 5),
    st.sampled_from(RULES),
    st.integers(0, 500),
)
_scans = st.builds(
    lambda findings, gaps: Scan(Material.DATA, 1000, tuple(findings), tuple(gaps)),
    st.lists(_findings, max_size=6),
    st.lists(st.just(Gap(900, 1000, "Not searched.")), max_size=1),
)
_actions = st.dictionaries(st.sampled_from(["secret", "pan", "phi", UNSCANNED]), st.sampled_from(ACTIONS))
_labels = st.sets(st.sampled_from(["phi", "cde", "secret"]))


@given(_scans, _actions, _labels, _labels)
def test_a_further_label_never_makes_it_milder(
    one: Scan, actions: dict[str, str], labels: set[str], more: set[str]
) -> None:
    before, after = decide(one, actions, labels), decide(one, actions, labels | more)
    assert ORDER.index(after.ruling) >= ORDER.index(before.ruling)
    assert set(before.redactions) <= set(after.redactions)


@given(_scans, _findings, _actions, _labels)
def test_a_further_finding_never_makes_it_milder(
    one: Scan, further: Finding, actions: dict[str, str], labels: set[str]
) -> None:
    more = Scan(one.material, one.size, (*one.findings, further), one.gaps)
    before, after = decide(one, actions, labels), decide(more, actions, labels)
    assert ORDER.index(after.ruling) >= ORDER.index(before.ruling)


@given(_scans, _actions, st.sampled_from(["secret", "pan", "phi", UNSCANNED]), _labels)
def test_a_stricter_action_never_makes_it_milder(
    one: Scan, actions: dict[str, str], name: str, labels: set[str]
) -> None:
    rulings = [decide(one, {**actions, name: word}, labels).ruling for word in ACTIONS]
    assert [ORDER.index(ruling) for ruling in rulings] == sorted(ORDER.index(ruling) for ruling in rulings)


@given(_scans, _actions, _labels)
def test_what_is_not_allowed_has_a_reason(one: Scan, actions: dict[str, str], labels: set[str]) -> None:
    judgement = decide(one, actions, labels)
    assert bool(judgement.reasons) == (judgement.ruling is not Ruling.ALLOW)
