"""Signed notes and checkpoints are those of C2SP, and malformed ones raise a ledger error, nothing else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.errors import LedgerBroken
from workbench.ledger.checkpoint import Checkpoint, parse_trailer
from workbench.ledger.errors import NoteError
from workbench.ledger.note import SignerKey, VerifierKey, parse_note
from workbench.ledger.tree import EMPTY_ROOT, leaf_hash

# The example of c2sp.org/signed-note, section "Verifier keys".
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n"
    "— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
# The example of c2sp.org/tlog-checkpoint.
BEHIND_THE_SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
).encode()

KEY = SignerKey.generate("workbench/host/1")
ROOT = leaf_hash(b"x")


def test_the_example_of_the_specification_verifies() -> None:
    key = VerifierKey.parse(EXAMPLE_KEY)
    assert str(key) == EXAMPLE_KEY
    note = parse_note(EXAMPLE)
    assert note.signed_by([key]) == (key,)
    assert note.text == "This is an example message.\n"


def test_the_example_checkpoint_of_the_specification_is_read() -> None:
    checkpoint = Checkpoint.parse(BEHIND_THE_SOFA)
    assert checkpoint.origin == "example.com/behind-the-sofa"
    assert checkpoint.size == 20852163
    assert base64.b64encode(checkpoint.root).decode() == "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


def test_one_flipped_bit_anywhere_in_a_note_is_found() -> None:
    key = VerifierKey.parse(EXAMPLE_KEY)
    for position in range(len(EXAMPLE)):
        changed = bytearray(EXAMPLE)
        changed[position] ^= 1
        with pytest.raises(NoteError):
            parse_note(bytes(changed)).signed_by([key])


def test_keys_survive_being_written_down() -> None:
    assert SignerKey.parse(KEY.export()) == KEY
    assert VerifierKey.parse(str(KEY.verifier)) == KEY.verifier


def test_a_private_key_is_not_shown() -> None:
    # The key itself is Base64, which has a "+" of its own.
    secret = KEY.export().split("+", 4)[4]
    assert secret not in repr(KEY)
    with pytest.raises(NoteError) as raised:
        SignerKey.parse(KEY.export()[:-3] + "!!!")
    assert secret[:20] not in raised.value.diagnostics()


def test_an_unknown_signature_is_ignored_and_a_false_one_condemns() -> None:
    checkpoint = Checkpoint.sign(KEY, 3, ROOT)
    other = SignerKey.generate("witness.example/w")
    text = parse_note(checkpoint.note.encode()).text
    cosigned = checkpoint.note + other.sign(text).rpartition("\n\n")[2]
    assert Checkpoint.parse(cosigned.encode(), KEY.verifier).size == 3
    assert parse_note(cosigned.encode()).signed_by([KEY.verifier, other.verifier])
    with pytest.raises(NoteError):
        Checkpoint.parse(cosigned.encode(), SignerKey.generate("workbench/host/1").verifier)
    moved = Checkpoint.sign(KEY, 4, ROOT).note.partition("\n\n")[0] + "\n\n" + cosigned.partition("\n\n")[2]
    with pytest.raises(NoteError):
        Checkpoint.parse(moved.encode(), KEY.verifier)


def test_a_checkpoint_and_its_trailer_say_the_same() -> None:
    checkpoint = Checkpoint.sign(KEY, 7, ROOT)
    assert parse_trailer(checkpoint.trailer()) == ("workbench/host/1", 7, ROOT)
    assert Checkpoint.parse(checkpoint.note.encode(), KEY.verifier) == checkpoint


@pytest.mark.parametrize("size", ["", "-1", "01", "1.0", "1e3", "+1", " 1", "٣", "9" * 19, "0x1"])
def test_a_size_is_written_in_one_way_only(size: str) -> None:
    root = base64.b64encode(EMPTY_ROOT).decode()
    with pytest.raises(NoteError):
        Checkpoint.parse(KEY.sign(f"{KEY.name}\n{size}\n{root}\n").encode(), KEY.verifier)


@pytest.mark.parametrize(
    "root", ["", "AAAA", "not base64", base64.b64encode(EMPTY_ROOT).decode()[:-2] + "V="]
)
def test_a_root_is_32_bytes_in_canonical_base64(root: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(KEY.sign(f"{KEY.name}\n1\n{root}\n").encode(), KEY.verifier)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb", "a\tb", "\ud800"])
def test_a_key_has_no_name_that_could_be_misread(name: str) -> None:
    with pytest.raises(NoteError):
        SignerKey.generate(name)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "a+b",
        "name+00000000+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        EXAMPLE_KEY[:-1],
        EXAMPLE_KEY.replace("+Ae", "+Be"),
        "example.com/foo+530d903a+" + base64.b64encode(b"\x02" + bytes(32)).decode(),
    ],
)
def test_a_malformed_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey.parse(vkey)


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\n\n",
        b"text without signatures\n",
        b"text\n\n",
        b"text\n\nnot a signature\n",
        "text\n\n— name\n".encode(),
        "text\n\n— name AAAA\n".encode(),
        "text\n\n— name AAAAAAA=".encode(),
        b"te\x00xt\n\n\xe2\x80\x94 name AAAAAAA=\n",
        b"\xff\n\n\xe2\x80\x94 name AAAAAAA=\n",
        b"text\n\n" + 100 * "— name AAAAAAA=\n".encode(),
        b"x" * 100_000,
    ],
)
def test_a_malformed_note_is_refused(note: bytes) -> None:
    with pytest.raises(NoteError):
        parse_note(note).signed_by([KEY.verifier])


@given(
    st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_whatever_comes_in_only_a_ledger_error_comes_out(data: bytes) -> None:
    with pytest.raises(LedgerBroken):
        Checkpoint.parse(data, KEY.verifier)
    text = data.decode("utf-8", "surrogateescape")
    for read in (VerifierKey.parse, SignerKey.parse, parse_trailer):
        with pytest.raises(LedgerBroken):
            read(text)
