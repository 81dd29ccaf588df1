"""What root still has after giving up its other powers, and what a child of it can get back."""

from __future__ import annotations

import errno
import os
import re
import subprocess
from pathlib import Path
from typing import cast

import pytest

from tests.boundary.children import USERS, fork, outcome
from workbench.boundary import kernel, privileges

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has powers to give up")
FILES = sum(1 << capability for capability in privileges.FOR_FILES)
SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def capabilities(status: str) -> dict[str, int]:
    return {name: int(re.findall(rf"^{name}:\s+(\w+)$", status, re.MULTILINE)[0], 16) for name in SETS}


def own_and_childs() -> list[dict[str, int]]:
    shown = subprocess.run(["/bin/cat", "/proc/self/status"], capture_output=True, text=True, check=True)
    return [capabilities(Path("/proc/self/status").read_text()), capabilities(shown.stdout)]


@as_root
@pytest.mark.parametrize(("keep", "kept"), [(privileges.FOR_FILES, FILES), (privileges.NONE, 0)])
def test_root_keeps_no_power_but_those_named_and_a_child_gets_none_back(
    keep: tuple[int, ...], kept: int
) -> None:
    def work() -> list[dict[str, int]]:
        privileges.drop(keep=keep)
        return own_and_childs()

    for found in cast("list[dict[str, int]]", fork(work)):
        assert found == {"CapInh": 0, "CapPrm": kept, "CapEff": kept, "CapBnd": kept, "CapAmb": 0}


@as_root
def test_what_was_given_up_is_refused_and_files_of_others_can_still_be_edited(public: Path) -> None:
    file = public / "theirs"
    file.write_bytes(b"before")
    file.chmod(0o600)
    os.chown(file, 1234, 1234)

    def work() -> tuple[int, int, int]:
        privileges.drop(keep=privileges.FOR_FILES)
        file.write_bytes(b"after")
        os.chown(file, 1234, 1235)
        file.chmod(0o640)
        device = os.makedev(1, 1)
        return (
            outcome(lambda: os.mknod(public / "memory", 0o600 | 0o020000, device)),
            outcome(lambda: os.chroot("/")),
            outcome(lambda: os.setuid(1234)),
        )

    assert fork(work) == (errno.EPERM,) * 3
    assert (file.read_bytes(), file.stat().st_gid) == (b"after", 1235)


@as_root
def test_a_command_as_root_cannot_read_a_file_of_somebody_elses(public: Path) -> None:
    file = public / "theirs"
    file.write_bytes(b"theirs")
    file.chmod(0o600)
    os.chown(file, 1234, 1234)

    def work() -> int:
        privileges.drop(keep=privileges.NONE)
        return outcome(file.read_bytes)

    assert fork(work) == errno.EACCES


def test_an_ordinary_user_has_nothing_to_lose() -> None:
    def work() -> dict[str, int]:
        privileges.drop(keep=privileges.FOR_FILES)
        return capabilities(Path("/proc/self/status").read_text())

    found = cast("dict[str, int]", fork(work, user=USERS[-1]))
    assert (found["CapPrm"], found["CapEff"]) == (0, 0)


@pytest.mark.parametrize("user", USERS)
def test_hidden_memory_is_closed_to_others_and_proc_self_goes_on_working(user: str, public: Path) -> None:
    file = public / "model"
    file.write_bytes(b"GGUF")
    file.chmod(0o644)

    def work() -> tuple[int, list[int]]:
        privileges.hide_memory()
        descriptor = os.open(file, os.O_RDONLY)
        needed = [
            f"/proc/self/fd/{descriptor}",
            f"/proc/self/fdinfo/{descriptor}",
            *("/proc/self/maps", "/proc/self/stat", "/proc/self/status", "/proc/self/mountinfo"),
        ]
        answers = [outcome(Path(path).read_bytes) for path in needed]
        return kernel.prctl(kernel.PR_GET_DUMPABLE), [*answers, outcome(lambda: os.listdir("/proc/self/fd"))]

    assert fork(work, user=user) == (0, [0] * 7)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs two users")
@pytest.mark.parametrize(("hidden", "answer"), [(True, errno.EACCES), (False, 0)])
def test_another_process_of_the_same_user_cannot_look_into_it(hidden: bool, answer: int) -> None:
    def work() -> int:
        if hidden:
            privileges.hide_memory()
        else:
            kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
        target = os.getpid()
        return cast("int", fork(lambda: outcome(Path(f"/proc/{target}/environ").read_bytes), user="same"))

    assert fork(work, user="nobody") == answer
