"""What is at a path: a git worktree, a plain folder with the reason, or an error a person can act on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.core.errors import RepositoryError, UsageError
from workbench.repo import Git, Kind, describe

PlainGit = Callable[..., bytes]


def _usage(path: Path) -> UsageError:
    with pytest.raises(UsageError) as caught:
        describe(path)
    assert caught.value.next_step
    return caught.value


def test_a_git_worktree_and_a_plain_folder_are_told_apart(repository: Path, scratch: Path) -> None:
    found = describe(repository)
    assert (found.root, found.kind, found.is_git, found.notes) == (repository, Kind.GIT, True, ())
    assert describe(scratch).kind is Kind.FOLDER
    assert describe(scratch).notes == ()


def test_a_repository_without_a_commit_is_a_git_worktree(root: Path, plain_git: PlainGit) -> None:
    plain_git("init", "-q")
    assert describe(root).is_git


def test_a_directory_of_a_worktree_opens_the_worktree_and_says_so(repository: Path) -> None:
    found = describe(repository / "src")
    assert (found.root, found.is_git) == (repository, True)
    assert found.notes == (f"{repository / 'src'} is part of the worktree {repository}, which was opened.",)


def test_a_link_to_a_worktree_is_opened_by_its_real_path(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repository)
    assert describe(tmp_path / "link").root == repository


def test_what_is_not_a_directory_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    assert "does not exist" in _usage(tmp_path / "none").cause
    assert "not a directory" in _usage(tmp_path / "file").cause
    assert "cannot be opened" in _usage(tmp_path / "loop").cause
    assert "cannot be opened" in _usage(Path("a\0b")).cause
    assert "whole file system" in _usage(Path("/")).cause
    assert "\x1b" not in _usage(tmp_path / "\x1b[2J").diagnostics()


def test_a_current_directory_that_is_gone_is_a_usage_error(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    before = Path.cwd()
    os.chdir(gone)
    try:
        gone.rmdir()
        assert _usage(Path()).exit_code == 2
    finally:
        os.chdir(before)


def test_a_directory_that_may_not_be_read_is_a_usage_error(
    public_directory: Path, unprivileged: Callable[[Callable[[], None]], None]
) -> None:
    (public_directory / "locked" / "inner").mkdir(parents=True)
    (public_directory / "locked").chmod(0o700 if os.geteuid() == 0 else 0)

    def look() -> None:
        for path in (public_directory / "locked", public_directory / "locked" / "inner"):
            assert "may not be read" in _usage(path).cause

    unprivileged(look)


def test_a_bare_repository_has_nothing_to_open(tmp_path: Path, plain_git: PlainGit) -> None:
    plain_git("init", "-q", "--bare", str(tmp_path / "bare"))
    with pytest.raises(RepositoryError, match="bare"):
        describe(tmp_path / "bare")


def test_git_s_own_directory_is_not_opened(repository: Path) -> None:
    for path in (repository / ".git", repository / ".git" / "refs"):
        assert ".git directory" in _usage(path).cause


def test_row_13_a_git_file_that_points_elsewhere_makes_a_plain_folder(
    repository: Path, root: Path, tmp_path: Path, plain_git: PlainGit
) -> None:
    linked = tmp_path / "linked"
    plain_git("worktree", "add", "-q", str(linked))
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    (hostile / ".git").write_text(f"gitdir: {repository / '.git'}\n")
    for path in (linked, hostile):
        found = describe(path)
        assert (found.root, found.kind) == (path, Kind.FOLDER)
        assert "points elsewhere" in found.notes[0]
        assert not Git(path).is_repository()


@pytest.mark.parametrize("entry", ["", "objects", "refs", "config", "HEAD", "index"])
def test_links_in_or_for_the_git_directory_make_a_plain_folder(
    repository: Path, tmp_path: Path, entry: str
) -> None:
    moved = tmp_path / "moved"
    (repository / ".git" / entry).rename(moved)
    (repository / ".git" / entry if entry else repository / ".git").symlink_to(moved)
    found = describe(repository)
    assert found.kind is Kind.FOLDER
    assert "symbolic link" in found.notes[0]


def test_a_common_directory_elsewhere_makes_a_plain_folder(repository: Path, tmp_path: Path) -> None:
    (repository / ".git" / "commondir").write_text(str(tmp_path))
    assert "commondir" in describe(repository).notes[0]


def test_a_git_directory_that_is_none_makes_a_plain_folder(root: Path) -> None:
    (root / ".git").mkdir()
    assert describe(root).notes == (
        ".git is not a git repository; opened as a plain folder, without git features.",
    )


def test_borrowed_objects_are_noted(repository: Path, tmp_path: Path) -> None:
    (repository / ".git" / "objects" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "objects" / "info" / "alternates").write_text(str(tmp_path))
    assert "alternates" in describe(repository).notes[0]


def test_a_worktree_of_another_account_is_opened_and_noted(repository: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("changing an owner needs root")
    os.chown(repository / ".git", 1234, 1234)
    found = describe(repository)
    assert found.is_git
    assert "another account" in found.notes[0]
    assert Git(repository).status() == {}


def test_a_repository_above_that_somebody_else_owns_is_not_taken(
    repository: Path, plain_git: PlainGit
) -> None:
    if os.geteuid() != 0:
        pytest.skip("changing an owner needs root")
    os.chown(repository, 1234, 1234)
    assert describe(repository / "src").kind is Kind.FOLDER
