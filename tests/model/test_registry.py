from __future__ import annotations

import json
import os
import stat
import struct
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.model import gguf_files
from workbench.core.errors import ModelError
from workbench.core.records import sha256
from workbench.model import AddProgress, Registry, read_header, trial, try_file
from workbench.model.catalogue import by_name, by_sha256, entries


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "data" / "models")


@pytest.fixture
def toy_path(tmp_path: Path) -> Path:
    return gguf_files.toy().write(tmp_path / "My Toy (1).gguf")


def listed(folder: Path) -> Path:
    return folder / "data" / "models" / "registry.json"


def test_a_model_that_was_added_is_listed_verified_and_the_default(
    registry: Registry, toy_path: Path, tmp_path: Path
) -> None:
    model = registry.add(toy_path)
    assert model.name == "my-toy-1"
    assert model.sha256 == sha256(toy_path.read_bytes())
    assert (model.family, model.architecture, model.context_length) == ("chatml", "llama", 512)
    assert registry.list() == (model,)
    again = Registry(tmp_path / "data" / "models")
    assert again.get() == again.get("my-toy-1") == again.verify() == again.checked() == model
    assert stat.S_IMODE(listed(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE(listed(tmp_path).parent.stat().st_mode) == 0o700
    # The file stayed where it was.
    assert model.path == toy_path
    assert sorted(path.name for path in listed(tmp_path).parent.iterdir()) == [
        "registry.json",
        "registry.lock",
    ]


def test_by_default_models_are_kept_under_the_users_data(
    toy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    Registry().add(toy_path)
    assert (tmp_path / "xdg" / "workbench" / "models" / "registry.json").is_file()


def test_progress_is_told_in_bytes_and_then_the_trial(registry: Registry, toy_path: Path) -> None:
    told: list[AddProgress] = []
    registry.add(toy_path, progress=told.append)
    size = toy_path.stat().st_size
    assert AddProgress("hash", size, size) in told
    assert told[-1].stage == "trial"


@pytest.mark.parametrize("stage", ["hash", "copy", "trial"])
def test_whoever_stops_adding_leaves_nothing_registered(
    stage: str, registry: Registry, toy_path: Path, tmp_path: Path
) -> None:
    def stop(progress: AddProgress) -> None:
        if progress.stage == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        registry.add(toy_path, copy=stage == "copy", progress=stop)
    assert registry.list() == ()
    assert not list(tmp_path.rglob("*.partial"))


def test_a_copy_is_ours_alone_and_outlives_the_original(registry: Registry, toy_path: Path) -> None:
    digest = sha256(toy_path.read_bytes())
    model = registry.add(toy_path, copy=True)
    toy_path.unlink()
    assert model.path != toy_path
    assert stat.S_IMODE(model.path.stat().st_mode) == 0o600
    assert registry.verify(model.name).sha256 == digest
    assert (model.name, registry.checked()) == ("my-toy-1", model)


def test_a_copy_that_fails_its_trial_is_not_kept(registry: Registry, tmp_path: Path) -> None:
    broken = gguf_files.small().write(tmp_path / "broken.gguf")
    with pytest.raises(ModelError):
        registry.add(broken, copy=True)
    assert not list((tmp_path / "data").rglob("*.gguf"))


def test_a_touched_file_is_hashed_again_and_a_changed_one_refused(registry: Registry, toy_path: Path) -> None:
    model = registry.add(toy_path)
    os.utime(toy_path, ns=(1, 1))
    touched = registry.checked()
    assert touched.identity != model.identity
    assert touched.sha256 == model.sha256
    assert registry.get() == touched
    data = bytearray(toy_path.read_bytes())
    data[-1] ^= 1
    toy_path.write_bytes(data)
    for look in (registry.checked, registry.verify):
        with pytest.raises(ModelError, match="not the one that was added"):
            look()


def test_a_change_that_sets_the_time_back_is_seen(registry: Registry, toy_path: Path) -> None:
    model = registry.add(toy_path)
    before = toy_path.stat()
    with toy_path.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"\x55")
    os.utime(toy_path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert toy_path.stat().st_mtime_ns == model.identity.mtime_ns
    with pytest.raises(ModelError, match="not the one that was added"):
        registry.checked()


def test_a_file_that_was_replaced_by_another_is_refused(
    registry: Registry, toy_path: Path, tmp_path: Path
) -> None:
    registry.add(toy_path)
    os.replace(gguf_files.toy(seed=2).write(tmp_path / "other.gguf"), toy_path)
    with pytest.raises(ModelError, match="not the one that was added"):
        registry.checked()


def test_a_file_that_is_gone_is_said_to_be(registry: Registry, toy_path: Path) -> None:
    registry.add(toy_path)
    toy_path.unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        registry.checked()


def test_a_link_is_registered_as_the_file_it_points_to(
    registry: Registry, toy_path: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link.gguf"
    link.symlink_to(toy_path)
    assert registry.add(link).path == toy_path


def test_a_file_of_the_catalogues_name_has_to_be_that_file(registry: Registry, tmp_path: Path) -> None:
    known = by_name("qwen2.5-coder-0.5b")
    assert known is not None
    wrong = gguf_files.toy().write(tmp_path / known.file)
    with pytest.raises(ModelError, match=r"Wrong file.*bytes, not 491400064"):
        registry.add(wrong)
    other = gguf_files.toy().write(tmp_path / "other.gguf")
    with pytest.raises(ModelError, match="Wrong file"):
        registry.add(other, name=known.name)
    # Of the right size, and still not the file; sparse, so it costs no disk.
    os.truncate(wrong, known.size)
    with pytest.raises(ModelError, match=f"Wrong file.*SHA-256.*{known.sha256}"):
        registry.add(wrong)
    assert registry.list() == ()


def test_two_files_cannot_have_one_name(registry: Registry, toy_path: Path, tmp_path: Path) -> None:
    first = registry.add(toy_path, name="one")
    other = gguf_files.toy(seed=2).write(tmp_path / "other.gguf")
    with pytest.raises(ModelError, match="belongs to another file"):
        registry.add(other, name="one")
    second = registry.add(other, name="two")
    assert registry.list() == (first, second)
    assert registry.get() == second
    registry.set_default("one")
    assert registry.get() == first
    assert registry.add(toy_path, name="one").sha256 == first.sha256
    registry.remove("one")
    assert registry.get().name == "two"
    registry.remove("two")
    with pytest.raises(ModelError, match="No model is registered"):
        registry.get()


@pytest.mark.parametrize("name", ["", "../up", "UPPER", "a" * 65, "white space", "\x1b[2J", ".hidden"])
def test_an_impossible_name_is_refused(name: str, registry: Registry, toy_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be the name"):
        registry.add(toy_path, name=name)


def test_models_added_at_the_same_time_are_all_kept(registry: Registry, tmp_path: Path) -> None:
    paths = [gguf_files.toy(seed=seed).write(tmp_path / f"toy{seed}.gguf") for seed in range(4)]
    # One registry object each, as two programs would have.
    threads = [
        threading.Thread(target=lambda path=path: Registry(tmp_path / "data" / "models").add(path))
        for path in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {model.name for model in registry.list()} == {"toy0", "toy1", "toy2", "toy3"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"format": 2, "default": "", "models": []}',
        b'{"format": 1, "default": "x", "models": []}',
        b'{"format": 1, "default": "", "models": [1]}',
        b'{"format": 1, "default": "", "models": [{"name": "x"}]}',
        b'{"format": 1, "default": [], "models": []}',
        b'{"format": 1, "models": []}',
        b"[" * 100_000,
    ],
)
def test_a_registry_that_cannot_be_understood_is_said_so_and_left_alone(
    content: bytes, registry: Registry, toy_path: Path, tmp_path: Path
) -> None:
    listed(tmp_path).parent.mkdir(parents=True)
    listed(tmp_path).write_bytes(content)
    for use in (registry.list, registry.get, lambda: registry.add(toy_path)):
        with pytest.raises(ModelError, match=r"registry\.json cannot be understood") as caught:
            use()
        assert "no model file is affected" in caught.value.next_step
    assert listed(tmp_path).read_bytes() == content


KEYS = st.sampled_from(["name", "path", "sha256", "size", "x"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entry=ANYTHING)
def test_any_json_in_the_registry_is_models_or_a_model_error(entry: object, tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    path.write_text(json.dumps({"format": 1, "default": "", "models": [entry]}))
    with pytest.raises(ModelError):
        Registry(tmp_path).list()


def test_a_file_that_does_not_load_is_not_registered(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="failed its trial"):
        registry.add(gguf_files.small().write(tmp_path / "empty.gguf"))
    assert registry.list() == ()


def test_a_model_that_computes_no_numbers_is_not_registered(registry: Registry, tmp_path: Path) -> None:
    draft = gguf_files.toy()
    name, shape, data = draft.tensors[2]
    draft.tensors[2] = (name, shape, struct.pack("<f", float("nan")) * (len(data) // 4))
    with pytest.raises(ModelError, match="not numbers"):
        registry.add(draft.write(tmp_path / "nan.gguf"))
    assert registry.list() == ()


def test_a_file_that_kills_the_loader_kills_only_the_child(tmp_path: Path) -> None:
    draft = gguf_files.toy()
    draft.keys["llama.block_count"] = gguf_files.u32(9999)
    path = draft.write(tmp_path / "killer.gguf")
    # Our own header check would refuse it first; the trial is the wall behind.
    with pytest.raises(ModelError, match="block_count"):
        read_header(path)
    with (
        path.open("rb") as stream,
        pytest.raises(ModelError, match=r"crashes the loader \(SIGABRT\): refused"),
    ):
        trial.run(stream, path)


def test_a_trial_that_is_stopped_leaves_no_child(toy_path: Path) -> None:
    def children() -> set[int]:
        listed = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()
        return {int(child) for child in listed.split()}

    others, seen = children(), set[int]()

    def stop() -> None:
        seen.update(children() - others)
        raise KeyboardInterrupt

    with toy_path.open("rb") as stream, pytest.raises(KeyboardInterrupt):
        trial.run(stream, toy_path, stop)
    assert seen
    for child in seen:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_a_trial_without_registration_gives_the_header(toy_path: Path, registry: Registry) -> None:
    assert try_file(toy_path).name == "Toy"
    assert registry.list() == ()


def test_the_catalogue_is_sound() -> None:
    assert len({entry.name for entry in entries()}) == len(entries())
    for entry in entries():
        assert len(entry.sha256) == 64
        int(entry.sha256, 16)
        assert entry.size > 0
        assert by_name(entry.name.upper()) == by_name(entry.file) == by_sha256(entry.sha256) == entry
    assert by_name("unheard-of") is None


@pytest.mark.model
def test_known_models_are_recognised_by_their_digest(
    registry: Registry, smollm2_path: Path, tmp_path: Path
) -> None:
    link = tmp_path / "some other name.gguf"
    os.link(smollm2_path, link) if os.stat(smollm2_path).st_dev == os.stat(
        tmp_path
    ).st_dev else link.symlink_to(smollm2_path)
    model = registry.add(link)
    assert (model.name, model.family) == ("smollm2-135m", "chatml")


@pytest.mark.model
def test_a_truncated_model_is_refused_by_its_header(
    registry: Registry, smollm2_path: Path, tmp_path: Path
) -> None:
    half = tmp_path / "half.gguf"
    with smollm2_path.open("rb") as stream:
        half.write_bytes(stream.read(50_000_000))
    with pytest.raises(ModelError, match=r"ends at byte 50000000 but tensor"):
        registry.add(half)
