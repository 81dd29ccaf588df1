"""Reads the header of a GGUF file with bounds on everything, so that a hostile file is refused, not obeyed.

The rules, in order; the first that fails is reported with its byte offset:

1. A regular file that begins with `GGUF`, version 2 or 3, little-endian.
2. Fewer than 4,096 keys, each once; strings up to 4 MiB; arrays up to 2 Mi elements and never nested.
3. An architecture from the allow-list; at most 512 blocks; alignment a power of two up to 1 MiB.
4. A vocabulary token that looks like a byte (`<0x…>`) has exactly two hexadecimal digits.
5. Every tensor has a name of its own, a known type, at most four dimensions, and lies inside the file.

Nothing is interpreted beyond that: the chat template is hashed and searched for known markers, never run.

Sources: GGUF specification (ggml, docs/gguf.md); CVE-2025-49847, CVE-2025-53630, CVE-2026-27940.
"""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from workbench.core.errors import ModelError
from workbench.core.safe_text import one_line
from workbench.model import files
from workbench.model.cursor import ARRAY, FORMATS, STRING, Cursor, Value
from workbench.model.ggml_types import BLOCKS

ARCHITECTURES = frozenset({
    "cohere2", "deepseek2", "exaone", "gemma", "gemma2", "gemma3", "gemma3n", "glm4", "gpt-oss", "granite",
    "granitemoe", "internlm2", "llama", "mistral3", "olmo2", "phi2", "phi3", "qwen2", "qwen2moe", "qwen3",
    "qwen3moe", "smollm3", "stablelm", "starcoder2",
})  # fmt: skip
"""Architectures whose loaders are in wide use; any other is refused before llama.cpp sees the file."""

# Limits: each bounds time or memory on a hostile file, or keeps llama.cpp's own arithmetic in range.
MAX_KEYS = 4096
MAX_KEY_BYTES = 65_535
MAX_ARRAY_ELEMENTS = 2 << 20
MAX_TENSORS = 65_536
MAX_TENSOR_NAME_BYTES = 64
MAX_ALIGNMENT = 1 << 20
MAX_BLOCKS = 512
MAX_CONTEXT = 1 << 27
MAX_WIDTH = 1 << 20


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of one model file says, after every bound was checked."""

    architecture: str
    name: str
    """`general.name`; untrusted text."""
    context_length: int
    """Tokens the model was trained on; 0 where the file does not say."""
    block_count: int
    vocabulary: int
    """Tokens."""
    file_type: int
    """llama.cpp's number for the quantisation; -1 where the file does not say."""
    template_sha256: str
    """Digest of the embedded chat template; empty where there is none."""
    template_markers: frozenset[str]
    """Which of `KNOWN_MARKERS` occur in the chat template."""
    cache_bytes_per_token: int
    """What one token of context takes in a 16-bit key/value cache, in bytes; 0 where unknown."""
    size: int
    """Bytes of the file."""


KNOWN_MARKERS = (
    "<|im_start|>",
    "<|im_end|>",
    "<|start_header_id|>",
    "<|eot_id|>",
    "<start_of_turn>",
    "<end_of_turn>",
)
"""Control tokens that tell one chat format from another."""


def read_header(path: Path) -> Header:
    """Return the checked header of the file at `path`.

    Raises:
        ModelError: It is not a regular file, cannot be read, or breaks a rule; names the rule and the offset.
    """
    with files.opened(path) as stream:
        return read_header_from(stream, path.name)


def read_header_from(stream: BinaryIO, label: str) -> Header:
    """Return the checked header of an open file, which is called `label` in errors.

    Raises:
        ModelError: See `read_header`.
    """
    try:
        stream.seek(0)
        size = os.fstat(stream.fileno()).st_size
        return _HeaderReader(Cursor(stream, size, one_line(label))).read()
    except OSError as error:
        raise ModelError(
            f"{one_line(label)} cannot be read: {error.strerror}.", "Check the disk, then try again."
        ) from error


