"""What a Landlock ruleset really keeps from a thread, at each ABI that a kernel can have."""

from __future__ import annotations

import errno
import os
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from tests.boundary.children import USERS, Ended, forbid, fork, needs_landlock, outcome
from workbench.boundary import abi, kernel, landlock
from workbench.core.errors import BoundaryError

AS_EVERYONE = pytest.mark.parametrize("user", USERS)
VERSIONS = range(1, landlock.NEWEST_KNOWN + 1)
SYSTEM = [("/usr", landlock.RUN), ("/bin", landlock.RUN), ("/lib", landlock.RUN), ("/lib64", landlock.RUN)]


@pytest.fixture
def inside(public: Path) -> Path:
    """A directory that a ruleset grants."""
    place = public / "inside"
    place.mkdir()
    place.chmod(0o777)
    (place / "file").write_bytes(b"inside")
    return place


@pytest.fixture
def secret(public: Path) -> Path:
    """A file that no ruleset grants, and everybody's permissions allow."""
    (public / "outside").mkdir()
    (public / "outside").chmod(0o777)
    secret = public / "outside" / "secret"
    secret.write_bytes(b"secret")
    secret.chmod(0o666)
    return secret


def attacks(secret: Path, inside: Path) -> dict[str, Callable[[], object]]:
    """Return every way we know to the bytes of `secret`, or to changing them."""
    outside = secret.parent
    return {
        "read": secret.read_bytes,
        "read by ..": (inside / ".." / "outside" / "secret").read_bytes,
        "read by /proc/self/root": lambda: Path(f"/proc/self/root{secret}").read_bytes(),
        "list": lambda: os.listdir(outside),
        "write": lambda: secret.write_bytes(b"changed"),
        "append": lambda: os.open(secret, os.O_WRONLY | os.O_APPEND),
        "create": lambda: (outside / "new").write_bytes(b""),
        "nameless": lambda: os.open(outside, os.O_TMPFILE | os.O_WRONLY),
        "make a directory": lambda: (outside / "directory").mkdir(),
        "remove": secret.unlink,
        "rename in": lambda: secret.rename(inside / "taken"),
        "rename out": lambda: (inside / "file").rename(outside / "given"),
        "link in": lambda: os.link(secret, inside / "linked"),
        "link out": lambda: os.link(inside / "file", outside / "linked"),
        "symbolic link": lambda: _read_through_link(inside / "link", secret),
        "make a pipe": lambda: os.mkfifo(outside / "pipe"),
        "list processes' files": lambda: os.listdir("/proc/1/fd"),
    }


def _read_through_link(link: Path, target: Path) -> bytes:
    link.symlink_to(target)
    return link.read_bytes()


@needs_landlock
@AS_EVERYONE
@pytest.mark.parametrize("version", [1, 2, 3, landlock.NEWEST_KNOWN])
def test_a_file_that_no_rule_grants_is_out_of_reach(
    version: int, user: str, secret: Path, inside: Path
) -> None:
    ways = attacks(secret, inside)

    def attack() -> dict[str, int]:
        landlock.confine([*SYSTEM, (str(inside), landlock.CHANGE)], at_most=version)
        return {name: outcome(way) for name, way in ways.items()}

    found = cast("dict[str, int]", fork(attack, user=user))
    # EPERM: some systems do not let anybody link to a file of somebody else's.
    refusals = (errno.EACCES, errno.EXDEV, errno.EPERM)
    assert {name for name, number in found.items() if number not in refusals} == set()
    assert secret.read_bytes() == b"secret"


@AS_EVERYONE
def test_without_a_ruleset_every_one_of_these_ways_would_have_led_there(
    user: str, secret: Path, inside: Path
) -> None:
    ways = attacks(secret, inside)
    # Each in its own child, and from a fresh state: several take the file away.
    for name, way in ways.items():
        secret.write_bytes(b"secret")
        (inside / "file").write_bytes(b"inside")
        secret.chmod(0o666)
        (inside / "file").chmod(0o666)
        # Linking to a file of somebody else's asks for more than permissions, if sysctl says so.
        expected = {0} if user != "nobody" else {0, errno.EPERM, errno.EACCES}
        assert fork(partial(outcome, way), user=user) in expected, name


