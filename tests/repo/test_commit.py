"""Commits: exactly the approved bytes on the current branch, and nothing else disturbed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.core.errors import UsageError, WorkbenchError
from workbench.repo import CommitRefusedError, Git, GitError, IndexLockedError, index_lock

PlainGit = Callable[..., bytes]

AGENT = ("Workbench editor", "agent@workbench.invalid")
UNA = ("Una Úser", "una@example.invalid")
WHEN = "2026-01-31T12:34:56.789012Z"


@pytest.fixture
def git(repository: Path, scratch: Path) -> Git:
    return Git(repository, scratch=scratch)


def _commit(git: Git, paths_after: dict[str, tuple[bytes, int] | None], **options: Any) -> str:
    options = {"message": "change", "author": AGENT, "committer": UNA, "when": WHEN} | options
    return git.commit_file(paths_after, **options)


def _write(root: Path, path: str, data: bytes) -> dict[str, tuple[bytes, int] | None]:
    """Put the bytes on disk, as an approved change would, and return what to commit."""
    file = Path(os.fsdecode(os.fsencode(root) + b"/" + os.fsencode(path)))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return {path: (data, 0o644)}


def test_the_commit_holds_the_bytes_the_people_and_the_time(
    git: Git, repository: Path, plain_git: PlainGit
) -> None:
    parent = git.head()
    made = _commit(git, _write(repository, "a.txt", b"one\n2\nthree\n"), message="fix\n\nWhy: because\n\n")
    assert git.head() == made
    assert plain_git("cat-file", "blob", "HEAD:a.txt") == b"one\n2\nthree\n"
    shown = plain_git("show", "-s", "--format=%P|%an|%ae|%aI|%cn|%ce|%cI|%B", "HEAD").decode()
    assert shown == (
        f"{parent}|{AGENT[0]}|{AGENT[1]}|2026-01-31T12:34:56+00:00|"
        f"{UNA[0]}|{UNA[1]}|2026-01-31T12:34:56+00:00|fix\n\nWhy: because\n\n"
    )
    assert plain_git("diff", "--name-only", "HEAD~1", "HEAD") == b"a.txt\n"
    assert plain_git("reflog", "-1", "--format=%gs").strip() == b"workbench: approved change"
    assert plain_git("status", "--porcelain") == b""
    plain_git("fsck", "--strict")


def test_trailers_parse_back(git: Git, repository: Path, plain_git: PlainGit) -> None:
    made = _commit(
        git, _write(repository, "a.txt", b"x\n"), message="fix\n\nProposal: 12ab\nLedger-Checkpoint: o 12 r=="
    )
    assert [(t.commit, t.value) for t in git.log_trailers("Ledger-Checkpoint")] == [(made, "o 12 r==")]
    assert (
        plain_git("log", "-1", "--format=%(trailers:key=Ledger-Checkpoint,valueonly)").strip() == b"o 12 r=="
    )


def test_staged_work_the_stash_and_other_changes_stay_as_they_are(
    git: Git, repository: Path, plain_git: PlainGit
) -> None:
    (repository / "src" / "b.py").write_bytes(b"x = 2\n")
    plain_git("stash")
    (repository / "src" / "b.py").write_bytes(b"x = 3\n")
    plain_git("add", "src/b.py")
    (repository / "src" / "b.py").write_bytes(b"x = 4\n")
    (repository / "new.txt").write_bytes(b"new\n")
    plain_git("add", "new.txt")
    (repository / "loose.txt").write_bytes(b"untracked\n")
    staged = plain_git("diff", "--cached", "--binary")
    loose = plain_git("diff", "--binary")
    stash = plain_git("stash", "list")
    _commit(git, _write(repository, "a.txt", b"approved\n"))
    assert plain_git("diff", "--cached", "--binary") == staged
    assert plain_git("diff", "--binary") == loose
    assert plain_git("stash", "list") == stash != b""
    assert git.status() == {"src/b.py": "MM", "new.txt": "A.", "loose.txt": "??"}
    assert plain_git("ls-tree", "-r", "--name-only", "HEAD").split() == [b"a.txt", b"src/b.py"]
    assert plain_git("show", "HEAD:src/b.py") == b"x = 1\n"


def test_what_the_user_staged_on_the_same_path_stays_staged(
    git: Git, repository: Path, plain_git: PlainGit
) -> None:
    (repository / "a.txt").write_bytes(b"half a thought\n")
    plain_git("add", "a.txt")
    _commit(git, _write(repository, "a.txt", b"approved\n"))
    assert plain_git("show", ":a.txt") == b"half a thought\n"
    assert plain_git("show", "HEAD:a.txt") == b"approved\n"
    assert git.status() == {"a.txt": "MM"}


def test_a_file_added_with_intent_only_is_committed_and_clean(
    git: Git, repository: Path, plain_git: PlainGit
) -> None:
    after = _write(repository, "new.py", b"y = 1\n")
    plain_git("add", "--intent-to-add", "new.py")
    _commit(git, after)
    assert git.status() == {}


def test_several_paths_new_deleted_and_executable_in_one_commit(
    git: Git, repository: Path, plain_git: PlainGit
) -> None:
    after = _write(repository, "tools/run.sh", b"#!/bin/sh\n")
    (repository / "tools/run.sh").chmod(0o755)
    after["tools/run.sh"] = (b"#!/bin/sh\n", 0o755)
    (repository / "src" / "b.py").unlink()
    after["src/b.py"] = None
    after |= _write(repository, "src/b.py/now/a/directory.py", b"z\n")
    after |= _write(repository, "a.txt", b"2\n")
    _commit(git, after)
    listed = plain_git("ls-tree", "-r", "HEAD").decode().splitlines()
    assert [(line.split()[0], line.split("\t")[1]) for line in listed] == [
        ("100644", "a.txt"),
        ("100644", "src/b.py/now/a/directory.py"),
        ("100755", "tools/run.sh"),
    ]
    assert git.status() == {}


def test_the_first_commit_of_an_empty_repository(root: Path, scratch: Path, plain_git: PlainGit) -> None:
    plain_git("init", "-q", "-b", "trunk")
    git = Git(root, scratch=scratch)
    (root / "other").write_bytes(b"theirs\n")
    plain_git("add", "other")
    made = _commit(git, _write(root, "a", b"x\n"))
    assert plain_git("rev-list", "--all").decode().split() == [made]
    assert git.branch() == "trunk"
    assert git.status() == {"other": "A."}


def test_no_configured_identity_is_needed(git: Git, repository: Path, plain_git: PlainGit) -> None:
    plain_git("config", "--unset", "user.name")
    plain_git("config", "--unset", "user.email")
    plain_git("config", "user.useConfigOnly", "true")
    _commit(git, _write(repository, "a.txt", b"x\n"))
    assert plain_git("log", "-1", "--format=%an %cn").decode().strip() == f"{AGENT[0]} {UNA[0]}"


def test_a_detached_head_moves_and_no_branch_does(git: Git, repository: Path, plain_git: PlainGit) -> None:
    plain_git("checkout", "-q", "--detach")
    before = plain_git("rev-parse", "main")
    made = _commit(git, _write(repository, "a.txt", b"x\n"))
    assert git.head() == made
    assert plain_git("rev-parse", "main") == before
    assert git.branch() is None


@pytest.mark.parametrize(
    "name", ["with space", "new\nline", "caf\udce9", ":(top)magic", "*glob?[x]", "-dash", "日本語"]
)
def test_an_odd_name_is_committed_alone(git: Git, repository: Path, plain_git: PlainGit, name: str) -> None:
    (repository / "other").write_bytes(b"untracked\n")
    _commit(git, _write(repository, name, b"odd\n"))
    assert plain_git("diff", "-z", "--name-only", "HEAD~1", "HEAD") == os.fsencode(name) + b"\0"
    assert git.status() == {"other": "??"}


def test_line_endings_are_stored_as_git_add_would(git: Git, repository: Path, plain_git: PlainGit) -> None:
    after = _write(repository, ".gitattributes", b"*.txt text eol=crlf\n")
    after |= _write(repository, "a.txt", b"one\r\ntwo\r\n")
    _commit(git, after)
    assert plain_git("cat-file", "blob", "HEAD:a.txt") == b"one\ntwo\n"
    assert git.status() == {}
    assert plain_git("status", "--porcelain") == b""


def test_a_mode_that_the_file_system_does_not_keep_is_left_alone(
    git: Git, repository: Path, plain_git: PlainGit
) -> None:
    plain_git("update-index", "--chmod=+x", "a.txt")
    plain_git("commit", "-qm", "executable")
    plain_git("config", "core.fileMode", "false")
    _commit(git, _write(repository, "a.txt", b"x\n"))
    assert plain_git("ls-tree", "HEAD", "a.txt").startswith(b"100755")


def test_a_filtered_path_is_refused_with_the_filters_name(git: Git, repository: Path) -> None:
    (repository / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    head = git.head()
    with pytest.raises(CommitRefusedError, match="'lfs'") as caught:
        _commit(git, _write(repository, "a.txt", b"x\n") | _write(repository, "data.bin", b"x\n"))
    assert caught.value.reason == "filter"
    assert git.head() == head


def test_an_ignored_path_is_refused(git: Git, repository: Path) -> None:
    (repository / ".gitignore").write_text("*.out\n")
    with pytest.raises(CommitRefusedError) as caught:
        _commit(git, _write(repository, "x.out", b"x\n"))
    assert caught.value.reason == "ignored"


def test_a_change_that_is_there_already_makes_no_empty_commit(git: Git, repository: Path) -> None:
    head = git.head()
    after: list[dict[str, tuple[bytes, int] | None]] = [
        {"a.txt": (b"one\ntwo\nthree\n", 0o644)},
        {"none": None},
    ]
    for paths in after:
        with pytest.raises(CommitRefusedError) as caught:
            _commit(git, paths)
        assert caught.value.reason == "unchanged"
    assert git.head() == head
    assert not (repository / ".git" / "index.lock").exists()


def test_in_the_middle_of_a_merge_nothing_is_committed(
    git: Git, repository: Path, plain_git: PlainGit
) -> None:
    plain_git("checkout", "-qb", "side")
    (repository / "a.txt").write_bytes(b"side\n")
    plain_git("commit", "-qam", "side")
    plain_git("checkout", "-q", "main")
    (repository / "a.txt").write_bytes(b"main\n")
    plain_git("commit", "-qam", "main")
    plain_git("merge", "side", check=False)
    head, index = git.head(), (repository / ".git" / "index").read_bytes()
    with pytest.raises(CommitRefusedError, match="merge is under way") as caught:
        _commit(git, _write(repository, "src/b.py", b"x\n"))
    assert caught.value.reason == "under-way"
    assert (git.head(), (repository / ".git" / "index").read_bytes()) == (head, index)


def test_hooks_do_not_run_and_nothing_is_signed(
    git: Git, repository: Path, plain_git: PlainGit, tmp_path: Path
) -> None:
    for name in ("pre-commit", "commit-msg", "post-commit", "reference-transaction", "post-index-change"):
        hook = repository / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/canary-{name}\nexit 1\n")
        hook.chmod(0o755)
    plain_git("config", "commit.gpgSign", "true")
    _commit(git, _write(repository, "a.txt", b"x\n"))
    assert list(tmp_path.glob("canary-*")) == []
    assert git.wants_signatures()
    assert b"gpgsig" not in plain_git("cat-file", "commit", "HEAD")


def test_another_gits_lock_is_waited_for_and_then_named(
    git: Git, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_lock, "SECONDS", 0.1)
    lock = repository / ".git" / "index.lock"
    lock.write_bytes(b"theirs")
    head = git.head()
    with pytest.raises(IndexLockedError):
        _commit(git, _write(repository, "a.txt", b"x\n"))
    assert lock.read_bytes() == b"theirs"
    assert git.head() == head
    assert list((repository / ".git").glob("workbench-*")) == []


def test_a_branch_that_cannot_move_leaves_everything_as_it_was(
    git: Git, repository: Path, plain_git: PlainGit
) -> None:
    (repository / ".git" / "refs" / "heads" / "main.lock").touch()
    head, index = git.head(), (repository / ".git" / "index").read_bytes()
    with pytest.raises(CommitRefusedError) as caught:
        _commit(git, _write(repository, "a.txt", b"x\n"))
    assert caught.value.reason == "moved"
    assert (git.head(), (repository / ".git" / "index").read_bytes()) == (head, index)
    assert [path.name for path in (repository / ".git").glob("*index*")] == ["index"]


def test_commits_at_the_same_time_are_both_made(
    git: Git, repository: Path, scratch: Path, plain_git: PlainGit
) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom workbench.repo import Git\n"
        "git = Git(Path(sys.argv[1]), scratch=Path(sys.argv[2]))\n"
        "for n in range(5):\n git.commit_file({f'{sys.argv[3]}-{n}': (b'x', 0o644)}, message='m',"
        " author=('a', 'b'), committer=('a', 'b'), when='2026-01-31T12:34:56.789012Z')\n"
    )
    environment = dict(os.environ) | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    workers = [
        subprocess.Popen([sys.executable, "-c", script, str(repository), str(scratch), name], env=environment)
        for name in ("one", "two")
    ]
    assert [worker.wait(60) for worker in workers] == [0, 0]
    assert len(plain_git("rev-list", "HEAD").split()) == 11
    assert len(plain_git("ls-tree", "--name-only", "HEAD").split()) == 12
    assert set(git.status().values()) == {".D"}, "the index knows all ten files, which are not on disk"


@pytest.mark.parametrize("option", ["--split-index", "--untracked-cache", "--index-version=4"])
def test_other_forms_of_the_index_are_kept_usable(
    git: Git, repository: Path, plain_git: PlainGit, option: str
) -> None:
    plain_git("update-index", *option.split("="))
    (repository / "src" / "b.py").write_bytes(b"staged\n")
    plain_git("add", "src/b.py")
    _commit(git, _write(repository, "a.txt", b"x\n"))
    assert git.status() == {"src/b.py": "M."}
    plain_git("fsck")


def test_a_sha256_repository_works(root: Path, scratch: Path, plain_git: PlainGit) -> None:
    plain_git("init", "-q", "--object-format=sha256")
    git = Git(root, scratch=scratch)
    _commit(git, _write(root, "a", b"x\n") | _write(root, "b", b"y\n"))
    (root / "b").unlink()
    made = _commit(git, {"b": None})
    assert len(made) == 64
    assert git.ls_files() == ["a"]
    assert git.status() == {}


@pytest.mark.parametrize(
    "options",
    [
        {"message": ""},
        {"message": "a\0b"},
        {"message": "\udcff"},
        {"author": ("", "a@b")},
        {"author": ("A\nB", "a@b")},
        {"committer": ("A <x>", "a@b")},
        {"committer": ("A", "")},
        {"when": "yesterday"},
        {"when": "2026-13-01T00:00:00.000000Z"},
    ],
)
def test_what_git_cannot_store_is_refused_before_anything_happens(
    git: Git, options: dict[str, object]
) -> None:
    head = git.head()
    with pytest.raises(UsageError):
        _commit(git, {"a.txt": (b"x\n", 0o644)}, **options)
    assert git.head() == head


@pytest.mark.parametrize("path", ["../x", "/etc/x", "", ".git/config", "sub/.GIT/x", "a\0b"])
def test_a_path_outside_the_worktree_is_not_committed(git: Git, path: str) -> None:
    head = git.head()
    with pytest.raises(WorkbenchError):
        _commit(git, {path: (b"x\n", 0o644)})
    assert git.head() == head


def test_nothing_to_commit_is_refused(git: Git) -> None:
    with pytest.raises(UsageError):
        _commit(git, {})


def test_a_commit_that_would_change_another_path_too_is_not_made(git: Git, repository: Path) -> None:
    head, index = git.head(), (repository / ".git" / "index").read_bytes()
    with pytest.raises(GitError, match=r"would also change a\.txt"):
        _commit(git, {"a.txt/below": (b"x\n", 0o644)})
    assert (git.head(), (repository / ".git" / "index").read_bytes()) == (head, index)


# -- a process killed in the middle ---------------------------------------------------------------------

_KILLED = """
import os, signal, sys
from pathlib import Path
from workbench.repo import Git, git_commit, index_lock

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

