"""The index is in step with the worktree, holds nothing that may not be read, and survives harm."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repositories import make_repository
from workbench.context import Index
from workbench.context.index import store
from workbench.context.index.process import File, IndexProcess
from workbench.core.records import SYSTEM, sha256
from workbench.session.opening import Options, Parts, open_parts

FILES = {
    "app/dates.py": (
        b"def parse_date(text):\n    return text\n\n\nclass Clock:\n    def tick(self):\n        return 1\n"
    ),
    "app/net.py": b"RETRY_LIMIT = 3\n\n\ndef connect(host):\n    return parse_date(host)\n",
    "tests/test_dates.py": b"def test_parse_date():\n    assert parse_date('x')\n",
    "README.md": b"Dates are parsed by the clock.\n",
    "logo.bin": b"\0\1\2" * 40,
    ".env": b"CANARY_TOKEN=canaryvalue\n",
    "deploy.pem": b"-----BEGIN CANARYKEY-----\n",
}


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    opened = open_parts(make_repository(tmp_path / "app", FILES), Options(accept_unenforced=True))
    yield opened
    opened.ledger.close()
    opened.queue.close()


@pytest.fixture
def index(parts: Parts) -> Index:
    return Index(parts.state / "index", parts.broker, SYSTEM)


def _refresh(index: Index, parts: Parts) -> int:
    return index.refresh(parts.broker.list(actor=SYSTEM)).done


def _names(index: Index, request: str) -> list[str]:
    return [piece.qualified for piece in index.search(request).chunks if piece.kind != "gap"]


def test_a_definition_is_found_by_its_name_by_its_words_and_before_its_test(
    index: Index, parts: Parts
) -> None:
    _refresh(index, parts)
    for request in ("`parse_date` fails on empty text", "how a date is parsed", "parseDate"):
        found = index.search(request)
        assert found.files[0].path == "app/dates.py", request
        assert found.chunks[0].qualified == "parse_date", request
    assert index.search("RETRY_LIMIT").files[0].exact
    assert not index.search("zebra crossing").files


def test_only_what_changed_is_read_again(index: Index, parts: Parts) -> None:
    assert _refresh(index, parts) == 5, "every file but the two that policy denies"
    size = parts.ledger.size
    assert _refresh(index, parts) == 0
    assert parts.ledger.size == size + 1, "the listing, and no read"
    root = parts.worktree.root
    (root / "app/dates.py").write_bytes(b"def parse_moment(text):\n    return text\n")
    (root / "app/net.py").unlink()
    assert _refresh(index, parts) == 1
    assert _names(index, "parse_moment")[0] == "parse_moment"
    assert "parse_date" not in _names(index, "parse_date")
    assert not _names(index, "connect host")


def test_a_content_that_comes_back_is_not_parsed_again(index: Index, parts: Parts) -> None:
    path = parts.worktree.root / "app/dates.py"
    _refresh(index, parts)
    before = path.read_bytes()
    path.write_bytes(b"def other():\n    pass\n")
    _refresh(index, parts)
    documents = index.counts().dead + index.counts().files
    path.write_bytes(before)
    _refresh(index, parts)
    assert index.counts().dead + index.counts().files == documents
    assert "parse_date" in _names(index, "parse_date")


def test_nothing_that_policy_denies_is_in_any_byte_of_it(index: Index, parts: Parts) -> None:
    _refresh(index, parts)
    written = b"".join(path.read_bytes() for path in index.path.parent.iterdir())
    assert b"parse" in written
    for canary in (b"canary", b"CANARY", b"deploy.pem", b".env"):
        assert canary not in written
    assert oct(index.path.stat().st_mode & 0o777) == "0o600"


def test_what_policy_denies_from_now_on_is_not_found_and_leaves_at_the_next_look(
    index: Index, parts: Parts
) -> None:
    _refresh(index, parts)
    folder = parts.worktree.root / ".workbench"
    folder.mkdir()
    (folder / "policy.toml").write_text('[read]\ndeny = ["app/dates.py"]\n')
    assert parts.watch.poll() is None, "a file that is still being written is left alone"
    reload = parts.watch.poll()
    assert reload is not None
    assert reload.error is None
    parts.broker.take_policy(reload.policy)
    assert "app/dates.py" not in [each.path for each in index.search("parse_date").files]
    _refresh(index, parts)
    assert "parse_date" not in _names(index, "parse_date")
    assert index.counts().definitions == 2


@pytest.mark.parametrize("harm", [b"no database at all", b""])
def test_a_damaged_index_is_moved_aside_and_made_again(index: Index, parts: Parts, harm: bytes) -> None:
    _refresh(index, parts)
    for path in index.path.parent.iterdir():
        path.unlink()
    index.path.write_bytes(harm)
    assert _refresh(index, parts) == 5
    assert "parse_date" in _names(index, "parse_date")


def test_a_flipped_page_is_an_error_of_its_own_and_is_mended(index: Index, parts: Parts) -> None:
    _refresh(index, parts)
    data = bytearray(index.path.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    for path in index.path.parent.iterdir():
        path.unlink()
    index.path.write_bytes(data)
    with pytest.raises(store.IndexDamaged, match="cannot be used"):
        index.search("parse_date")
    _refresh(index, parts)
    assert "parse_date" in _names(index, "parse_date")


def test_a_file_that_holds_the_parser_up_is_quarantined_and_the_others_are_indexed(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    process = IndexProcess(path, seconds_per_file=0.5)
    # The parser needs seconds for a megabyte of noise, whatever the machine.
    noise = b"\n".join(os.urandom(90) for _ in range(10_000))
    for number in range(20):
        good = b"def good_%d():\n    pass\n" % number
        process.add(File(f"good{number}.py", sha256(good), 1, good))
        if number == 7:
            process.add(File("noise.js", sha256(noise), 1, noise))
    process.commit()
    process.close()
    assert process.quarantined == ["noise.js"]
    connection = store.connect(path, write=False)
    assert store.counts(connection).quarantined == ("noise.js",)
    assert store.counts(connection).files == 21
    connection.close()


def test_a_name_that_is_not_utf_8_is_left_out_and_breaks_nothing(index: Index, parts: Parts) -> None:
    odd = os.fsencode(parts.worktree.root) + b"/caf\xe9.py"
    Path(os.fsdecode(odd)).write_bytes(b"def odd():\n    pass\n")
    assert _refresh(index, parts) == 5
    assert _names(index, "odd") == []
