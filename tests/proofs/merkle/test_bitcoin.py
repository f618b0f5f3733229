"""Bitcoin's tree and parts of it against the tree read literally, and the corruption that each rule catches."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from proofs.errors import LimitExceeded, MalformedProof, VerificationError
from proofs.merkle import bitcoin, bitcoin_partial
from proofs.merkle.bitcoin import DEPTH_MAX, TRANSACTIONS_MAX, path_from_branch, root_of
from proofs.merkle.bitcoin_partial import PartialTree, matches_of
from tests.proofs.bitcoin.builders import naive_branch, naive_root
from tests.proofs.merkle.bitcoin_trees import TREE, leaves, partial_tree


@pytest.mark.parametrize("count", range(1, 40))
def test_roots_and_branches_agree_with_the_tree_read_literally(count: int) -> None:
    all_leaves = leaves(count)
    root = naive_root(all_leaves)
    assert root_of(all_leaves) == root
    for index, leaf in enumerate(all_leaves):
        assert path_from_branch(leaf, naive_branch(all_leaves, index), index=index).root == root


@pytest.mark.parametrize("count", (3, 5, 6, 7, 11))
def test_a_list_that_repeats_its_end_is_refused_though_its_root_is_right(count: int) -> None:
    """CVE-2012-2459."""
    honest = leaves(count)
    width = 1
    while count // width % 2 == 0:
        width *= 2
    repeated = [*honest, *honest[-width:]]
    assert naive_root(repeated) == naive_root(honest)
    with pytest.raises(MalformedProof) as refusal:
        root_of(repeated)
    assert refusal.value.part == "transaction tree"
    with pytest.raises(MalformedProof) as refusal:
        path_from_branch(repeated[-1], naive_branch(repeated, len(repeated) - 1), index=len(repeated) - 1)
    assert refusal.value.part == "transaction tree"


def test_branches_of_no_possible_shape() -> None:
    leaf = leaves(1)[0]
    with pytest.raises(LimitExceeded):
        path_from_branch(leaf, [leaf] * (DEPTH_MAX + 1), index=0)
    with pytest.raises(MalformedProof) as refusal:
        path_from_branch(leaf, [leaf], index=2)
    assert refusal.value.part == "transaction index"
    with pytest.raises(MalformedProof) as refusal:
        path_from_branch(leaf, [leaf[:-1]], index=0)
    assert refusal.value.part == "transaction branch hash"
    with pytest.raises(MalformedProof) as refusal:
        root_of([])
    assert refusal.value.part == "transactions"
    with pytest.raises(LimitExceeded):
        bitcoin.check_leaf_count(TRANSACTIONS_MAX + 1)


@pytest.mark.parametrize("seed", range(60))
def test_every_part_of_every_tree_leads_to_its_root(seed: int) -> None:
    chance = random.Random(seed)
    all_leaves = leaves(chance.randrange(1, 40))
    wanted = sorted(chance.sample(range(len(all_leaves)), chance.randrange(len(all_leaves) + 1)))
    matches = matches_of(partial_tree(all_leaves, set(wanted)))
    assert matches.root == naive_root(all_leaves)
    assert matches.found == tuple((index, all_leaves[index]) for index in wanted)


DOUBLED = partial_tree([*leaves(3), leaves(3)[-1]], {3})
PARTS: dict[str, tuple[PartialTree, type[VerificationError], str]] = {
    "no_transactions": (replace(TREE, total=0), MalformedProof, "transactions"),
    "more_than_a_block_holds": (replace(TREE, total=1 << 31), LimitExceeded, "transactions"),
    "more_hashes_than_transactions": (PartialTree(1, TREE.hashes[:2], b"\1"), MalformedProof, "partial tree hashes"),
    "idle_hash": (replace(TREE, hashes=(*TREE.hashes, b"\0" * 32)), MalformedProof, "partial tree hashes"),
    "missing_hash": (replace(TREE, hashes=TREE.hashes[:-1]), MalformedProof, "partial tree hashes"),
    "idle_flags": (replace(TREE, flags=TREE.flags + b"\0"), MalformedProof, "partial tree flags"),
    "missing_flags": (replace(TREE, flags=TREE.flags[:-1]), MalformedProof, "partial tree flags"),
    "no_flags": (replace(TREE, flags=b""), MalformedProof, "partial tree flags"),
    "a_flood_of_flags": (replace(TREE, flags=b"\0" * 4_000), LimitExceeded, "partial tree flags"),
    "short_hash": (replace(TREE, hashes=(b"\0", *TREE.hashes[1:])), MalformedProof, "transaction branch hash"),
    "equal_right_node": (DOUBLED, MalformedProof, "transaction tree"),
}


@pytest.mark.parametrize("case", PARTS)
def test_a_part_that_is_none(case: str) -> None:
    tree, error, part = PARTS[case]
    with pytest.raises(error) as refusal:
        matches_of(tree)
    assert getattr(refusal.value, "part", None) == part


def test_counts_are_looked_at_before_the_walk() -> None:
    with pytest.raises(MalformedProof):
        bitcoin_partial.check_hash_count(2, 1)
    with pytest.raises(MalformedProof):
        bitcoin_partial.check_flag_count(1, 9)
