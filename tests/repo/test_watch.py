"""The worktree is followed: real inotify, real git, and what happens when there are no watches to be had."""

from __future__ import annotations

import errno
import os
import queue
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.repo import Git
from workbench.repo.watch import MAX_WATCHES, TreeWatch, _folders

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="inotify is Linux's")

PATIENCE = 20.0
Watching = Callable[..., tuple[TreeWatch, "queue.Queue[object]"]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "src/deep").mkdir(parents=True)
    (root / "build/objects").mkdir(parents=True)
    (root / ".gitignore").write_text("build\n")
    (root / "src/a.py").write_text("a = 1\n")
    (root / "src/deep/b.py").write_text("b = 1\n")
    for words in (
        ("init", "-q"),
        ("add", "."),
        ("-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "m"),
    ):
        subprocess.run(["git", *words], cwd=root, check=True)
    return root


@pytest.fixture
def watching(root: Path, tmp_path: Path) -> Iterator[Watching]:
    made: list[TreeWatch] = []
    git = Git(root)

    def watch(**options: float) -> tuple[TreeWatch, queue.Queue[object]]:
        told: queue.Queue[object] = queue.Queue()
        made.append(TreeWatch(root, lambda: told.put(git.status()), git.status, gap=0.0, **options))
        return made[-1], told

    yield watch
    for one in made:
        one.close()


def _follow(watch: TreeWatch, root: Path) -> str:
    git = Git(root)
    return watch.follow(git.ls_files(), git.status())


def test_a_write_a_new_folder_and_a_deletion_are_told(root: Path, watching: Watching) -> None:
    watch, told = watching()
    assert _follow(watch, root) == ""
    (root / "src/deep/b.py").write_text("b = 2\n")
    assert told.get(timeout=PATIENCE) == {"src/deep/b.py": ".M"}
    (root / "src/new").mkdir()
    (root / "src/new/c.py").write_text("c = 1\n")
    while "src/new/c.py" not in (state := told.get(timeout=PATIENCE)):  # type: ignore[operator]
        pass
    _follow(watch, root)
    (root / "src/new/c.py").unlink()
    while state != {"src/deep/b.py": ".M"}:
        state = told.get(timeout=PATIENCE)


def test_what_git_ignores_costs_no_watch_and_reading_is_no_event(root: Path, watching: Watching) -> None:
    watch, told = watching()
    _follow(watch, root)
    assert set(watch._watched) == {b"", b"src", b"src/deep"}
    while watch._stirred.is_set():
        pass
    for _ in range(200):
        (root / "src/a.py").read_text()
        os.listdir(root / "src")
    assert not watch._stirred.is_set()
    (root / "build/objects/x.o").write_text("x")
    (root / "src/a.py").write_text("a = 2\n")
    assert told.get(timeout=PATIENCE) == {"src/a.py": ".M"}
    assert told.empty()


def test_an_event_that_changes_nothing_for_git_is_not_told(root: Path, watching: Watching) -> None:
    watch, told = watching()
    _follow(watch, root)
    (root / "src/a.py").write_text("a = 1\n")
    (root / "src/deep/b.py").write_text("b = 3\n")
    assert told.get(timeout=PATIENCE) == {"src/deep/b.py": ".M"}
    assert told.empty()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE])
def test_without_watches_git_is_asked_instead_and_that_is_said_once(
    root: Path, watching: Watching, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    from watchdog.observers.inotify_c import InotifyFD

    def refuse(*_: object) -> int:
        raise OSError(number, "no")

    monkeypatch.setattr(InotifyFD, "add_callback", refuse)
    watch, told = watching(poll=0.05)
    said = _follow(watch, root)
    assert "limit of watches is reached" in said
    assert _follow(watch, root) == ""
    (root / "src/a.py").write_text("a = 2\n")
    assert told.get(timeout=PATIENCE) == {"src/a.py": ".M"}


def test_too_many_folders_are_not_watched(root: Path, watching: Watching) -> None:
    watch, _ = watching(poll=60.0)
    said = watch.follow((f"d{number}/x" for number in range(MAX_WATCHES + 1)), {})
    assert "too many to watch" in said


def test_after_closing_nothing_is_told(root: Path, watching: Watching) -> None:
    watch, told = watching()
    _follow(watch, root)
    thread = watch._thread
    assert thread is not None
    watch.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    (root / "src/a.py").write_text("a = 2\n")
    assert told.empty()


def test_the_folders_of_paths_are_all_their_ancestors() -> None:
    assert _folders(["a/b/c.py", "d.py", "a/e.py"]) == {b"", b"a", b"a/b"}