class _HeaderReader:
    """Walks one header and keeps the few values that matter."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._keys: dict[str, Value] = {}
        self._lengths: dict[str, int] = {}
        self._largest: dict[str, int] = {}
        self._where: dict[str, int] = {}

    def read(self) -> Header:
        """Read and check everything before the tensor data."""
        tensors, keys = self._preamble()
        for _ in range(keys):
            self._key_value()
        alignment = self._alignment()
        architecture = self._architecture()
        blocks = self._whole(f"{architecture}.block_count", 1, MAX_BLOCKS)
        context = self._whole(f"{architecture}.context_length", 0, MAX_CONTEXT, default=0)
        if self._whole("split.count", 0, 65_535, default=0) > 1:
            self._cursor.refuse("is one part of a split model", self._offset("split.count"))
        self._tensors(tensors, alignment)
        template = self._text("tokenizer.chat_template")
        return Header(
            architecture=architecture,
            name=self._text("general.name").decode("utf-8", "replace"),
            context_length=context,
            block_count=blocks,
            vocabulary=self._lengths.get("tokenizer.ggml.tokens", 0),
            file_type=self._whole("general.file_type", 0, 1 << 20, default=-1),
            template_sha256=hashlib.sha256(template).hexdigest() if template else "",
            template_markers=frozenset(mark for mark in KNOWN_MARKERS if mark.encode() in template),
            cache_bytes_per_token=self._cache_bytes(architecture, blocks),
            size=self._cursor.size,
        )

    def _preamble(self) -> tuple[int, int]:
        if self._cursor.size < 24:
            self._cursor.refuse(f"is {self._cursor.size} bytes long, too short for a GGUF file", 0)
        if (magic := self._cursor.take(4)) != b"GGUF":
            self._cursor.refuse(f"does not begin with GGUF but with {magic!r}", 0)
        version = self._cursor.u32()
        if version not in (2, 3):
            swapped = int.from_bytes(version.to_bytes(4, "little"), "big") in (2, 3)
            why = "is big-endian" if swapped else f"has GGUF version {version}, not 2 or 3"
            self._cursor.refuse(why, 4)
        tensors, keys = self._cursor.u64(), self._cursor.u64()
        if not 0 < tensors <= MAX_TENSORS:
            self._cursor.refuse(f"declares {tensors} tensors, not 1 to {MAX_TENSORS}", 8)
        if not 0 < keys < MAX_KEYS:
            self._cursor.refuse(f"declares {keys} keys, not 1 to {MAX_KEYS - 1}", 16)
        return tensors, keys

    def _key_value(self) -> None:
        start = self._cursor.at
        raw = self._cursor.string(MAX_KEY_BYTES)
        try:
            key = raw.decode("ascii")
        except UnicodeDecodeError:
            self._cursor.refuse("has a key that is not ASCII", start)
        if key in self._keys or key in self._lengths:
            self._cursor.refuse(f"has the key {one_line(key)!r} twice", start)
        kind = self._cursor.u32()
        self._where[key] = self._cursor.at
        if kind == ARRAY:
            self._array(key)
        elif kind == STRING:
            self._keys[key] = self._cursor.string()
        else:
            self._keys[key] = self._cursor.scalar(kind)

    def _array(self, key: str) -> None:
        start = self._cursor.at
        kind, count = self._cursor.u32(), self._cursor.u64()
        if kind == ARRAY:
            self._cursor.refuse(f"has a nested array in {one_line(key)!r}", start)
        if count > MAX_ARRAY_ELEMENTS:
            self._cursor.refuse(
                f"has an array of {count} elements, more than {MAX_ARRAY_ELEMENTS}", start + 4
            )
        self._lengths[key] = count
        if kind == STRING:
            self._cursor.pass_strings(count, tokens=key == "tokenizer.ggml.tokens")
            return
        form = FORMATS.get(kind)
        if form is None:
            self._cursor.refuse(f"has an array of unknown type {kind}", start)
        values = self._cursor.take(form.size * count)
        if key.endswith((".head_count_kv", ".head_count")) and kind in (4, 5) and count <= MAX_BLOCKS:
            self._largest[key] = max((value for (value,) in form.iter_unpack(values)), default=0)

    def _alignment(self) -> int:
        alignment = self._whole("general.alignment", 1, MAX_ALIGNMENT, default=32)
        if alignment & (alignment - 1):
            self._cursor.refuse(
                f"has alignment {alignment}, not a power of two", self._where["general.alignment"]
            )
        return alignment

    def _architecture(self) -> str:
        name = self._text("general.architecture").decode("ascii", "replace")
        if name not in ARCHITECTURES:
            shown = one_line(name[:60]) or "none"
            self._cursor.refuse(
                f"has architecture {shown!r}, which is not one this program loads",
                self._offset("general.architecture"),
            )
        return name

    def _tensors(self, count: int, alignment: int) -> None:
        ends = []
        names: set[bytes] = set()
        for _ in range(count):
            start = self._cursor.at
            name = self._cursor.string(MAX_TENSOR_NAME_BYTES)
            if name in names:
                self._cursor.refuse(
                    f"has two tensors called {one_line(name.decode('utf-8', 'replace'))!r}", start
                )
            names.add(name)
            dimensions = self._cursor.u32()
            if not 1 <= dimensions <= 4:
                self._cursor.refuse(f"has a tensor with {dimensions} dimensions, not 1 to 4", start)
            shape = struct.unpack(f"<{dimensions}Q", self._cursor.take(8 * dimensions))
            kind, offset = self._cursor.u32(), self._cursor.u64()
            if kind not in BLOCKS:
                self._cursor.refuse(f"has a tensor of unknown type {kind}", start)
            if offset % alignment:
                self._cursor.refuse(f"has a tensor at {offset}, not a multiple of {alignment}", start)
            ends.append((offset + self._tensor_bytes(shape, kind, start), start, name))
        data_start = -(-self._cursor.at // alignment) * alignment
        for end, start, name in ends:
            if data_start + end > self._cursor.size:
                shown = one_line(name.decode("utf-8", "replace"))
                self._cursor.refuse(
                    f"ends at byte {self._cursor.size} but tensor {shown!r} needs {data_start + end}", start
                )

    def _tensor_bytes(self, shape: tuple[int, ...], kind: int, start: int) -> int:
        block, block_bytes = BLOCKS[kind]
        elements = 1
        for width in shape:
            elements *= width
        if not 0 < elements < 1 << 56 or shape[0] % block:
            self._cursor.refuse(f"has a tensor of shape {shape}, impossible for its type", start)
        return elements // block * block_bytes

    def _cache_bytes(self, architecture: str, blocks: int) -> int:
        """Return the bytes of 16-bit keys and values for one token, 0 where the file does not say."""
        width = self._optional(f"{architecture}.embedding_length")
        heads = self._optional(f"{architecture}.attention.head_count")
        shared = self._optional(f"{architecture}.attention.head_count_kv") or heads
        if not width or not heads:
            return 0
        key = self._optional(f"{architecture}.attention.key_length") or width // heads
        value = self._optional(f"{architecture}.attention.value_length") or width // heads
        return blocks * shared * (key + value) * 2

    def _optional(self, key: str) -> int:
        if key in self._largest:
            return min(max(0, self._largest[key]), MAX_WIDTH)
        return self._whole(key, 0, MAX_WIDTH, default=0)

    def _whole(self, key: str, least: int, most: int, default: int | None = None) -> int:
        if key not in self._keys:
            if default is None or key in self._lengths:
                self._cursor.refuse(f"has no usable {one_line(key)!r}", self._offset(key))
            return default
        value = self._keys[key]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            shown = "text" if isinstance(value, bytes) else value
            self._cursor.refuse(f"has {one_line(key)!r} = {shown}, not {least} to {most}", self._offset(key))
        return value

    def _text(self, key: str) -> bytes:
        value = self._keys.get(key, b"")
        if not isinstance(value, bytes):
            self._cursor.refuse(f"has {one_line(key)!r} that is not text", self._offset(key))
        return value

    def _offset(self, key: str) -> int:
        """Return where the value of `key` begins, or the end of the keys where there is none."""
        return self._where.get(key, self._cursor.at)
