"""A real rsyslog takes the checkpoints from the spool, and a cut ledger no longer fits what it collected."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ledger.attacks import cut
from tests.ledger.places import Place, read_of
from workbench.evidence import Keeper, spool_file
from workbench.evidence.anchors import collect

RSYSLOGD = shutil.which("rsyslogd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
SHIPPED = Path(__file__).parents[2] / "docs" / "rsyslog-workbench.conf"

pytestmark = pytest.mark.skipif(RSYSLOGD is None, reason="rsyslog is not installed")


@contextmanager
def _rsyslog(folder: Path, states: Path, collected: Path) -> Iterator[None]:
    text = SHIPPED.read_text()
    assert "/home/*/.local/state/workbench" in text
    text = text.replace("/home/*/.local/state/workbench", str(states))
    text = text.replace("/var/log/workbench/checkpoints.log", str(collected))
    (folder / "work").mkdir()
    config = folder / "rsyslog.conf"
    config.write_text(f'global(workDirectory="{folder / "work"}")\n{text}')
    words = [str(RSYSLOGD), "-n", "-f", str(config), "-i", str(folder / "pid")]
    daemon = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        daemon.terminate()
        daemon.communicate(timeout=20)


def _wait_for(path: Path, text: str) -> None:
    limit = time.monotonic() + 30
    while not path.exists() or text not in path.read_text():
        assert time.monotonic() < limit, f"rsyslog did not write it to {path}"
        time.sleep(0.02)


def test_rsyslog_collects_the_checkpoints_and_a_cut_end_is_found_by_them(tmp_path: Path) -> None:
    place, collected = Place(tmp_path / "one"), tmp_path / "collected.log"
    with _rsyslog(tmp_path, place.root / "state", collected), place.open() as ledger:
        keeper = Keeper(ledger, spool_file(place.directory))
        for _ in range(3):
            ledger.append_many([read_of() for _ in range(10)])
            checkpoint = keeper.settle()
        assert checkpoint is not None
        _wait_for(collected, checkpoint.trailer())
        keeper.close()
    found = collect(tmp_path / "none", None, (), collected)
    assert [anchor.size for anchor in found] == [10, 20, 30]
    assert place.verify(*found, head=False).exit_code == 0
    with place.attacker() as connection:
        cut(connection, 15)
    report = place.verify(*found, head=False)
    assert report.exit_code == 3
    assert any("system log saw 30 entries" in line for line in report.lines)
