"""Reads bounded little-endian values from an open file, and says at which byte a bound was broken.

Source: GGUF specification (ggml, docs/gguf.md), value types.
"""

from __future__ import annotations

import re
import struct
from typing import BinaryIO, NoReturn, TypeAlias

from workbench.core.errors import ModelError

# Limits: they bound time and memory on a hostile file.
MAX_STRING_BYTES = 4 << 20
MAX_HEADER_BYTES = 64 << 20

STRING, ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
FORMATS = {code: struct.Struct("<" + letter) for code, letter in _SCALARS.items()}
"""GGUF's numbers for the scalar types, and how each is laid out."""
_BYTE_TOKEN = re.compile(rb"<0x[0-9A-Fa-f]{2}>\Z")

Value: TypeAlias = int | float | bool | bytes


class Cursor:
    """A position in the header of one file; holds the bytes read so far."""

    def __init__(self, stream: BinaryIO, size: int, label: str) -> None:
        self._stream = stream
        self._label = label
        self._data = b""
        self.size = size
        """Bytes of the file when it was opened."""
        self.at = 0
        """Bytes from the start of the file."""

    def u32(self) -> int:
        """Read an unsigned 32-bit number."""
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        """Read an unsigned 64-bit number."""
        return int.from_bytes(self.take(8), "little")

    def scalar(self, kind: int) -> Value:
        """Read one value of the scalar type `kind`."""
        form = FORMATS.get(kind)
        if form is None:
            self.refuse(f"has a value of unknown type {kind}", self.at - 4)
        value: Value = form.unpack(self.take(form.size))[0]
        return value

    def string(self, limit: int = MAX_STRING_BYTES) -> bytes:
        """Read a string of at most `limit` bytes."""
        start = self.at
        length = self.u64()
        if length > limit:
            self.refuse(f"has a string of {length} bytes, more than {limit}", start)
        return self.take(length)

    def pass_strings(self, count: int, *, tokens: bool) -> None:
        """Walk over `count` strings; with `tokens`, check those that stand for a byte."""
        # The one hot loop: 300,000 strings in a usual file, so no method is called for each.
        unpack, data, at = FORMATS[10].unpack_from, self._data, self.at
        for _ in range(count):
            if at + 8 > len(data):
                data = self._fill(at, 8)
            (length,) = unpack(data, at)
            at += 8
            if length > MAX_STRING_BYTES:
                self.refuse(f"has a string of {length} bytes, more than {MAX_STRING_BYTES}", at - 8)
            end = at + length
            if end > len(data):
                data = self._fill(at, length)
            # llama.cpp turns `<0xNN>` into an array index; `<0x-1>` once wrote outside the array.
            looks_like_byte = tokens and data.startswith(b"<0x", at, end) and data[end - 1] == ord(">")
            if looks_like_byte and not _BYTE_TOKEN.match(data[at:end]):
                self.refuse("has a byte token whose digits are not two hexadecimal ones", at)
            at = end
        self.at = at

    def take(self, count: int) -> bytes:
        """Read `count` bytes."""
        end = self.at + count
        if end > len(self._data):
            self._fill(self.at, count)
        piece = self._data[self.at : end]
        self.at = end
        return piece

    def _fill(self, at: int, count: int) -> bytes:
        """Read on until `count` bytes from `at` are held, and return all that is held."""
        wanted = at + count
        if wanted > self.size:
            self.refuse(f"ends at byte {self.size}, before its header does", at)
        if wanted > MAX_HEADER_BYTES:
            self.refuse(f"has a header larger than {MAX_HEADER_BYTES} bytes", at)
        # Doubling keeps the number of copies small; a usual header is 2 to 12 MB.
        goal = min(max(wanted, 2 * len(self._data), 1 << 20), MAX_HEADER_BYTES)
        self._data += self._stream.read(goal - len(self._data))
        if wanted > len(self._data):
            self.refuse("became shorter while it was read", at)
        return self._data

    def refuse(self, why: str, offset: int) -> NoReturn:
        """Report that the file breaks a rule at `offset`.

        Raises:
            ModelError: Always.
        """
        raise ModelError(
            f"{self._label} {why} (at byte {offset}).",
            "Fetch the file again from where it came and compare its SHA-256; do not load this one.",
        )
