"""Writes GGUF files for tests: well-formed, deliberately wrong, and one toy model that really loads."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field
from pathlib import Path

U32, I32, F32, BOOL, STRING, ARRAY, U64 = 4, 5, 6, 7, 8, 9, 10
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


def f32(value: float) -> bytes:
    """Return a typed float."""
    return struct.pack("<If", F32, value)


def strings(values: list[bytes]) -> bytes:
    """Return a typed array of strings."""
    return struct.pack("<IIQ", ARRAY, STRING, len(values)) + b"".join(string(value) for value in values)


def numbers(values: list[int]) -> bytes:
    """Return a typed array of 32-bit numbers."""
    return struct.pack("<IIQ", ARRAY, I32, len(values)) + struct.pack(f"<{len(values)}i", *values)


@dataclass
class Draft:
    """A GGUF file in the making; every part can be made wrong."""

    keys: dict[str, bytes] = field(default_factory=dict)
    tensors: list[tuple[str, tuple[int, ...], bytes]] = field(default_factory=list)
    """Name, shape and data; all tensors are F32."""
    magic: bytes = b"GGUF"
    version: int = 3
    tensor_count: int | None = None
    key_count: int | None = None
    tensor_type: int = 0
    shift: int = 0
    """Added to every tensor's offset."""

    def header(self) -> bytes:
        """Return everything before the padding."""
        tensor_count = len(self.tensors) if self.tensor_count is None else self.tensor_count
        key_count = len(self.keys) if self.key_count is None else self.key_count
        parts = [self.magic, struct.pack("<IQQ", self.version, tensor_count, key_count)]
        parts += [string(key.encode()) + value for key, value in self.keys.items()]
        offset = self.shift
        for name, shape, data in self.tensors:
            parts.append(string(name.encode()) + struct.pack("<I", len(shape)))
            parts.append(struct.pack(f"<{len(shape)}QIQ", *shape, self.tensor_type, offset))
            offset += _padded(len(data))
        return b"".join(parts)

    def to_bytes(self) -> bytes:
        """Return the whole file."""
        head = self.header()
        body = b"".join(data.ljust(_padded(len(data)), b"\0") for _, _, data in self.tensors)
        return head.ljust(_padded(len(head)), b"\0") + body

    def write(self, path: Path) -> Path:
        """Write the file and return its path."""
        path.write_bytes(self.to_bytes())
        return path


def small() -> Draft:
    """Return a file whose header keeps every rule; it holds no model."""
    return Draft(
        keys={
            "general.architecture": text("llama"),
            "general.name": text("Tiny"),
            "llama.context_length": u32(512),
            "llama.block_count": u32(2),
            "llama.embedding_length": u32(64),
            "llama.attention.head_count": u32(4),
            "llama.attention.head_count_kv": u32(2),
            "general.file_type": u32(0),
            "tokenizer.ggml.tokens": strings([b"a", b"<0x0A>", b"<|im_start|>"]),
            "tokenizer.ggml.scores": numbers([0, 0, 0]),
            "tokenizer.chat_template": text("{{ '<|im_start|>' }} {{ '<|im_end|>' }}"),
        },
        tensors=[("token_embd.weight", (8, 4), bytes(128)), ("output_norm.weight", (8,), bytes(32))],
    )


def toy(context: int = 512, seed: int = 1) -> Draft:
    """Return a model of random weights that loads and runs: one block, the bytes and ChatML's marks.

    It writes nonsense, but the same nonsense each time, and in milliseconds on any machine.
    """
    width, heads, inner = 64, 4, 96
    tokens = [_byte_name(byte).encode() for byte in range(256)]
    tokens += [b"<|endoftext|>", b"<|im_start|>", b"<|im_end|>"]
    draft = Draft(
        keys={
            "general.architecture": text("llama"),
            "general.name": text("Toy"),
            "general.file_type": u32(0),
            "llama.context_length": u32(context),
            "llama.block_count": u32(1),
            "llama.embedding_length": u32(width),
            "llama.feed_forward_length": u32(inner),
            "llama.attention.head_count": u32(heads),
            "llama.attention.head_count_kv": u32(heads),
            "llama.attention.layer_norm_rms_epsilon": f32(1e-5),
            "llama.rope.dimension_count": u32(width // heads),
            "llama.vocab_size": u32(len(tokens)),
            "tokenizer.ggml.model": text("gpt2"),
            "tokenizer.ggml.pre": text("gpt-2"),
            "tokenizer.ggml.tokens": strings(tokens),
            "tokenizer.ggml.token_type": numbers([1] * 256 + [3] * 3),
            "tokenizer.ggml.merges": strings([]),
            "tokenizer.ggml.bos_token_id": u32(256),
            "tokenizer.ggml.eos_token_id": u32(258),
            "tokenizer.ggml.add_bos_token": struct.pack("<I?", BOOL, False),
            "tokenizer.chat_template": text("<|im_start|> <|im_end|>"),
        }
    )
    chance = random.Random(seed)

    def weights(name: str, *shape: int) -> None:
        size = 1
        for side in shape:
            size *= side
        values = [chance.gauss(0, 0.3) for _ in range(size)] if len(shape) > 1 else [1.0] * size
        if name == "output.weight":
            # A control token is never the most likely one, so an answer goes on until something stops it.
            values[256 * width :] = [0.0] * (3 * width)
        draft.tensors.append((name, shape, struct.pack(f"<{size}f", *values)))

    weights("token_embd.weight", width, len(tokens))
    weights("output_norm.weight", width)
    weights("output.weight", width, len(tokens))
    weights("blk.0.attn_norm.weight", width)
    for part in ("q", "k", "v", "output"):
        weights(f"blk.0.attn_{part}.weight", width, width)
    weights("blk.0.ffn_norm.weight", width)
    weights("blk.0.ffn_gate.weight", width, inner)
    weights("blk.0.ffn_up.weight", width, inner)
    weights("blk.0.ffn_down.weight", inner, width)
    return draft


def _padded(length: int) -> int:
    return -(-length // ALIGNMENT) * ALIGNMENT


def _byte_name(byte: int) -> str:
    """Return how GPT-2's vocabulary writes a byte: itself where printable, else a letter from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    if byte in printable:
        return chr(byte)
    return chr(256 + [other for other in range(256) if other not in printable].index(byte))
