"""Rows 42 to 47: nothing that a repository's own configuration names is ever executed.

Every planted program leaves a canary file. A control shows that plain git does execute them, and a list of
the public functions shows that none was left out.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.core.errors import RepositoryError
from workbench.repo import CommitRefusedError, Git

PlainGit = Callable[..., bytes]

WHEN = "2026-01-31T12:00:00.000000Z"
HOOKS = """
    applypatch-msg commit-msg fsmonitor-watchman post-applypatch post-checkout post-commit
    post-index-change post-merge post-rewrite pre-applypatch pre-auto-gc pre-commit pre-merge-commit
    pre-push pre-rebase prepare-commit-msg push-to-checkout reference-transaction update
"""
EVERYTHING_CHANGED = "printf '/\\0'"
"""What a file system monitor answers to make git look at every file (githooks(5), version 1)."""


class Trap:
    """A worktree in which everything that git can be told to execute is planted."""

    def __init__(self, root: Path, canaries: Path, git: PlainGit) -> None:
        self.root = root
        self.canaries = canaries
        canaries.mkdir()
        self._tools = canaries.parent / "tools"
        self._tools.mkdir()
        self._commit_everything(git)
        self._plant_files()
        self._plant_configuration()

    def sprung(self) -> set[str]:
        """Return the names of the programs that ran."""
        return {path.name for path in self.canaries.iterdir()}

    def _tool(self, name: str, then: str = "cat") -> str:
        """Make a program that leaves its canary and then does `then`."""
        tool = self._tools / name
        tool.write_text(f"#!/bin/sh\n: > '{self.canaries / name}'\n{then}\n")
        tool.chmod(0o755)
        return str(tool)

    def _commit_everything(self, git: PlainGit) -> None:
        git("init", "-q", "-b", "main")
        git("config", "user.name", "Una")
        git("config", "user.email", "una@example.invalid")
        (self.root / "a.txt").write_bytes(b"one\n")
        (self.root / "plain.py").write_bytes(b"x = 1\n")
        (self.root / "lost.bin").write_bytes(b"an object that is not there\n")
        git("add", "-A")
        # A commit that carries a signature, so that showing it can call the verifier.
        sign = "cat >/dev/null; echo '[GNUPG:] SIG_CREATED ' >&2"
        pgp = "-----{} PGP SIGNATURE-----"
        signer = self._tool("signer", f"{sign}; echo '{pgp.format('BEGIN')}'; echo '{pgp.format('END')}'")
        git("-c", f"gpg.program={signer}", "commit", "-qS", "-m", "first")
        (self.canaries / "signer").unlink()
        lost = git("rev-parse", "HEAD:lost.bin").decode().strip()
        (self.root / ".git" / "objects" / lost[:2] / lost[2:]).unlink()

    def _plant_files(self) -> None:
        (self.root / ".gitattributes").write_text(
            "*.txt filter=evil diff=evil merge=evil\n*.bin filter=odd=name\n*.inc filter=included\n"
        )
        (self.root / "b.inc").write_bytes(b"x\n")
        hooks = self.root / "hooks"
        hooks.mkdir()
        for name in HOOKS.split():
            for place in (hooks, self.root / ".git" / "hooks"):
                (place / name).write_text(f"#!/bin/sh\n: > '{self.canaries}/hook-{name}'\n")
                (place / name).chmod(0o755)
        (self.root / "a.txt").write_bytes(b"two\n")
        (self.root / "plain.py").write_bytes(b"x = 2\n")
        embedded = self.root / "embedded"
        (embedded / "objects").mkdir(parents=True)
        (embedded / "refs").mkdir()
        (embedded / "HEAD").write_text("ref: refs/heads/main\n")
        (embedded / "config").write_text(f"[core]\nbare=true\nfsmonitor={self._tool('embedded')}\n")

    def _plant_configuration(self) -> None:
        tool = self._tool
        clean, alias = tool("included-clean"), tool("alias-included")
        (self.root / "included").write_text(
            f'[filter "included"]\nclean={clean}\n[alias]\nls-files="!{alias}"\n'
        )
        with (self.root / ".git" / "config").open("a") as config:
            config.write(f"""
