"""Provides worktrees, plain git to compare with, small file systems, and a process without privileges."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.repo import Writer, temporary
from workbench.repo.beneath import Beneath

PlainGit = Callable[..., bytes]
Mounted = Callable[..., Path]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every test a home of its own, without anybody's git configuration."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return an empty directory to be a worktree."""
    made = tmp_path / "worktree"
    made.mkdir()
    return made


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Return a directory outside the worktree for temporary files."""
    made = tmp_path / "scratch"
    made.mkdir()
    return made


@pytest.fixture
def plain_git(root: Path) -> PlainGit:
    """Return a function that runs git as a person would, with nothing switched off."""

    def run(*words: str | bytes, check: bool = True, cwd: Path | None = None, given: bytes = b"") -> bytes:
        ended = subprocess.run(
            ["git", *words], cwd=cwd or root, input=given, capture_output=True, check=False, timeout=30
        )
        if check and ended.returncode != 0:
            raise AssertionError(ended.stderr.decode())
        return ended.stdout

    return run


@pytest.fixture
def repository(root: Path, plain_git: PlainGit) -> Path:
    """Return a worktree with one commit of `a.txt` and `src/b.py` on the branch `main`."""
    plain_git("init", "-q", "-b", "main")
    plain_git("config", "user.name", "Una User")
    plain_git("config", "user.email", "una@example.invalid")
    (root / "src").mkdir()
    (root / "a.txt").write_bytes(b"one\ntwo\nthree\n")
    (root / "src" / "b.py").write_bytes(b"x = 1\n")
    plain_git("add", "-A")
    plain_git("commit", "-qm", "first")
    return root


@pytest.fixture
def mounted() -> Iterator[Mounted]:
    """Return a function that mounts a file system at a directory, where this account can."""
    done: list[Path] = []

    def mount(where: Path, *words: str) -> Path:
        if os.geteuid() != 0:
            pytest.skip("mounting needs root")
        ended = subprocess.run(["mount", *words, str(where)], capture_output=True, check=False)
        if ended.returncode != 0:
            pytest.skip(f"mount does not work here: {ended.stderr.decode().strip()}")
        done.append(where)
        return where

    yield mount
    for where in reversed(done):
        subprocess.run(["umount", str(where)], check=True)


@pytest.fixture
def public_directory() -> Iterator[Path]:
    """Return a directory that every account can reach, which the tests' own is not."""
    made = Path(tempfile.mkdtemp(prefix="workbench-test-"))
    made.chmod(0o755)
    yield made
    made.chmod(0o755)
    for directory, names, _ in os.walk(made):
        for name in names:
            Path(directory, name).chmod(0o755)
    shutil.rmtree(made)


@pytest.fixture
def unprivileged() -> Callable[[Callable[[], None]], None]:
    """Return a function that runs another as an account that is not root, in a process of its own."""

    def run(action: Callable[[], None]) -> None:
        if os.geteuid() != 0:
            action()
            return
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            failure = b""
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                action()
            except BaseException as error:  # noqa: BLE001  # it is reported to the parent, whatever it is
                failure = repr(error).encode() or b"failed"
            os.write(writer, failure)
            os._exit(0)
        os.close(writer)
        with open(reader, "rb") as answers:
            failure = answers.read()
        os.waitpid(child, 0)
        assert failure == b"", failure.decode()

    return run


OLD, NEW = b"old\n", b"new\n"
"""What stands in `file`, and what tests put in its place."""


def leftovers(root: Path) -> list[Path]:
    """Return the temporary files that a write left."""
    return list(root.rglob(f"{temporary.PREFIX}*"))


def unsupported(*_: object) -> None:
    """Fail as a file system does that does not know a way of renaming."""
    raise OSError(22, "Invalid argument")


@pytest.fixture(params=["openat2", "walk"])
def writer(request: pytest.FixtureRequest, root: Path) -> Iterator[Writer]:
    with Beneath(root) as beneath:
        if request.param == "openat2" and not beneath.uses_openat2:
            pytest.skip("this kernel has no openat2")
    with Writer(root, openat2=request.param == "openat2") as made:
        yield made


@pytest.fixture
def file(root: Path) -> Path:
    made = root / "src" / "a.py"
    made.parent.mkdir()
    made.write_bytes(OLD)
    made.chmod(0o640)
    return made
