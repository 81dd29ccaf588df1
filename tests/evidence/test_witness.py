"""A witness on another machine cosigns by file, remembers, and refuses what does not extend what it saw."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.evidence.second import ran, second
from tests.ledger.attacks import cut
from tests.ledger.places import Place
from workbench.core.errors import UsageError
from workbench.evidence import witness
from workbench.evidence.anchors import collect
from workbench.evidence.cosignature import WitnessKey, cosignatures
from workbench.evidence.kept import keep, kept_anchors, kept_directory
from workbench.ledger import NoteError
from workbench.ledger.tree import EMPTY_ROOT


@dataclass
class Far:
    """A witness's machine: nothing of this program is on it but the one file."""

    folder: Path
    vkey: str = ""

    def begin(self, place: Place) -> Far:
        self.folder.mkdir()
        done = ran("witness", "new", "--name", "witness.example/w1", "--key", str(self.folder / "key"))
        self.vkey = done.stdout.strip()
        state = ("--state", str(self.folder / "state"))
        assert ran("witness", "trust", str(place.key().verifier), *state).returncode == 0
        return self

    @property
    def keys(self) -> tuple[WitnessKey, ...]:
        return (WitnessKey.parse(self.vkey),)

    def sign(self, request: Path) -> tuple[int, str, bytes]:
        answer = self.folder / "answer"
        answer.unlink(missing_ok=True)
        words = (
            "--key",
            str(self.folder / "key"),
            "--state",
            str(self.folder / "state"),
            "--out",
            str(answer),
        )
        done = ran("witness", "sign", str(request), *words)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr, answer.read_bytes() if answer.exists() else b""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "one").filled(10)


@pytest.fixture
def far(place: Place, tmp_path: Path) -> Far:
    return Far(tmp_path / "far").begin(place)


def _ask(place: Place, path: Path, old: int) -> Path:
    with place.reader() as reader:
        witness.write_request(reader, path, old)
    return path


def _take(place: Place, far: Far, answer: bytes) -> None:
    with place.reader() as reader:
        for one in witness.take_answer(reader, answer, far.keys):
            keep(kept_directory(place.head), one.checkpoint, one.by.key.name)


def test_a_cosignature_comes_back_by_file_and_becomes_an_anchor(
    place: Place, far: Far, tmp_path: Path
) -> None:
    code, said, answer = far.sign(_ask(place, tmp_path / "request", 0))
    assert (code, said) == (0, "")
    assert witness.is_answer(answer)
    place.filled(10)  # life goes on while the stick travels
    _take(place, far, answer)
    (anchor,) = kept_anchors(kept_directory(place.head), far.keys)
    assert (anchor.size, anchor.by.split(" (")[0]) == (10, "witness witness.example/w1")
    assert place.verify(anchor, head=False).exit_code == 0
    assert anchor in collect(place.head, None, [far.vkey], tmp_path / "none")
    with place.attacker() as connection:
        cut(connection, 5)
    report = place.verify(anchor, head=False)
    assert report.exit_code == 3
    assert any("witness.example/w1" in line for line in report.lines)


def test_the_witness_goes_on_from_what_it_saw(place: Place, far: Far, tmp_path: Path) -> None:
    request = tmp_path / "request"
    for old, count in ((0, 30), (10, 300), (40, 1), (340, 1)):
        code, said, answer = far.sign(_ask(place, request, old))
        assert code == 0, said
        _take(place, far, answer)
        kept = kept_anchors(kept_directory(place.head), far.keys)
        assert witness.last_seen(kept, place.key().name, far.keys) == max(anchor.size for anchor in kept)
        place.filled(count)


def test_another_size_than_the_witness_saw_is_409_and_the_answer_says_which(
    place: Place, far: Far, tmp_path: Path
) -> None:
    assert far.sign(_ask(place, tmp_path / "request", 0))[0] == 0
    place.filled(5)
    code, said, answer = far.sign(_ask(place, tmp_path / "request", 0))
    assert (code, said.split(" ", 1)[0], answer) == (2, "409", b"10\n")
    assert witness.size_in_answer(answer) == 10
    assert far.sign(_ask(place, tmp_path / "request", 10))[0] == 0


