"""Background work gives way to keys, and goes on when they stop or somebody waits for it."""

from __future__ import annotations

import time

import pytest

from workbench.core import pace


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "QUIET_SECONDS", 0.3)
    monkeypatch.setattr(pace, "_pressed", float("-inf"))


def test_without_keys_nothing_waits() -> None:
    assert pace.quiet()
    pace.give_way(lambda: pytest.fail("asked, though there is nothing to wait for"))


def test_after_a_key_work_rests_until_it_is_quiet() -> None:
    pace.pressed()
    began = time.monotonic()
    assert not pace.quiet()
    pace.give_way(lambda: False)
    assert pace.quiet()
    assert time.monotonic() - began >= 0.3


def test_work_that_somebody_waits_for_does_not_rest() -> None:
    pace.pressed()
    pace.give_way(lambda: True)
    assert not pace.quiet()
