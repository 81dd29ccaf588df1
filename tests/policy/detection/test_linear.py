"""No input can stall a scan: every pattern is linear, by its structure and by the clock."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator

import pytest

from tests.policy.detection import linear
from tests.timing import seconds_of
from workbench.policy.detection import RULES, Material, Rule, scan
from workbench.policy.detection.scanner import MAX_PIECE_BYTES, REACH_BYTES

MAX_STEPS = 50_000
"""What the engine may try from one place. The longest values (keys, segments, tokens) have 4,000 bytes."""
SIZE = MAX_PIECE_BYTES + REACH_BYTES
SECONDS = 0.1
"""For 20 kB, which takes a few milliseconds; a pattern that backtracks over its input takes minutes."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_a_pattern_can_try_from_one_place_is_bounded(rule: Rule) -> None:
    assert linear.steps(rule.pattern) <= MAX_STEPS


def test_the_bound_sees_what_it_is_for() -> None:
    import re

    assert linear.steps(re.compile(rb"(?:a+)+b")) == linear.UNBOUNDED
    assert linear.steps(re.compile(rb"a{0,90}b{0,90}c{0,90}d{0,90}e")) > MAX_STEPS
    assert linear.steps(re.compile(rb"a{0,90}+b{0,90}+c{0,90}+d{0,90}+e")) < 500


def _hostile(rule: Rule) -> Iterator[bytes]:
    tree = linear.parse(rule.pattern)
    long, short = linear.almost(tree, longest=True), linear.almost(tree, longest=False)
    for seed in (
        long,
        short,
        long[:-1],
        short[:-1],
        long[: len(long) // 2],
        short[: len(short) // 2],
        *rule.needs,
    ):
        if seed:
            yield seed * (SIZE // len(seed) + 1)
            yield (seed + b" ") * (SIZE // len(seed) + 1)
            yield seed + seed[-1:] * SIZE
    for need in rule.needs or (b"",):
        for filler in (
            b"a",
            b"0",
            b"A1",
            b" ",
            b"-",
            b".",
            b"_",
            b":",
            b"/",
            b'"',
            b"\n",
            b"\\\n",
            b"1-",
            b"a.",
            b"(",
        ):
            yield need + filler * (SIZE // len(filler))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_pattern_takes_no_time_on_inputs_made_to_hurt_it(rule: Rule) -> None:
    for text in _hostile(rule):
        piece = text[:SIZE]

        def search(piece: bytes = piece) -> None:
            deque(rule.pattern.finditer(piece), maxlen=0)

        # Where one look is enough, nothing is spent on measuring the machine.
        began = time.thread_time()
        search()
        if time.thread_time() - began >= SECONDS:
            assert seconds_of(search) < SECONDS, (rule.id, piece[:40])


@pytest.mark.parametrize(
    "text",
    [
        b"token=" * 43_000,
        b"0" * 262_144,
        b"4539 " * 52_000,
        b"a@" * 131_072,
        b"password: '" * 24_000,
        b"-----BEGIN RSA PRIVATE " + b"KEY-----" * 32_000,
        b"-----BEGIN RSA PRIVATE KEY-----\n" * 8_000,
        b"eyJhbGciOi" * 26_000,
        b"  extra: QUJDREVGR0g=\nkind: Secret\n" * 7_000,
        b"curl -u a:b1 \\\n" * 17_000,
        b'{"resourceType": "Patient"}' * 9_000,
        b"PID|" * 65_000,
        b"1.1.1.1 " * 32_000,
        b"::1:" * 65_000,
        b"\xe2\x80\x8b" * 87_000,
        b"A\0" * 131_072,
        bytes(range(256)) * 1_024,
    ],
    ids=lambda text: repr(text[:16]),
)
def test_a_whole_scan_ends_in_bounded_time(text: bytes) -> None:
    assert seconds_of(lambda: scan(text, Material.DATA), rounds=1) < 2.5
