"""What git is asked: answers that hold for odd names, empty repositories and half-finished work."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.core.errors import RepositoryError, UsageError
from workbench.repo import Git, GitError, GitTimeoutError, diff_blobs, process

PlainGit = Callable[..., bytes]

ODD_NAMES = (
    "with space",
    "new\nline",
    "tab\there",
    "caf\udce9",
    "-dash",
    ":(top)magic",
    "*glob?[x]",
    "日本語",
    '"quote"',
)


@pytest.fixture
def git(repository: Path, scratch: Path) -> Git:
    return Git(repository, scratch=scratch)


def test_where_the_worktree_stands(git: Git, plain_git: PlainGit) -> None:
    assert git.is_repository()
    assert git.branch() == "main"
    assert git.head() == plain_git("rev-parse", "HEAD").decode().strip()
    assert git.under_way() is None
    plain_git("checkout", "-q", "--detach")
    assert git.branch() is None


def test_a_repository_without_a_commit_works(root: Path, scratch: Path, plain_git: PlainGit) -> None:
    plain_git("init", "-q", "-b", "trunk")
    (root / "a").write_bytes(b"x")
    git = Git(root, scratch=scratch)
    assert git.is_repository()
    assert (git.head(), git.branch()) == (None, "trunk")
    assert (git.ls_files(), git.status(), git.log_trailers("X")) == (["a"], {"a": "??"}, [])
    with pytest.raises(RepositoryError, match="no commit called HEAD"):
        git.blob("a")


def test_what_is_no_repository_says_so(root: Path, scratch: Path) -> None:
    assert not Git(root, scratch=scratch).is_repository()
    (root / ".git").mkdir()
    assert not Git(root, scratch=scratch).is_repository()


def test_paths_are_listed_tracked_and_untracked_but_not_ignored(git: Git, repository: Path) -> None:
    (repository / ".gitignore").write_text("*.log\nbuild/\n")
    (repository / "x.log").touch()
    (repository / "build").mkdir()
    (repository / "build" / "y").touch()
    (repository / "new").touch()
    assert git.ls_files() == [".gitignore", "a.txt", "new", "src/b.py"]
    assert git.ignored(["x.log", "build/y", "new", "a.txt", ":(top)x.log"]) == {
        "x.log",
        "build/y",
        ":(top)x.log",
    }
    assert git.ignored([]) == frozenset()


def test_the_users_own_ignore_file_counts(git: Git, repository: Path) -> None:
    ignore = Path(os.environ["HOME"]) / ".config" / "git" / "ignore"
    ignore.parent.mkdir(parents=True)
    ignore.write_text("*.tmp\n")
    (repository / "x.tmp").touch()
    assert "x.tmp" not in git.ls_files()


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_name_comes_back_as_it_is(git: Git, repository: Path, plain_git: PlainGit, name: str) -> None:
    Path(os.fsdecode(os.fsencode(repository) + b"/" + os.fsencode(name))).write_bytes(b"odd\n")
    assert name in git.ls_files()
    assert git.status() == {name: "??"}
    plain_git("--literal-pathspecs", "add", "--", os.fsencode(name))
    plain_git("commit", "-qm", "odd")
    content = git.blob(name)
    assert content is not None
    assert (content.path, content.data) == (name, b"odd\n")


def test_status_tells_index_and_worktree_apart(git: Git, repository: Path, plain_git: PlainGit) -> None:
    (repository / "staged").write_bytes(b"x")
    plain_git("add", "staged")
    (repository / "a.txt").write_bytes(b"changed\n")
    (repository / "src" / "b.py").unlink()
    assert git.status() == {"staged": "A.", "a.txt": ".M", "src/b.py": ".D"}
    plain_git("mv", "a.txt", "renamed.txt")
    assert git.status() == {"staged": "A.", "a.txt": "D.", "renamed.txt": "AM", "src/b.py": ".D"}


def test_status_shows_a_conflict(git: Git, repository: Path, plain_git: PlainGit) -> None:
    _conflict(repository, plain_git)
    assert git.status() == {"a.txt": "UU"}
    assert git.under_way() == "merge"


def _conflict(repository: Path, plain_git: PlainGit) -> None:
    plain_git("checkout", "-qb", "side")
    (repository / "a.txt").write_bytes(b"side\n")
    plain_git("commit", "-qam", "side")
    plain_git("checkout", "-q", "main")
    (repository / "a.txt").write_bytes(b"main\n")
    plain_git("commit", "-qam", "main")
    plain_git("merge", "side", check=False)


@pytest.mark.parametrize("what", ["rebase", "cherry-pick", "revert", "bisect"])
def test_what_is_under_way_is_named(git: Git, repository: Path, plain_git: PlainGit, what: str) -> None:
    _conflict(repository, plain_git)
    plain_git("merge", "--abort")
    words = {
        "rebase": ["rebase", "side"],
        "cherry-pick": ["cherry-pick", "side"],
        "revert": ["revert", "--no-commit", "side"],
        "bisect": ["bisect", "start"],
    }[what]
    plain_git(*words, check=False)
    assert git.under_way() == what


def test_status_does_not_write_the_index(git: Git, repository: Path) -> None:
    os.utime(repository / "a.txt", ns=(1, 1))
    before = (repository / ".git" / "index").stat().st_mtime_ns
    assert git.status() == {}
    assert (repository / ".git" / "index").stat().st_mtime_ns == before


def test_a_repository_inside_the_worktree_is_left_out(
    git: Git, repository: Path, plain_git: PlainGit
) -> None:
    inner = repository / "inner"
    inner.mkdir()
    plain_git("init", "-q", cwd=inner)
    (inner / "x").touch()
    assert git.ls_files() == ["a.txt", "src/b.py"]
    assert git.status() == {}


def test_a_committed_file_is_read_as_it_was(git: Git, repository: Path, plain_git: PlainGit) -> None:
    first = git.head()
    (repository / "a.txt").write_bytes(b"second\r\n\xff")
    (repository / "a.txt").chmod(0o755)
    plain_git("commit", "-qam", "second")
    second, old = git.blob("a.txt"), git.blob("a.txt", str(first))
    assert second is not None
    assert old is not None
    assert (second.data, second.mode) == (b"second\r\n\xff", 0o755)
    assert old.data == b"one\ntwo\nthree\n"
    assert git.blob("a.txt", "HEAD~1") == old
    assert git.blob("none") is None
    assert git.blob("a.txt/below") is None


def test_what_is_not_a_file_is_not_read_from_history(git: Git, repository: Path, plain_git: PlainGit) -> None:
    (repository / "link").symlink_to("/etc/passwd")
    plain_git("add", "link")
    plain_git("commit", "-qm", "link")
    for path in ("link", "src"):
        with pytest.raises(RepositoryError, match="not a file in that commit"):
            git.blob(path)


@pytest.mark.parametrize(
    "revision", ["", "--output=x", "-p", "main..side", "@{u}", "HEAD:a.txt", "a b", "x\0y"]
)
def test_what_is_no_revision_is_refused(git: Git, revision: str) -> None:
    with pytest.raises(UsageError):
        git.blob("a.txt", revision)


def test_replaced_objects_do_not_lie(git: Git, repository: Path, plain_git: PlainGit) -> None:
    fake = plain_git("hash-object", "-w", "--stdin", given=b"fake\n").decode().strip()
    real = plain_git("rev-parse", "HEAD:a.txt").decode().strip()
    plain_git("replace", real, fake)
    assert plain_git("show", "HEAD:a.txt") == b"fake\n"
    content = git.blob("a.txt")
    assert content is not None
    assert content.data == b"one\ntwo\nthree\n"


def test_trailers_are_read_from_the_last_paragraph_only(git: Git, plain_git: PlainGit) -> None:
    messages = (
        "one\n\nLedger-Checkpoint: not a trailer\n\nbody",
        "two\n\nbody\n\nSigned-off-by: U\nledger-checkpoint:  abc 12 \nLedger-Checkpoint: def",
        "three",
    )
    for message in messages:
        plain_git("commit", "-q", "--allow-empty", "-m", message)
    found = git.log_trailers("Ledger-Checkpoint")
    two = plain_git("rev-parse", "HEAD~1").decode().strip()
    assert [(trailer.commit, trailer.value) for trailer in found] == [(two, "abc 12"), (two, "def")]
    assert git.log_trailers("Ledger-Checkpoint", limit=1) == []


def test_who_would_commit_is_found_without_gits_help(git: Git, plain_git: PlainGit) -> None:
    home = Path(os.environ["HOME"])
    found = git.identity()
    assert found is not None
    assert (found.name, found.email, found.source) == ("Una User", "una@example.invalid", "repository")
    plain_git("config", "--unset", "user.name")
    plain_git("config", "--unset", "user.email")
    assert git.identity() is None
    (home / ".more").write_text("[user]\nemail = home@example.invalid\n[commit]\ngpgsign\n")
    (home / ".gitconfig").write_text('[user]\nname = "Hé \x1b[2J"\n[include]\npath = .more\n')
    found = git.identity()
    assert found is not None
    assert (found.name, found.email) == ("Hé ␛[2J", "home@example.invalid")
    assert found.source == str(home / ".gitconfig")
    assert git.wants_signatures() is True


def test_a_broken_configuration_of_the_users_is_passed_over(git: Git) -> None:
    (Path(os.environ["HOME"]) / ".gitconfig").write_text("[broken\n")
    assert git.identity() is not None
    assert git.wants_signatures() is False
    assert git.status() == {}


# -- diffs ------------------------------------------------------------------------------------------------


def test_a_diff_is_the_hunks_and_nothing_else(scratch: Path) -> None:
    before = b"".join(b"line %d\n" % number for number in range(30))
    after = before.replace(b"line 3\n", b"LINE 3\n").replace(b"line 20\n", b"")
    diff = diff_blobs(before, after, directory=scratch, context=1)
    assert diff.count(b"\n@@ ") == 1
    assert diff.startswith(b"@@ -3,3 +3,3 @@")
    assert b"-line 3\n+LINE 3\n" in diff
    assert diff_blobs(before, before, directory=scratch) == b""
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("context", [0, 3])
def test_any_bytes_can_be_compared(scratch: Path, context: int) -> None:
    before, after = b"a\0b\r\nx\n", b"a\0b\nx\n\xff no newline"
    diff = diff_blobs(before, after, directory=scratch, context=context)
    assert b"-a\0b\r\n" in diff
    assert diff.endswith(b"+\xff no newline\n\\ No newline at end of file\n")
    assert diff_blobs(b"", b"@@ -1 +1 @@\n", directory=scratch) == b"@@ -0,0 +1 @@\n+@@ -1 +1 @@\n"
    assert diff_blobs(b"x\n", b"", directory=scratch).startswith(b"@@ -1 +0,0 @@\n-x\n")


def test_white_space_can_be_ignored(scratch: Path) -> None:
    assert diff_blobs(b"if x:\n  y\n", b"if x:\n      y\n", directory=scratch, ignore_whitespace=True) == b""
    assert diff_blobs(b"if x:\n  y\n", b"if x:\n      y\n", directory=scratch) != b""


def test_a_diff_over_its_deadline_is_an_error(scratch: Path) -> None:
    with pytest.raises(GitTimeoutError):
        diff_blobs(b"a\n", b"b\n", directory=scratch, seconds=0.0)
    assert list(scratch.iterdir()) == []


def test_a_long_repetitive_file_is_compared_quickly(scratch: Path) -> None:
    before = b"x\n" * 100_000
    start = time.monotonic()
    assert diff_blobs(before, b"x\n" * 50_000 + b"y\n" + b"x\n" * 49_000, directory=scratch)
    assert time.monotonic() - start < 2.0


def test_a_repository_around_the_temporary_files_has_no_say(
    repository: Path, plain_git: PlainGit, tmp_path: Path
) -> None:
    plain_git("config", "diff.external", f"touch {tmp_path / 'canary'}")
    plain_git("config", "diff.context", "0")
    (repository / ".gitattributes").write_text("* -diff\n")
    inside = repository / "tmp"
    inside.mkdir()
    assert b" a\n" in diff_blobs(b"a\nb\n", b"a\nc\n", directory=inside)
    assert not (tmp_path / "canary").exists()


def test_temporary_files_inside_the_worktree_are_refused(repository: Path) -> None:
    with pytest.raises(RepositoryError, match="inside the worktree"):
        Git(repository, scratch=repository / "src")


# -- the runner -------------------------------------------------------------------------------------------


def _run(*argv: str, **options: float) -> process.Finished:
    limits = {"seconds": 10.0, "max_bytes": 1 << 20} | options
    return process.run(
        ["/bin/sh", "-c", *argv],
        directory=Path("/"),
        environment={"PATH": os.environ["PATH"]},
        given=b"x" * 200_000,
        seconds=limits["seconds"],
        max_bytes=int(limits["max_bytes"]),
    )


def test_a_program_gets_all_its_input_and_gives_all_its_output() -> None:
    ended = _run("cat; echo problem >&2; exit 3")
    assert (ended.code, len(ended.output), ended.errors) == (3, 200_000, b"problem\n")


def test_a_program_that_does_not_read_its_input_is_no_problem() -> None:
    assert _run("echo done").output == b"done\n"


def test_a_program_over_its_deadline_is_killed_with_what_it_started() -> None:
    start = time.monotonic()
    with pytest.raises(process.DeadlineMissedError):
        _run("sleep 60 & wait", seconds=0.2)
    with pytest.raises(process.DeadlineMissedError):
        _run("exec >&- 2>&-; sleep 60", seconds=0.2)
    assert time.monotonic() - start < 5.0


def test_a_program_that_says_too_much_is_killed() -> None:
    with pytest.raises(process.TooMuchOutputError):
        _run("cat /dev/zero", max_bytes=100_000)


def test_a_program_that_complains_without_end_is_cut_not_stored() -> None:
    ended = _run("head -c 1000000 /dev/zero >&2")
    assert len(ended.errors) <= 1 << 16


def test_an_old_git_is_refused(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").write_text("#!/bin/sh\necho git version 2.30.2\n")
    (tools / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(RepositoryError, match=r"2\.30\.2 is too old"):
        Git(repository)
    monkeypatch.setenv("PATH", "relative:")
    with pytest.raises(RepositoryError, match="not found"):
        Git(repository)


def test_a_launcher_is_put_before_git(repository: Path, scratch: Path, tmp_path: Path) -> None:
    launcher = tmp_path / "launcher"
    launcher.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path / "seen"}\nexec "$@"\n')
    launcher.chmod(0o755)
    assert Git(repository, scratch=scratch, launcher=[str(launcher)]).branch() == "main"
    assert set((tmp_path / "seen").read_text().split()) == {shutil.which("git")}


def test_git_that_cannot_do_it_says_so_in_one_line(repository: Path, scratch: Path) -> None:
    (repository / ".git" / "index").write_bytes(b"garbage")
    with pytest.raises(GitError) as caught:
        Git(repository, scratch=scratch).status()
    assert "\n" not in caught.value.cause
    assert "index" in caught.value.cause
