"""Gives up the powers that root has beside opening files, and closes this process's memory to others.

In a container the program often runs as root. Of root's capabilities it keeps those without which it could
not edit files that belong to somebody else; Landlock limits which files those are. No approved command
keeps any.

Sources: capabilities(7), prctl(2), the kernel's `include/uapi/linux/capability.h`.
"""

from __future__ import annotations

import ctypes
import struct

from workbench.boundary import abi, kernel

CHOWN, DAC_OVERRIDE, FOWNER = 0, 1, 3
FOR_FILES = (CHOWN, DAC_OVERRIDE, FOWNER)
"""What it takes to read a file whatever its mode, and to keep its owner and mode when it is replaced."""
NONE: tuple[int, ...] = ()

_VERSION_3 = 0x20080522
_SET_WORDS = 2
"""The kernel keeps each of a process's sets in two 32-bit words."""


def drop(*, keep: tuple[int, ...]) -> None:
    """Give up every capability of this thread but `keep`, for good, also for programs that are started.

    Nothing is gained by naming a capability that is not there, and an ordinary user has nothing to lose.
    """
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    _call(kernel.PR_CAP_AMBIENT, kernel.PR_CAP_AMBIENT_CLEAR_ALL)
    capability = 0
    # The call fails beyond the last capability that this kernel has.
    while (bounded := _call(kernel.PR_CAPBSET_READ, capability)) is not None:
        if bounded and capability not in keep:
            _call(kernel.PR_CAPBSET_DROP, capability)
        capability += 1
    machine = abi.native()
    if machine is not None:
        _keep_only(machine, sum(1 << capability for capability in keep))


def hide_memory() -> None:
    """Keep other processes of this user from reading this one's memory: source and prompts are in it.

    It does not outlive an `execve`, so the sealed application does it once more.
    """
    _call(kernel.PR_SET_DUMPABLE, 0)


def _keep_only(machine: abi.Abi, wanted: int) -> None:
    header = ctypes.create_string_buffer(struct.pack("<Ii", _VERSION_3, 0), 8)
    # Per 32-bit word: effective, permitted, inheritable.
    sets = ctypes.create_string_buffer(12 * _SET_WORDS)
    try:
        kernel.call(machine.calls["capget"], ctypes.addressof(header), ctypes.addressof(sets))
        words = struct.unpack("<6I", sets.raw)
        permitted = (words[1] | words[4] << 32) & wanted
        low, high = permitted & 0xFFFFFFFF, permitted >> 32
        sets.raw = struct.pack("<6I", low, low, 0, high, high, 0)
        kernel.call(machine.calls["capset"], ctypes.addressof(header), ctypes.addressof(sets))
    except OSError:
        # A sandbox around us may forbid even looking; what holds is measured, not assumed.
        return


def _call(option: int, argument: int) -> int | None:
    try:
        return kernel.prctl(option, argument)
    except OSError:
        return None