[core]
    fsmonitor = {tool("fsmonitor", EVERYTHING_CHANGED)}
    hooksPath = {self.root / "hooks"}
    pager = {tool("pager")}
    editor = {tool("editor")}
    sshCommand = {tool("ssh")}
    askPass = {tool("askpass")}
    gitProxy = {tool("proxy")}
    alternateRefsCommand = {tool("alternates")}
    repositoryFormatVersion = 1
[extensions]
    partialClone = evil
    worktreeConfig = true
[remote "evil"]
    url = "ext::{tool("promisor", "exit 1")} %S"
    promisor = true
    partialCloneFilter = blob:none
[protocol]
    allow = always
[protocol "ext"]
    allow = always
[diff]
    external = {tool("diff-external")}
[diff "evil"]
    textconv = {tool("textconv", 'cat "$1"')}
    command = {tool("diff-command")}
[filter "evil"]
    clean = {tool("clean")}
    smudge = {tool("smudge")}
    required = true
[filter "odd=name"]
    clean = {tool("odd-clean")}
    process = {tool("process")}
[merge "evil"]
    driver = {tool("merge")}
[alias]
    status = "!{tool("alias-status")}"
    evil = "!{tool("alias")}"
[gpg]
    program = {tool("gpg")}
[commit]
    gpgSign = true
[log]
    showSignature = true
[credential]
    helper = "!{tool("credential")}"
[interactive]
    diffFilter = {tool("diff-filter")}
[trailer "Ledger-Checkpoint"]
    command = {tool("trailer")}
[pager]
    log = {tool("pager-log")}
[hook "evil"]
    event = pre-commit
    command = {tool("hook-config")}
[sequence]
    editor = {tool("sequence")}
[include]
    path = {self.root / "included"}
