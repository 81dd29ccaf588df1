"""The level on the screen: it follows from what the kernel does, and from nothing else."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from tests.boundary.children import USERS, fork, fork_sealed, needs_seal, seal
from workbench.boundary import abi, seccomp
from workbench.boundary.levels import LEVELS, Check, Measurement, judge
from workbench.boundary.selftest import measure

QUICK_MILLISECONDS = 100
"""Far above what it takes (8 ms), far below what a person would notice."""


def measured(work: Callable[[], Measurement], *, sealed: bool, user: str = USERS[0]) -> Measurement:
    run = fork_sealed if sealed else fork
    return cast("Measurement", run(work, user=user))


@pytest.mark.parametrize("user", USERS)
def test_an_unsealed_process_measures_0(user: str) -> None:
    found = measured(measure, sealed=False, user=user)
    assert (found.level, found.words, found.short) == (0, "NOT ENFORCED", "NOT ENFORCED")
    assert {"net.tcp", "net.udp", "net.unix", "net.new_thread"} <= {check.name for check in found.failing}


@needs_seal
def test_a_sealed_process_measures_2() -> None:
    found = measured(measure, sealed=True)
    assert found.failing == ()
    assert (found.level, found.words) == (2, "NET BLOCKED BY KERNEL · FILES: POLICY ONLY")
    assert found.short == "NET BLOCKED kernel"


@needs_seal
def test_the_thorough_form_holds_too_and_tries_more() -> None:
    found = measured(lambda: measure(thorough=True), sealed=True)
    assert found.failing == ()
    names = {check.name for check in found.checks}
    assert "net.dns" in names
    assert ("self.i386" in names) is (abi.native() is abi.X86_64)


def test_an_unsealed_process_looks_no_name_up() -> None:
    found = measured(lambda: measure(thorough=True), sealed=False)
    (lookup,) = [check for check in found.checks if check.name == "net.dns"]
    assert lookup == Check("net.dns", False, "not tried: sockets can be opened")


@needs_seal
def test_a_filter_that_compares_64_bits_measures_0() -> None:
    def with_the_careless_filter() -> Measurement:
        machine = abi.native()
        assert machine is not None
        refuse, allow = (
            (seccomp.RETURN, 0, 0, seccomp.ERRNO | errno.EPERM),
            (seccomp.RETURN, 0, 0, seccomp.ALLOW),
        )
        # "If the call is socket, and both halves of the family are AF_INET's, refuse."
        program = [
            (seccomp.LOAD, 0, 0, seccomp.NUMBER_OFFSET),
            (seccomp.JUMP_EQUAL, 0, 4, machine.calls["socket"]),
            (seccomp.LOAD, 0, 0, seccomp.ARGUMENTS_OFFSET + 4),
            (seccomp.JUMP_EQUAL, 0, 2, 0),
            (seccomp.LOAD, 0, 0, seccomp.ARGUMENTS_OFFSET),
            (seccomp.JUMP_EQUAL, 1, 0, socket.AF_INET),
            allow,
            refuse,
        ]
        seccomp.install(machine, program)
        return measure()

    found = measured(with_the_careless_filter, sealed=False)
    held = {check.name: check.held for check in found.checks}
    assert held["net.tcp"] is True
    assert held["net.high_bit_family"] is False
    assert found.level == 0


@needs_seal
@pytest.mark.parametrize("way", ["tcp", "udp", "unix listener", "unix datagram pair"])
def test_a_socket_that_leads_out_measures_0(way: str, tmp_path: Path) -> None:
    def inside() -> Measurement:
        kept = _leading_out(way, tmp_path)
        seal()
        found = measure()
        for end in kept:
            end.close()
        return found

    found = measured(inside, sealed=False)
    assert [check.name for check in found.failing] == ["net.open_sockets"]
    assert found.level == 0


@needs_seal
def test_asyncios_own_pair_does_not_lead_out() -> None:
    async def inside_a_loop() -> Measurement:
        return await asyncio.to_thread(measure)

    assert measured(lambda: asyncio.run(inside_a_loop()), sealed=True).level == 2


@needs_seal
def test_a_pair_whose_other_end_is_closed_does_not_lead_out() -> None:
    def inside() -> Measurement:
        left, right = socket.socketpair()
        right.close()
        found = measure()
        left.close()
        return found

    assert measured(inside, sealed=True).level == 2


@needs_seal
def test_reach_of_files_is_reported_as_a_fact_and_decides_nothing(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()

    def at_home() -> Measurement:
        os.environ["HOME"] = str(tmp_path)
        return measure()

    found = measured(at_home, sealed=True)
    held = {check.name: check.held for check in found.checks if check.name.startswith("fs.")}
    assert held == {"fs.read_outside": False, "fs.write_outside": False}
    assert found.level == 2


@needs_seal
def test_measuring_is_quick() -> None:
    def best_of_five() -> int:
        return min(measure().milliseconds for _ in range(5))

    assert cast("int", fork_sealed(best_of_five)) <= QUICK_MILLISECONDS


def test_one_check_that_does_not_hold_means_level_0() -> None:
    held = [Check("net.tcp", True, ""), Check("tty.keystrokes", True, ""), Check("self.clone", True, "")]
    assert judge(held, milliseconds=1).level == 2
    for place, check in enumerate(held):
        found = judge([*held[:place], check._replace(held=False), *held[place + 1 :]], milliseconds=1)
        assert found.level == 0
        assert [failing.name for failing in found.failing] == [check.name]


def test_nothing_tried_means_level_0() -> None:
    assert judge([], milliseconds=0).level == 0
    assert judge([Check("fs.read_outside", True, "")], milliseconds=0).level == 0


def test_no_more_than_was_measured_is_ever_claimed() -> None:
    everything = [
        Check("net.tcp", True, ""),
        Check("fs.read_outside", True, ""),
        Check("fs.write_outside", True, ""),
    ]
    assert judge(everything, milliseconds=1).level == 2


@pytest.mark.parametrize("level", LEVELS)
def test_the_words_fit_where_they_are_shown(level: int) -> None:
    assert len(LEVELS[level].short) <= 22
    assert len(LEVELS[level].words) <= 70


def _leading_out(way: str, place: Path) -> tuple[socket.socket, ...]:
    if way == "tcp":
        return (socket.socket(),)
    if way == "udp":
        return (socket.socket(type=socket.SOCK_DGRAM),)
    if way == "unix datagram pair":
        return socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(place / "listener"))
    listener.listen()
    caller = socket.socket(socket.AF_UNIX)
    caller.connect(listener.getsockname())
    return listener, caller
