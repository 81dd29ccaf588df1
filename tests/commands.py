"""Runs real commands in tests: one command runner, forked before threads, and sessions that use it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.session.driving import Driver, driving
from workbench.boundary import Runner
from workbench.boundary.runner_start import Policy
from workbench.model import Engine
from workbench.session import opening
from workbench.session.views import CommandEnded


@contextmanager
def a_runner(place: Path) -> Iterator[Runner]:
    """Fork a command runner for `place` that may use the programs of this Python."""
    place.mkdir(parents=True, exist_ok=True)
    runner = Runner.start(Policy(str(place), (sys.prefix,)))
    try:
        yield runner
    finally:
        runner.close()


@contextmanager
def commanding(
    root: Path, runner: Runner | None, patch: pytest.MonkeyPatch, engine: Engine | None = None, level: int = 3
) -> Iterator[Driver]:
    """Open a session whose commands are run by `runner`, as if `level` had been measured."""
    patch.setattr(opening, "command_runner", lambda: runner)
    with driving(root, engine) as driver:
        driver.session._parts.broker.commands.level = level
        yield driver


def run_to_end(driver: Driver, *argv: str) -> str:
    """Propose a command, approve it as shown, wait for its end, and return its item's id."""
    proposal_id = driver.session.propose_command(argv)
    if proposal_id:
        shown = driver.session.shown(proposal_id)
        assert not shown.can_approve, shown.can_approve
        driver.session.approve(proposal_id, shown.shown_sha256)
    driver.wait_until(lambda: any(isinstance(event, CommandEnded) for event in driver.events))
    driver.session.commands.wait()
    return proposal_id


def said(driver: Driver) -> str:
    """Return all that was said in a session."""
    return "\n".join(f"{entry.speaker}: {entry.text}" for entry in driver.session.transcript())