""")
        process, monitor = tool("worktree-process"), tool("fsmonitor-2", EVERYTHING_CHANGED)
        (self.root / ".git" / "config.worktree").write_text(
            f'[filter "evil"]\nprocess = {process}\n[core]\nfsmonitor = {monitor}\n'
        )


@pytest.fixture
def trap(root: Path, tmp_path: Path, plain_git: PlainGit) -> Trap:
    return Trap(root, tmp_path / "canaries", plain_git)


def test_plain_git_does_execute_what_is_planted(trap: Trap, plain_git: PlainGit) -> None:
    for words in (
        ["status"],
        ["diff"],
        ["log"],
        ["evil"],
        ["add", "b.inc"],
        ["show", "HEAD:lost.bin"],
        ["commit", "-m", "x"],
    ):
        plain_git(*words, check=False)
    # The second file beats the first; without it the filter and the monitor of the first run as well.
    (trap.root / ".git" / "config.worktree").unlink()
    (trap.root / "a.txt").write_bytes(b"three\n")
    for words in (["status"], ["diff"], ["checkout", "a.txt"]):
        plain_git(*words, check=False)
    assert trap.sprung() >= {
        "fsmonitor",
        "fsmonitor-2",
        "worktree-process",
        "clean",
        "diff-external",
        "included-clean",
        "gpg",
        "alias",
        "promisor",
        "hook-post-index-change",
    }


def test_no_public_function_executes_anything_planted(trap: Trap, scratch: Path) -> None:
    git = Git(trap.root, scratch=scratch)
    after = {"plain.py": (b"x = 2\n", 0o644), "new.py": (b"y = 1\n", 0o644)}
    person = ("Una", "una@example.invalid")
    add_note: Callable[..., object] = git.add_note
    used = {
        "root": git.root,
        "is_repository": git.is_repository(),
        "head": git.head(),
        "branch": git.branch(),
        "under_way": git.under_way(),
        "ls_files": git.ls_files(),
        "ignored": git.ignored(["a.txt", "b.inc"]),
        "status": git.status(),
        "diff_blobs": git.diff_blobs(b"a\n", b"b\n"),
        "blob": git.blob("a.txt"),
        "commit_file": git.commit_file(after, message="x", author=person, committer=person, when=WHEN),
        "log_trailers": git.log_trailers("Ledger-Checkpoint"),
        "commits": (commits := git.commits(10)),
        "files_of": (files := git.files_of(commits[0].id)),
        "changed": git.changed(commits[0].parent, commits[0].id),
        "old_lines": git.old_lines(commits[0], "plain.py"),
        "contents": list(git.contents([files["plain.py"]])),
        "add_note": add_note(commits[0].id, "seen", ref="ledger", by=person, when=WHEN),
        "notes": git.notes("ledger"),
        "commit_hooks": git.commit_hooks(),
        "identity": git.identity(),
        "wants_signatures": git.wants_signatures(),
        "sweep": git.sweep(),
    }
    with pytest.raises(RepositoryError):
        git.blob("lost.bin")
    for path in ("a.txt", "lost.bin", "b.inc"):
        with pytest.raises(CommitRefusedError) as caught:
            git.commit_file({path: (b"x\n", 0o644)}, message="x", author=person, committer=person, when=WHEN)
        assert caught.value.reason == "filter"
    public = {name for name, _ in inspect.getmembers(Git) if not name.startswith("_")}
    assert set(used) == public, "every public function was called"
    assert used["status"]["plain.py"] == ".M"  # type: ignore[index]
    assert used["wants_signatures"] is True
    assert trap.sprung() == set()


def test_a_driver_planted_after_opening_does_not_run_either(trap: Trap, scratch: Path) -> None:
    git = Git(trap.root, scratch=scratch)
    git.status()
    tool = trap.canaries.parent / "tools" / "late"
    tool.write_text(f"#!/bin/sh\n: > '{trap.canaries / 'late'}'\ncat\n")
    tool.chmod(0o755)
    (trap.root / ".gitattributes").write_text("* filter=late\n")
    (trap.root / "included").write_text(f'[filter "late"]\nclean={tool}\n')
    (trap.root / "a.txt").write_bytes(b"three\n")
    git.status()
    with (trap.root / ".git" / "config").open("a") as config:
        config.write(f'[filter "late"]\nsmudge={tool}\n')
    (trap.root / "a.txt").write_bytes(b"four!\n")
    git.status()
    assert trap.sprung() == set()


def test_the_environment_cannot_point_git_elsewhere(
    trap: Trap, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = trap.root / "bin"
    fake.mkdir()
    (fake / "git").write_text(f"#!/bin/sh\n: > '{trap.canaries / 'path'}'\n")
    (fake / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake}:.:{os.environ['PATH']}")
    monkeypatch.setenv("GIT_DIR", str(trap.root / "embedded"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(trap.canaries.parent / "tools" / "diff-external"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(trap.canaries.parent / "tools" / "fsmonitor"))
    monkeypatch.chdir(trap.root)
    git = Git(trap.root, scratch=scratch)
    assert git.branch() == "main"
    assert git.status()["plain.py"] == ".M"
    assert trap.sprung() == set()


def test_a_conditional_include_is_refused_because_it_cannot_be_listed(
    repository: Path, scratch: Path
) -> None:
    with (repository / ".git" / "config").open("a") as config:
        config.write('[includeIf "onbranch:other"]\npath = x\n')
    with pytest.raises(RepositoryError, match="includeIf"):
        Git(repository, scratch=scratch).status()


def test_a_broken_configuration_is_an_error_a_person_can_read(repository: Path, scratch: Path) -> None:
    with (repository / ".git" / "config").open("a") as config:
        config.write("[filter\n")
    git = Git(repository, scratch=scratch)
    assert git.is_repository() is False
    with pytest.raises(RepositoryError, match="bad config line"):
        git.status()


def test_a_submodule_is_not_entered(trap: Trap, scratch: Path, plain_git: PlainGit) -> None:
    inner = trap.root / "sub"
    inner.mkdir()
    for words in (
        ["init", "-q"],
        ["config", "user.name", "U"],
        ["config", "user.email", "u@example.invalid"],
    ):
        plain_git(*words, cwd=inner)
    (inner / "x").write_bytes(b"x")
    plain_git("add", "x", cwd=inner)
    plain_git("commit", "-qm", "inner", cwd=inner)
    head = plain_git("rev-parse", "HEAD", cwd=inner).decode().strip()
    plain_git(
        "-c",
        "core.fsmonitor=false",
        "update-index",
        "--add",
        "--cacheinfo",
        f"160000,{head},sub",
        check=False,
    )
    tool = trap.canaries.parent / "tools" / "fsmonitor"
    plain_git("config", "core.fsmonitor", str(tool), cwd=inner)
    (inner / "x").write_bytes(b"changed")
    for canary in trap.canaries.iterdir():
        canary.unlink()
    git = Git(trap.root, scratch=scratch)
    assert not any(path.startswith("sub") for path in [*git.ls_files(), *git.status()])
    assert trap.sprung() == set()
