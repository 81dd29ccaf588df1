"""Makes model files for the attacks: one whose header keeps every rule, and what makes it wrong."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from pathlib import Path

U32, I32, STRING, ARRAY = 4, 5, 8, 9
ALIGNMENT = 32


def string(data: bytes) -> bytes:
    """Return a GGUF string."""
    return struct.pack("<Q", len(data)) + data


def text(value: str) -> bytes:
    """Return a typed string value."""
    return struct.pack("<I", STRING) + string(value.encode())


def u32(value: int) -> bytes:
    """Return a typed 32-bit value."""
    return struct.pack("<II", U32, value)


def strings(values: list[bytes], *, count: int | None = None) -> bytes:
    """Return a typed array of strings, which may lie about how many there are."""
    head = struct.pack("<IIQ", ARRAY, STRING, len(values) if count is None else count)
    return head + b"".join(string(value) for value in values)


def nested(depth: int) -> bytes:
    """Return arrays of arrays."""
    return struct.pack("<I", ARRAY) + struct.pack("<IQ", ARRAY, 1) * depth + struct.pack("<IQ", I32, 0)


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of 32-bit floats as the header describes it."""

    name: str = "token_embd.weight"
    shape: tuple[int, ...] = (8, 4)
    kind: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Specimen:
    """A model file in the making; every part can be made wrong."""

    keys: dict[str, bytes] = field(default_factory=dict)
    tensors: tuple[Tensor, ...] = (Tensor(),)
    magic: bytes = b"GGUF"
    version: int = 3
    key_count: int | None = None
    tensor_count: int | None = None
    data: bytes = bytes(128)
    cut: int = 0
    """Bytes taken off the end."""

    def with_key(self, key: str, value: bytes) -> Specimen:
        """Return this with one key more, or another value of it."""
        return replace(self, keys={**self.keys, key: value})

    def write(self, path: Path) -> Path:
        """Write the file and return its path."""
        keys = len(self.keys) if self.key_count is None else self.key_count
        tensors = len(self.tensors) if self.tensor_count is None else self.tensor_count
        head = self.magic + struct.pack("<IQQ", self.version, tensors, keys)
        head += b"".join(string(key.encode()) + value for key, value in self.keys.items())
        for tensor in self.tensors:
            head += string(tensor.name.encode()) + struct.pack("<I", len(tensor.shape))
            head += struct.pack(f"<{len(tensor.shape)}Q", *tensor.shape)
            head += struct.pack("<IQ", tensor.kind, tensor.offset)
        whole = head.ljust(-(-len(head) // ALIGNMENT) * ALIGNMENT, b"\0") + self.data
        path.write_bytes(whole[: len(whole) - self.cut])
        return path


def sound() -> Specimen:
    """Return a file whose header keeps every rule; it holds no model."""
    return Specimen(
        {
            "general.architecture": text("llama"),
            "general.name": text("Specimen"),
            "llama.context_length": u32(512),
            "llama.block_count": u32(2),
            "llama.embedding_length": u32(64),
            "llama.attention.head_count": u32(4),
            "llama.attention.head_count_kv": u32(2),
            "tokenizer.ggml.tokens": strings([b"a", b"<0x0A>", b"<|im_start|>"]),
            "tokenizer.chat_template": text("{{ '<|im_start|>' }} {{ '<|im_end|>' }}"),
        }
    )
