from __future__ import annotations

import os
from pathlib import Path

import pytest

from workbench.core.errors import ModelError
from workbench.model import hardware
from workbench.model.gguf import Header

HEADER = Header("llama", "", 8192, 28, 1, 0, "", frozenset(), 28_672, 1_117_320_768)


def test_threads_are_physical_cores_within_what_this_process_may_use() -> None:
    assert 1 <= hardware.physical_cores() <= len(os.sched_getaffinity(0))


def test_a_containers_quota_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_CGROUP", tmp_path)
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert hardware.physical_cores() == 1
    (tmp_path / "memory.max").write_text("1048576\n")
    (tmp_path / "memory.current").write_text("48576\n")
    assert hardware.available_memory() == 1_000_000
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert (hardware.available_memory() or 0) > 1_000_000


def test_a_model_that_does_not_fit_is_refused_with_the_numbers() -> None:
    needed = hardware.needed_memory(HEADER, 8192)
    # Measured for this model: 900 MB of its own and 1082 MB of the file.
    assert 1_950_000_000 < needed < 2_600_000_000
    hardware.require_memory(HEADER, 8192, needed)
    hardware.require_memory(HEADER, 8192, None)
    with pytest.raises(
        ModelError, match=r"needs about \d+ MiB with a context of 8192 tokens, and 477 MiB are free"
    ):
        hardware.require_memory(HEADER, 8192, 500_000_000)
