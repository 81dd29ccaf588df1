"""The floor: the path-level rows of the red-team list, by number, and what it must leave alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from workbench.core.records import Effect
from workbench.policy import Policy, floor

PolicyOf = Callable[..., Policy]


@pytest.mark.parametrize(
    ("row", "path"),
    [
        (1, ".env"),
        (1, "./.env"),
        (2, "a/.ENV.production"),
        (4, "．env"),
        (4, "a/．ｅｎｖ"),
        (5, ".env\u200b"),
        (5, ".e\u2060nv"),
        (6, ".env "),
        (6, ".env."),
        (6, "a/.env /b"),
        (7, "e\u0301/.env"),
        (7, "\u00e9/.env"),
        (8, "x/.ssh/id_rsa"),
        (8, "x/.SSH/config"),
        (9, "deploy.PEM"),
        (10, "terraform.tfstate.backup"),
        (11, "src/.app.py.swp"),
        (11, "app.py~"),
        (11, "#app.py#"),
        (12, ".git/config"),
        (12, "vendor/lib/.git/hooks/pre-commit"),
        (13, ".git"),
        (13, "sub/.git"),
        (14, "submodule/.git/hooks/post-checkout"),
        (14, "mirror.git/objects/pack/x.pack"),
        (19, "src/../.env"),
        (19, "..\\.env"),
        (20, "/etc/passwd"),
        (20, "~/.ssh/id_rsa"),
        (20, "file:///etc/passwd"),
        (31, "a\0b"),
        (31, "a\x1b]52;c;x\x07"),
        (31, "a\nb"),
        (32, "caf\udce9.py"),
        (0, "home/.docker/config.json"),
        (0, "deep/down/.config/gcloud/token.db"),
        (0, "scan/0001.dcm"),
        (0, "phi/notes.txt"),
        (0, "a/phi/b/c.txt"),
        (0, "core.4711"),
        (0, ".workbench-tmp-12-abc"),
    ],
)
def test_red_team_row_is_denied_for_reading_and_editing(policy_of: PolicyOf, row: int, path: str) -> None:
    policy = policy_of()
    for verdict in (policy.read(path), policy.edit(path)):
        assert verdict.effect is Effect.DENY, row
        assert (verdict.rule.tier, verdict.rule.source) == ("floor", "compiled in")


@pytest.mark.parametrize("name", [".env.example", ".env.sample", ".env.template", ".env.dist"])
def test_row_3_the_four_templates_of_dotenv_are_allowed(policy_of: PolicyOf, name: str) -> None:
    policy = policy_of()
    assert policy.read(name).effect is Effect.ALLOW
    assert policy.read(f"app/{name}").effect is Effect.ALLOW
    assert policy.read(f"app/{name.upper()}").effect is Effect.ALLOW


@pytest.mark.parametrize(
    "path", [".env.example.local", ".env.example~", ".env.example/x", ".ssh/.env.example", "phi/.env.sample"]
)
def test_the_exception_lifts_nothing_else(policy_of: PolicyOf, path: str) -> None:
    assert policy_of().read(path).effect is Effect.DENY


@pytest.mark.parametrize("tier", ["admin", "user", "repository"])
def test_no_tier_can_lift_the_floor(policy_of: PolicyOf, tier: str) -> None:
    policy = policy_of(**{tier: '[read]\nallow = ["*"]\n[edit]\nallow = ["*", ".git/**"]\n'})
    for path in (".env", "x/.ssh/id_rsa", ".git/config"):
        assert policy.read(path).effect is Effect.DENY
        assert policy.edit(path).effect is Effect.DENY


def test_a_tier_can_deny_what_the_exception_allows(policy_of: PolicyOf) -> None:
    policy = policy_of(repository='[read]\ndeny = [".env.example"]\n')
    assert policy.read(".env.example").rule.source == ".workbench/policy.toml:2"


@pytest.mark.parametrize(
    "path",
    [
        "src/app.py",
        "src/environment.py",
        "envelope.py",
        "src/shadow/dom.ts",
        "src/keyboard.key.ts",
        "lib/credentials.py",
        "docs/secrets.md",
        "core.py",
        "core.2d.js",
        "tests/test_ssh.py",
        "gitignore",
        ".gitignore",
        "Makefile",
        "naïve/日本語.py",
        "philosophy/readme.md",
        "config/settings.toml",
    ],
)
def test_ordinary_source_is_allowed(policy_of: PolicyOf, path: str) -> None:
    assert policy_of().read(path).effect is Effect.ALLOW


@pytest.mark.parametrize(
    ("row", "path"),
    [
        (36, "dist/app.tar.gz"),
        (36, "a.zip"),
        (36, "a.7z"),
        (37, "notebook.ipynb"),
        (37, "trace.har"),
        (37, "server.log"),
        (0, "dump.SQL"),
        (0, "src/credentials/provider.py"),
        (0, "config/production.yml"),
        (0, "tests/fixtures/patient.json"),
    ],
)
def test_what_may_hold_data_is_asked_about(policy_of: PolicyOf, row: int, path: str) -> None:
    policy = policy_of(admin='[read]\nallow = ["*"]\n')
    assert policy.read(path).effect is Effect.ASK, row
    assert policy.edit(path).effect is Effect.ASK, "an edit is not judged less strictly than a read"


@pytest.mark.parametrize(
    "path",
    [
        ".workbench/policy.toml",
        ".Workbench/policy.toml",
        "sub/.workbench/anything",
        "home/.config/workbench/policy.toml",
        "etc/workbench/policy.toml",
    ],
)
def test_the_agents_own_rules_are_read_but_never_edited(policy_of: PolicyOf, path: str) -> None:
    assert policy_of().read(path).effect is Effect.ALLOW
    assert policy_of().edit(path).effect is Effect.DENY


def test_every_group_has_a_reason_and_every_rule_matches_something(policy_of: PolicyOf) -> None:
    policy = policy_of()
    for group in (*floor.READ_DENY, *floor.EDIT_DENY, *floor.READ_ASK):
        assert group.reason.endswith("."), group.name
        for pattern in (*group.patterns, *group.names):
            sample = pattern.removeprefix("**/").replace("\\", "").rstrip("/")
            sample = sample.replace("[a-p]", "p").replace("[0-9]", "7").replace("*", "x")
            assert policy.edit(f"deep/down/{sample}").effect is not Effect.ALLOW, pattern


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (".github/workflows/release.yml", "continuous integration"),
        (".gitlab-ci.yml", "continuous integration"),
        (".pre-commit-config.yaml", "git commits"),
        (".gitattributes", "git commits"),
        ("sub/Makefile", "built"),
        ("Cargo.toml", "built"),
        ("package.json", "packages are installed"),
        ("tests/conftest.py", "imported or tested"),
        ("setup.py", "installed"),
        ("pyproject.toml", "installed"),
        ("Dockerfile.prod", "image is built"),
        (".vscode/tasks.json", "editor"),
        ("scripts/deploy.SH", "shell"),
        (".bashrc", "shell"),
    ],
)
def test_a_file_that_some_tool_executes_says_so(policy_of: PolicyOf, path: str, reason: str) -> None:
    assert reason in (policy_of().is_sensitive_to_execute(path) or "")


@pytest.mark.parametrize(
    "path", ["src/app.py", "README.md", "makefile_parser.py", "docs/setup.md", "", "a\0"]
)
def test_an_ordinary_file_is_not_marked_as_executed(policy_of: PolicyOf, path: str) -> None:
    assert policy_of().is_sensitive_to_execute(path) is None
