from __future__ import annotations

import ctypes
import importlib.util
import os
import random
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.model import gguf_files
from tests.model.gguf_files import Draft, numbers, small, strings, text, u32
from tests.timing import seconds_of, stopwatch
from workbench.core.errors import ModelError
from workbench.model.ggml_types import BLOCKS
from workbench.model.gguf import Header, read_header

VALID = small().to_bytes()


def refusal(draft: Draft, folder: Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        read_header(draft.write(folder / "model.gguf"))
    return caught.value


def changed(**keys: bytes) -> Draft:
    draft = small()
    draft.keys.update({key.replace("__", "."): value for key, value in keys.items()})
    return draft


def test_a_sound_header_is_read_as_it_is(tmp_path: Path) -> None:
    header = read_header(small().write(tmp_path / "model.gguf"))
    assert header.architecture == "llama"
    assert header.name == "Tiny"
    assert (header.context_length, header.block_count, header.vocabulary) == (512, 2, 3)
    assert header.size == len(VALID)
    assert header.template_markers == {"<|im_start|>", "<|im_end|>"}
    # Two blocks, two shared heads of 16, keys and values, two bytes each.
    assert header.cache_bytes_per_token == 2 * 2 * (16 + 16) * 2


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        (Draft(magic=b"GGUX", keys=small().keys), "does not begin with GGUF"),
        (Draft(version=1, keys=small().keys), "GGUF version 1"),
        (Draft(version=3 << 24, keys=small().keys), "big-endian"),
        (Draft(keys=small().keys, tensor_count=0), "declares 0 tensors"),
        (Draft(keys=small().keys, tensor_count=1 << 40), "tensors, not 1 to"),
        (Draft(keys=small().keys, key_count=4096, tensor_count=1), "keys, not 1 to 4095"),
        (Draft(keys=small().keys, key_count=1 << 63, tensor_count=1), "keys, not 1 to 4095"),
        (changed(llama__block_count=u32(9999)), "'llama.block_count' = 9999, not 1 to 512"),
        (changed(llama__block_count=text("two")), "'llama.block_count' = text"),
        (changed(llama__block_count=struct.pack("<Iq", 11, -1)), "= -1, not 1 to 512"),
        (changed(llama__block_count=struct.pack("<If", 6, 2.0)), "= 2.0, not 1 to 512"),
        (changed(general__architecture=text("plamo2")), "architecture 'plamo2'"),
        (changed(general__architecture=u32(1)), "that is not text"),
        (changed(general__alignment=u32(48)), "not a power of two"),
        (changed(general__alignment=u32(1 << 21)), "'general.alignment' = 2097152"),
        (changed(split__count=u32(3)), "one part of a split model"),
        (changed(x=struct.pack("<IIQ", 9, 9, 1)), "nested array"),
        (changed(x=struct.pack("<IIQ", 9, 4, (2 << 20) + 1)), "array of 2097153 elements"),
        (changed(x=struct.pack("<IIQ", 9, 8, 1 << 62)), "elements, more than"),
        (changed(x=struct.pack("<I", 13)), "unknown type 13"),
        (changed(x=struct.pack("<IIQ", 9, 77, 1)), "array of unknown type 77"),
        (changed(x=struct.pack("<IQ", 8, (4 << 20) + 1)), "string of 4194305 bytes"),
        (changed(x=struct.pack("<IQ", 8, 1 << 63)), "bytes, more than"),
        (changed(x=struct.pack("<IIQQ", 9, 8, 1, 1 << 62)), "bytes, more than"),
        (changed(tokenizer__ggml__tokens=strings([b"<0x-1>"])), "byte token"),
        (changed(tokenizer__ggml__tokens=strings([b"<0xFFF>"])), "byte token"),
        (Draft(keys=small().keys, tensors=[("t", (8, 4), b"")]), "tensor 't' needs"),
        (Draft(keys=small().keys, tensors=[("t", (8,), bytes(32))] * 2), "two tensors called 't'"),
        (Draft(keys=small().keys, tensors=[("t", (1 << 40, 1 << 40), b"")]), "impossible for its type"),
        (Draft(keys=small().keys, tensors=[("t", (0,), b"")]), "impossible for its type"),
        (Draft(keys=small().keys, tensors=[("t", (1,) * 5, b"")]), "5 dimensions"),
        (Draft(keys=small().keys, tensors=[("t" * 65, (1,), bytes(4))]), "string of 65 bytes"),
        (Draft(keys=small().keys, tensors=[("t", (1,), bytes(4))], tensor_type=4), "unknown type 4"),
        (Draft(keys=small().keys, tensors=[("t", (8,), bytes(32))], tensor_type=12), "impossible"),
        (Draft(keys=small().keys, tensors=[("t", (1,), bytes(4))], shift=7), "not a multiple of 32"),
        (Draft(keys=small().keys, tensors=[("t", (1,), bytes(4))], shift=1 << 62), "needs"),
    ],
)
def test_a_broken_rule_is_named_with_its_offset(draft: Draft, why: str, tmp_path: Path) -> None:
    error = refusal(draft, tmp_path)
    assert why in error.cause
    assert "at byte " in error.cause
    assert error.next_step


