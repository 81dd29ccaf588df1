"""What the three tiers say together: deny beats ask beats allow, and every verdict names its line."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.timing import stopwatch
from workbench.core.records import Effect
from workbench.policy import Policy, PolicyFileError, fold, load

PolicyOf = Callable[..., Policy]

DIGEST = "0123456789abcdef" * 4


def test_a_rule_names_its_file_and_line(policy_of: PolicyOf) -> None:
    policy = policy_of(repository='name = "strict"\n\n[read]\ndeny = [\n  "a/**",\n  "*.bin",\n]\n')
    rule = policy.read("x/y.BIN").rule
    assert (rule.name, rule.tier, rule.source) == (
        'read.deny "*.bin"',
        "repository",
        ".workbench/policy.toml:6",
    )


def test_deny_beats_ask_beats_allow_whoever_said_it(policy_of: PolicyOf) -> None:
    policy = policy_of(
        admin='[read]\nallow = ["src/"]\nask = ["*.gen.py"]\n',
        user='[read]\nask = ["src/a/"]\n',
        repository='[read]\nallow = ["*"]\ndeny = ["src/a/b.py"]\n',
    )
    assert policy.read("src/a/b.py").effect is Effect.DENY
    assert policy.read("src/a/c.py").effect is Effect.ASK
    assert policy.read("src/x.gen.py").effect is Effect.ASK
    assert policy.read("src/x.py").effect is Effect.ALLOW
    assert policy.read("docs/x.md").effect is Effect.DENY
    assert policy.read("docs/x.md").rule.tier == "admin"


def test_every_ancestor_is_judged(policy_of: PolicyOf) -> None:
    policy = policy_of(user='[read]\ndeny = ["private", "/top/mid"]\n')
    for path in ("private", "a/private/b/c.py", "A/PRIVATE/b", "private/", "top/mid/x/y/z.py", "top/mid/"):
        assert policy.read(path).effect is Effect.DENY, path
    assert policy.read("a/top/mid/x.py").effect is Effect.ALLOW
    assert policy.read("private.py").effect is Effect.ALLOW


def test_a_directory_is_not_denied_for_missing_from_an_allow_list(policy_of: PolicyOf) -> None:
    policy = policy_of(user='[read]\nallow = ["src/app/*.py"]\n')
    assert policy.read("src/").effect is Effect.ALLOW
    assert policy.read("src").effect is Effect.DENY
    assert policy.read("src/app/main.py").effect is Effect.ALLOW
    assert policy.read(".ssh/").effect is Effect.DENY


def test_every_allow_list_must_agree(policy_of: PolicyOf) -> None:
    policy = policy_of(admin='[edit]\nallow = ["src/", "tests/"]\n', repository='[edit]\nallow = ["src/"]\n')
    assert policy.edit("src/a.py").effect is Effect.ALLOW
    assert policy.edit("src/a.py").rule.name == 'edit.allow "src/"'
    assert policy.edit("tests/a.py").rule.tier == "repository"
    assert policy.edit("docs/a.md").rule.tier == "admin"
    assert policy.read("docs/a.md").effect is Effect.ALLOW


def test_an_empty_edit_list_allows_no_edit(policy_of: PolicyOf) -> None:
    assert policy_of(repository="[edit]\nallow = []\n").edit("src/a.py").effect is Effect.DENY


def test_what_may_not_be_read_may_not_be_edited(policy_of: PolicyOf) -> None:
    policy = policy_of(user='[read]\ndeny = ["gen/"]\nask = ["data/"]\n[edit]\nallow = ["*"]\n')
    assert policy.edit("gen/x.py") == policy.read("gen/x.py")
    assert policy.edit("data/x.py").effect is Effect.ASK


def test_own_state_inside_the_worktree_is_denied(policy_of: PolicyOf) -> None:
    policy = policy_of(own_paths=("my state[1]",))
    assert policy.read("my state[1]/ledger.db").rule.tier == "floor"
    assert policy.read("other/my state[1]/x.txt").effect is Effect.ALLOW
    assert policy.sha256 != policy_of().sha256


def test_a_command_that_no_list_grants_waits_for_a_person(policy_of: PolicyOf) -> None:
    assert policy_of().run(["pytest"]).effect is Effect.ASK
    assert policy_of(user='name = "mine"\n').run(["pytest"]).effect is Effect.ASK


def test_an_empty_list_denies_every_command(policy_of: PolicyOf) -> None:
    for tier in ("admin", "user", "repository"):
        assert policy_of(**{tier: "[run]\nallow = []\n"}).run(["pytest"]).effect is Effect.DENY


def test_a_grant_ends_with_its_last_day_and_shows_it(policy_of: PolicyOf) -> None:
    policy = policy_of(user='[run]\nallow = [{ argv = ["pytest"], until = "2026-01-31" }]\n')
    last = policy.run(["pytest"], now="2026-01-31T23:59:59.999999Z")
    assert (last.effect, last.rule.name) == (Effect.ALLOW, "run.allow ['pytest'] until 2026-01-31")
    assert policy.run(["pytest"], now="2026-02-01T00:00:00.000000Z").effect is Effect.DENY


def test_a_repository_cannot_grant_itself_a_command(policy_of: PolicyOf) -> None:
    repository = '[run]\nallow = [["sh", "-c", "true"]]\n'
    assert policy_of(repository=repository).run(["sh", "-c", "true"]).effect is Effect.ASK
    assert policy_of(repository=repository).run(["pytest"]).effect is Effect.DENY
    granted = '[run]\nallow = [["pytest", "-q"]]\n'
    policy = policy_of(user=granted, repository=repository)
    assert policy.run(["sh", "-c", "true"]).rule.source.endswith("user.toml:2")
    assert policy.run(["pytest", "-q"]).rule.source == ".workbench/policy.toml:2"


def test_a_user_cannot_grant_what_the_administrator_did_not(policy_of: PolicyOf) -> None:
    policy = policy_of(admin='name = "strict"\n', user='[run]\nallow = [["pytest"]]\n')
    assert policy.run(["pytest"]).effect is Effect.ASK
    assert policy.run(["make"]).effect is Effect.DENY


def test_a_listed_command_is_allowed_word_by_word(policy_of: PolicyOf) -> None:
    policy = policy_of(user='[run]\nallow = [\n  ["make", "test"],\n  ["pytest", "-q"],\n]\n')
    assert policy.run(["pytest", "-q"]).effect is Effect.ALLOW
    assert policy.run(["pytest", "-q"]).rule.source.endswith("user.toml:4")
    for argv in (
        [],
        [""],
        ["pytest"],
        ["pytest", "-q", "x"],
        ["pytest -q"],
        ["PYTEST", "-q"],
        ["-q", "pytest"],
    ):
        assert policy.run(argv).effect is Effect.DENY, argv


def test_further_words_may_only_be_paths_that_may_be_read(policy_of: PolicyOf) -> None:
    policy = policy_of(user='[run]\nallow = [{ argv = ["pytest", "-q"], more = "paths" }]\n')
    for extra in ("tests/test_a.py", "tests/test_a.py::test_b"):
        assert policy.run(["pytest", "-q", extra]).effect is Effect.ALLOW
    for extra in ("-p", "--rootdir=/", "/etc/passwd", "../x", ".env", "tests/.env::x", "a.csv", ""):
        assert policy.run(["pytest", "-q", extra]).effect is Effect.DENY, extra


def test_a_command_with_a_hidden_character_is_denied_even_if_listed(policy_of: PolicyOf) -> None:
    policy = policy_of(user='[run]\nallow = [["ls", "a\\u202eb"], ["ls", "a\\rb"]]\n')
    assert policy.run(["ls", "a\u202eb"]).effect is Effect.DENY
    assert policy.run(["ls", "a\rb"]).effect is Effect.DENY


def test_a_model_must_be_on_every_list_there_is(policy_of: PolicyOf) -> None:
    other = "f" * 64
    assert policy_of().model(DIGEST).effect is Effect.ALLOW
    assert policy_of(user="[model]\nallow = []\n").model(DIGEST).effect is Effect.ALLOW
    policy = policy_of(
        admin=f'[model]\nallow = ["{DIGEST}", "{other}"]\n', user=f'[model]\nallow = ["{DIGEST}"]\n'
    )
    assert policy.model(DIGEST).effect is Effect.ALLOW
    assert policy.model(other).rule.tier == "user"
    disjoint = policy_of(
        admin=f'[model]\nallow = ["{DIGEST}"]\n', repository=f'[model]\nallow = ["{other}"]\n'
    )
    assert {disjoint.model(DIGEST).effect, disjoint.model(other).effect} == {Effect.DENY}
    assert policy_of().model("not-a-digest").effect is Effect.DENY


def test_labels_add_up_over_the_tiers(policy_of: PolicyOf) -> None:
    policy = policy_of(admin='[labels]\nphi = ["clinic/"]\n', repository='[labels]\ncde = ["*.pay.py"]\n')
    assert policy.labels("clinic/x.pay.py") == {"phi", "cde"}
    assert policy.labels("other.py") == frozenset()


def test_the_highest_file_sets_values_and_lower_ones_only_tighten(policy_of: PolicyOf) -> None:
    policy = policy_of(
        admin='budget = {lines_per_proposal = 2000}\nboundary.minimum = 2\ncommit.mode = "off"\n',
        user="approvals.reason_required = true\nbudget={lines_per_proposal=9000, files_per_proposal=3}\n",
        repository='boundary.minimum = 3\ncommit.mode = "current-branch"\nbudget.files_per_proposal = 50\n',
    )
    settings = policy.settings
    assert settings.lines_per_proposal == 2000
    assert settings.files_per_proposal == 3
    assert settings.boundary_minimum == 3
    assert settings.commit_mode == "off"
    assert settings.reason_required is True
    assert settings.rules["boundary.minimum"].source == ".workbench/policy.toml:1"
    assert settings.rules["budget.tokens_per_task"].tier == "default"


def test_a_repository_alone_cannot_raise_a_budget(policy_of: PolicyOf) -> None:
    policy = policy_of(repository="[budget]\nlines_per_proposal = 100000\nfiles_per_proposal = 1\n")
    assert policy.settings.lines_per_proposal == policy_of().settings.lines_per_proposal
    assert policy.settings.files_per_proposal == 1


def test_the_name_comes_from_the_highest_file_that_has_one(policy_of: PolicyOf) -> None:
    assert policy_of().name == f"default@{policy_of().sha256[:4]}"
    policy = policy_of(user='name = "mine"\n', repository='name = "theirs"\n')
    assert policy.name == f"mine@{policy.sha256[:4]}"


def test_the_digest_follows_what_is_said_and_by_whom(policy_of: PolicyOf) -> None:
    text = '[read]\ndeny = ["x"]\n'
    said = [policy_of(), policy_of(user=text), policy_of(repository=text), policy_of(admin=text)]
    assert len({policy.sha256 for policy in said}) == 4
    assert policy_of(user=text).sha256 == policy_of(user="# note\n" + text).sha256


def test_a_missing_file_is_no_policy_and_an_unreadable_one_an_error(tmp_path: Path) -> None:
    missing = tmp_path / "none" / "policy.toml"
    assert load(admin_file=missing, user_file=missing).tiers == ()
    with pytest.raises(PolicyFileError, match="not a regular file") as caught:
        load(admin_file=tmp_path, user_file=missing)
    assert caught.value.tier == "admin"


def test_a_named_pipe_as_policy_file_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "policy.toml")
    with pytest.raises(PolicyFileError, match="not a regular file"):
        load(admin_file=tmp_path / "policy.toml", user_file=tmp_path / "none")


def test_a_policy_that_others_may_change_is_noted(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text("")
    file.chmod(0o666)
    policy = load(admin_file=file, user_file=tmp_path / "none")
    assert policy.notes == (f"{file} can be changed by every account on this machine.",)


def test_a_bad_repository_policy_can_be_left_out_by_the_caller(tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError) as caught:
        load(b"nonsense", admin_file=tmp_path / "a", user_file=tmp_path / "u")
    assert caught.value.tier == "repository"
    assert load(admin_file=tmp_path / "a", user_file=tmp_path / "u").tiers == ()


def test_a_hundred_thousand_paths_are_marked_within_the_budget(policy_of: PolicyOf) -> None:
    random.seed(1)
    paths = [
        f"pkg{random.randrange(300)}/sub{random.randrange(30)}/module_{number}.py"
        for number in range(100_000)
    ]
    paths[500] = "pkg1/.env"
    seconds = []
    for _ in range(3):
        policy = policy_of(user='[read]\ndeny = ["vendor/**/x/*.py", "gen/"]\nask = ["*_pb2.py"]\n')
        with stopwatch() as taken:
            verdicts = policy.read_many(paths)
        seconds.append(taken.seconds)
    assert verdicts[500].effect is Effect.DENY
    assert sum(verdict.effect is Effect.ALLOW for verdict in verdicts) == 99_999
    assert min(seconds) < 1.5


def test_a_cached_verdict_is_the_same_for_every_spelling(policy_of: PolicyOf) -> None:
    policy = policy_of(user='[read]\ndeny = ["gen/"]\n')
    for path in ("gen/a.py", "GEN/a.py", "./gen//a.py", "gen /a.py"):
        assert fold(path) == "gen/a.py"
        assert policy.read(path).effect is Effect.DENY
