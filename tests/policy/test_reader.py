"""A policy file that cannot be meant is refused with its file, its line and what is allowed."""

from __future__ import annotations

import contextlib
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import checks
from workbench.core.errors import PolicyError
from workbench.policy import PolicyFileError, reader
from workbench.policy.lines import Path, find_lines
from workbench.policy.reader import parse_tier
from workbench.policy.rules import CHECKS


def _refused(text: str | bytes) -> PolicyFileError:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(PolicyFileError) as caught:
        parse_tier(data, tier="user", file="policy.toml")
    assert isinstance(caught.value, PolicyError)
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.cause
    assert "\n" not in caught.value.next_step
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "cause", "next_step"),
    [
        ('[read]\ndeny = ["a"]\ndney = ["b"]\n', 3, 'unknown key in [read]: "dney"', "Did you mean deny?"),
        ("\n[reed]\n", 2, 'unknown section or key: "reed"', "Did you mean read?"),
        ("[read]\nx.y = 1\n", 2, 'unknown key in [read]: "x"', "Allowed: allow, deny, ask."),
        ("read = 1\n", 1, "read is not a section", "[read]"),
        ("[[read]]\n", 1, "read is not a section", "[read]"),
        ('[read]\ndeny = "*.pem"\n', 2, 'read.deny is "*.pem"', "a list of globs"),
        ('[read]\ndeny = [\n  "a",\n  # note ["\n  3,\n]\n', 5, "3 is not a text", "quotes"),
        ('[read]\ndeny = ["ok",\n"!x"]\n', 3, '"!x" is not a usable glob: negation', ".gitignore"),
        ('[read]\nask = ["""a\nb"""]\n', 2, "not a usable glob", ".gitignore"),
        ('name = "a b"\n', 1, 'name is "a b"', "letters"),
        (
            "\n\n[budget]\nfiles_per_proposal = 0\n",
            4,
            "budget.files_per_proposal is 0",
            "whole number from 1",
        ),
        ("[budget]\nfiles_per_proposal = true\n", 2, "is true", "whole number"),
        ("[budget]\nfiles_per_proposal = 2.5\n", 2, "is 2.5", "whole number"),
        ("[budget]\nlines_per_proposal = -9223372036854775808\n", 2, "is -922", "whole number"),
        ('[approvals]\nreason_required = "yes"\n', 2, 'is "yes"', "true or false"),
        (
            '[commit]\nmode = "branch"\n',
            2,
            'commit.mode is "branch"',
            '"current-branch" or "task-branch" or "off"',
        ),
        ("[boundary]\nminimum = 1\n", 2, "boundary.minimum is 1", "0 or 2 or 3 or 4"),
        ("[boundary]\nminimum = false\n", 2, "boundary.minimum is false", "0 or 2"),
        ("[approvals]\npeople = 4\n", 2, "approvals.people is 4", "1 or 2 or 3"),
        ("[approvals]\npeople = true\n", 2, "approvals.people is true", "1 or 2 or 3"),
        ('[approvals]\nsigned = "some"\n', 2, 'signed is "some"', 'true or false or "labels"'),
        ('[approvals]\nallowed_signers = "here"\n', 2, 'allowed_signers is "here"', "absolute path"),
        ("[approvals.labels.phi]\npeople = 0\n", 2, "approvals.labels.phi.people is 0", "1 or 2 or 3"),
        (
            'name = "x"\nphase = "regulatd"\n',
            2,
            'phase is "regulatd"',
            '"pilot" or "narrow" or "regulated" or "graduated"',
        ),
        ("phase = 3\n", 1, "phase is 3", '"pilot"'),
        ("[phase]\n", 1, "phase is a table", '"pilot"'),
        ("fase = 1\n", 1, 'unknown section or key: "fase"', "Did you mean phase?"),
        (
            '[checks]\nrequired = [\n"scope",\n"sintax"]\n',
            4,
            'unknown check: "sintax"',
            "Did you mean syntax?",
        ),
        ('[checks]\nrequired = "scope"\n', 2, 'checks.required is "scope"', "a list of names of checks"),
        ('[anchors]\nwitnesses = ["x"]\n', 2, "not a witness's verifier key", "that the witness printed"),
        ("[anchors]\nmax_age_hours = 0\n", 2, "max_age_hours is 0", "a whole number from 1 to 8,784"),
        ("[retention]\nonline_days = 0\n", 2, "online_days is 0", "a whole number from 1 to 36,525"),
        ("[retention]\narchive_days = 40000\n", 2, "archive_days is 40000", "36,525"),
        ("[retention]\ndays = 4\n", 2, 'unknown key in [retention]: "days"', "online_days, archive_days"),
        ('[detect]\npan = "stop"\n', 2, 'detect.pan is "stop"', '"off" or "warn" or "redact" or "block"'),
        ("[detect]\nphi = true\n", 2, "detect.phi is true", '"off" or "warn"'),
        ('[detect]\nnames = "off"\n', 2, 'unknown key in [detect]: "names"', "secrets, pan, phi, labels."),
        ('[detect]\nlabels = "phi"\n', 2, "detect.labels is not a section", "Write [detect.labels]"),
        (
            '[detect.labels.phy]\npan = "off"\n',
            1,
            'unknown key in [detect.labels]: "phy"',
            "Did you mean phi?",
        ),
        (
            '[detect.labels.phi]\nssn = "off"\n',
            2,
            'unknown key in [detect.labels.phi]: "ssn"',
            "secrets, pan, phi.",
        ),
        ('[detect.labels]\nphi.pan = "no"\n', 2, 'detect.labels.phi.pan is "no"', '"block"'),
        ("[budget]\nproposals_per_task = -1\n", 2, "proposals_per_task is -1", "whole number from 1"),
        ('[model]\nallow = [\n"xyz"]\n', 3, '"xyz" is not a SHA-256', "64 lower-case hex"),
        ("[run]\nallow = [[]]\n", 2, "a command is empty", "pytest"),
        ('[run]\nallow = ["pytest -q"]\n', 2, 'is "pytest -q"', "a list of words"),
        ('[run]\nallow = [\n["a"],\n{argv=["b"], moar="x"}]\n', 4, '"moar"', "Did you mean more?"),
        ('[run]\nallow = [{argv=["b"], more="all"}]\n', 2, 'is "all"', '"none" or "paths"'),
        ('[run]\nallow = [{argv=["b"], until="31.1.2026"}]\n', 2, 'is "31.1.2026"', "2026-01-31"),
        ('[run]\nallow = [{argv=["b"], until="20260131"}]\n', 2, 'is "20260131"', "2026-01-31"),
        ("[[run.allow]]\nargv = ['a']\n[[run.allow]]\nargv = []\n", 3, "a command is empty", "pytest"),
        ("[read]\ndeny = [\n", 2, "not valid TOML", "syntax"),
        ("[read\n", 1, "not valid TOML", "syntax"),
        ("a = 1\na = 2\n", 2, "not valid TOML", "syntax"),
        ("[budget]\nfiles_per_proposal = " + "9" * 5000 + "\n", 1, "not valid TOML", "syntax"),
        ("a = " + "[" * 5000 + "]" * 5000, 1, "nested too deeply", "plain lists"),
        (b"[read]\n# \xff\n", 2, "not UTF-8", "UTF-8"),
        ("#" * 300_000, 1, "the file has 300,000 bytes", "262,144"),
        ("[read]\ndeny = [" + '"a",' * 2001 + "]\n", 2, "2,001 items", "2,000"),
        ('[read]\r\ndeny = [\r\n"#x"]\r\n', 3, "comment", ".gitignore"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_is_allowed(
    text: str | bytes, line: int, cause: str, next_step: str
) -> None:
    error = _refused(text)
    assert error.cause.startswith(f"policy.toml:{line}: ")
    assert cause in error.cause
    assert next_step in error.next_step


def test_what_a_file_says_cannot_reach_the_terminal_raw() -> None:
    error = _refused('["\\u001b]52;c;eA\\u0007"]\n')
    assert "\x1b" not in error.diagnostics()
    assert "␛" in error.cause


def test_an_empty_file_is_a_policy_that_says_nothing() -> None:
    tier = parse_tier(b"", tier="user", file="policy.toml")
    assert (tier.globs, tier.run, tier.models, dict(tier.settings)) == ((), None, (), {})


def test_every_key_of_the_schema_is_in_the_modules_own_list() -> None:
    said = (reader.__doc__ or "").replace("\n", " ")
    for section, keys in reader._SCHEMA.items():
        assert f"[{section}]" in said
        for key in keys:
            assert key in said


def test_the_checks_that_can_be_required_are_those_there_are() -> None:
    assert list(CHECKS) == list(checks.CHECKS)


@given(st.binary(max_size=200))
def test_random_bytes_are_read_or_refused_never_a_raw_error(data: bytes) -> None:
    with contextlib.suppress(PolicyFileError):
        parse_tier(data, tier="repository", file="policy.toml")


_TOML_TEXT = st.lists(
    st.sampled_from(
        [
            "[read]",
            "[[run.allow]]",
            "deny = [",
            "]",
            '"a"',
            "'b'",
            ",",
            "\n",
            "#c",
            "=",
            "argv",
            "[detect.labels.phi]",
            "phase",
            "labels",
            "{",
            "}",
            "1",
            '"""',
            "x.y",
        ]
    ),
    max_size=25,
).map(" ".join)


@given(_TOML_TEXT)
def test_random_toml_is_read_or_refused_never_a_raw_error(text: str) -> None:
    with contextlib.suppress(PolicyFileError):
        parse_tier(text.encode(), tier="repository", file="policy.toml")


DOCUMENT = '''
name = "x" # [not.a.table]
[read]
deny = [ "a", # "no"
  'b]', """c
  d""", "e\\"f",
]
ask = []
[ labels . "phi" ]
"odd key" = { one = 1, two = ["x",
 "y"] }
[[run.allow]]
argv = ["a"]
[[run.allow]]
argv = ["b"]
[run.more]
when = 2021-01-01T00:00:00Z
a.b.c = 0x1F
'''


def test_every_key_and_item_has_its_line() -> None:
    found = find_lines(DOCUMENT)
    for path, line in {
        ("name",): 2,
        ("read", "deny", 0): 4,
        ("read", "deny", 1): 5,
        ("read", "deny", 2): 5,
        ("read", "deny", 3): 6,
        ("read", "ask"): 8,
        ("labels", "phi", "odd key"): 10,
        ("labels", "phi", "odd key", "two", 1): 11,
        ("run", "allow", 0, "argv", 0): 13,
        ("run", "allow", 1): 14,
        ("run", "more", "when"): 17,
        ("run", "more", "a", "b", "c"): 18,
    }.items():
        assert found[path] == line, path


def test_the_walk_finds_exactly_what_the_parser_finds() -> None:
    def paths(value: object, above: Path = ()) -> set[Path]:
        items: list[tuple[str | int, object]] = []
        if isinstance(value, dict):
            items = list(value.items())
        elif isinstance(value, list):
            items = list(enumerate(value))
        return {above} | {path for key, item in items for path in paths(item, (*above, key))}

    assert set(find_lines(DOCUMENT)) == paths(tomllib.loads(DOCUMENT)) - {()}
