"""The tree is the one of RFC 6962, and its proofs prove what they claim and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.ledger.errors import ProofError
from workbench.ledger.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
    subtrees_of,
    verify_consistency,
    verify_inclusion,
)


def mth(entries: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word and by itself."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


ENTRIES = [f"entry {number}".encode() for number in range(70)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = [mth(ENTRIES[:size]) for size in range(len(ENTRIES) + 1)]


def test_the_hashes_are_the_published_constants() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert (
        node_hash(b"N123", b"N456").hex()
        == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    )


def test_a_node_cannot_pass_as_a_leaf() -> None:
    left, right = leaf_hash(b"left"), leaf_hash(b"right")
    assert node_hash(left, right) != leaf_hash(left + right)
    assert node_hash(left, right) != node_hash(right, left)


def test_every_root_is_the_one_of_the_specification() -> None:
    frontier = Frontier()
    assert frontier.root() == ROOTS[0]
    for size, leaf in enumerate(LEAVES, 1):
        frontier.append(leaf)
        assert frontier.size == size
        assert frontier.root() == ROOTS[size] == root(LEAVES[:size])


def test_the_proofs_of_the_seven_leaf_tree_are_those_of_the_rfc() -> None:
    """RFC 6962, section 2.1.3: d0 … d6, with the node names of its figure."""
    d = [leaf_hash(bytes([number])) for number in range(7)]
    g, h, i, j = node_hash(d[0], d[1]), node_hash(d[2], d[3]), node_hash(d[4], d[5]), d[6]
    k, l_ = node_hash(g, h), node_hash(i, j)
    subtree = subtrees_of(d)
    assert root(d) == node_hash(k, l_)
    assert inclusion_proof(0, 7, subtree) == [d[1], h, l_]
    assert inclusion_proof(3, 7, subtree) == [d[2], g, l_]
    assert inclusion_proof(4, 7, subtree) == [d[5], j, k]
    assert inclusion_proof(6, 7, subtree) == [i, k]
    assert consistency_proof(3, 7, subtree) == [d[2], d[3], g, l_]
    assert consistency_proof(4, 7, subtree) == [l_]
    assert consistency_proof(6, 7, subtree) == [i, j, k]


def test_a_loaded_frontier_grows_like_the_one_it_stands_for() -> None:
    for size in range(len(LEAVES)):
        loaded = Frontier.load(size, subtrees_of(LEAVES))
        assert loaded.root() == ROOTS[size]
        twin = loaded.copy()
        loaded.append(LEAVES[size])
        assert (loaded.root(), twin.root()) == (ROOTS[size + 1], ROOTS[size])


def test_an_append_names_each_perfect_subtree_it_completes() -> None:
    frontier = Frontier()
    for size, leaf in enumerate(LEAVES, 1):
        for height, digest in frontier.append(leaf):
            assert size % (1 << height) == 0
            assert digest == root(LEAVES[size - (1 << height) : size])


def test_every_inclusion_proof_holds_and_fits_no_other_place() -> None:
    for size in range(1, 65):
        subtree = subtrees_of(LEAVES[:size])
        for index in range(size):
            proof = inclusion_proof(index, size, subtree)
            verify_inclusion(index, size, LEAVES[index], proof, ROOTS[size])
            for elsewhere in {(index + 1) % size, size - 1 - index} - {index}:
                with pytest.raises(ProofError):
                    verify_inclusion(elsewhere, size, LEAVES[index], proof, ROOTS[size])


def test_every_consistency_proof_holds_and_fits_no_other_root() -> None:
    for new in range(1, 65):
        subtree = subtrees_of(LEAVES[:new])
        for old in range(1, new + 1):
            proof = consistency_proof(old, new, subtree)
            verify_consistency(old, new, ROOTS[old], ROOTS[new], proof)
            for wrong in ((ROOTS[old - 1], ROOTS[new]), (ROOTS[old], ROOTS[new + 1])):
                with pytest.raises(ProofError):
                    verify_consistency(old, new, *wrong, proof)


def test_nothing_is_proved_from_an_empty_tree() -> None:
    with pytest.raises(ProofError):
        verify_consistency(0, 5, ROOTS[0], ROOTS[5], [])
    with pytest.raises(ProofError):
        consistency_proof(0, 5, subtrees_of(LEAVES[:5]))
    with pytest.raises(ProofError):
        inclusion_proof(0, 0, subtrees_of([]))


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0), (7, 5)])
def test_an_index_outside_the_tree_is_refused(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        verify_inclusion(index, size, LEAVES[0], [], ROOTS[1])


@given(st.integers(1, 64), st.data())
def test_a_changed_inclusion_proof_never_holds(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, subtrees_of(LEAVES[:size]))
    changed = _changed(proof, data)
    if changed != proof:
        with pytest.raises(ProofError):
            verify_inclusion(index, size, LEAVES[index], changed, ROOTS[size])


@given(st.integers(1, 64), st.data())
def test_a_changed_consistency_proof_never_holds(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    proof = consistency_proof(old, new, subtrees_of(LEAVES[:new]))
    changed = _changed(proof, data)
    if changed != proof:
        with pytest.raises(ProofError):
            verify_consistency(old, new, ROOTS[old], ROOTS[new], changed)


def _changed(proof: list[bytes], data: st.DataObject) -> list[bytes]:
    """Cut, lengthen, reorder or flip a proof."""
    changed = list(proof)
    what = data.draw(st.sampled_from(["cut", "grow", "swap", "flip", "shorten"]))
    at = data.draw(st.integers(0, max(0, len(changed) - 1)))
    if what == "grow":
        changed.insert(at, data.draw(st.sampled_from(LEAVES)))
    elif changed and what == "cut":
        del changed[at]
    elif changed and what == "swap":
        changed.append(changed.pop(at))
    elif changed and what == "flip":
        changed[at] = bytes([changed[at][0] ^ 1]) + changed[at][1:]
    elif changed:
        changed[at] = changed[at][:-1]
    return changed
