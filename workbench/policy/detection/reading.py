"""Turns bytes into the text that rules search, and offsets in that text back into offsets of the bytes.

Rules are written for ASCII bytes. What they search (the *view*) is made so that one pattern finds a value in
any of these, and every offset that is reported is an offset of the original bytes:

1. UTF-8: as it stands; full-width forms, hard spaces and typographic dashes become their ASCII character,
   zero-width characters and soft hyphens disappear (they travel with text copied from documents).
2. UTF-16 and UTF-32, with a byte order mark or recognised by their NULs: one byte of view for each unit.
3. Anything else is taken as Latin-1 or Windows-1252.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from dataclasses import dataclass

# limit: how much of the beginning is looked at to recognise UTF-16 without a byte order mark.
_SAMPLE = 4096

_SPECIAL = re.compile(
    rb"\xef\xbc[\x81-\xbf]|\xef\xbd[\x80-\x9e]"  # full-width ASCII
    rb"|\xc2\xa0|\xe2\x80[\x80-\x8a\xaf]|\xe3\x80\x80"  # spaces
    rb"|\xe2\x80[\x90-\x95]|\xe2\x88\x92"  # dashes
    rb"|\xe2\x80[\x8b-\x8f]|\xe2\x81\xa0|\xef\xbb\xbf|\xc2\xad"  # nothing to see
)
_ONE_BYTE = bytes.maketrans(b"\xa0\xad\x96\x97", b" ---")
_NOT_ASCII = 0x80
"""What a unit that no pattern asks for becomes in the view."""


@dataclass(frozen=True, slots=True)
class _Segment:
    view: int
    source: int
    size: int
    """Bytes in the source; in the view the same for a copied segment, else one or none."""
    copied: bool


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """What rules search, and where each byte of it came from."""

    view: bytes
    encoding: str
    """A codec that can write ASCII text between these bytes: `utf-8`, `latin-1`, `utf-16-le` …"""
    base: int = 0
    width: int = 1
    """Source bytes for each byte of view, where there are no segments."""
    segments: tuple[_Segment, ...] = ()
    starts: tuple[int, ...] = ()

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Return the offsets, in the bytes that were read, of `view[start:end]` (which is not empty)."""
        if not self.segments:
            return self.base + start * self.width, self.base + end * self.width
        first = self.segments[bisect_right(self.starts, start) - 1]
        last = self.segments[bisect_right(self.starts, end - 1) - 1]
        begin = first.source + (start - first.view if first.copied else 0)
        return begin, last.source + (end - last.view if last.copied else last.size)


def read(data: bytes) -> Reading:
    """Return what rules search in `data`, whatever its encoding; never fails."""
    wide = _wide(data)
    if wide is not None:
        return _units(data, *wide)
    if data.isascii():
        return Reading(data, "utf-8")
    if not _is_utf8(data):
        return Reading(data.translate(_ONE_BYTE), "latin-1")
    return _folded(data) if _SPECIAL.search(data) else Reading(data, "utf-8")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        # The cut at the size limit may go through a character.
        return error.start >= len(data) - 3 and error.reason == "unexpected end of data"
    return True


def _wide(data: bytes) -> tuple[str, int, int] | None:
    """Return codec, unit size and size of the byte order mark where `data` is UTF-16 or UTF-32."""
    for mark, codec, width in (
        (codecs.BOM_UTF32_LE, "utf-32-le", 4),
        (codecs.BOM_UTF32_BE, "utf-32-be", 4),
        (codecs.BOM_UTF16_LE, "utf-16-le", 2),
        (codecs.BOM_UTF16_BE, "utf-16-be", 2),
    ):
        if data.startswith(mark):
            return codec, width, len(mark)
    sample = data[:_SAMPLE]
    if b"\0" not in sample or len(sample) < 8:
        return None
    even, odd, half = sample[0::2].count(0), sample[1::2].count(0), len(sample) // 2
    if odd > half * 0.6 and even < half * 0.1:
        return "utf-16-le", 2, 0
    if even > half * 0.6 and odd < half * 0.1:
        return "utf-16-be", 2, 0
    return None


def _units(data: bytes, codec: str, width: int, base: int) -> Reading:
    body = data[base : len(data) - (len(data) - base) % width]
    planes = [body[offset::width] for offset in range(width)]
    if codec.endswith("le"):
        planes.reverse()
    *high, low = planes
    if any(plane.count(0) != len(plane) for plane in high):
        units = zip(*planes, strict=True)
        view = bytes(_unit(int.from_bytes(unit, "big")) for unit in units)
    else:
        view = low.translate(_ONE_BYTE)
    return Reading(view, codec, base, width)


def _unit(code: int) -> int:
    if code < 0x80:
        return code
    if code in (0xA0, 0x202F, 0x3000) or 0x2000 <= code <= 0x200A:
        return 0x20
    if 0x2010 <= code <= 0x2015 or code in (0xAD, 0x2212):
        return 0x2D
    return code - 0xFEE0 if 0xFF01 <= code <= 0xFF5E else _NOT_ASCII


def _folded(data: bytes) -> Reading:
    view = bytearray()
    segments: list[_Segment] = []
    done = 0
    for match in _SPECIAL.finditer(data):
        if match.start() > done:
            segments.append(_Segment(len(view), done, match.start() - done, copied=True))
            view += data[done : match.start()]
        code = ord(match.group().decode())
        if code not in _INVISIBLE:
            segments.append(_Segment(len(view), match.start(), match.end() - match.start(), copied=False))
            view.append(_unit(code))
        done = match.end()
    if done < len(data):
        segments.append(_Segment(len(view), done, len(data) - done, copied=True))
        view += data[done:]
    return Reading(
        bytes(view),
        "utf-8",
        segments=tuple(segments),
        starts=tuple(segment.view for segment in segments),
    )


_INVISIBLE = frozenset({0xAD, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF})
