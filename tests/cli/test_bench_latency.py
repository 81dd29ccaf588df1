"""`workbench bench`: what is printed is what was measured, and the exit code says whether it is enough."""

from __future__ import annotations

import json
import os
import time
from argparse import Namespace
from pathlib import Path

import pytest

from workbench.cli import bench, bench_latency, bench_repository
from workbench.cli.figures import Figure
from workbench.cli.pty_screen import on_screen
from workbench.core.errors import WorkbenchError
from workbench.tui import heartbeat


@pytest.mark.parametrize(("value", "code"), [(40.0, 0), (60.0, 3)])
def test_the_exit_code_says_whether_the_aim_is_reached(
    value: float, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench_latency, "measure", lambda *, small: [Figure("echo", value, "ms", 50.0)])
    assert bench.run(Namespace(verb="latency", json=True, small=True)) == code
    told = json.loads(capsys.readouterr().out)
    assert told["figures"][0] == {
        "name": "echo",
        "value": value,
        "unit": "ms",
        "aim": 50.0,
        "detail": "",
        "reached": code == 0,
    }
    assert bench.run(Namespace(verb="latency", json=False, small=True)) == code
    assert ("MISSED" in capsys.readouterr().out) == (code == 3)


def test_a_screen_is_timed_from_the_key_to_what_is_painted() -> None:
    script = "stty -echo; printf ready; read x; printf '\\033[1;31man\\033[0mswer'; read y; exit 0"
    with on_screen(["/bin/sh", "-c", script], os.environ, 80, 24) as (screen, began):
        assert 0 < screen.until("ready", began) < 10
        pressed = screen.press("k\n")
        assert 0 < screen.until("answer", pressed) <= time.monotonic() - pressed
        with pytest.raises(WorkbenchError, match="ended before it was measured"):
            screen.until("never", screen.press("q\n"))


def test_the_repository_holds_what_is_measured(tmp_path: Path, private_places: Path) -> None:
    from workbench.session import Options, Session

    size = bench_repository.Size(files=200, items=4, rows=400)
    bench_repository.make(tmp_path / "made", size)
    session = Session.open(tmp_path / "made", Options())
    try:
        items = session.queue()
        assert [item.path for item in items] == ["zz_alpha.py", "zz_bravo.py", "zz_small.py", "zz_small.py"]
        for item in items:
            shown = session.shown(item.id)
            assert (shown.added, shown.removed) == (item.added, item.removed)
        assert session.shown(items[0].id).hunks == bench_repository.EDITS
    finally:
        session.close()


async def test_the_heart_notes_when_the_loop_stood_still(tmp_path: Path) -> None:
    import asyncio

    notes = tmp_path / "notes"
    task = asyncio.create_task(heartbeat.beat(notes))
    await asyncio.sleep(0.05)
    time.sleep(0.1)  # noqa: ASYNC251  the loop is to stand still
    await asyncio.sleep(0.05)
    task.cancel()
    assert max(float(line.split()[1]) for line in notes.read_text().splitlines()) > 0.08


def test_without_being_asked_nothing_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(heartbeat.VARIABLE, raising=False)
    assert heartbeat.wanted() is None
    assert bench_latency._HEARTBEAT == heartbeat.VARIABLE