def test_a_key_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    data = bytearray(VALID)
    at = data.index(b"tokenizer.ggml.scores")
    data[at : at + 21] = b"tokenizer.ggml.tokens"
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    with pytest.raises(ModelError, match="twice"):
        read_header(path)


def test_a_missing_key_that_matters_is_refused(tmp_path: Path) -> None:
    draft = small()
    del draft.keys["llama.block_count"]
    assert "no usable 'llama.block_count'" in refusal(draft, tmp_path).cause


def test_head_counts_given_for_each_layer_are_understood(tmp_path: Path) -> None:
    draft = changed(llama__attention__head_count_kv=numbers([1, 4]))
    header = read_header(draft.write(tmp_path / "model.gguf"))
    assert header.cache_bytes_per_token == 2 * 4 * (16 + 16) * 2


def test_control_characters_in_a_file_never_reach_the_message(tmp_path: Path) -> None:
    error = refusal(changed(general__architecture=text("\x1b[31mred\u202e")), tmp_path)
    assert "\x1b" not in error.cause
    assert "\u202e" not in error.cause


def test_a_header_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    for length in range(len(VALID)):
        path.write_bytes(VALID[:length])
        with pytest.raises(ModelError):
            read_header(path)


def test_what_is_not_a_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, tmp_path / "missing", tmp_path / "nul\0byte"):
        with pytest.raises(ModelError):
            read_header(path)


@settings(max_examples=400, deadline=10_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), max_size=8))
def test_flipped_bytes_give_a_header_or_a_model_error_and_nothing_else(
    flips: list[tuple[int, int]], tmp_path: Path
) -> None:
    data = bytearray(VALID)
    for at, value in flips:
        data[at] = value
    path = tmp_path / "flipped.gguf"
    path.write_bytes(data)
    # Any other exception fails the test.
    with suppress(ModelError):
        assert isinstance(read_header(path), Header)


@settings(max_examples=200, deadline=10_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tail=st.binary(max_size=300))
def test_noise_after_the_magic_gives_a_model_error(tail: bytes, tmp_path: Path) -> None:
    path = tmp_path / "noise.gguf"
    path.write_bytes(b"GGUF\x03\x00\x00\x00" + tail)
    with pytest.raises(ModelError):
        read_header(path)


def test_a_file_of_nothing_but_empty_strings_is_refused_soon(tmp_path: Path) -> None:
    count = (2 << 20) - 1
    # Three arrays of two million empty strings: 50 MB of header to walk, the most the limits allow.
    big = struct.pack("<IIQ", 9, 8, count) + bytes(8 * count)
    draft = Draft(keys={"a": big, "b": big, "c": big}, tensors=small().tensors)
    path = draft.write(tmp_path / "model.gguf")
    with stopwatch() as taken, pytest.raises(ModelError):
        read_header(path)
    assert taken.seconds < 8


def test_a_header_beyond_the_limit_is_refused_without_reading_it(tmp_path: Path) -> None:
    big = struct.pack("<IIQ", 9, 10, 2 << 20) + bytes(8 * (2 << 20))
    draft = Draft(keys=dict.fromkeys("abcdef", big), tensors=small().tensors)
    assert "header larger than" in refusal(draft, tmp_path).cause


def test_the_table_of_types_is_the_one_of_the_installed_library() -> None:
    found = importlib.util.find_spec("llama_cpp")
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "lib"
    library = ctypes.CDLL(str(next(iter(sorted(folder.glob("libggml-base.*"))))))
    library.ggml_blck_size.restype = ctypes.c_int64
    library.ggml_type_size.restype = ctypes.c_size_t
    for kind, (block, size) in BLOCKS.items():
        assert (library.ggml_blck_size(kind), library.ggml_type_size(kind)) == (block, size), kind


@pytest.mark.model
def test_a_real_header_is_read_within_its_budget(qwen05_path: Path) -> None:
    assert seconds_of(lambda: read_header(qwen05_path)) < 0.3
    header = read_header(qwen05_path)
    assert (header.architecture, header.vocabulary, header.block_count) == ("qwen2", 151_936, 24)
    assert header.context_length == 32_768
    assert header.cache_bytes_per_token == 12_288


@pytest.mark.model
def test_a_real_header_cut_anywhere_is_refused(smollm2_path: Path, tmp_path: Path) -> None:
    chance = random.Random(7)
    with smollm2_path.open("rb") as stream:
        head = stream.read(2_000_000)
    path = tmp_path / "cut.gguf"
    for length in [*range(0, 400, 7), *(chance.randrange(len(head)) for _ in range(40))]:
        path.write_bytes(head[:length])
        with pytest.raises(ModelError):
            read_header(path)


def test_the_toy_model_has_a_sound_header(tmp_path: Path) -> None:
    assert read_header(gguf_files.toy().write(tmp_path / "toy.gguf")).vocabulary == 259
