"""Hears of every socket that a command asks for, and refuses it: who asked, and for which family.

The answer is always EPERM. The kernel warns that a listener must never decide by what it read whether to let
a call go on, since the caller can change it meanwhile; nothing is let go on here.

Sources: seccomp_unotify(2), the kernel's `include/uapi/linux/seccomp.h`.
"""

from __future__ import annotations

import errno
import fcntl
import struct

from workbench.boundary import kernel

# limit: a program in a loop must not fill the ledger; what comes later is only counted.
MAX_DISTINCT = 50
OTHERS = "others"

_RECEIVE, _ANSWER, _IS_VALID = 0xC0502100, 0xC0182101, 0x40082102
# struct seccomp_notif: id, process, flags, then seccomp_data (number, ABI, instruction, six arguments).
_REQUEST = struct.Struct("<QIIiIQ6Q")
_RESPONSE = struct.Struct("<QqiI")


class Attempts:
    """The sockets that the processes of one command asked for."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: dict[tuple[int, str, str], int] = {}
        """How often, by process id, the program's name as the kernel knows it, and family."""

    def answer(self, listener: int) -> None:
        """Receive one call from `listener`, note it, and refuse it."""
        given = bytearray(_REQUEST.size)
        try:
            fcntl.ioctl(listener, _RECEIVE, given)
        except OSError:
            return  # the caller died meanwhile
        call, process, _, _, _, _, family, *_ = _REQUEST.unpack(given)
        name = _name_of(process)
        try:
            # Only if the caller still waits was the name its own, and not that of a later process.
            fcntl.ioctl(listener, _IS_VALID, struct.pack("<Q", call))
            self._note(process, name, family & 0xFFFFFFFF)
            fcntl.ioctl(listener, _ANSWER, _RESPONSE.pack(call, 0, -errno.EPERM, 0))
        except OSError:
            return  # likewise

    def _note(self, process: int, name: str, family: int) -> None:
        key = (process, name, kernel.FAMILIES.get(family, f"family {family}"))
        if key not in self.counts and len(self.counts) >= MAX_DISTINCT:
            key = (0, OTHERS, "")
        self.counts[key] = self.counts.get(key, 0) + 1


def _name_of(process: int) -> str:
    try:
        with open(f"/proc/{process}/comm", "rb") as file:
            return file.read(64).decode("utf-8", "replace").strip()
    except OSError:
        return "?"
