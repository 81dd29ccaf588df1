"""Every rule finds what it names, where it is, and leaves placeholders and other numbers alone."""

from __future__ import annotations

import pytest

from tests.policy.detection import fakes
from workbench.policy.detection import RULES, Klass, Material, scan

SAMPLES = [(rule_id, sample) for rule_id, texts in fakes.samples().items() for sample in texts]


def _plain(sample: str) -> tuple[bytes, int, int]:
    before, _, rest = sample.partition("«")
    value, _, after = rest.partition("»")
    start = len(before.encode())
    return (before + value + after).encode(), start, start + len(value.encode())


def test_every_rule_has_a_sample() -> None:
    assert {rule.id for rule in RULES} == set(fakes.samples())


def test_every_rule_says_what_it_is_and_where_that_is_documented() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.what
        assert rule.source
        assert rule.kind.isalnum()
        assert rule.kind == rule.kind.upper()
        assert all(need == need.lower() for need in rule.needs)


@pytest.mark.parametrize(("rule_id", "sample"), SAMPLES, ids=[f"{i}-{n}" for n, (i, _) in enumerate(SAMPLES)])
def test_a_rule_finds_its_value_at_its_offsets(rule_id: str, sample: str) -> None:
    data, start, end = _plain(sample)
    found = [one for one in scan(data, Material.DATA).findings if one.rule_id == rule_id]
    assert [(one.start, one.end) for one in found] == [(start, end)]


@pytest.mark.parametrize(
    ("rule_id", "sample"),
    [pair for pair in SAMPLES if pair[0] in {rule.id for rule in RULES if rule.klass is Klass.SECRET}],
)
def test_secrets_are_found_in_code_as_in_data(rule_id: str, sample: str) -> None:
    data, start, end = _plain(sample)
    assert any(one.start <= start < end <= one.end for one in scan(data, Material.CODE).findings), rule_id


@pytest.mark.parametrize(
    "text",
    [
        'password = "changeme"',
        "password = os.environ['DB_PASSWORD']",
        'api_key = "YOUR_API_KEY_HERE"',
        'token = "${CI_JOB_TOKEN}"',
        "secret: {{ vault_secret }}",
        "AKIA" + "IOSFODNN7" + "EXAMPLE",
        "ghp_" + "x" * 36,
        "https://user:password@example.com/",
        "def token_for(user: str) -> str:",
        "self.password_hash_algorithm = hashlib.sha256",
        'primary_key = "customer_identifier_v2"',
        'key = "application.settings.theme"',
        "curl -u $USER:$PASSWORD https://ci.internal",
        "Authorization: Bearer <token>",
        "-----BEGIN PRIVATE " + "KEY-----\nanything\n-----END PRIVATE " + "KEY-----",
        "-----BEGIN PUBLIC " + "KEY-----\n" + fakes.text(fakes.ALPHANUMERIC, 64),
        "integrity sha512-" + fakes.text(fakes.ALPHANUMERIC, 86) + "==",
        "commit " + fakes.text(fakes.HEX, 40),
    ],
)
def test_placeholders_names_and_digests_are_not_secrets(text: str) -> None:
    assert not scan(text.encode(), Material.CODE).findings


@pytest.mark.parametrize(
    "text",
    [
        "order " + fakes.card()[:-1] + str((int(fakes.card()[-1]) + 1) % 10),
        "at 1712345678901234 ms",
        "3.14159265358979323846",
        f"/blob/{fakes.card()}/x",
        "a" + fakes.card(),
        fakes.card() + "7",
        fakes.ssn(900, 12),
        fakes.ssn(666),
        fakes.ssn(group=0),
        fakes.ssn(serial=0),
        "1" + fakes.ssn(),
        "npi 1987654320",
        fakes.iban()[:-1] + "0",
        "E11.65 alone names nobody",
        "bot@example.com",
        "127.0.0.1 and 192.0.2.7 and 0.0.0.0",
        "version 1.2.3.4.5",
        "555-0123",
        "std::vector::iterator",
        "2026-11-21 12:30:45",
    ],
)
def test_numbers_that_only_look_alike_are_left_alone(text: str) -> None:
    assert not scan(text.encode(), Material.DATA).findings


def test_in_code_mail_telephone_address_and_date_are_not_noise() -> None:
    noise = b"# jane@clinic-synthetic.org, 312-867-5309, 91.198.174.192, born 1970-01-31, MRN: 0048213\n"
    assert len(scan(noise, Material.DATA).findings) >= 5
    assert not scan(noise, Material.CODE).findings


def test_in_code_a_social_security_number_still_counts() -> None:
    assert [one.rule_id for one in scan(f'x = "{fakes.ssn()}"'.encode(), Material.CODE).findings] == ["ssn"]


def test_a_fhir_type_without_a_person_is_no_record() -> None:
    data = b'if resource == {"resourceType": "Patient"}: handle(resource)'
    assert not scan(data, Material.DATA).findings
