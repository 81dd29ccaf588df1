"""Confines the files, ports and peers that a thread and its children can reach, through Landlock.

The rules, in order:

1. Whatever the kernel's Landlock can govern is governed: what no rule grants is refused. A newer kernel
   refuses more; `Enforced` says what this one does.
2. A rule grants rights on a file, or on a directory with everything beneath it. It holds for what the path
   reached when the rule was made, not for what somebody puts there later.
3. A path that does not exist grants nothing, and is reported.
4. TCP ports, and from ABI 10 UDP ports, are granted to nobody.
5. Rights are only ever lost: another ruleset on top can take, never give.

Not governed at any ABI: looking at names and sizes (stat, readlink), changing modes, times and owners.
Not below ABI 3: `truncate(2)`, which is why `workbench.boundary.seccomp` refuses it there.

Sources: landlock(7), the kernel's `include/uapi/linux/landlock.h` and
`Documentation/userspace-api/landlock.rst`.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct

from workbench.boundary import abi, kernel
from workbench.core.errors import BoundaryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, MAKE_DIR = (
    1 << bit for bit in range(8)
)
MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM, REFER, TRUNCATE, IOCTL_DEV, RESOLVE_UNIX = (
    1 << bit for bit in range(8, 17)
)
READ = READ_FILE | READ_DIR
RUN = READ | EXECUTE
CHANGE = READ | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SYM | REFER
"""Read, write, make and remove files, directories and links. Never devices."""
DEVICE = READ_FILE | WRITE_FILE | IOCTL_DEV

NEWEST_KNOWN = 11
"""Of a newer Landlock, only what this one has is used."""
TRUNCATE_SINCE = 3
SIGNALS_SINCE = 6

_FIRST_RIGHTS = REFER - 1
_RIGHTS_SINCE = {2: REFER, 3: TRUNCATE, 5: IOCTL_DEV, 9: RESOLVE_UNIX}
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV | RESOLVE_UNIX
"""What can be granted on something that is not a directory."""
_TCP, _UDP = 0b0011, 0b1100
_TCP_SINCE, _UDP_SINCE = 4, 10
_ABSTRACT_SOCKETS, _SIGNALS = 0b01, 0b10

_ASK_VERSION = 1
_PATH_BENEATH = 1

if TYPE_CHECKING:
    Rule = tuple[str | int, int]
"""A path, or a descriptor of what the path would reach, and the rights granted there."""


class Enforced:
    """What one ruleset enforces on the threads that entered it."""

    __slots__ = ("abi", "abstract_sockets", "missing", "rights", "signals", "tcp", "udp")

    def __init__(self, version: int, *, signals: bool, missing: tuple[str, ...]) -> None:
        self.abi = version
        self.rights = rights_of(version)
        """The rights on files that are governed."""
        self.tcp = version >= _TCP_SINCE
        self.udp = version >= _UDP_SINCE
        self.abstract_sockets = version >= SIGNALS_SINCE
        self.signals = signals and version >= SIGNALS_SINCE
        """Whether only processes under the same ruleset can be signalled."""
        self.missing = missing
        """The paths of rules that reached nothing, and so granted nothing."""


class Ruleset:
    """A ruleset in the kernel, to be entered by any number of threads or processes."""

    __slots__ = ("descriptor", "enforced")

    def __init__(self, descriptor: int, enforced: Enforced) -> None:
        self.descriptor = descriptor
        self.enforced = enforced

    def enter(self) -> None:
        """Put the calling thread, and all that it starts from now on, under this ruleset, for good.

        Other threads stay as they are: a process is confined by entering while it has only one.

        Raises:
            BoundaryError: The kernel refused; a thread can be under sixteen rulesets, for one.
        """
        try:
            kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
            kernel.call(_number("landlock_restrict_self"), self.descriptor)
        except OSError as error:
            raise BoundaryError(f"The kernel refused to confine files: {error.strerror}.") from error

    def close(self) -> None:
        """Let go of the ruleset; those who entered it stay under it."""
        os.close(self.descriptor)


def version() -> int:
    """Return the kernel's Landlock ABI, or 0 where there is none, it is switched off, or is forbidden."""
    try:
        return kernel.call(_number("landlock_create_ruleset"), 0, 0, _ASK_VERSION)
    except OSError:
        return 0


