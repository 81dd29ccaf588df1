"""Says which native libraries of packages this process has mapped, and which of them could open sockets.

A library can open a socket if it imports the call from the C library: the import stands in its table of
dynamic symbols. The C library itself and Python's own `_socket` and `_ssl` have the call, of course; it is
the libraries that come with packages that must not.

Source: elf(5), the System V ABI's chapter on dynamic linking.
"""

from __future__ import annotations

import struct
from pathlib import Path

NETWORK_SYMBOLS = frozenset({
    "socket", "connect", "getaddrinfo", "gethostbyname", "bind", "listen", "accept", "accept4", "sendto",
    "sendmsg", "SSL_connect", "curl_easy_perform",
})  # fmt: skip

CARRIES_OPENSSL = "cryptography/hazmat/bindings/_rust.abi3.so"
"""The one library of a package that imports them: OpenSSL is linked into it whole, with its part for
sockets. The ledger's signatures call none of that, and the kernel would refuse it."""

MAX_BYTES = 1 << 30
"""A library larger than this is not read; none of ours is near it."""

_64_BIT, _LITTLE_ENDIAN = 2, 1
_DYNSYM = 11
"""The type of the section that holds the dynamic symbols (SHT_DYNSYM)."""
_SYMBOL = struct.Struct("<IBBHQQ")
_UNDEFINED = 0


def libraries(maps: str | None = None) -> tuple[str, ...]:
    """Return the shared libraries below a `site-packages` that this process has mapped, sorted.

    Args:
        maps: The text of a `/proc/PID/maps`; by default of this process's own.
    """
    text = Path("/proc/self/maps").read_text("utf-8", "surrogateescape") if maps is None else maps
    paths = {line[line.index("/") :] for line in text.splitlines() if "/" in line}
    return tuple(sorted(path for path in paths if "/site-packages/" in path and ".so" in path))


def importers(path: str) -> frozenset[str]:
    """Return which of `NETWORK_SYMBOLS` the library at `path` imports.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not a 64-bit little-endian ELF file.
    """
    return imported(Path(path).read_bytes()) & NETWORK_SYMBOLS


def imported(data: bytes) -> frozenset[str]:
    """Return the names of the dynamic symbols that an ELF file leaves for others to define.

    Raises:
        ValueError: It is not a 64-bit little-endian ELF file, or its tables lie outside it.
    """
    if data[:6] != b"\x7fELF" + bytes((_64_BIT, _LITTLE_ENDIAN)) or len(data) > MAX_BYTES:
        raise ValueError("not a 64-bit little-endian ELF file")
    try:
        return frozenset(_undefined(data))
    except (struct.error, OverflowError, IndexError, ValueError) as error:
        raise ValueError("its tables lie outside the file") from error


def _undefined(data: bytes) -> list[str]:
    (table,) = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    sections = [struct.unpack_from("<IIQQQQI", data, table + size * number) for number in range(count)]
    found = []
    for _, kind, _, _, offset, length, link in sections:
        if kind != _DYNSYM:
            continue
        names = sections[link][4]
        for name, _, _, section, _, _ in _SYMBOL.iter_unpack(data[offset : offset + length]):
            if section == _UNDEFINED and name:
                end = data.index(b"\0", names + name)
                found.append(data[names + name : end].decode("ascii", "replace").partition("@")[0])
    return found