def test_a_ledger_that_was_rewritten_is_422(place: Place, far: Far, tmp_path: Path) -> None:
    backup = place.copy_to(tmp_path / "backup")
    place.filled(10)
    assert far.sign(_ask(place, tmp_path / "request", 0))[0] == 0
    # The owner of the machine restores an old copy and goes on from there, with the right key.
    code, said, _ = far.sign(_ask(backup.filled(30), tmp_path / "request", 20))
    assert (code, said.split(" ", 1)[0]) == (2, "422")
    backup_of_20 = tmp_path / "request"
    text = backup_of_20.read_text().split("\n")
    backup_of_20.write_text("\n".join([text[0], *text[2:]]))
    assert far.sign(backup_of_20)[1].startswith("422")


def test_a_smaller_ledger_cannot_even_be_asked_about(place: Place, far: Far, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="saw 40 entries"):
        _ask(place, tmp_path / "request", 40)


def test_unknown_ledgers_keys_and_rubbish_are_refused(place: Place, far: Far, tmp_path: Path) -> None:
    request = _ask(place, tmp_path / "request", 0)
    honest = request.read_text()
    other = _ask(Place(tmp_path / "two").filled(3), tmp_path / "other", 0)
    assert far.sign(other)[1].startswith("404")
    lines = honest.split("\n")
    forged = other.read_text().split("\n")[-2].replace(lines[2], "")
    for text, status in (
        (honest.replace(lines[-2], forged.replace(forged.split(" ")[1], lines[2])), "403"),
        ("rubbish", "400"),
        ("", "400"),
        (honest.replace("old 0", "old 99"), "400"),
        (honest.replace("old 0", "old 00"), "400"),
        (honest.replace("old 0\n", f"old 0\n{lines[4]}\n"), "422"),
    ):
        request.write_text(text)
        code, said, answer = far.sign(request)
        assert (code, said[:3], answer) == (2, status, b""), said


def test_a_false_empty_tree_is_422(place: Place) -> None:
    key = place.key()
    logs = {key.name: {"vkey": str(key.verifier), "size": 0, "root": ""}}
    for root, good in ((EMPTY_ROOT, True), (bytes(32), False)):
        note = key.sign(f"{key.name}\n0\n{second.enbase64(root)}\n")
        given = f"old 0\n\n{note}".encode()
        if good:
            assert second.judge_request(given, logs)
        else:
            with pytest.raises(second.Refused, match="422"):
                second.judge_request(given, logs)


def test_the_witness_remembers_before_it_answers(place: Place, far: Far, tmp_path: Path) -> None:
    (far.folder / "key").write_text("rubbish")
    assert far.sign(_ask(place, tmp_path / "request", 0))[0] == 1
    assert '"size": 0' in (far.folder / "state").read_text()


def test_forged_and_foreign_cosignatures_do_not_count(place: Place, far: Far, tmp_path: Path) -> None:
    _, _, answer = far.sign(_ask(place, tmp_path / "request", 0))
    line = answer.decode()
    data = second.unbase64(line.split(" ")[2].strip())
    with place.reader() as reader:
        for position in (4, 11, 20, 75):
            changed = bytearray(data)
            changed[position] ^= 1
            forged = f"\u2014 witness.example/w1 {second.enbase64(bytes(changed))}\n"
            with pytest.raises(UsageError, match="no signature of a known witness"):
                witness.take_answer(reader, forged.encode(), far.keys)
        other = Far(tmp_path / "further").begin(place)
        with pytest.raises(UsageError, match="no signature of a known witness"):
            witness.take_answer(reader, answer, other.keys)
        with pytest.raises(UsageError, match="names no witness"):
            witness.take_answer(reader, answer, ())
    note = place.head.read_text() + line
    place_of_it = kept_directory(place.head)
    place_of_it.mkdir()
    (place_of_it / "1.note").write_text(
        note.replace(line, f"\u2014 witness.example/w1 {second.enbase64(bytes(changed))}\n")
    )
    (anchor,) = kept_anchors(place_of_it, far.keys)
    assert anchor.damage
    assert place.verify(anchor).exit_code == 3


def test_the_example_of_the_specification_is_read_and_its_cosigner_is_not_known() -> None:
    note = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q"
        "1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2o"
        "yin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    assert cosignatures(note.encode(), ()) == []
    assert second.Note.parse(note.encode()).keys_that_signed([]) == []


@pytest.mark.parametrize(
    "text",
    ["", "a+b", "a+00000000+BAAA", "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"],
)
def test_a_malformed_witness_key_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        WitnessKey.parse(text)
