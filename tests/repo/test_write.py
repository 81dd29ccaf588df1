"""Writes: whole or not at all, on the approved base only, beneath the root only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.repo.conftest import NEW, OLD, leftovers, unsupported
from workbench.core.errors import RepositoryError, Stale
from workbench.core.records import sha256
from workbench.repo import GateRefused, ReadGate, Reason, Writer, owner, rename, temporary

Mounted = Callable[..., Path]
Unprivileged = Callable[[Callable[[], None]], None]


def test_a_replaced_file_holds_exactly_the_approved_bytes_and_keeps_its_mode(
    writer: Writer, file: Path
) -> None:
    data = "\ufeffnaïve\r\nmixed\n".encode() + b"\xff\xfe no newline"
    written = writer.replace("src/a.py", data, base_sha256=sha256(OLD))
    assert (written.path, written.sha256, written.mode, written.notes) == (
        "src/a.py",
        sha256(data),
        0o640,
        (),
    )
    assert file.read_bytes() == data
    assert file.stat().st_mode & 0o7777 == 0o640
    assert leftovers(file.parent) == []


def test_what_was_written_can_be_read_through_the_gate(writer: Writer, file: Path, root: Path) -> None:
    writer.replace("src/a.py", NEW, base_sha256=sha256(OLD))
    writer.create("src/b.py", NEW)
    with ReadGate(root) as gate:
        assert gate.read("src/a.py").sha256 == gate.read("src/b.py").sha256 == sha256(NEW)


def test_a_mode_can_be_given(writer: Writer, file: Path) -> None:
    assert writer.replace("src/a.py", NEW, base_sha256=sha256(OLD), mode=0o100755).mode == 0o755
    assert file.stat().st_mode & 0o7777 == 0o755


def test_an_empty_and_a_large_file_are_written_whole(writer: Writer, file: Path) -> None:
    large = os.urandom(3_000_001)
    writer.replace("src/a.py", large, base_sha256=sha256(OLD))
    assert file.read_bytes() == large
    writer.replace("src/a.py", b"", base_sha256=sha256(large))
    assert file.read_bytes() == b""


def test_owner_and_extended_attributes_are_kept(writer: Writer, file: Path) -> None:
    try:
        os.setxattr(file, "user.note", b"kept")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    if os.geteuid() == 0:
        os.chown(file, 1234, 2345)
    before = file.stat()
    assert writer.replace("src/a.py", NEW, base_sha256=sha256(OLD)).notes == ()
    assert os.getxattr(file, "user.note") == b"kept"
    assert (file.stat().st_uid, file.stat().st_gid) == (before.st_uid, before.st_gid)


def test_an_access_list_is_kept(writer: Writer, file: Path) -> None:
    # posix_acl_xattr: version 2, then tag, permissions and id of each entry (acl(5)).
    entries = ((0x01, 6, -1), (0x02, 4, 1234), (0x04, 4, -1), (0x10, 4, -1), (0x20, 0, -1))
    value = (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little") + bits.to_bytes(2, "little") + who.to_bytes(4, "little", signed=True)
        for tag, bits, who in entries
    )
    try:
        os.setxattr(file, "system.posix_acl_access", value)
    except OSError:
        pytest.skip("this file system has no access lists")
    writer.replace("src/a.py", NEW, base_sha256=sha256(OLD))
    assert os.getxattr(file, "system.posix_acl_access") == value


def test_special_mode_bits_are_dropped_and_said_so(writer: Writer, file: Path) -> None:
    file.chmod(0o4755)
    written = writer.replace("src/a.py", NEW, base_sha256=sha256(OLD))
    assert written.notes == ("special mode bits of 4755 are gone",)
    assert file.stat().st_mode & 0o7777 == 0o755


def test_row_28_a_file_that_changed_since_the_proposal_is_stale(writer: Writer, file: Path) -> None:
    with pytest.raises(Stale, match="changed since"):
        writer.replace("src/a.py", NEW, base_sha256=sha256(b"another"))
    with pytest.raises(Stale, match="changed since"):
        writer.delete("src/a.py", base_sha256=sha256(b"another"))
    assert file.read_bytes() == OLD
    assert leftovers(file.parent) == []


def test_a_file_that_is_gone_is_stale(writer: Writer, file: Path) -> None:
    file.unlink()
    for path in ("src/a.py", "gone/a.py"):
        with pytest.raises(Stale, match="no longer exists"):
            writer.replace(path, NEW, base_sha256=sha256(OLD))
        with pytest.raises(Stale, match="no longer exists"):
            writer.delete(path, base_sha256=sha256(OLD))


@pytest.mark.parametrize("how", ["rewritten", "replaced"])
def test_a_change_at_the_last_instant_is_found_and_survives(
    writer: Writer, file: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    real = rename.exchange
    theirs = b"saved by a person just now\n"

    def late(directory: int, one: str, other: str) -> None:
        # What an editor could do between our last look and the rename: before the first exchange only.
        monkeypatch.setattr(rename, "exchange", real)
        if how == "replaced":
            file.unlink()
        file.write_bytes(theirs)
        real(directory, one, other)

    monkeypatch.setattr(rename, "exchange", late)
    with pytest.raises(Stale):
        writer.replace("src/a.py", NEW, base_sha256=sha256(OLD))
    assert file.read_bytes() == theirs
    assert leftovers(file.parent) == []


def test_without_exchange_a_plain_rename_does(
    writer: Writer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rename, "exchange", unsupported)
    monkeypatch.setattr(rename, "without_replacing", unsupported)
    writer.replace("src/a.py", NEW, base_sha256=sha256(OLD))
    writer.create("src/b.py", NEW)
    assert (file.read_bytes(), file.with_name("b.py").read_bytes()) == (NEW, NEW)
    assert file.with_name("b.py").stat().st_nlink == 1
    with pytest.raises(GateRefused) as caught:
        writer.create("src/b.py", OLD)
    assert caught.value.reason is Reason.EXISTS
    assert leftovers(file.parent) == []


def test_a_new_file_gets_its_mode_whatever_the_umask(writer: Writer, root: Path) -> None:
    before = os.umask(0o077)
    try:
        written = writer.create("new/deep/tool.sh", NEW, mode=0o755)
    finally:
        os.umask(before)
    assert written.mode == 0o755
    assert (root / "new/deep/tool.sh").stat().st_mode & 0o7777 == 0o755
    assert (root / "new/deep/tool.sh").read_bytes() == NEW


def test_a_new_file_never_replaces_anything(writer: Writer, file: Path, root: Path, tmp_path: Path) -> None:
    (root / "dangling").symlink_to(tmp_path / "elsewhere")
    (root / "directory").mkdir()
    for path in ("src/a.py", "dangling", "directory"):
        with pytest.raises(GateRefused) as caught:
            writer.create(path, NEW)
        assert caught.value.reason is Reason.EXISTS, path
    assert file.read_bytes() == OLD
    assert not (tmp_path / "elsewhere").exists()


def test_directories_made_for_a_file_that_failed_are_taken_away(
    writer: Writer, file: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RepositoryError, match="disk is full"):
        writer.create("src/x/y/z.py", NEW)
    assert not (root / "src" / "x").exists()
    assert file.exists()


def test_a_file_is_deleted_and_its_directory_stays(writer: Writer, file: Path) -> None:
    written = writer.delete("src/a.py", base_sha256=sha256(OLD))
    assert (written.sha256, written.mode) == (None, 0o640)
    assert not file.exists()
    assert file.parent.is_dir()


def test_links_devices_and_other_names_are_not_written(
    writer: Writer, file: Path, root: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x").write_bytes(OLD)
    (root / "to-file").symlink_to(outside / "x")
    (root / "to-directory").symlink_to(outside)
    os.mkfifo(root / "pipe")
    os.link(file, root / "second-name")
    for path, reason in (
        ("to-file", Reason.LINK),
        ("to-directory/x", Reason.LINK),
        ("pipe", Reason.NOT_REGULAR),
        ("second-name", Reason.HARD_LINKED),
        ("../outside/x", Reason.MALFORMED),
        (str(outside / "x"), Reason.MALFORMED),
        (".git/config", Reason.GIT_INTERNAL),
        ("sub/.GIT/hooks/pre-commit", Reason.GIT_INTERNAL),
    ):
        with pytest.raises(GateRefused) as caught:
            writer.replace(path, NEW, base_sha256=sha256(OLD))
        assert caught.value.reason is reason, path
    for path in ("to-directory/new", "../new", ".git/hooks/pre-commit"):
        with pytest.raises(GateRefused):
            writer.create(path, NEW)
    assert (outside / "x").read_bytes() == OLD
    assert sorted(outside.iterdir()) == [outside / "x"]


# -- a process killed in the middle ---------------------------------------------------------------------

_KILLED = """
import hashlib, os, signal, sys
from pathlib import Path
from workbench.repo import Writer, rename

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

