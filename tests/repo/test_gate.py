"""The read gate: the file-level rows of the red-team list, by number, resolved by the kernel and by hand."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.core.errors import RepositoryError
from workbench.repo import GateRefused, ReadGate, Reason
from workbench.repo.beneath import Beneath

Mounted = Callable[..., Path]

SECRET = b"SECRET=1\n"


@pytest.fixture(params=["openat2", "walk"])
def openat2(request: pytest.FixtureRequest, tmp_path: Path) -> bool:
    with Beneath(tmp_path) as beneath:
        if request.param == "openat2" and not beneath.uses_openat2:
            pytest.skip("this kernel has no openat2")
    return bool(request.param == "openat2")


@pytest.fixture
def gate(root: Path, openat2: bool) -> Iterator[ReadGate]:
    with ReadGate(root, openat2=openat2) as made:
        assert made.uses_openat2 is openat2
        yield made


def _refused(gate: ReadGate, path: str) -> Reason:
    with pytest.raises(GateRefused) as caught:
        gate.read(path)
    assert caught.value.exit_code == 2
    assert caught.value.next_step
    return caught.value.reason


def test_a_file_is_read_with_its_mode_and_exact_bytes(gate: ReadGate, root: Path) -> None:
    data = "naïve\r\n".encode() + b"\xff\xfe latin\n"
    (root / "a b").mkdir()
    (root / "a b" / "é.txt").write_bytes(data)
    (root / "a b" / "é.txt").chmod(0o750)
    content = gate.read("./a b//é.txt")
    assert (content.path, content.data, content.mode) == ("a b/é.txt", data, 0o750)


def test_an_empty_file_and_a_name_that_is_not_utf8_are_read(gate: ReadGate, root: Path) -> None:
    (root / "empty").touch()
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9")).write_bytes(b"x")
    assert gate.read("empty").data == b""
    assert gate.read("caf\udce9").data == b"x"


@pytest.mark.parametrize("path", ["", "/etc/passwd", "..", "a/../../b", "a\0b", "/", "."])
def test_a_malformed_path_is_refused(gate: ReadGate, path: str) -> None:
    assert _refused(gate, path) is Reason.MALFORMED


def test_what_is_missing_is_refused_as_missing(gate: ReadGate, root: Path) -> None:
    (root / "file").write_bytes(b"x")
    for path in ("none", "no/where", "file/below", "x" * 300):
        assert _refused(gate, path) is Reason.MISSING, path


def test_rows_15_to_18_no_link_is_followed(gate: ReadGate, root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(SECRET)
    (root / ".env").write_bytes(SECRET)
    (root / "to-env").symlink_to(".env")
    (root / "to-outside").symlink_to(tmp_path / "outside")
    (root / "to-proc").symlink_to("/proc/self/root")
    (root / "to-magic").symlink_to("/proc/self/cwd")
    (root / "loop").symlink_to("loop")
    (root / "dangling").symlink_to("nowhere")
    for path in (
        "to-env",
        "to-outside/secret",
        "to-proc/etc/hostname",
        "to-magic/secret",
        "loop",
        "loop/x",
        "dangling",
    ):
        assert _refused(gate, path) is Reason.LINK, path


def test_row_21_a_hard_link_to_a_denied_file_is_recognised(gate: ReadGate, root: Path) -> None:
    (root / ".env").write_bytes(SECRET)
    (root / "docs").mkdir()
    os.link(root / ".env", root / "docs" / "notes.md")
    assert _refused(gate, "docs/notes.md") is Reason.HARD_LINKED
    gate.deny_inodes = gate.inodes([".env", "missing", "docs"])
    assert len(gate.deny_inodes) == 1
    assert _refused(gate, "docs/notes.md") is Reason.DENIED_INODE


def test_row_22_a_hard_link_from_outside_is_refused(gate: ReadGate, root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(SECRET)
    os.link(tmp_path / "outside", root / "inside")
    assert _refused(gate, "inside") is Reason.HARD_LINKED


def test_row_23_another_file_system_in_the_tree_is_not_entered(
    gate: ReadGate, root: Path, mounted: Mounted
) -> None:
    (root / "mnt").mkdir()
    mounted(root / "mnt", "-t", "tmpfs", "-o", "size=64k", "tmpfs")
    (root / "mnt" / "secret").write_bytes(SECRET)
    assert _refused(gate, "mnt/secret") is Reason.OUTSIDE


def test_row_23_a_bind_mount_in_the_tree_is_not_entered(
    gate: ReadGate, root: Path, tmp_path: Path, mounted: Mounted
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(SECRET)
    (tmp_path / "file").write_bytes(SECRET)
    (root / "mnt").mkdir()
    (root / "file").touch()
    mounted(root / "mnt", "--bind", str(tmp_path / "outside"))
    mounted(root / "file", "--bind", str(tmp_path / "file"))
    assert (root / "mnt" / "secret").read_bytes() == SECRET, "plain reading is fooled"
    assert _refused(gate, "mnt/secret") is Reason.OUTSIDE
    assert _refused(gate, "file") is Reason.OUTSIDE


def test_row_33_a_named_pipe_does_not_hang(gate: ReadGate, root: Path) -> None:
    os.mkfifo(root / "pipe")
    start = time.monotonic()
    assert _refused(gate, "pipe") is Reason.NOT_REGULAR
    assert time.monotonic() - start < 1.0


def test_row_33_a_directory_and_a_socket_are_not_files(gate: ReadGate, root: Path) -> None:
    (root / "directory").mkdir()
    listener = socket.socket(socket.AF_UNIX)
    try:
        before = Path.cwd()
        os.chdir(root)
        listener.bind("socket")
    finally:
        os.chdir(before)
        listener.close()
    for path in ("directory", "socket"):
        assert _refused(gate, path) is Reason.NOT_REGULAR, path


def test_row_33_a_device_is_not_a_file(gate: ReadGate, root: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("making a device needs root")
    try:
        os.mknod(root / "zero", 0o20666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this container may not make devices")
    assert _refused(gate, "zero") is Reason.NOT_REGULAR


def test_row_34_a_file_over_the_cap_is_refused(gate: ReadGate, root: Path) -> None:
    (root / "at").write_bytes(b"x" * (1 << 20))
    (root / "over").write_bytes(b"x" * ((1 << 20) + 1))
    assert len(gate.read("at").data) == 1 << 20
    assert _refused(gate, "over") is Reason.TOO_LARGE


def test_row_34_a_file_that_changes_while_it_is_read_is_refused(
    gate: ReadGate, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = root / "log"
    log.write_bytes(b"x")
    real = os.read

    def grow(descriptor: int, size: int) -> bytes:
        with log.open("ab") as file:
            file.write(b"x" * 65536)
        return real(descriptor, size)

    def rewrite(descriptor: int, size: int) -> bytes:
        log.write_bytes(b"y")
        os.utime(log, ns=(0, time.time_ns()))
        return real(descriptor, size)

    monkeypatch.setattr(os, "read", rewrite)
    assert _refused(gate, "log") is Reason.CHANGING
    monkeypatch.setattr(os, "read", grow)
    assert _refused(gate, "log") is Reason.TOO_LARGE


def test_row_35_binary_data_is_refused_unless_bytes_were_asked_for(gate: ReadGate, root: Path) -> None:
    (root / "utf16").write_bytes("text".encode("utf-16"))
    (root / "late").write_bytes(b"x" * 8192 + b"\0")
    assert _refused(gate, "utf16") is Reason.BINARY
    assert gate.read("utf16", binary=True).data == "text".encode("utf-16")
    assert gate.read("late").data.endswith(b"\0")


def test_a_file_without_permission_is_refused_with_that_reason(
    public_directory: Path, openat2: bool, unprivileged: Callable[[Callable[[], None]], None]
) -> None:
    (public_directory / "locked").write_bytes(SECRET)
    (public_directory / "locked").chmod(0)

    def read() -> None:
        with ReadGate(public_directory, openat2=openat2) as gate:
            assert _refused(gate, "locked") is Reason.NO_PERMISSION

    unprivileged(read)


def test_a_refusal_shows_a_hostile_name_inert(gate: ReadGate) -> None:
    with pytest.raises(GateRefused) as caught:
        gate.read("a\x1b]52;c;eA\x07")
    assert "\x1b" not in caught.value.diagnostics()


def test_every_opening_can_be_seen_by_an_audit_hook(gate: ReadGate, root: Path) -> None:
    (root / "a").write_bytes(b"x")
    seen: list[object] = []
    watching = [True]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event == "open":
            seen.append(arguments[0])

    sys.addaudithook(hook)
    gate.read("a")
    watching.clear()
    assert str(root / "a") in seen


def test_a_root_that_is_gone_is_an_error_a_person_can_read(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="cannot be opened"):
        ReadGate(tmp_path / "none")


def test_the_gate_keeps_working_when_its_root_is_renamed(gate: ReadGate, root: Path) -> None:
    (root / "a").write_bytes(b"x")
    root.rename(root.with_name("renamed"))
    assert gate.read("a").data == b"x"


# -- races: another process swaps what a name stands for, as fast as it can ----------------------------

_SWAP = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
one, other = (os.fsencode(name) for name in sys.argv[1:3])
sys.stdout.write("ready"); sys.stdout.flush()
while True:
    libc.renameat2(-100, one, -100, other, 2)
"""


