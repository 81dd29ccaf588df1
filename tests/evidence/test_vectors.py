"""Both verifiers pass the vectors that the specifications and their reference implementations publish.

The larger sets are not kept here. Where WORKBENCH_VECTORS names a directory that holds checkouts of them
(`transparency-dev+merkle`, `transparency-dev+tessera`, `cyberphone+json-canonicalization`, `C2SP+wycheproof`,
`openssh+openssh-portable`), they run too; docs/audit.md says how to fetch them.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from tests.evidence.second import second
from workbench.ledger import tree
from workbench.ledger.checkpoint import Checkpoint
from workbench.ledger.errors import ProofError
from workbench.ledger.note import VerifierKey

_ROOT = os.environ.get("WORKBENCH_VECTORS", "")
TESSERA_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
TESSERA_ENTRIES = """
one two three four five six seven eit nain ten ileven twelf threeten fourten fivten
""".split()


def _fetched(name: str, path: str) -> Path:
    if not _ROOT:
        pytest.skip(f"{name} is not fetched: set WORKBENCH_VECTORS")
    found = Path(_ROOT) / name / path
    if not found.exists():
        pytest.skip(f"{name} is not in {_ROOT}")
    return found


def _holds(check: Callable[..., None], *arguments: object) -> bool:
    try:
        check(*arguments)
    except (ProofError, second.Malformed):
        return False
    return True


def _b64(value: str | None) -> bytes:
    return base64.b64decode(value or "")


def test_merkle_inclusion_98() -> None:
    files = sorted(_fetched("transparency-dev+merkle", "testdata/inclusion").rglob("*.json"))
    assert len(files) == 98
    for file in files:
        case = json.loads(file.read_text())
        proof = [_b64(item) for item in case["proof"] or []]
        given = (case["leafIdx"], case["treeSize"], _b64(case["leafHash"]), proof, _b64(case["root"]))
        for check in (tree.verify_inclusion, second.check_inclusion):
            assert _holds(check, *given) is not case["wantErr"], file


def test_merkle_consistency_98() -> None:
    files = sorted(_fetched("transparency-dev+merkle", "testdata/consistency").rglob("*.json"))
    assert len(files) == 98
    for file in files:
        case = json.loads(file.read_text())
        roots = _b64(case["root1"]), _b64(case["root2"])
        given = (case["size1"], case["size2"], *roots, [_b64(item) for item in case["proof"] or []])
        for check in (tree.verify_consistency, second.check_consistency):
            assert _holds(check, *given) is not case["wantErr"], file


def test_tessera_checkpoints_16() -> None:
    log = _fetched("transparency-dev+tessera", "testdata/log")
    for size in range(16):
        note = (log / f"checkpoint.{size}").read_bytes()
        leaves = [tree.leaf_hash(entry.encode()) for entry in TESSERA_ENTRIES[:size]]
        ours = Checkpoint.parse(note, VerifierKey.parse(TESSERA_KEY))
        assert (ours.size, ours.root) == (size, tree.root(leaves))
        parsed, grown = second.Note.parse(note), second.Tree()
        assert parsed.keys_that_signed([second.Key.parse(TESSERA_KEY)])
        for leaf in leaves:
            grown.add(leaf)
        head = second.Head.in_note(parsed)
        assert (head.size, head.root) == (size, grown.root())


def test_cyberphone_jcs_6() -> None:
    inputs = sorted(_fetched("cyberphone+json-canonicalization", "testdata/input").glob("*.json"))
    assert len(inputs) == 6
    for file in inputs:
        value = json.loads(file.read_bytes())
        expected = bytes.fromhex(
            " ".join((file.parents[1] / "outhex" / f"{file.stem}.txt").read_text().split())
        )
        assert rfc8785.dumps(value) == expected
        assert second.jcs(value) == expected


def test_wycheproof_ed25519_151() -> None:
    file = _fetched("C2SP+wycheproof", "testvectors_v1/ed25519_test.json")
    count = 0
    for group in json.loads(file.read_text())["testGroups"]:
        public = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            count += 1
            message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
            valid = case["result"] == "valid"
            assert second.ed25519_verify_pure(public, message, signature) is valid, case["tcId"]
            assert second.ed25519_verify(public, message, signature) is valid, case["tcId"]
            assert _accepts(public, message, signature) is valid, case["tcId"]
    assert count == 151


def _accepts(public: bytes, message: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def test_openssh_sshsig_data(tmp_path: Path) -> None:
    data = _fetched("openssh+openssh-portable", "regress/unittests/sshsig/testdata")
    namespace, signed = (data / "namespace").read_text().strip(), (data / "signed-data").read_bytes()
    passed = set()
    for file in sorted(data.glob("*.sig")):
        if file.stem.startswith("ed25519"):
            assert second.sshsig_verify(file.read_text(), signed, namespace)
            with pytest.raises(second.Malformed):
                second.sshsig_verify(file.read_text(), signed + b"x", namespace)
            with pytest.raises(second.Malformed):
                second.sshsig_verify(file.read_text(), signed, "file")
            passed.add(file.stem)
        if shutil.which("ssh-keygen"):
            words = ["ssh-keygen", "-Y", "check-novalidate", "-n", namespace, "-s", str(file)]
            done = subprocess.run(words, input=signed, capture_output=True, check=False)
            # Signatures with ML-DSA came with a later OpenSSH than most machines have.
            assert done.returncode == 0 or file.stem.startswith("mldsa"), done.stderr
            changed = subprocess.run(words, input=signed + b"x", capture_output=True, check=False)
            assert changed.returncode != 0
    assert passed == {"ed25519", "ed25519_sk"}


# What needs nothing fetched: values that the RFCs print, and proofs made here.


def test_rfc_8032_section_7_1() -> None:
    for seed, public, message, signature in _RFC_8032:
        key, text = bytes.fromhex(seed), bytes.fromhex(message)
        assert second.ed25519_public(key).hex() == public
        assert second.ed25519_sign(key, text).hex() == signature
        assert second.ed25519_verify_pure(bytes.fromhex(public), text, bytes.fromhex(signature))
        assert _accepts(bytes.fromhex(public), text, bytes.fromhex(signature))
        for bit in range(0, 512, 37):
            changed = bytearray(bytes.fromhex(signature))
            changed[bit // 8] ^= 1 << bit % 8
            assert not second.ed25519_verify_pure(bytes.fromhex(public), text, bytes(changed))


_RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
]


def test_both_signers_make_the_same_signature() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    for number in range(20):
        seed, message = bytes([number]) * 32, b"x" * number
        assert second.ed25519_sign(seed, message) == Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def _trees(largest: int) -> Iterator[tuple[int, list[bytes]]]:
    leaves = [tree.leaf_hash(str(number).encode()) for number in range(largest)]
    for size in range(1, largest + 1):
        yield size, leaves[:size]


def test_every_proof_of_small_trees_holds_in_both_and_no_changed_one_does() -> None:
    for size, leaves in _trees(20):
        root, subtree = tree.root(leaves), tree.subtrees_of(leaves)
        for index in range(size):
            proof = tree.inclusion_proof(index, size, subtree)
            _both(True, _INCLUSION, index, size, leaves[index], proof, root)
            for wrong in _spoilt(proof):
                _both(False, _INCLUSION, index, size, leaves[index], wrong, root)
            _both(False, _INCLUSION, index + 1, size, leaves[index], proof, root)
        for old in range(1, size + 1):
            proof, old_root = tree.consistency_proof(old, size, subtree), tree.root(leaves[:old])
            _both(True, _CONSISTENCY, old, size, old_root, root, proof)
            for wrong in _spoilt(proof):
                _both(False, _CONSISTENCY, old, size, old_root, root, wrong)
            _both(False, _CONSISTENCY, old, size, old_root, bytes(32), proof)


_INCLUSION = (tree.verify_inclusion, second.check_inclusion)
_CONSISTENCY = (tree.verify_consistency, second.check_consistency)


def _both(expected: bool, checks: tuple[Callable[..., None], ...], *given: Any) -> None:
    assert [_holds(check, *given) for check in checks] == [expected, expected], given[:2]


def _spoilt(proof: list[bytes]) -> Iterator[list[bytes]]:
    yield [*proof, bytes(32)]
    for place in range(len(proof)):
        yield [*proof[:place], *proof[place + 1 :]]
        yield [*proof[:place], bytes(32), *proof[place + 1 :]]
    for one, other in itertools.pairwise(range(len(proof))):
        swapped = list(proof)
        swapped[one], swapped[other] = proof[other], proof[one]
        yield swapped


NUMBERS = [
    (0.0, "0"), (-0.0, "0"), (1.0, "1"), (1e21, "1e+21"), (1e20, "100000000000000000000"), (1e-6, "0.000001"),
    (1e-7, "1e-7"), (5e-324, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"),
    (333333333.33333329, "333333333.3333333"), (-4.5, "-4.5"), (0.002, "0.002"),
    (9007199254740992.0, "9007199254740992"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "text"), NUMBERS)
def test_numbers_are_written_as_rfc_8785_appendix_b_says(number: float, text: str) -> None:
    assert second.jcs(number) == text.encode()
    assert rfc8785.dumps(number) == text.encode()


def test_names_are_ordered_by_utf_16_in_both() -> None:
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\xf6": 7}
    assert second.jcs(value) == rfc8785.dumps(value)
    assert list(json.loads(second.jcs(value)).values()) == [2, 4, 6, 7, 1, 5, 3]
