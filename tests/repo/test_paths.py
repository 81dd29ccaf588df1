"""The path index: the tree and the finder cost what is shown, on a hundred thousand files too."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.timing import seconds_of, stopwatch
from workbench.repo import PathIndex, Row

PATHS = ["b.py", "a/x.py", "a/y/z.py", "a-b/c", "a.txt", "Z/q", "README.md", "a/.hidden"]


def _shown(rows: list[Row]) -> list[str]:
    marks = {(True, True): "v ", (True, False): "> ", (False, False): "  "}
    return [f"{'  ' * row.depth}{marks[row.is_directory, row.is_open]}{row.name}" for row in rows]


def test_directories_come_first_then_files_by_name() -> None:
    index = PathIndex(PATHS)
    assert _shown(index.visible(())) == ["> a", "> a-b", "> Z", "  a.txt", "  b.py", "  README.md"]


def test_open_directories_show_what_is_in_them() -> None:
    index = PathIndex(PATHS)
    assert _shown(index.visible({"a", "a/y", "Z"})) == [
        "v a",
        "  v y",
        "      z.py",
        "    .hidden",
        "    x.py",
        "> a-b",
        "v Z",
        "    q",
        "  a.txt",
        "  b.py",
        "  README.md",
    ]


def test_a_directory_inside_a_closed_one_stays_hidden_and_stays_open() -> None:
    index = PathIndex(PATHS)
    assert _shown(index.visible({"a/y"}))[0] == "> a"
    assert "  v y" in _shown(index.visible({"a", "a/y"}))


def test_a_directory_knows_how_many_files_it_holds() -> None:
    assert [(row.name, row.files) for row in PathIndex(PATHS).children() if row.is_directory] == [
        ("a", 3),
        ("a-b", 1),
        ("Z", 1),
    ]


def test_membership_and_what_is_below() -> None:
    index = PathIndex([*PATHS, "b.py"])
    assert len(index) == len(PATHS)
    assert "a/x.py" in index
    assert "a" not in index
    assert 3 not in index
    assert index.below("a") == ("a/.hidden", "a/x.py", "a/y/z.py")
    assert index.below("none") == ()
    assert index.below("") == index.paths


_NAME = st.text(alphabet="ab-.0", min_size=1, max_size=3)
_PATHS = st.sets(st.lists(_NAME, min_size=1, max_size=4).map("/".join), max_size=15)


@given(_PATHS)
def test_every_file_is_shown_once_when_everything_is_open(paths: set[str]) -> None:
    directories = {path.rpartition("/")[0] for path in paths}
    directories |= {
        "/".join(path.split("/")[:depth]) for path in paths for depth in range(1, path.count("/") + 1)
    }
    # A name cannot be a file and a directory at once.
    paths -= directories
    rows = PathIndex(paths).visible(directories)
    assert sorted(row.path for row in rows if not row.is_directory) == sorted(paths)
    assert all(row.path.count("/") == row.depth for row in rows)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("test_gate", "tests/repo/test_gate.py"),
        ("GATE", "src/gate.py"),
        ("repo/gate", "workbench/repo/gate.py"),
        ("wrg", "workbench/repo/gate.py"),
        ("repo test", "tests/repo/test_gate.py"),
        ("navigate", "src/navigate.py"),
    ],
)
def test_the_finder_ranks_the_likely_file_first(query: str, first: str) -> None:
    index = PathIndex(
        [
            "workbench/repo/gate.py",
            "tests/repo/test_gate.py",
            "src/gate.py",
            "src/navigate.py",
            "gate/other.py",
        ]
    )
    assert index.find(query)[0].path == first


def test_the_finder_says_which_letters_matched() -> None:
    index = PathIndex(["src/gate.py", "İx/gate"])
    assert {hit.path: hit.positions for hit in index.find("gate")} == {
        "src/gate.py": (4, 5, 6, 7),
        "İx/gate": (),
    }, "a path whose length changes in lower case is found, without places"
    assert [hit.positions for hit in index.find("sgp")] == [(0, 4, 9)]


def test_a_query_that_matches_nothing_or_says_nothing_finds_nothing() -> None:
    index = PathIndex(PATHS)
    assert index.find("qqq") == index.find("  ") == index.find("") == index.find("a", limit=0) == []
    assert len(index.find("a", limit=2)) == 2
    assert index.find("(*[") == []


def test_a_plain_folder_is_scanned_without_links_and_without_git(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").touch()
    for name in ("a/b/c.py", ".git/config", "sub/.git/config", "x", "caf\udce9"):
        path = Path(os.fsdecode(os.fsencode(root) + b"/" + os.fsencode(name)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "up").symlink_to("..")
    index = PathIndex.scan(root)
    assert index.paths == ("a/b/c.py", "caf\udce9", "link", "up", "x")
    assert index.notes == ()


def test_a_large_folder_is_cut_with_a_note(root: Path) -> None:
    for number in range(12):
        (root / f"{number:02}").touch()
    index = PathIndex.scan(root, limit=10)
    assert len(index) == 10
    assert index.notes == ("Only the first 10 files of the folder are listed.",)
    assert PathIndex.scan(root, limit=12).notes == ()


def test_a_hundred_thousand_files_are_usable_within_a_second() -> None:
    random.seed(1)
    paths = [
        f"package{random.randrange(200)}/part{random.randrange(40)}/module_{number}.py"
        for number in range(100_000)
    ]
    with stopwatch() as taken:
        index = PathIndex(paths)
        rows = index.visible({"package1", "package1/part2"})
        hits = index.find("module_777")
    assert taken.seconds < 1.0
    assert len(rows) > 240
    assert len(hits) == 50
    assert seconds_of(lambda: index.visible({"package1", "package1/part2", "package2"})) < 0.05
