"""When the ledger cannot be written it says so, keeps what it has, and stays shut until it is opened anew."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger.places import WORKER, Place, read_of
from workbench.core.errors import LedgerUnavailable
from workbench.ledger import Ledger


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte; needs the right to mount."""
    mount = tmp_path / "small"
    mount.mkdir()
    tried = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)], capture_output=True, check=False
    )
    if tried.returncode:
        pytest.skip(f"small_disk: a tmpfs cannot be mounted here ({tried.stderr.decode().strip()})")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


def test_a_full_disk_fails_closed_and_leaves_nothing_half_written(small_disk: Path, tmp_path: Path) -> None:
    place = Place(small_disk)
    head = tmp_path / "repo.head"
    ledger = Ledger.open(place.directory, head_file=head, session="s", app_version="0")
    acknowledged = _fill(ledger)
    failure = ledger.failed()
    assert failure is not None
    assert "full" in failure.cause
    assert failure.next_step
    _make_room(small_disk)
    with pytest.raises(LedgerUnavailable, match="full"):
        ledger.append(read_of())
    ledger.close()
    with place.reader() as reader:
        assert [entry.leaf for entry in reader.entries()] == acknowledged
    report = place.verify(head=False)
    assert report.exit_code == 4, report.lines
    again = Ledger.open(place.directory, head_file=head, session="s", app_version="0")
    assert again.append(read_of()).index == len(acknowledged)
    again.close()


def test_a_full_disk_where_the_head_file_stands_fails_closed(small_disk: Path, tmp_path: Path) -> None:
    place = Place(tmp_path / "roomy")
    head = small_disk / "repo.head"
    ledger = Ledger.open(place.directory, head_file=head, session="s", app_version="0")
    before = head.read_bytes()
    (small_disk / "ballast").write_bytes(b"x" * _free(small_disk))
    entry = ledger.append(read_of())
    with pytest.raises(LedgerUnavailable, match="full"):
        ledger.checkpoint()
    with pytest.raises(LedgerUnavailable, match="full"):
        ledger.append(read_of())
    ledger.close()
    assert head.read_bytes() == before
    assert [path.name for path in small_disk.iterdir() if path.name != "ballast"] == ["repo.head"]
    assert place.reader().entry(0) == entry


def test_a_write_that_the_kernel_refuses_fails_closed(place: Place) -> None:
    place.filled(3)
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from tests.ledger.places import Place, read_of\n"
        "from workbench.core.errors import LedgerUnavailable\n"
        "place = Place(Path(sys.argv[1])); ledger = place.open(); ledger.append(read_of())\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))\n"
        "for attempt in range(2):\n"
        "    try: ledger.append_many([read_of('x' * 30_000)] * 2)\n"
        "    except LedgerUnavailable as error: print(error.cause)\n"
        "print(ledger.failed() is not None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(place.root)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(WORKER.parents[2])},
    )
    first, second, failed = done.stdout.splitlines()
    assert first == second
    assert "could not be written" in first
    assert failed == "True"
    assert place.reader().size() == 4


def test_a_directory_that_vanishes_fails_closed(place: Place) -> None:
    ledger = place.open()
    ledger.append(read_of())
    shutil.rmtree(place.directory)
    for _ in range(2):
        with pytest.raises(LedgerUnavailable):
            ledger.append(read_of())
    assert not place.directory.exists()
    ledger.close()


def test_a_file_that_is_replaced_while_it_is_open_fails_closed(place: Place, other_place: Place) -> None:
    place.filled(3)
    copy = place.copy_to(other_place.root)
    ledger = place.open()
    ledger.append(read_of())
    copy.database.replace(place.database)
    with pytest.raises(LedgerUnavailable, match="replaced"):
        ledger.append(read_of())
    ledger.close()
    assert copy.directory.exists()


def test_rows_that_vanish_under_an_open_ledger_are_noticed(place: Place) -> None:
    with place.open() as ledger:
        ledger.append_many([read_of(str(number)) for number in range(5)])
        with place.attacker() as connection:
            connection.execute("DELETE FROM entry WHERE idx >= 3")
        with pytest.raises(LedgerUnavailable, match="changed by something else"):
            ledger.append(read_of())
    assert place.reader().size() == 3


def test_bytes_that_read_back_differently_are_never_signed(place: Place) -> None:
    with place.open() as ledger:
        ledger.append_many([read_of(str(number)) for number in range(5)])
        with place.attacker() as connection:
            connection.execute("UPDATE entry SET body = CAST(body || ' ' AS BLOB) WHERE idx = 2")
        with pytest.raises(LedgerUnavailable, match="Entry 2 reads back differently"):
            ledger.checkpoint()
    found = place.reader().checkpoint()
    assert found is not None
    assert found.size == 0


def test_a_read_only_directory_can_be_verified_and_not_appended_to(small_disk: Path, tmp_path: Path) -> None:
    place = Place(small_disk)
    place.filled(5)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(LedgerUnavailable):
        place.open()
    assert place.verify().exit_code == 0
    with place.reader() as reader:
        assert reader.size() == 5


def test_a_crashed_ledger_on_a_read_only_medium_says_what_to_do(small_disk: Path, tmp_path: Path) -> None:
    place = Place(small_disk)
    worker = place.worker("1", "0")
    assert worker.stdout is not None
    assert worker.stdout.readline()
    worker.kill()
    worker.communicate()
    place.database.with_name("ledger.db-shm").unlink()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    report = place.verify()
    assert report.exit_code == 1
    assert "Copy the whole directory" in report.lines[1]
    with pytest.raises(LedgerUnavailable, match="read-only"):
        place.reader()
    assert place.copy_to(tmp_path / "copy").verify().size >= 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into any directory")
def test_a_directory_without_write_permission_is_refused(place: Place) -> None:
    place.filled(5)
    place.directory.chmod(0o500)
    with pytest.raises(LedgerUnavailable):
        place.open()
    place.directory.chmod(0o700)


def test_a_directory_that_is_a_file_is_refused(place: Place) -> None:
    place.directory.parent.mkdir(parents=True)
    place.directory.write_text("not a directory")
    with pytest.raises(LedgerUnavailable) as raised:
        place.open()
    assert raised.value.next_step
    assert place.directory.read_text() == "not a directory"


def _fill(ledger: Ledger) -> list[bytes]:
    acknowledged: list[bytes] = []
    while True:
        try:
            acknowledged.append(ledger.append(read_of(pad="x" * 3_000)).leaf)
        except LedgerUnavailable:
            return acknowledged


def _free(path: Path) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def _make_room(path: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=4m", str(path)], check=True)
