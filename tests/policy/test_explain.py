"""What `workbench policy explain` prints: the verdicts, the deciding line, and why."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from workbench.core.records import Effect, Rule
from workbench.policy import PHASES, Policy, explain_command, explain_model, explain_path, origin
from workbench.policy.floor import EDIT_DENY, READ_ASK, READ_DENY
from workbench.policy.origin import place

PolicyOf = Callable[..., Policy]

_PLACED = re.compile(r"\[(floor|admin|user|repository|default), (?:compiled in, )?([^\[\]]+):([1-9]\d*)\]$")


def _without_lines(lines: list[str]) -> list[str]:
    """Return the lines without the numbers that change with every edit of this program."""
    return [re.sub(r"(compiled in, \w+\.py):\d+", r"\1", line) for line in lines]


def test_a_denied_path_is_explained_with_line_reason_and_what_else_matched(policy_of: PolicyOf) -> None:
    policy = policy_of(repository='[read]\nask = ["*.production"]\n[labels]\nsecret = [".env.*"]\n')
    assert _without_lines(explain_path(policy, "a/.env.production")) == [
        "a/.env.production",
        '  read   deny   read.deny ".env.*"  [floor, compiled in, floor.py]',
        '  edit   deny   read.deny ".env.*"  [floor, compiled in, floor.py]',
        "  label  secret",
        "  why    Environment files hold live credentials.",
        '  also   read.ask "*.production"  [repository, .workbench/policy.toml:2]',
        '  also   labels.secret ".env.*"  [repository, .workbench/policy.toml:4]',
    ]


def test_an_allowed_path_that_is_executed_says_so_and_how_it_is_searched(policy_of: PolicyOf) -> None:
    policy = policy_of(repository='[detect]\nphi = "redact"\n')
    assert _without_lines(explain_path(policy, "Makefile")) == [
        "Makefile",
        "  read   allow  read: allowed by default  [default, compiled in, policy.py]",
        "  edit   allow  edit: allowed by default  [default, compiled in, policy.py]",
        '  scan   secrets redact  detect.secrets = "redact"  [default, compiled in, settings.py]',
        '  scan   pan block  detect.pan = "block"  [default, compiled in, settings.py]',
        '  scan   phi redact  detect.phi = "redact"  [repository, .workbench/policy.toml:2]',
        "  risk   high: this file runs when the project is built",
    ]


def test_the_exception_is_shown_where_it_applies(policy_of: PolicyOf) -> None:
    assert '  also   exception ".env.example"  [floor, compiled in, floor.py]' in _without_lines(
        explain_path(policy_of(), ".env.example")
    )


def test_a_hostile_path_is_explained_on_inert_lines(policy_of: PolicyOf) -> None:
    lines = explain_path(policy_of(), "a\n\x1b[2Jb")
    assert lines[0] == "a␊␛[2Jb"
    assert "control character" in lines[1]


def test_a_command_is_explained_one_word_a_line(policy_of: PolicyOf) -> None:
    policy = policy_of(user='[run]\nallow = [["pytest", "-q"]]\n')
    lines = explain_command(policy, ["pytest", "-q"])
    assert lines[:3] == ["command", "  argv[0]  pytest", "  argv[1]  -q"]
    assert lines[3].startswith("  run    allow  run.allow ['pytest', '-q']  [user, ")
    assert "deny" in explain_command(policy, ["rm", "-rf", "x"])[-1]


def test_a_model_is_explained_by_its_digest(policy_of: PolicyOf) -> None:
    policy = policy_of(admin=f'[model]\nallow = ["{"a" * 64}"]\n')
    assert "allow" in explain_model(policy, "a" * 64)[1]
    assert re.search(
        r"deny   model\.allow does not list it  \[admin, .*:2\]", explain_model(policy, "b" * 64)[1]
    )


@pytest.mark.parametrize(
    ("table", "kind"), [(READ_DENY, "read.deny"), (EDIT_DENY, "edit.deny"), (READ_ASK, "read.ask")]
)
def test_every_compiled_in_glob_is_found_on_the_line_that_holds_it(
    table: tuple[object, ...], kind: str
) -> None:
    for group in table:
        words = [*getattr(group, "patterns"), *getattr(group, "names")]  # noqa: B009
        for word in words:
            found = place(Rule(f'{kind} "{word}"', "floor", "compiled in"))
            file, _, line = found.removeprefix("compiled in, ").partition(":")
            source = resources.files("workbench.policy").joinpath(file).read_text("utf-8").splitlines()
            assert word in source[int(line) - 1].replace('"', " ").split(), found


def test_without_its_sources_the_program_still_explains(
    policy_of: PolicyOf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    caches = (origin._globs, origin._pieces, origin._own_state, origin._tree)
    monkeypatch.setattr("importlib.resources.files", lambda _package: tmp_path)
    for cached in caches:
        cached.cache_clear()
    try:
        assert "compiled in" in explain_path(policy_of(), ".env")[1]
    finally:
        for cached in caches:
            cached.cache_clear()


_NAMES = [
    "src", "docs", "tests", "payments", "testdata", ".github", ".env", ".env.example", "a.py", "b.csv",
    "Makefile", "phi", ".workbench", "policy.toml", "état.py", "secrets", "vendor", ".git", "state", "x.pem",
]  # fmt: skip
_ODD = [
    "",
    "../x",
    "/etc/passwd",
    "a\0",
    "~/x",
    "x\\y",
    "a\nb",
    "file://x",
    "a\u202eb",
    "x" * 5000,
    "caf\udce9",
]
_RULES = {
    "read": ("allow", "deny", "ask"),
    "edit": ("allow", "deny"),
    "labels": ("phi", "cde", "secret"),
}
_GLOBS = ["*.py", "src/", "docs/**", "/a.py", "tests/*.py", "*", "payments/", "*.csv"]
_WORDS = ["pytest", "-q", "src/a.py", ".env", "ls", "", "a\rb", "--x"]


def _random_tier(dice: random.Random) -> str:
    text = f'phase = "{dice.choice(PHASES)}"\n' if dice.random() < 0.4 else ""
    for section, keys in _RULES.items():
        chosen = [key for key in keys if dice.random() < 0.3]
        lines = [f"{key} = {dice.sample(_GLOBS, dice.randrange(3))}" for key in chosen]
        text += "\n".join([f"[{section}]", *lines, ""])
    if dice.random() < 0.6:
        text += f"[run]\nallow = {[dice.sample(_WORDS[:3], dice.randint(1, 3)) for _ in range(2)]}\n"
    if dice.random() < 0.4:
        text += f'[model]\nallow = ["{dice.choice("ab") * 64}"]\n'
    if dice.random() < 0.5:
        text += f'[detect]\npan = "{dice.choice(["off", "warn", "redact", "block"])}"\n'
    return text


def test_every_verdict_of_thousands_names_its_file_and_line(policy_of: PolicyOf) -> None:
    dice = random.Random(7)
    explained, effects = 0, set()
    for _ in range(150):
        tiers = [_random_tier(dice) if dice.random() < 0.7 else "" for _ in range(3)]
        policy = policy_of(*tiers, own_paths=("state",))
        paths = ["/".join(dice.sample(_NAMES, dice.randint(1, 3))) for _ in range(25)]
        commands = [dice.sample(_WORDS, dice.randrange(4)) for _ in range(8)]
        lines = [line for path in [*paths, *_ODD] for line in explain_path(policy, path)[1:]]
        lines += [explain_command(policy, argv)[-1] for argv in commands]
        lines += [explain_model(policy, digest)[-1] for digest in ("a" * 64, "b" * 64, "short")]
        for line in lines:
            if not line.startswith(("  label", "  risk", "  why")):
                assert _PLACED.search(line), line
                explained += 1
                effects |= {effect for effect in Effect if f"   {effect.value} " in line}
    assert explained > 10_000
    assert effects == {Effect.ALLOW, Effect.ASK, Effect.DENY}
