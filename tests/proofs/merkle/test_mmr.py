"""Proofs of mountain ranges against a naive one, and each rule by the corruption that only it catches."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.errors import LimitExceeded, MalformedProof, RootMismatch
from proofs.merkle.mmr import (
    COUNT_BITS,
    LEAVES_MAX,
    LeafProof,
    decode_leaf_proof,
    hash_leaf,
    root_by_order,
    root_from,
    verify_leaf_by_order,
    verify_leaves,
)
from proofs.primitives.hashing import keccak256
from tests.proofs.merkle.mountain_ranges import Range, encode


def range_of(count: int) -> Range:
    return Range([b"leaf %d" % number for number in range(count)])


@given(st.integers(1, 40), st.data())
@settings(max_examples=300, database=None, deadline=None)
def test_any_leaves_of_any_range_are_proved_and_no_others(count: int, data: st.DataObject) -> None:
    mountains = range_of(count)
    indices = sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=6)))
    proof = mountains.proof(*indices)
    leaves = [mountains.leaves[index] for index in indices]
    verify_leaves(mountains.root, leaves, proof)
    changed = data.draw(st.integers(0, len(leaves) - 1))
    with pytest.raises(RootMismatch):
        verify_leaves(mountains.root, [*leaves[:changed], b"another", *leaves[changed + 1 :]], proof)
    if proof.items:
        place = data.draw(st.integers(0, len(proof.items) - 1))
        items = (*proof.items[:place], bytes(32), *proof.items[place + 1 :])
        with pytest.raises(RootMismatch):
            verify_leaves(mountains.root, leaves, replace(proof, items=items))


@pytest.mark.parametrize("count", range(1, 34))
def test_every_leaf_is_proved_in_both_forms_and_at_no_other_place(count: int) -> None:
    mountains = range_of(count)
    for index, leaf in enumerate(mountains.leaves):
        proof = mountains.proof(index)
        verify_leaves(mountains.root, [leaf], proof)
        for other in range(count):
            if other != index:
                with pytest.raises((MalformedProof, RootMismatch)):
                    verify_leaves(mountains.root, [leaf], replace(proof, indices=(other,)))
        items, order = mountains.ordered(index)
        verify_leaf_by_order(mountains.root, leaf, items, order)
        for bit in range(len(items)):
            with pytest.raises(RootMismatch):
                verify_leaf_by_order(mountains.root, leaf, items, order ^ 1 << bit)


def test_all_leaves_need_no_hash() -> None:
    mountains = range_of(15)
    proof = mountains.proof(*range(15))
    assert proof.items == ()
    verify_leaves(mountains.root, mountains.leaves, proof)


def test_a_proof_is_read_as_substrate_sends_it() -> None:
    proof = range_of(11).proof(2, 9)
    assert decode_leaf_proof(encode(proof)) == proof
    with pytest.raises(MalformedProof) as refusal:
        decode_leaf_proof(encode(proof) + b"\x00")
    assert (refusal.value.part, refusal.value.expected) == ("MMR proof", "the end")


def refusal_of(proof: LeafProof, *leaves: bytes) -> MalformedProof:
    with pytest.raises(MalformedProof) as refusal:
        root_from([keccak256(leaf) for leaf in leaves], proof)
    return refusal.value


SEVEN = range_of(7)
PROOF = SEVEN.proof(4)
LEAF = SEVEN.leaves[4]


def test_a_leaf_as_long_as_a_pair_of_hashes_is_refused() -> None:
    """Or the two hashes below a node would be a leaf, here of a range of half the size."""
    mountains = range_of(4)
    left, right = (keccak256(leaf) for leaf in mountains.leaves[:2])
    pair, other = left + right, keccak256(keccak256(mountains.leaves[2]) + keccak256(mountains.leaves[3]))
    assert root_by_order(keccak256(pair), [other], 0) == mountains.root
    for verify in (
        lambda: verify_leaf_by_order(mountains.root, pair, [other], 0),
        lambda: verify_leaves(mountains.root, [pair], LeafProof((0,), 2, (other,))),
        lambda: hash_leaf(pair),
    ):
        with pytest.raises(MalformedProof) as refusal:
            verify()
        assert (refusal.value.part, refusal.value.got) == ("MMR leaf", 64)


def test_another_root_is_refused() -> None:
    with pytest.raises(RootMismatch) as refusal:
        verify_leaves(bytes(32), [LEAF], PROOF)
    assert (refusal.value.part, refusal.value.computed) == ("MMR", SEVEN.root)
    items, order = SEVEN.ordered(4)
    with pytest.raises(RootMismatch) as refusal:
        verify_leaf_by_order(bytes(32), LEAF, items, order)
    assert refusal.value.computed == SEVEN.root


def test_a_missing_hash_is_refused() -> None:
    refusal = refusal_of(replace(PROOF, items=PROOF.items[:-1]), LEAF)
    assert (refusal.part, refusal.got) == ("MMR proof items", "too few")


def test_a_hash_that_nobody_needs_is_refused() -> None:
    refusal = refusal_of(replace(PROOF, items=(*PROOF.items, bytes(32))), LEAF)
    assert (refusal.part, refusal.got) == ("MMR proof items", "1 more")


def test_what_is_right_of_the_last_leaf_is_one_hash() -> None:
    """Each peak by itself leads to the same root: a second form of the same proof."""
    fifteen = range_of(15)
    proof = fifteen.proof(0)
    peaks = [levels[-1][0] for levels in fifteen.mountains[1:]]
    refusal = refusal_of(replace(proof, items=(*proof.items[:-1], *peaks)), fifteen.leaves[0])
    assert (refusal.part, refusal.got) == ("MMR proof items", "2 more")


@pytest.mark.parametrize("length", (0, 31, 33))
def test_an_item_that_is_no_hash_is_refused(length: int) -> None:
    refusal = refusal_of(replace(PROOF, items=(bytes(length), *PROOF.items[1:])), LEAF)
    assert (refusal.part, refusal.got, refusal.expected) == ("MMR proof item", length, 32)
    with pytest.raises(MalformedProof) as other:
        root_by_order(keccak256(LEAF), [bytes(length)], 0)
    assert (other.value.part, other.value.got) == ("MMR proof item", length)


def test_leaves_are_named_in_order_and_once() -> None:
    proof = SEVEN.proof(0, 1)
    leaves = SEVEN.leaves[:2]
    assert refusal_of(replace(proof, indices=()), *leaves).got == 0
    for indices in ((1, 0), (0, 0)):
        refusal = refusal_of(replace(proof, indices=indices), *leaves)
        assert (refusal.got, refusal.expected) == (indices, "in order, each once")
    for indices in ((0, 7), (-1, 1)):
        refusal = refusal_of(replace(proof, indices=indices), *leaves)
        assert (refusal.part, refusal.expected) == ("MMR leaf index", "below 7")
    with pytest.raises(LimitExceeded) as limit:
        root_from([], LeafProof(tuple(range(LEAVES_MAX + 1)), LEAVES_MAX + 1, ()))
    assert (limit.value.part, limit.value.got) == ("MMR leaf indices", LEAVES_MAX + 1)


def test_there_is_a_leaf_for_each_index() -> None:
    for leaves in ((), (LEAF, LEAF)):
        refusal = refusal_of(PROOF, *leaves)
        assert (refusal.part, refusal.got, refusal.expected) == ("MMR leaves", len(leaves), 1)


def test_the_number_of_leaves_is_bounded() -> None:
    largest = LeafProof((0,), (1 << COUNT_BITS) - 1, (bytes(32),) * COUNT_BITS)
    root_from([bytes(32)], largest)
    with pytest.raises(LimitExceeded) as refusal:
        root_from([bytes(32)], replace(largest, leaf_count=1 << COUNT_BITS))
    assert refusal.value.part == "MMR leaves"


def test_a_path_is_bounded() -> None:
    root_by_order(bytes(32), [bytes(32)] * COUNT_BITS, 0)
    with pytest.raises(LimitExceeded) as refusal:
        root_by_order(bytes(32), [bytes(32)] * (COUNT_BITS + 1), 0)
    assert (refusal.value.part, refusal.value.got) == ("MMR path", COUNT_BITS + 1)


def test_a_bit_without_an_item_is_refused() -> None:
    items, order = SEVEN.ordered(4)
    for wrong in (order | 1 << len(items), -1):
        with pytest.raises(MalformedProof) as refusal:
            root_by_order(keccak256(LEAF), items, wrong)
        assert (refusal.value.part, refusal.value.got) == ("MMR order", wrong)