action, where, root = sys.argv[1:]
if where == "before":
    rename.exchange = rename.without_replacing = os.rename = os.unlink = die
else:
    real = rename.exchange
    def late(*arguments):
        real(*arguments)
        die()
    rename.exchange = late
writer = Writer(Path(root))
base = hashlib.sha256(b"old\\n").hexdigest()
if action == "replace":
    writer.replace("src/a.py", b"new\\n", base_sha256=base)
elif action == "create":
    writer.create("src/b.py", b"new\\n")
else:
    writer.delete("src/a.py", base_sha256=base)
"""


def _kill(action: str, where: str, root: Path) -> None:
    environment = dict(os.environ) | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(
        [sys.executable, "-c", _KILLED, action, where, str(root)], env=environment, check=False, timeout=20
    )
    assert ended.returncode == -signal.SIGKILL


@pytest.mark.parametrize("action", ["replace", "create", "delete"])
def test_kill_9_before_the_rename_leaves_the_old_file_whole_and_sweep_cleans(
    writer: Writer, file: Path, root: Path, action: str
) -> None:
    _kill(action, "before", root)
    assert file.read_bytes() == OLD
    assert not (root / "src" / "b.py").exists()
    left = [str(path.relative_to(root)) for path in leftovers(root)]
    assert len(left) == (0 if action == "delete" else 1)
    assert list(writer.sweep()) == left
    assert sorted(root.rglob("*")) == [file.parent, file]


def test_kill_9_after_the_rename_leaves_the_new_file_whole_and_sweep_cleans(
    writer: Writer, file: Path, root: Path
) -> None:
    _kill("replace", "after", root)
    assert file.read_bytes() == NEW
    assert file.stat().st_mode & 0o7777 == 0o640
    assert len(writer.sweep()) == 1
    assert leftovers(root) == []


def test_sweep_leaves_alone_what_is_not_a_leftover(writer: Writer, file: Path, root: Path) -> None:
    running = root / f"{temporary.PREFIX}{owner.tag()}-{'0' * 16}"
    strange = root / f"{temporary.PREFIX}notes"
    inside_git = root / ".git" / f"{temporary.PREFIX}1-1-{'0' * 16}"
    dead = root / "src" / f"{temporary.PREFIX}{os.getpid()}-1-{'0' * 16}"
    inside_git.parent.mkdir()
    for path in (running, strange, inside_git, dead):
        path.touch()
    assert writer.sweep() == (f"src/{dead.name}",)
    assert running.exists()
    assert strange.exists()
    assert inside_git.exists()


def test_sweep_survives_a_very_deep_tree(writer: Writer, root: Path) -> None:
    here = os.open(root, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    try:
        assert writer.sweep() == ()
    finally:
        # Python's own tree removal, which clears up after the tests, cannot go this deep.
        subprocess.run(["rm", "-rf", str(root / "d")], check=True)


# -- a disk that does not cooperate ---------------------------------------------------------------------


def test_a_full_disk_leaves_the_old_file_whole(root: Path, mounted: Mounted) -> None:
    mounted(root, "-t", "tmpfs", "-o", "size=64k", "tmpfs")
    (root / "a").write_bytes(OLD)
    with Writer(root) as writer:
        with pytest.raises(RepositoryError, match="disk is full"):
            writer.replace("a", b"x" * 200_000, base_sha256=sha256(OLD))
        with pytest.raises(RepositoryError, match="disk is full"):
            writer.create("d/b", b"x" * 200_000)
    assert (root / "a").read_bytes() == OLD
    assert list(root.iterdir()) == [root / "a"]


def test_a_read_only_file_system_is_named(root: Path, mounted: Mounted) -> None:
    mounted(root, "-t", "tmpfs", "-o", "size=64k", "tmpfs")
    (root / "a").write_bytes(OLD)
    subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
    with Writer(root) as writer:
        with pytest.raises(RepositoryError, match="read-only"):
            writer.replace("a", NEW, base_sha256=sha256(OLD))
        with pytest.raises(RepositoryError, match="read-only"):
            writer.create("b", NEW)
        with pytest.raises(RepositoryError, match="read-only"):
            writer.delete("a", base_sha256=sha256(OLD))
    assert (root / "a").read_bytes() == OLD


def test_a_directory_without_permission_is_named(public_directory: Path, unprivileged: Unprivileged) -> None:
    (public_directory / "a").write_bytes(OLD)
    (public_directory / "a").chmod(0o644)
    public_directory.chmod(0o555)

    def act() -> None:
        with Writer(public_directory) as writer:
            with pytest.raises(RepositoryError, match="may not write there"):
                writer.replace("a", NEW, base_sha256=sha256(OLD))
            for path in ("b", "d/b"):
                with pytest.raises(RepositoryError, match="may not write there"):
                    writer.create(path, NEW)
            with pytest.raises(RepositoryError, match="may not write there"):
                writer.delete("a", base_sha256=sha256(OLD))

    unprivileged(act)
    assert (public_directory / "a").read_bytes() == OLD


def test_an_owner_that_cannot_be_kept_is_said(public_directory: Path, unprivileged: Unprivileged) -> None:
    if os.geteuid() != 0:
        pytest.skip("making a file of another owner needs root")
    (public_directory / "a").write_bytes(OLD)
    (public_directory / "a").chmod(0o644)
    public_directory.chmod(0o777)

    def act() -> None:
        with Writer(public_directory) as writer:
            written = writer.replace("a", NEW, base_sha256=sha256(OLD))
            assert written.notes == ("owner 0:0 is now 65534:65534",)

    unprivileged(act)
