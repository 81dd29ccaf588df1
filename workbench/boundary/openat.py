"""Opens a directory beneath another one without following any link on the way.

Source: openat2(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from workbench.boundary import abi, kernel

_NO_XDEV, _NO_MAGIC_LINKS, _NO_LINKS, _BENEATH = 0x01, 0x02, 0x04, 0x08


def directory_beneath(root: int, path: str) -> int:
    """Return a descriptor of the directory at the relative `path` beneath the open directory `root`.

    Raises:
        OSError: There is none, the way leads out or over a link, or the kernel is older than 5.6.
    """
    machine = abi.native()
    if machine is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if path in ("", "."):
        raise OSError(errno.EINVAL, "it is not beneath the directory for commands")
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
    how = struct.pack("<QQQ", flags, 0, _BENEATH | _NO_LINKS | _NO_MAGIC_LINKS | _NO_XDEV)
    given = ctypes.create_string_buffer(how, len(how))
    name = ctypes.create_string_buffer(os.fsencode(path))
    return kernel.call(
        machine.calls["openat2"], root, ctypes.addressof(name), ctypes.addressof(given), ctypes.sizeof(given)
    )