@needs_landlock
@AS_EVERYONE
def test_what_a_rule_grants_works(user: str, inside: Path) -> None:
    def work() -> list[bytes]:
        landlock.confine([*SYSTEM, (str(inside), landlock.CHANGE)])
        (inside / "directory").mkdir()
        (inside / "directory" / "new").write_bytes(b"new")
        (inside / "directory" / "new").rename(inside / "moved")
        (inside / "link").symlink_to("moved")
        os.truncate(inside / "moved", 2)
        read = [(inside / "link").read_bytes()]
        (inside / "moved").unlink()
        (inside / "directory").rmdir()
        return read

    assert fork(work, user=user) == [b"ne"]


@needs_landlock
def test_reading_does_not_let_write_and_writing_does_not_let_execute(inside: Path) -> None:
    program = inside / "program"
    program.write_text("#!/bin/sh\nexit 7\n")
    program.chmod(0o755)

    def attack() -> list[int]:
        landlock.confine([*SYSTEM, (str(inside), landlock.READ)])
        return [outcome(lambda: program.write_bytes(b"")), outcome(lambda: subprocess.run([program]))]

    assert fork(attack) == [errno.EACCES, errno.EACCES]
    assert subprocess.run([program], check=False).returncode == 7


@needs_landlock
def test_a_rule_on_a_file_grants_the_file_and_not_what_is_put_in_its_place(inside: Path) -> None:
    file = inside / "file"

    def work() -> list[int]:
        landlock.confine([(str(file), landlock.CHANGE)])
        return [outcome(file.read_bytes), outcome(lambda: os.listdir(inside))]

    assert fork(work) == [0, errno.EACCES]

    def replaced() -> int:
        ruleset = landlock.build([(str(file), landlock.READ)])
        assert ruleset is not None
        file.rename(inside / "old")
        file.write_bytes(b"other")
        ruleset.enter()
        return outcome(file.read_bytes)

    assert fork(replaced) == errno.EACCES


@needs_landlock
def test_a_descriptor_names_a_directory_as_well_as_a_path(inside: Path) -> None:
    def work() -> tuple[bytes, int]:
        place = os.open(inside, os.O_RDONLY | os.O_DIRECTORY)
        landlock.confine([(place, landlock.READ)])
        return (inside / "file").read_bytes(), outcome(lambda: os.listdir("/"))

    assert fork(work) == (b"inside", errno.EACCES)


@needs_landlock
def test_a_path_that_is_missing_is_reported_and_grants_nothing(public: Path) -> None:
    missing = public / "later"

    def work() -> tuple[tuple[str, ...], int]:
        enforced = landlock.confine([(str(missing), landlock.CHANGE), ("/usr", landlock.READ)])
        assert enforced is not None
        return enforced.missing, outcome(lambda: missing.mkdir())

    assert fork(work) == ((str(missing),), errno.EACCES)


@needs_landlock
def test_another_ruleset_can_take_and_never_give(secret: Path, inside: Path) -> None:
    def work() -> list[int]:
        landlock.confine([(str(inside), landlock.READ)])
        landlock.confine([("/", landlock.RUN | landlock.CHANGE)])
        first = [outcome((inside / "file").read_bytes), outcome(secret.read_bytes)]
        landlock.confine([])
        return [*first, outcome((inside / "file").read_bytes)]

    assert fork(work) == [0, errno.EACCES, errno.EACCES]


@needs_landlock
def test_a_thread_confines_itself_and_what_it_starts_and_no_other_thread(secret: Path) -> None:
    def work() -> dict[str, int]:
        found = {}

        def confined() -> None:
            landlock.confine(SYSTEM)
            found["thread"] = outcome(secret.read_bytes)
            found["its child"] = subprocess.run(
                ["/bin/cat", str(secret)], capture_output=True, check=False
            ).returncode

        thread = threading.Thread(target=confined)
        thread.start()
        thread.join()
        return {**found, "other thread": outcome(secret.read_bytes)}

    assert fork(work) == {"thread": errno.EACCES, "its child": 1, "other thread": 0}


@needs_landlock
def test_tcp_ports_are_granted_to_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def attack() -> tuple[bool, list[int]]:
            enforced = landlock.confine(SYSTEM)
            assert enforced is not None
            return enforced.tcp, [
                outcome(lambda: socket.create_connection(server.getsockname(), 5)),
                outcome(lambda: socket.create_server(("127.0.0.1", 0))),
            ]

        governed, found = cast("tuple[bool, list[int]]", fork(attack))
    assert found == ([errno.EACCES] * 2 if governed else [0, 0])


