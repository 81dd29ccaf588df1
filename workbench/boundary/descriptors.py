"""Makes sure that no descriptor inherited from the starting program leads out of the seal.

The rules, in order:

1. Descriptors 0 to 2 are always open (on /dev/null if need be), so that no file of ours ever becomes
   "standard error".
2. A socket on any descriptor means refusing to start: it would go on sending inside the seal. One
   exception: 0 to 2 may be a connected AF_UNIX stream, which is how editors, sshd and service managers
   hand a program its terminal.
3. Everything else above 2 is closed.
"""

from __future__ import annotations

import errno
import os
import stat

from workbench.boundary import kernel
from workbench.core.errors import BoundaryError

_STANDARD = (0, 1, 2)
_OWN_DESCRIPTORS = "/proc/self/fd"


def opened() -> tuple[int, ...]:
    """Return the numbers of this process's open descriptors, ascending.

    Raises:
        BoundaryError: /proc is not mounted, so nobody can say what is open.
    """
    try:
        numbers = sorted(int(name) for name in os.listdir(_OWN_DESCRIPTORS))
    except OSError as error:
        raise BoundaryError(
            f"The open descriptors cannot be listed: {_OWN_DESCRIPTORS}: {error.strerror}.",
            "Mount /proc in this container or chroot, then start Workbench again.",
        ) from error
    return tuple(number for number in numbers if _status(number) is not None)


def leading_out(numbers: tuple[int, ...], *, own_pairs: bool) -> dict[int, str]:
    """Return those of `numbers` that are sockets and may lead out, each with what it is.

    Args:
        numbers: Descriptors of this process.
        own_pairs: Whether an unnamed pair of AF_UNIX ends is our own (asyncio's, a child's) and may stay.
    """
    found = {}
    for number in numbers:
        if not _is_socket(number):
            continue
        try:
            family, kind = kernel.socket_kind(number)
        except OSError as error:
            # Closed meanwhile by another thread; anything else is not known to be harmless.
            if error.errno != errno.EBADF:
                found[number] = "a socket of unknown family"
            continue
        connected = family == kernel.AF_UNIX and kind in (kernel.SOCK_STREAM, kernel.SOCK_SEQPACKET)
        if connected and (number in _STANDARD or (own_pairs and kernel.is_unnamed_pair(number))):
            continue
        found[number] = (
            f"an {kernel.FAMILIES[family]} socket"
            if family in kernel.FAMILIES
            else f"a socket of family {family}"
        )
    return found


def fill_standard_streams() -> None:
    """Open /dev/null on those of descriptors 0 to 2 that are closed (rule 1)."""
    for number in _STANDARD:
        if _status(number) is None:
            # The lowest free number is taken, which is this one because those below it are open.
            os.set_inheritable(os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY), True)


def refuse_sockets() -> None:
    """Refuse to go on with an inherited socket that leads out (rule 2).

    Raises:
        BoundaryError: There is one; the error names the descriptor.
    """
    found = leading_out(opened(), own_pairs=False)
    if found:
        number, what = next(iter(found.items()))
        raise BoundaryError(
            f"Descriptor {number} is {what}, inherited from the starting program: no seal can close it off.",
            f"Start Workbench from a plain terminal, or close the descriptor: workbench {number}>&-",
        )


def close_stray() -> tuple[int, ...]:
    """Close every descriptor above 2 (rule 3) and return which were open."""
    stray = tuple(number for number in opened() if number not in _STANDARD)
    for number in stray:
        try:
            os.close(number)
        except OSError as error:
            # Linux frees the number even when closing reports that late writes failed.
            if error.errno == errno.EBADF:
                raise
    return stray


def _status(number: int) -> os.stat_result | None:
    try:
        return os.fstat(number)
    except OSError:
        return None


def _is_socket(number: int) -> bool:
    status = _status(number)
    return status is not None and stat.S_ISSOCK(status.st_mode)
