"""Bad input of every kind: one clear line, the next step, nothing lost, no traceback."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import Ran, workbench
from tests.model.scripted import ScriptedEngine
from tests.repositories import GOOD_ANSWER, SUMMARY, make_repository
from tests.session.driving import driving
from workbench.core import places
from workbench.core.errors import WorkbenchError
from workbench.session import Session

ROOT = os.getuid() == 0


def _clear(ran: Ran, *words: str) -> None:
    """Check for one line of cause and one of next step that hold these words."""
    assert ran.code in (1, 2), ran
    lines = ran.err.strip().splitlines()
    assert 1 <= len(lines) <= 2, ran.err
    for word in words:
        assert word in ran.err


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    _clear(workbench("--plain", str(tmp_path / "nowhere")), "does not exist")
    _clear(workbench("queue", "list", "--repo", str(tmp_path / "nowhere")), "does not exist")


def test_a_path_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    _clear(workbench("--plain", str(tmp_path / "file")), "not a directory")


def test_an_empty_folder_opens(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = workbench("--plain", str(tmp_path / "empty"), give="/status\n")
    assert done.code == 0
    assert "Not a git repository" in done.out


def test_a_repository_without_a_commit_opens(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "new")], check=True)
    assert workbench("--plain", str(tmp_path / "new"), give="/status\n").code == 0


def test_the_screen_without_a_terminal(repository: Path) -> None:
    _clear(workbench(str(repository)), "terminal", "--plain")


def test_no_home(repository: Path) -> None:
    gone = {
        "HOME": "",
        "WORKBENCH_STATE": "",
        "XDG_STATE_HOME": "",
        "XDG_CONFIG_HOME": "",
        "XDG_DATA_HOME": "",
    }
    _clear(workbench("queue", "list", "--repo", str(repository), environment=gone), "HOME")


def test_a_state_directory_inside_the_repository(repository: Path) -> None:
    inside = str(repository / "state")
    _clear(
        workbench("queue", "list", "--repo", str(repository), "--state-dir", inside), "inside the repository"
    )
    assert not (repository / "state").exists()


def test_a_state_directory_that_is_a_file(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    ran = workbench("queue", "list", "--repo", str(repository), "--state-dir", str(tmp_path / "state"))
    _clear(ran, "state")


@pytest.mark.parametrize(
    "text", ["not toml [", "[read]\ndeny = 3\n", "[nonsense]\n", "[boundary]\nminimum = 1\n", "\x00"]
)
def test_a_policy_that_cannot_be_understood(repository: Path, text: str) -> None:
    (repository / ".workbench").mkdir()
    (repository / ".workbench/policy.toml").write_text(text)
    _clear(workbench("queue", "list", "--repo", str(repository)), "policy.toml")


@pytest.mark.parametrize("name", ["empty.gguf", "text.gguf", "magic.gguf"])
def test_a_file_that_is_no_model(tmp_path: Path, name: str) -> None:
    data = {"empty.gguf": b"", "text.gguf": b"hello " * 1000, "magic.gguf": b"GGUF" + b"\xff" * 4000}[name]
    (tmp_path / name).write_bytes(data)
    _clear(workbench("model", "add", str(tmp_path / name)))
    assert workbench("model", "list").out.startswith("No models.")


def test_a_model_file_that_is_not_there(tmp_path: Path) -> None:
    _clear(workbench("model", "add", str(tmp_path / "none.gguf")))


def test_a_model_that_is_not_registered(repository: Path) -> None:
    _clear(workbench("ask", "fix a.py", "--model", "nobody", "--repo", str(repository)), "No model")


@pytest.mark.parametrize("data", [b"", b"not a ledger" * 500, b"SQLite format 3\x00" + b"\x00" * 4000])
def test_a_ledger_that_is_corrupt_or_foreign_is_left_as_it_is(repository: Path, data: bytes) -> None:
    workbench("queue", "list", "--repo", str(repository))
    (ledger,) = [path for path in places.repository_state(repository).iterdir() if path.name == "ledger.db"]
    for extra in ledger.parent.glob("ledger.db-*"):
        extra.unlink()
    ledger.write_bytes(data)
    _clear(workbench("queue", "list", "--repo", str(repository)))
    assert ledger.read_bytes() == data
    assert workbench("audit", "verify", "--repo", str(repository)).code in (1, 2)


def test_no_ledger_yet(repository: Path) -> None:
    _clear(workbench("audit", "log", "--repo", str(repository)), "no ledger")
    assert workbench("audit", "verify", "--repo", str(repository)).code == 1


def test_two_workbenches_on_one_repository_share_one_record(repository: Path) -> None:
    with (
        driving(repository, ScriptedEngine([GOOD_ANSWER])) as one,
        driving(repository, ScriptedEngine([])) as two,
    ):
        assert one.run("Fix `median` in vitals/summary.py") == "queued"
        shown = two.session.shown(two.session.queue()[0].id)
        assert two.session.approve(shown.proposal_id, shown.shown_sha256).state == "applied"
        with pytest.raises(WorkbenchError):
            one.session.approve(shown.proposal_id, shown.shown_sha256)
        assert one.session.audit_size() > 0
    assert workbench("audit", "verify", "--repo", str(repository)).code == 0


def test_a_prompt_larger_than_the_context_is_refused_and_never_cut(repository: Path) -> None:
    with driving(repository, ScriptedEngine([GOOD_ANSWER], context_size=600)) as driver:
        body = b"def huge():\n" + b"    x = 'word word word word'\n" * 400
        (repository / "vitals/huge.py").write_bytes(body)
        assert driver.run("Change `huge` in vitals/huge.py") == "failed"
        assert "does not fit" in driver.session.status().error
        assert "inference.intent/intent" not in driver.types()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 2 MB, where that is allowed."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = (
        ROOT
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)], check=False
        ).returncode
    )
    if not mounted:
        pytest.skip("mounting a small tmpfs needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_under_the_repository_leaves_the_old_file_whole(small_disk: Path) -> None:
    root = make_repository(small_disk / "vitals")
    with driving(root, ScriptedEngine([GOOD_ANSWER])) as driver:
        assert driver.run("Fix `median` in vitals/summary.py") == "queued"
        _fill(small_disk)
        with pytest.raises(WorkbenchError, match="disk is full"):
            driver.approve_first()
        assert (root / "vitals/summary.py").read_bytes() == SUMMARY
        assert driver.session.queue()[0].state == "queued"
        (small_disk / "filler").unlink()
        assert driver.approve_first() == "applied"


def test_a_full_disk_under_the_ledger_stops_everything_and_says_so(
    small_disk: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_STATE", str(small_disk / "state"))
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        assert driver.run("Fix `median` in vitals/summary.py") == "queued"
        shown = driver.session.shown(driver.session.queue()[0].id)
        _fill(small_disk)
        _read_until_refused(driver.session)
        with pytest.raises(WorkbenchError):
            driver.session.approve(shown.proposal_id, shown.shown_sha256)
        assert (repository / "vitals/summary.py").read_bytes() == SUMMARY
        status = driver.session.status()
        assert status.activity == "LEDGER BROKEN"
        assert status.read_only
        (small_disk / "filler").unlink()


def _read_until_refused(session: Session) -> None:
    for _ in range(500):
        try:
            session.file("README.md")
        except WorkbenchError:
            return
    pytest.fail("every read was recorded on a full disk")


def _fill(place: Path) -> None:
    with (place / "filler").open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


def test_a_read_only_worktree_says_so_and_keeps_the_item(small_disk: Path) -> None:
    root = make_repository(small_disk / "vitals")
    with driving(root, ScriptedEngine([GOOD_ANSWER])) as driver:
        assert driver.run("Fix `median` in vitals/summary.py") == "queued"
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        with pytest.raises(WorkbenchError, match="read-only"):
            driver.approve_first()
        assert (root / "vitals/summary.py").read_bytes() == SUMMARY
        assert driver.session.queue()[0].state == "queued"
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
        assert driver.approve_first() == "applied"


@pytest.mark.skipif(ROOT, reason="root may write into any directory")
def test_a_folder_without_write_permission_says_so_and_keeps_the_item(repository: Path) -> None:
    folder = repository / "vitals"
    with driving(repository, ScriptedEngine([GOOD_ANSWER])) as driver:
        assert driver.run("Fix `median` in vitals/summary.py") == "queued"
        folder.chmod(0o500)
        try:
            with pytest.raises(WorkbenchError):
                driver.approve_first()
        finally:
            folder.chmod(0o700)
        assert (folder / "summary.py").read_bytes() == SUMMARY
        assert driver.session.queue()[0].state == "queued"