@needs_landlock
def test_signals_stay_inside_where_the_kernel_can_keep_them() -> None:
    def attack() -> tuple[bool, int, int]:
        parent = os.getppid()
        enforced = landlock.confine(SYSTEM, signals=True)
        assert enforced is not None
        child = os.fork()
        if child == 0:
            signal.pause()
        os.kill(child, signal.SIGKILL)
        return enforced.signals, outcome(lambda: os.kill(parent, 0)), os.waitpid(child, 0)[1]

    kept, answer, status = cast("tuple[bool, int, int]", fork(attack))
    assert answer == (errno.EPERM if kept else 0)
    assert status == signal.SIGKILL, "a child of its own can be killed as ever"


@needs_landlock
@pytest.mark.parametrize("version", VERSIONS)
def test_every_abi_that_a_kernel_can_have_is_tolerated(version: int, secret: Path) -> None:
    def work() -> tuple[int, int, int]:
        enforced = landlock.confine(SYSTEM, signals=True, at_most=version)
        assert enforced is not None
        return enforced.abi, enforced.rights, outcome(secret.read_bytes)

    used, rights, answer = cast("tuple[int, int, int]", fork(work))
    assert used == min(version, landlock.version())
    assert rights == landlock.rights_of(used)
    assert answer == errno.EACCES


@needs_landlock
def test_below_abi_3_truncating_is_not_governed_and_that_is_said(secret: Path) -> None:
    def attack() -> tuple[bool, int]:
        enforced = landlock.confine(SYSTEM, at_most=landlock.TRUNCATE_SINCE - 1)
        assert enforced is not None
        return bool(enforced.rights & landlock.TRUNCATE), outcome(lambda: os.truncate(secret, 0))

    assert fork(attack) == (False, 0)
    assert secret.read_bytes() == b"", "which is why the filter refuses it there"


@pytest.mark.parametrize(
    ("version", "fields", "rights"),
    [(1, 1, 13), (2, 1, 14), (3, 1, 15), (4, 2, 15), (5, 2, 16), (6, 3, 16), (7, 3, 16), (8, 3, 16),
     (9, 3, 17), (10, 3, 17), (11, 3, 17)],
)  # fmt: skip
def test_the_kernel_is_told_only_of_what_its_abi_knows(version: int, fields: int, rights: int) -> None:
    code = landlock.attributes(version, signals=True)
    words = struct.unpack(f"<{fields}Q", code)
    assert words[0] == (1 << rights) - 1
    assert words[1:2] == ((0b1111 if version >= 10 else 0b0011),) * (fields > 1)
    assert words[2:] == (0b11,) * (fields > 2)


def test_where_there_is_no_landlock_no_right_is_governed() -> None:
    assert landlock.rights_of(0) == 0
    assert landlock.rights_of(-1) == 0


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM, errno.EOPNOTSUPP])
def test_a_kernel_or_a_sandbox_that_has_no_landlock_is_no_error(number: int) -> None:
    def work() -> tuple[int, object]:
        forbid("landlock_create_ruleset", answer=number)
        return landlock.version(), landlock.confine(SYSTEM)

    assert fork(work) == (0, None)


@needs_landlock
def test_a_kernel_that_has_landlock_and_refuses_is_an_error() -> None:
    def work() -> str:
        forbid("landlock_restrict_self", answer=errno.E2BIG)
        try:
            landlock.confine(SYSTEM)
        except BoundaryError as error:
            return error.cause
        return "no error"

    assert "refused to confine files" in str(fork(work))


def test_a_machine_without_a_table_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abi, "native", lambda: None)
    assert landlock.version() == 0
    assert landlock.build(SYSTEM) is None


@needs_landlock
def test_no_more_than_sixteen_rulesets_can_be_entered_and_the_next_is_an_error() -> None:
    def work() -> int:
        for count in range(20):
            try:
                landlock.confine([("/", landlock.RUN)])
            except BoundaryError:
                return count
        return -1

    assert fork(work) == 16


def test_confining_needs_no_privilege_and_takes_it_from_set_user_id_programs() -> None:
    def work() -> int:
        landlock.confine(SYSTEM)
        return kernel.prctl(kernel.PR_GET_NO_NEW_PRIVS)

    found = fork(work, user=USERS[-1])
    assert found == 1 or landlock.version() == 0
    assert not isinstance(found, Ended)