class _Swapping:
    """Another process that exchanges two names for as long as the context lasts."""

    def __init__(self, one: Path, other: Path) -> None:
        self._argv = [sys.executable, "-I", "-c", _SWAP, str(one), str(other)]

    def __enter__(self) -> None:
        self._process = subprocess.Popen(self._argv, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.read(5) == b"ready"

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def _naive(root: Path, path: str) -> bytes | None:
    """Read as programs commonly do: resolve the name, check it, then open it by name."""
    try:
        if not os.path.realpath(root / path).startswith(f"{root}/inside"):
            return None
        return (root / path).read_bytes()
    except OSError:
        return None


@pytest.fixture
def trap(root: Path, tmp_path: Path) -> dict[str, tuple[str, Path, Path]]:
    """Return, for a file and for a directory, the path read and the two names that are swapped."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(SECRET)
    (root / "inside").mkdir()
    (root / "inside" / "file").write_bytes(b"harmless\n")
    (root / "inside" / "link").symlink_to(tmp_path / "outside" / "file")
    (root / "inside" / "directory").mkdir()
    (root / "inside" / "directory" / "file").write_bytes(b"harmless\n")
    (root / "inside" / "to-directory").symlink_to(tmp_path / "outside")
    return {
        "file": ("inside/file", root / "inside" / "file", root / "inside" / "link"),
        "directory": (
            "inside/directory/file",
            root / "inside" / "directory",
            root / "inside" / "to-directory",
        ),
    }


@pytest.mark.parametrize("what", ["file", "directory"])
def test_rows_26_and_27_a_race_leaks_nothing(
    gate: ReadGate, trap: dict[str, tuple[str, Path, Path]], what: str
) -> None:
    path, one, other = trap[what]
    read = refused = 0
    with _Swapping(one, other):
        began = time.monotonic()
        # A second, and longer where so little of it was ours that not both sides were met.
        while (passed := time.monotonic() - began) < 1.0 or (not (read and refused) and passed < 30.0):
            try:
                assert gate.read(path).data == b"harmless\n"
                read += 1
            except GateRefused:
                refused += 1
    assert read > 0, "the harmless file was reached"
    assert refused > 0, "the link was met"


@pytest.mark.parametrize("what", ["file", "directory"])
def test_the_same_race_does_beat_checking_a_name_before_opening_it(
    root: Path, trap: dict[str, tuple[str, Path, Path]], what: str
) -> None:
    path, one, other = trap[what]
    end = time.monotonic() + 15.0
    with _Swapping(one, other):
        while _naive(root, path) != SECRET:
            assert time.monotonic() < end, "the race never beat the control, so it shows nothing"
