"""The ledger's bench measures, says so in figures, and leaves nothing behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.bench import ledger as bench
from workbench.cli import bench as command
from workbench.cli.arguments import parse


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROUNDS", "SINGLES", "BATCHES"):
        monkeypatch.setattr(bench, name, 1)


@pytest.mark.usefixtures("short")
def test_the_ledger_is_measured_and_nothing_is_left(tmp_path: Path) -> None:
    told: list[str] = []
    found = bench.measure(tmp_path / "bench", 600, told.append)
    assert (found.exit_code, found.entries) == (0, 600)
    assert min(found.single, found.single_bare, found.batched, found.batched_bare, found.proof) > 0
    assert 9 <= found.proof_hashes <= 10
    assert told
    assert not (tmp_path / "bench").exists()


@pytest.mark.usefixtures("short")
def test_the_command_prints_figures_or_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORKBENCH_STATE", str(tmp_path / "state"))
    given = ["bench", "ledger", "--entries", "300"]
    assert command.run(parse(given)) == 0
    assert "verify 300 entries" in capsys.readouterr().out
    assert command.run(parse([*given, "--json"])) == 0
    assert json.loads(capsys.readouterr().out)["entries"] == 300


def test_every_bench_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for name in command.BENCHES:
        with pytest.raises(SystemExit) as raised:
            parse(["bench", name, "--help"])
        assert raised.value.code == 0
        assert "--json" in capsys.readouterr().out
