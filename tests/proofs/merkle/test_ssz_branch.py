"""Branches of SSZ trees: each corruption refused by name; every node of every naive tree verifies."""

from __future__ import annotations

import random
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from proofs.errors import InvalidProof, LimitExceeded, MalformedProof, RootMismatch
from proofs.merkle.ssz_branch import check_branch, check_normalized_branch, root_from_branch
from proofs.merkle.ssz_tree import ZERO_HASHES, merkle_root

Proof = dict[str, Any]


class NaiveTree:
    """All nodes of a full tree by generalized index, as the specification draws it."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.nodes = dict(enumerate(leaves, start=len(leaves)))
        for gindex in range(len(leaves) - 1, 0, -1):
            self.nodes[gindex] = sha256(self.nodes[2 * gindex] + self.nodes[2 * gindex + 1]).digest()

    def proof(self, gindex: int) -> Proof:
        branch, at = [], gindex
        while at > 1:
            branch.append(self.nodes[at ^ 1])
            at >>= 1
        return {
            "leaf": self.nodes[gindex],
            "branch": tuple(branch),
            "gindex": gindex,
            "root": self.nodes[1],
            "part": "leaf",
        }


TREE = NaiveTree([sha256(bytes([leaf])).digest() for leaf in range(16)])


@pytest.mark.parametrize("gindex", range(1, 32))
def test_every_node_of_a_tree_is_proved_by_its_branch(gindex: int) -> None:
    check_branch(**TREE.proof(gindex))


@pytest.mark.parametrize("count", range(17))
def test_the_root_of_a_padded_list_is_that_of_the_whole_tree(count: int) -> None:
    rng = random.Random(count)
    leaves = [rng.randbytes(32) for _ in range(count)]
    naive = NaiveTree([*leaves, *[bytes(32)] * (16 - count)])
    assert merkle_root(b"".join(leaves), limit=16) == naive.nodes[1]
    assert merkle_root(b"", limit=16) == ZERO_HASHES[4]


CORRUPTIONS: dict[str, tuple[Callable[[Proof], Proof], type[InvalidProof], str]] = {
    "wrong_sibling": (lambda p: p | {"branch": (bytes(32), *p["branch"][1:])}, RootMismatch, "leaf"),
    "wrong_leaf": (lambda p: p | {"leaf": bytes(32)}, RootMismatch, "leaf"),
    "wrong_root": (lambda p: p | {"root": bytes(32)}, RootMismatch, "leaf"),
    "neighbour_of_the_leaf": (lambda p: p | {"gindex": p["gindex"] ^ 1}, RootMismatch, "leaf"),
    "branch_too_short": (lambda p: p | {"branch": p["branch"][:-1]}, MalformedProof, "branch length"),
    "branch_too_long": (lambda p: p | {"branch": (*p["branch"], bytes(32))}, MalformedProof, "branch length"),
    "node_of_31_bytes": (lambda p: p | {"branch": (bytes(31), *p["branch"][1:])}, MalformedProof, "branch node bytes"),
    "index_of_zero": (lambda p: p | {"gindex": 0}, MalformedProof, "generalized index"),
    "negative_index": (lambda p: p | {"gindex": -21}, MalformedProof, "generalized index"),
    "index_deeper_than_any_tree": (lambda p: p | {"gindex": 1 << 200}, LimitExceeded, "branch depth"),
}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_invalid(corruption: str) -> None:
    change, error, part = CORRUPTIONS[corruption]
    with pytest.raises(error) as refusal:
        check_branch(**change(TREE.proof(21)))
    assert getattr(refusal.value, "part") == part  # noqa: B009  # only the subclasses have the field


def test_a_deeper_container_pads_with_zero_nodes_at_the_bottom() -> None:
    proof = TREE.proof(9)
    check_normalized_branch(**proof | {"branch": (bytes(32), bytes(32), *proof["branch"])})


def test_padding_that_is_not_zero_is_refused() -> None:
    """Otherwise one update would have many encodings."""
    proof = TREE.proof(9)
    with pytest.raises(MalformedProof) as refusal:
        check_normalized_branch(**proof | {"branch": (b"\1" * 32, *proof["branch"])})
    assert refusal.value.part == "leaf padding"


def test_a_padded_branch_that_is_too_short_is_refused() -> None:
    proof = TREE.proof(9)
    with pytest.raises(MalformedProof) as refusal:
        check_normalized_branch(**proof | {"branch": proof["branch"][1:]})
    assert refusal.value.got == 2


def test_two_nodes_of_odd_sizes_cannot_pose_as_a_pair() -> None:
    proof = TREE.proof(16)
    pair = proof["leaf"] + proof["branch"][0]
    with pytest.raises(MalformedProof):
        root_from_branch(pair[:20], (pair[20:], *proof["branch"][1:]), gindex=16)