place, root, scratch = sys.argv[1:]
if place == "before the branch moved":
    git_commit._Commit._move = die
elif place == "after the branch moved":
    index_lock.IndexLock.publish = die
else:
    index_lock.IndexLock.__exit__ = die
Git(Path(root), scratch=Path(scratch)).commit_file(
    {"a.txt": (b"approved\\n", 0o644)}, message="m", author=("a", "b"), committer=("a", "b"),
    when="2026-01-31T12:34:56.789012Z",
)
"""


@pytest.mark.parametrize("place", ["before the branch moved", "after the branch moved", "after the index"])
def test_kill_9_in_the_middle_of_a_commit_is_finished_or_undone_by_sweep(
    git: Git, repository: Path, scratch: Path, plain_git: PlainGit, place: str
) -> None:
    head = git.head()
    _write(repository, "a.txt", b"approved\n")
    (repository / "src" / "b.py").write_bytes(b"staged\n")
    plain_git("add", "src/b.py")
    environment = dict(os.environ) | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(
        [sys.executable, "-c", _KILLED, place, str(repository), str(scratch)], env=environment, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    moved = git.head() != head
    assert moved is (place != "before the branch moved")
    assert bool(git.sweep()) is (place != "after the index")
    assert git.status() == {"src/b.py": "M."} | ({} if moved else {"a.txt": ".M"})
    assert sorted(path.name for path in (repository / ".git").glob("*index*")) == ["index"]
    assert git.sweep() == ()
    plain_git("fsck")


def test_sweep_leaves_another_gits_lock_alone(git: Git, repository: Path) -> None:
    lock = repository / ".git" / "index.lock"
    lock.write_bytes(b"theirs")
    (repository / ".git" / "workbench-index-999999-1-x00").write_bytes(b"")
    assert git.sweep() == ()
    assert lock.read_bytes() == b"theirs"
    assert list((repository / ".git").glob("workbench-*")) == []