def rights_of(version: int) -> int:
    """Return the rights on files that Landlock governs at an ABI."""
    later = (right for since, right in _RIGHTS_SINCE.items() if since <= version)
    return _FIRST_RIGHTS + sum(later) if version > 0 else 0


def attributes(version: int, *, signals: bool) -> bytes:
    """Return `struct landlock_ruleset_attr` as the ABI `version` knows it."""
    network = (_TCP if version >= _TCP_SINCE else 0) | (_UDP if version >= _UDP_SINCE else 0)
    scopes = _ABSTRACT_SOCKETS | (_SIGNALS if signals else 0)
    fields = [rights_of(version)]
    if version >= _TCP_SINCE:
        fields.append(network)
    if version >= SIGNALS_SINCE:
        fields.append(scopes)
    return struct.pack(f"<{len(fields)}Q", *fields)


def build(rules: Iterable[Rule], *, signals: bool = False, at_most: int = NEWEST_KNOWN) -> Ruleset | None:
    """Return a ruleset that grants `rules` and nothing else, or None where there is no Landlock.

    Args:
        rules: Paths or descriptors, and the rights on each.
        signals: Also keep signals from leaving the ruleset, where the kernel can (ABI 6).
        at_most: Use no more than this ABI, whatever the kernel has.

    Raises:
        BoundaryError: The kernel has Landlock and refused.
    """
    usable = min(version(), at_most, NEWEST_KNOWN)
    if usable <= 0:
        return None
    code = attributes(usable, signals=signals)
    given = ctypes.create_string_buffer(code, len(code))
    try:
        descriptor = kernel.call(
            _number("landlock_create_ruleset"), ctypes.addressof(given), ctypes.sizeof(given)
        )
    except OSError as error:
        raise BoundaryError(f"The kernel refused a set of file rules: {error.strerror}.") from error
    try:
        missing = tuple(_add(descriptor, rules, rights_of(usable)))
    except BaseException:
        os.close(descriptor)
        raise
    return Ruleset(descriptor, Enforced(usable, signals=signals, missing=missing))


def confine(rules: Iterable[Rule], *, signals: bool = False, at_most: int = NEWEST_KNOWN) -> Enforced | None:
    """Confine the calling thread to `rules`; return what is enforced, or None where there is no Landlock.

    Raises:
        BoundaryError: The kernel has Landlock and refused; nothing is confined.
    """
    ruleset = build(rules, signals=signals, at_most=at_most)
    if ruleset is None:
        return None
    try:
        ruleset.enter()
    finally:
        ruleset.close()
    return ruleset.enforced


def _add(ruleset: int, rules: Iterable[Rule], governed: int) -> Iterator[str]:
    """Add each rule, and yield the paths of those that reach nothing."""
    for place, rights in rules:
        if isinstance(place, int):
            _grant(ruleset, place, rights & governed)
            continue
        try:
            descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            yield place
            continue
        try:
            _grant(ruleset, descriptor, rights & governed)
        finally:
            os.close(descriptor)


def _grant(ruleset: int, descriptor: int, rights: int) -> None:
    if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
        rights &= _OF_FILES
    if not rights:
        return
    # struct landlock_path_beneath_attr is packed: 64 bits of rights, 32 bits of descriptor.
    code = struct.pack("<Qi", rights, descriptor)
    given = ctypes.create_string_buffer(code, len(code))
    try:
        kernel.call(_number("landlock_add_rule"), ruleset, _PATH_BENEATH, ctypes.addressof(given))
    except OSError as error:
        raise BoundaryError(f"The kernel refused a rule about files: {error.strerror}.") from error


def _number(name: str) -> int:
    machine = abi.native()
    if machine is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return machine.calls[name]
