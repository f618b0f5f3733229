"""Substrate's binary tree against a naive one, and each rule by the corruption that only it catches."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from proofs.errors import LimitExceeded, MalformedProof, RootMismatch
from proofs.merkle.binary_merkle import EMPTY_ROOT, LEAVES_MAX, hash_leaf, merkle_root, root_from, verify_inclusion
from proofs.primitives.hashing import keccak256


def naive_path(level: list[bytes], index: int) -> tuple[bytes, list[bytes]]:
    """The root, and the partners on the way from `index` up to it."""
    if len(level) == 1:
        return level[0], []
    above = [keccak256(b"".join(pair)) if len(pair) == 2 else pair[0] for pair in pairs_of(level)]
    root, path = naive_path(above, index // 2)
    return root, level[index ^ 1 : (index ^ 1) + 1] + path


def pairs_of(level: Sequence[bytes]) -> list[Sequence[bytes]]:
    return [level[at : at + 2] for at in range(0, len(level), 2)]


@pytest.mark.parametrize("count", range(1, 36))
def test_every_leaf_is_proved_and_at_no_other_place(count: int) -> None:
    leaves = [b"leaf %d" % number for number in range(count)]
    for index, leaf in enumerate(leaves):
        root, items = naive_path([keccak256(each) for each in leaves], index)
        assert merkle_root(leaves) == root
        verify_inclusion(root, leaf, index=index, count=count, items=items)
        for other in range(count):
            if other != index:
                with pytest.raises((MalformedProof, RootMismatch)):
                    verify_inclusion(root, leaf, index=other, count=count, items=items)
        for place in range(len(items)):
            wrong = [*items[:place], bytes(32), *items[place + 1 :]]
            with pytest.raises(RootMismatch):
                verify_inclusion(root, leaf, index=index, count=count, items=wrong)


def test_the_root_of_nothing_is_all_zeros() -> None:
    assert merkle_root([]) == EMPTY_ROOT == bytes(32)


FIVE = [b"leaf %d" % number for number in range(5)]
ROOT, PATH = naive_path([keccak256(each) for each in FIVE], 0)


def test_another_root_is_refused() -> None:
    with pytest.raises(RootMismatch) as refusal:
        verify_inclusion(bytes(32), FIVE[0], index=0, count=5, items=PATH)
    assert (refusal.value.computed, refusal.value.expected) == (ROOT, bytes(32))


@pytest.mark.parametrize("index", (-1, 5, 6))
def test_a_place_outside_of_the_tree_is_refused(index: int) -> None:
    with pytest.raises(MalformedProof) as refusal:
        root_from(keccak256(FIVE[0]), index=index, count=5, items=PATH)
    assert (refusal.value.part, refusal.value.got, refusal.value.expected) == ("Merkle leaf index", index, "below 5")


def test_no_leaf_is_in_a_tree_without_leaves() -> None:
    with pytest.raises(MalformedProof) as refusal:
        root_from(bytes(32), index=0, count=0, items=[])
    assert refusal.value.expected == "below 0"


def test_a_path_of_another_length_is_refused() -> None:
    """One step less shows a node in the place of a leaf."""
    node = keccak256(keccak256(FIVE[0]) + keccak256(FIVE[1]))
    for leaf_hash, items in ((node, PATH[1:]), (keccak256(FIVE[0]), [*PATH, bytes(32)])):
        with pytest.raises(MalformedProof) as refusal:
            root_from(leaf_hash, index=0, count=5, items=items)
        assert (refusal.value.part, refusal.value.got, refusal.value.expected) == ("Merkle path", len(items), 3)


@pytest.mark.parametrize("length", (0, 31, 33))
def test_an_item_that_is_no_hash_is_refused(length: int) -> None:
    with pytest.raises(MalformedProof) as refusal:
        root_from(keccak256(FIVE[0]), index=0, count=5, items=[bytes(length), *PATH[1:]])
    assert (refusal.value.part, refusal.value.got) == ("Merkle path item", length)


def test_a_leaf_as_long_as_a_pair_of_hashes_is_refused() -> None:
    """With a number of leaves that is not the tree's the pair below a node would be a leaf."""
    pair = keccak256(FIVE[0]) + keccak256(FIVE[1])
    assert root_from(keccak256(pair), index=0, count=3, items=PATH[1:]) == ROOT
    for verify in (
        lambda: verify_inclusion(ROOT, pair, index=0, count=3, items=PATH[1:]),
        lambda: hash_leaf(pair),
        lambda: merkle_root([pair]),
    ):
        with pytest.raises(MalformedProof) as refusal:
            verify()
        assert (refusal.value.part, refusal.value.got) == ("Merkle leaf", 64)


def test_the_number_of_leaves_is_bounded() -> None:
    root_from(bytes(32), index=0, count=LEAVES_MAX, items=[bytes(32)] * 32)
    with pytest.raises(LimitExceeded) as refusal:
        root_from(bytes(32), index=0, count=LEAVES_MAX + 1, items=[bytes(32)] * 32)
    assert (refusal.value.part, refusal.value.got) == ("Merkle leaves", LEAVES_MAX + 1)
