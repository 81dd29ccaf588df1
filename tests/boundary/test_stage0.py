"""Entering the seal: once, quickly, and without ever failing where the kernel has none to offer."""

from __future__ import annotations

import os
import resource
import sys
from typing import cast

import pytest

from tests.boundary.children import USERS, fork, needs_seal, start
from workbench.boundary import abi, attempts, restart, seccomp, stage0
from workbench.boundary.selftest import measure
from workbench.core.errors import BoundaryError

HEAVY = (
    "asyncio",
    "dataclasses",
    "enum",
    "inspect",
    "pathlib",
    "re",
    "socket",
    "subprocess",
    "typing",
    "resource",
)


def filters_in_force() -> int:
    with open("/proc/self/status") as status:
        return next((int(line.split()[1]) for line in status if line.startswith("Seccomp_filters:")), -1)


@needs_seal
def test_entering_twice_installs_one_filter() -> None:
    def twice() -> list[int]:
        counts = [filters_in_force()]
        for _ in range(2):
            stage0.enter([], reexec=False)
            counts.append(filters_in_force())
        return counts

    before, once, again = cast("list[int]", fork(twice))
    if before < 0:
        pytest.skip("this kernel does not count filters")
    assert (once, again) == (before + 1, before + 1)


@needs_seal
def test_a_filter_of_somebody_else_is_not_taken_for_the_seal() -> None:
    def foreign_then_ours() -> list[bool]:
        machine = abi.native()
        assert machine is not None
        seccomp.install(machine, [(seccomp.RETURN, 0, 0, seccomp.ALLOW)])
        found = [attempts.filtered(), attempts.sealed()]
        stage0.enter([], reexec=False)
        return [*found, attempts.sealed()]

    assert fork(foreign_then_ours) == [True, False, True]


@needs_seal
def test_a_variable_that_claims_a_seal_is_not_believed() -> None:
    claims = {**os.environ, "WORKBENCH_SEALED": "1", "SANDBOX": "seccomp"}
    ended = start("from workbench.boundary import measure\nprint(measure().level)", environment=claims)
    assert ended.stdout.strip() == "0"


@needs_seal
@pytest.mark.parametrize("user", USERS)
def test_a_kernel_that_refuses_the_filter_leaves_level_0_and_no_error(user: str) -> None:
    def without_seccomp() -> tuple[bool, int]:
        machine = abi.native()
        assert machine is not None
        refuse = seccomp.ERRNO | 38
        number = machine.calls["seccomp"]
        program = [
            (seccomp.LOAD, 0, 0, 0),
            (seccomp.JUMP_EQUAL, 0, 1, number),
            (seccomp.RETURN, 0, 0, refuse),
        ]
        seccomp.install(machine, [*program, (seccomp.RETURN, 0, 0, seccomp.ALLOW)])
        stage0.enter([], reexec=False)
        return attempts.sealed(), measure().level

    assert fork(without_seccomp, user=user) == (False, 0)


def test_a_machine_without_a_table_is_level_0_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abi, "native", lambda: None)

    def on_another_machine() -> tuple[int, str]:
        stage0.enter([], reexec=False)
        found = measure()
        return found.level, found.words

    assert fork(on_another_machine) == (0, "NOT ENFORCED")


def test_another_system_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def on_a_mac() -> bool:
        monkeypatch.setattr(sys, "platform", "darwin")
        stage0.enter([], reexec=True)
        monkeypatch.undo()
        return attempts.sealed()

    assert fork(on_a_mac) is False


def test_a_crash_leaves_no_core_dump() -> None:
    def limits() -> tuple[int, int]:
        stage0.limit_core_dumps()
        return resource.getrlimit(resource.RLIMIT_CORE)

    assert max(cast("tuple[int, int]", fork(limits))) <= 1


def test_a_lower_core_limit_is_respected() -> None:
    def limits() -> tuple[int, int]:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        stage0.limit_core_dumps()
        return resource.getrlimit(resource.RLIMIT_CORE)

    assert fork(limits, user=USERS[-1]) == (0, 0)


def test_an_interpreter_that_cannot_be_started_again_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(BoundaryError, match="/nonexistent/python"):
        restart.replace_process([])
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(BoundaryError, match="cannot name its own executable"):
        restart.command([])


def test_the_first_stage_loads_little() -> None:
    program = (
        "before = set(sys.modules)\nfrom workbench.boundary import enter\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    ended = start(program, options=("-I", "-S"))
    loaded = set(ended.stdout.split())
    assert not loaded & set(HEAVY)
    ours = {name for name in loaded if name.startswith("workbench.")}
    assert not {name for name in ours if not name.startswith(("workbench.boundary", "workbench.core"))}
