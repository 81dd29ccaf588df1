"""Interprets a classic BPF program as the kernel does, to test the filters of other machines here."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from workbench.boundary import seccomp

WORD = 0xFFFFFFFF


def judge(code: bytes, *, audit: int, number: int, arguments: Sequence[int] = ()) -> int:
    """Return what the assembled filter `code` answers to one call."""
    words = [value & 0xFFFFFFFFFFFFFFFF for value in (*arguments, *[0] * (6 - len(arguments)))]
    data = struct.pack("<IIQ6Q", number & WORD, audit, 0, *words)
    program = list(struct.iter_unpack("<HBBI", code))
    accumulator, place = 0, 0
    while True:
        operation, when_true, when_false, constant = program[place]
        place += 1
        if operation == seccomp.RETURN:
            return int(constant)
        if operation == seccomp.LOAD:
            assert constant % 4 == 0
            (accumulator,) = struct.unpack_from("<I", data, constant)
        elif operation == seccomp.AND:
            accumulator &= constant
        else:
            place += when_true if _holds(operation, accumulator, constant) else when_false


def _holds(operation: int, accumulator: int, constant: int) -> bool:
    if operation == seccomp.JUMP_EQUAL:
        return accumulator == constant
    if operation == seccomp.JUMP_GREATER:
        return accumulator > constant
    if operation == seccomp.JUMP_NOT_LESS:
        return accumulator >= constant
    if operation == seccomp.JUMP_ANY_BIT:
        return bool(accumulator & constant)
    raise AssertionError(f"not an operation of a filter: {operation:#x}")
