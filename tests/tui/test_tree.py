"""The file tree: plain arrays in, visible rows out, nothing sent back that was not listed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.timing import stopwatch
from tests.tui.recording import RecordingFace, shown
from tests.tui.stage import frame, stage
from workbench.session.views import TreeChanged, TreeEntry
from workbench.tui.tree import git_mark
from workbench.tui.tree_rows import Listing, TreeRows

PATHS = ("README.md", "a-b/x.py", "a/b/c.py", "a/b/d.py", "a/e.py", "a0.py", "zz/secrets.env")


def _rows(*paths: str) -> TreeRows:
    model = TreeRows()
    model.load(Listing.of([TreeEntry(path, path.endswith(".env"), "") for path in paths]))
    return model


def _names(model: TreeRows) -> list[str]:
    return ["  " * row.depth + row.name + ("/" if row.folder else "") for row in model.visible]


def test_folders_come_first_and_folded() -> None:
    assert _names(_rows(*PATHS)) == ["a-b/", "a/", "zz/", "README.md", "a0.py"]


def test_unfolding_and_folding_are_inverse() -> None:
    model = _rows(*PATHS)
    before = list(model.visible)
    assert model.unfold(1)
    assert _names(model)[1:4] == ["a/", "  b/", "  e.py"]
    assert model.unfold(2)
    assert _names(model)[2:5] == ["  b/", "    c.py", "    d.py"]
    assert model.fold(4) == 2
    assert model.fold(1) == 1
    assert model.visible == before


@given(st.lists(st.text("ab/.0-", min_size=1, max_size=8), unique=True, max_size=30))
def test_every_file_is_reachable_by_unfolding(paths: list[str]) -> None:
    named = sorted({path for path in paths if all(path.split("/"))})
    model = _rows(*named)
    index = 0
    while index < len(model.visible):
        model.unfold(index)
        index += 1
    assert sorted(row.path for row in model.visible if not row.folder) == named


def test_a_filter_lists_whole_paths_that_hold_every_word() -> None:
    model = _rows(*PATHS)
    model.set_filter("B .PY")
    assert [row.path for row in model.visible] == ["a-b/x.py", "a/b/c.py", "a/b/d.py"]
    model.set_filter("")
    assert len(model.visible) == 5


def test_open_folders_stay_open_through_a_new_listing() -> None:
    model = _rows(*PATHS)
    model.unfold(1)
    model.load(Listing.of([TreeEntry(path, False, "") for path in (*PATHS, "a/new.py")]))
    assert "  new.py" in _names(model)


@pytest.mark.parametrize(
    ("state", "mark"),
    [
        (" M", "M"),
        ("M ", "M"),
        ("MM", "M"),
        ("??", "?"),
        ("A ", "A"),
        ("AD", "D"),
        ("", " "),
        ("\x1b[", "["),
        (".M", "M"),
        ("M.", "M"),
        ("..", " "),
    ],
)
def test_two_letters_of_git_become_one_mark(state: str, mark: str) -> None:
    assert git_mark(state) == mark


async def test_a_denied_path_says_so_and_is_not_opened() -> None:
    async with stage(RecordingFace(entries=(TreeEntry("secrets", True, ""),))) as on:
        assert "x secrets (denied)" in frame(on.app)
        await on.press("alt+1", "enter")
        assert on.notice == "Policy denies reading secrets."
        assert on.face.calls == []


async def test_enter_opens_a_file_in_pane_2_and_esc_brings_the_item_back() -> None:
    face = RecordingFace(entries=(TreeEntry("a.py", False, ""),), files={"a.py": "x = 1\n"})
    async with stage(face) as on:
        await on.press("alt+1", "enter")
        await on.until(lambda: "2 Diff  a.py" in frame(on.app))
        assert "1  x = 1" in frame(on.app)
        await on.press("escape")
        await on.until(lambda: on.app.main.diff.mode == "")


async def test_a_refusal_is_shown_with_its_next_step() -> None:
    async with stage(RecordingFace(entries=(TreeEntry("a.py", False, ""),))) as on:
        await on.press("alt+1", "enter")
        await on.until(lambda: on.notice)
        assert on.notice == "Policy denies a.py. Ask your administrator."


async def test_the_listing_follows_the_worktree() -> None:
    async with stage() as on:
        on.face.entries = (TreeEntry("new.py", False, "??"),)
        on.face.tell(TreeChanged())
        await on.until(lambda: "new.py" in frame(on.app))


async def test_a_folder_with_changes_inside_is_marked_while_it_is_folded() -> None:
    async with stage(RecordingFace(entries=(TreeEntry("a/b.py", False, " M"),))) as on:
        row = next(line for line in frame(on.app).splitlines() if "> a" in line)
        assert "*" in row


async def test_a_file_with_a_waiting_proposal_is_marked_and_so_is_its_folded_folder() -> None:
    entries = tuple(TreeEntry(path, False, ".M") for path in ("src/net/http.py", "src/net/tls.py"))
    async with stage(RecordingFace(items={"p1": shown()}, entries=entries)) as on:

        def marks(name: str) -> str:
            left = (row.partition("││")[0] for row in frame(on.app).splitlines())
            return next(row for row in left if row.startswith("│") and name in row).split()[-1]

        assert marks("> src") == "P*"
        await on.press("alt+1", "l", "j", "l")
        assert (marks("tls.py"), marks("http.py")) == ("PM", "M")
        await on.review()
        await on.press("n")
        await on.until(lambda: marks("tls.py") == "M")


async def test_100_000_paths_are_shown_within_a_second_and_unfold_within_50_ms() -> None:
    entries = tuple(
        TreeEntry(f"d{n // 1000:03}/e{n // 100 % 10}/file_{n:06}.py", False, "") for n in range(100_000)
    )
    async with stage(RecordingFace()) as on:
        tree = on.app.main.files.paths
        with stopwatch() as loading:
            tree.load(Listing.of(entries))
            await on.pilot.pause()
        assert loading.seconds < 1.0
        tree.cursor = 50
        with stopwatch() as unfolding:
            tree.unfold()
        assert unfolding.seconds < 0.05
        with stopwatch() as filtering:
            tree.set_filter("file_099")
        assert filtering.seconds < 0.2
        assert tree.model.matches == 1000
