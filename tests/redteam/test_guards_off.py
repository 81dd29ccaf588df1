"""Every attack gets through where its guard is off: none is a case that cannot fail."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redteam.doubles import OFF
from workbench.redteam import Case, Guard, Lab, Outcome, attempt, cases

AS_ROOT = {
    "command.read_shadow",
    "command.read_memory",
    "command.read_environment",
    "command.escape_capabilities",
}
"""What only root could do in the first place."""
BY_KERNEL = {
    "command.escape_namespace": "this kernel gives nobody a namespace",
    "command.escape_ptrace": "this kernel lets nobody trace",
    "command.escape_memory": "this kernel lets nobody read another's memory",
    "command.net_io_uring": "this kernel has io_uring switched off",
    "command.net_tcp6": "this kernel has no IPv6",
    "seal.net.tcp6": "this kernel has no IPv6",
    "seal.net.udp6": "this kernel has no IPv6",
    "seal.net.io_uring": "this kernel has io_uring switched off",
}
"""What some machines refuse without any guard of ours."""
OPEN = [case for case in cases() if not case.argued]


class QuickLab(Lab):
    """A lab in which a race is lost soon or not at all."""

    race_seconds = 10.0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        with QuickLab(tmp_path_factory.mktemp("doubles") / "lab") as made:
            # Opened while every guard is on, as a session is.
            assert made.ward.worktree.is_git
            yield made


@pytest.fixture
def lab(shared: Lab, private_places: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setenv("WORKBENCH_STATE", str(shared.place / "state"))
    return shared


@pytest.mark.parametrize("case", OPEN, ids=lambda case: case.id)
def test_without_its_guard_the_attack_gets_through(
    case: Case, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    if case.id in AS_ROOT and os.geteuid() != 0:
        pytest.skip("only root could do this in the first place")
    OFF[case.guard](monkeypatch, lab, case)
    finding = attempt(case, lab)
    if case.id in BY_KERNEL and finding.outcome is not Outcome.BREACH:
        pytest.skip(BY_KERNEL[case.id])
    assert finding.outcome is Outcome.BREACH, finding.detail
    assert not finding.detail.startswith("ended in "), finding.detail


def test_what_has_no_double_says_why() -> None:
    argued = [case for case in cases() if case.argued]
    assert all(len(case.argued) > 40 for case in argued)
    assert len(argued) < len(cases()) / 10, "most attacks must have been seen to get through"


def test_every_guard_can_be_switched_off() -> None:
    assert set(OFF) == set(Guard)
