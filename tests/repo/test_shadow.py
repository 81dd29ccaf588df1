"""The copy that commands work on: what may be read, put right before every command, compared by bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.records import sha256
from workbench.repo import Changed, Reason, Shadow
from workbench.repo.shadow import stays_inside
from workbench.repo.shadow_changes import MAX_CHANGED

FILES = {"a.py": b"a = 1\n", "src/b.py": b"b = 1\n", "src/deep/c.bin": b"\0\1", "run.sh": b"#!/bin/sh\n"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "worktree"
    for name, data in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    (root / "run.sh").chmod(0o755)
    (root / ".env").write_bytes(b"TOKEN=1\n")
    return root


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "commands").mkdir()
    return tmp_path / "commands"


@pytest.fixture
def shadow(root: Path, place: Path) -> Iterator[Shadow]:
    with Shadow(root, place) as shadow:
        yield shadow


def contents(shadow: Shadow) -> dict[str, bytes]:
    """Return every regular file of the copy."""
    found = (path for path in shadow.path.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(shadow.path)): path.read_bytes() for path in found}


def names(changed: tuple[Changed, ...]) -> list[str]:
    return [each.path for each in changed]


def test_only_what_is_named_is_copied_with_its_bytes_and_modes(shadow: Shadow) -> None:
    synced = shadow.sync(FILES)
    assert contents(shadow) == FILES
    assert (shadow.path / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (synced.files, synced.copied, synced.left_out) == (4, 4, {})


def test_a_second_time_copies_nothing_and_a_changed_file_alone(shadow: Shadow, root: Path) -> None:
    first = shadow.sync(FILES)
    again = shadow.sync(FILES)
    assert again.listing_sha256 == first.listing_sha256
    (root / "a.py").write_bytes(b"a = 2\n")
    third = shadow.sync(FILES)
    assert third.copied >= 1
    assert third.listing_sha256 != first.listing_sha256
    assert contents(shadow)["a.py"] == b"a = 2\n"


def test_a_change_that_keeps_size_and_time_is_copied_all_the_same(shadow: Shadow, root: Path) -> None:
    shadow.sync(FILES)
    before = (root / "a.py").stat()
    (root / "a.py").write_bytes(b"a = 9\n")
    os.utime(root / "a.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    shadow.sync(FILES)
    assert contents(shadow)["a.py"] == b"a = 9\n"


def test_the_copy_outlives_the_session_and_is_not_made_again(root: Path, place: Path) -> None:
    for name in FILES:  # older than the clock's tick, so that nothing has to be copied twice
        os.utime(root / name, ns=(1, 1))
    with Shadow(root, place) as first:
        while first.sync(FILES).copied:
            pass
    with Shadow(root, place) as second:
        assert second.sync(FILES).copied == 0
        assert contents(second) == FILES


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"version": 1, "root": "/", "files": []}', b"[" * 100_000])
def test_a_damaged_index_costs_a_copy_and_nothing_else(root: Path, place: Path, damage: bytes) -> None:
    with Shadow(root, place) as first:
        first.sync(FILES)
        (first.path / "left").write_bytes(b"by a command")
    (place / "shadow-0.json").write_bytes(damage)
    with Shadow(root, place) as second:
        assert second.sync(FILES).copied == 4
        assert contents(second) == FILES


def test_what_a_command_left_is_gone_before_the_next(shadow: Shadow) -> None:
    shadow.sync(FILES)
    (shadow.path / "conftest.py").write_bytes(b"planted\n")
    (shadow.path / "a.py").write_bytes(b"a = 6\n")
    (shadow.path / "src/b.py").unlink()
    (shadow.path / "src/deep/new/dir").mkdir(parents=True)
    (shadow.path / ".git").mkdir()
    synced = shadow.sync(FILES)
    assert contents(shadow) == FILES
    assert not (shadow.path / ".git").exists()
    assert not (shadow.path / "src/deep/new").exists()
    assert synced.removed >= 4


def test_a_command_that_restores_the_times_does_not_hide_its_change(shadow: Shadow) -> None:
    shadow.sync(FILES)
    before = (shadow.path / "a.py").stat()
    (shadow.path / "a.py").write_bytes(b"a = 7\n")
    os.utime(shadow.path / "a.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert names(shadow.changes().files) == ["a.py"]
    shadow.sync(FILES)
    assert contents(shadow) == FILES


def test_a_planted_link_is_never_written_or_deleted_through(shadow: Shadow, tmp_path: Path) -> None:
    shadow.sync(FILES)
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "b.py").write_bytes(b"mine\n")
    (outside / "deep/c.bin").write_bytes(b"mine too\n")
    for name in ("src/b.py", "src/deep/c.bin"):
        (shadow.path / name).unlink()
    (shadow.path / "src/deep").rmdir()
    (shadow.path / "src").rmdir()
    (shadow.path / "src").symlink_to(outside)
    (shadow.path / "a.py").unlink()
    (shadow.path / "a.py").symlink_to(outside / "b.py")
    shadow.changes()
    shadow.sync(FILES)
    assert contents(shadow) == FILES
    assert not (shadow.path / "src").is_symlink()
    assert (outside / "b.py").read_bytes() == b"mine\n"
    assert (outside / "deep/c.bin").read_bytes() == b"mine too\n"


def test_directories_that_a_command_closed_are_opened_again(shadow: Shadow) -> None:
    shadow.sync(FILES)
    (shadow.path / "kept/below").mkdir(parents=True)
    for name in ("kept/below", "kept", "src/deep", "src"):
        (shadow.path / name).chmod(0)
    assert shadow.changes().files == ()
    shadow.sync(FILES)
    assert contents(shadow) == FILES


def test_hard_links_and_denied_inodes_are_left_out(shadow: Shadow, root: Path) -> None:
    os.link(root / ".env", root / "notes.txt")
    status = (root / "a.py").stat()
    synced = shadow.sync([*FILES, "notes.txt"], deny_inodes={(status.st_dev, status.st_ino)})
    assert set(contents(shadow)) == set(FILES) - {"a.py"}
    assert synced.left_out == {Reason.HARD_LINKED: 1, Reason.DENIED_INODE: 1}


def test_links_are_made_again_only_where_they_stay_inside(shadow: Shadow, root: Path) -> None:
    (root / "src/up").symlink_to("../a.py")
    (root / "dir").symlink_to("src")
    (root / "out").symlink_to("../secret")
    (root / "abs").symlink_to(str(root / "a.py"))
    (root / "loop").symlink_to("dir/../../secret")
    synced = shadow.sync([*FILES, "src/up", "dir", "out", "abs", "loop", "dir/b.py"])
    links = {path.name for path in shadow.path.rglob("*") if path.is_symlink()}
    assert links == {"up", "dir"}
    assert synced.left_out == {"link that leads out": 3, Reason.LINK: 1}
    assert shadow.sync([*FILES, "src/up", "dir"]).removed == 0


@given(st.lists(st.sampled_from(["..", ".", "a", "b", "link", ""]), max_size=6).map("/".join))
def test_no_link_that_is_made_again_can_lead_out(target: str) -> None:
    """Whatever the names in it are links to, if these themselves stay inside."""
    if not stays_inside("a/b/here", target):
        return
    for depth_of_links in (0, 1, 2):
        depth = 2
        for part in target.split("/"):
            if part == "..":
                depth -= 1
            elif part not in ("", "."):
                depth = depth_of_links if part == "link" else depth + 1
            assert depth >= 0


def test_what_a_command_changed_is_told_by_bytes(shadow: Shadow) -> None:
    shadow.sync(FILES)
    (shadow.path / "a.py").write_bytes(b"a = 3\n")
    (shadow.path / "src/b.py").unlink()
    (shadow.path / "made.txt").write_bytes(b"made\n")
    (shadow.path / "run.sh").chmod(0o644)
    (shadow.path / "src/deep/c.bin").write_bytes(FILES["src/deep/c.bin"])
    found = {each.path: each for each in shadow.changes().files}
    assert sorted(found) == ["a.py", "made.txt", "run.sh", "src/b.py"]
    assert found["a.py"].before_sha256 == sha256(FILES["a.py"])
    assert found["a.py"].after is not None
    assert found["a.py"].after.data == b"a = 3\n"
    assert found["made.txt"].before_sha256 is None
    assert found["src/b.py"].after is None
    assert found["run.sh"].after is not None
    assert found["run.sh"].after.mode == 0o644


def test_what_cannot_come_back_is_named_with_the_reason(shadow: Shadow) -> None:
    shadow.sync(FILES)
    (shadow.path / "image.png").write_bytes(b"\x89PNG\0")
    (shadow.path / "link").symlink_to("a.py")
    os.mkfifo(shadow.path / "pipe")
    os.link(shadow.path / "a.py", shadow.path / "twice")
    found = shadow.changes()
    assert found.left_out is not None
    assert set(found.left_out) == {"image.png", "link", "pipe", "twice", "a.py"}
    assert found.files == ()


def test_what_tools_keep_for_themselves_is_no_change(shadow: Shadow) -> None:
    shadow.sync(FILES)
    for name in (".pytest_cache/v/x", "src/__pycache__/b.cpython-311.pyc", "src/old.pyc", ".git/config"):
        (shadow.path / name).parent.mkdir(parents=True, exist_ok=True)
        (shadow.path / name).write_bytes(b"x")
    assert shadow.changes().files == ()


def test_more_changes_than_a_person_would_read_are_counted(shadow: Shadow) -> None:
    shadow.sync(FILES)
    for number in range(MAX_CHANGED + 3):
        (shadow.path / f"f{number:04}").write_bytes(b"x\n")
    found = shadow.changes()
    assert len(found.files) == MAX_CHANGED
    assert found.left_out is not None
    assert len(found.left_out) == 3


def test_a_draft_lies_over_the_copy_until_the_next_time(shadow: Shadow) -> None:
    shadow.sync(FILES)
    shadow.overlay({"a.py": (b"draft\n", 0o644), "src/b.py": None, "new/file.py": (b"n\n", 0o644)})
    assert contents(shadow)["a.py"] == b"draft\n"
    assert "src/b.py" not in contents(shadow)
    assert shadow.changes().files == (), "a draft is not a change of the command's"
    (shadow.path / "a.py").write_bytes(b"formatted\n")
    assert names(shadow.changes().files) == ["a.py"]
    shadow.sync(FILES)
    assert contents(shadow) == FILES


def test_two_workbenches_have_a_copy_each(root: Path, place: Path) -> None:
    with Shadow(root, place) as first, Shadow(root, place) as second:
        assert first.path != second.path
