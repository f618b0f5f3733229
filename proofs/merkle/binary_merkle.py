"""Substrate's binary Merkle tree of Keccak-256: BEEFY's authority sets, heads of parachains, bridge messages.

Leaves are hashed, then pairs, level by level; what has no partner goes up as it is. Leaves and nodes are hashed alike:
without the number of leaves a node could be shown as a leaf, or a leaf at another place. So the number must come from
what is trusted (an authority set is signed with its length), the path has exactly the length that follows from it,
and no leaf has the 64 bytes of a pair of hashes.

Source: binary-merkle-tree 16 of the Polkadot SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from proofs.errors import LimitExceeded, MalformedProof, RootMismatch
from proofs.primitives.hashing import keccak256

if TYPE_CHECKING:
    from collections.abc import Sequence

HASH_BYTES: Final = 32
PAIR_BYTES: Final = 64
# Substrate counts leaves in 32 bits.
LEAVES_MAX: Final = (1 << 32) - 1
# What Substrate calls the root of a tree without leaves.
EMPTY_ROOT: Final = bytes(HASH_BYTES)


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The root over all leaves, given as data. Raises MalformedProof.

    >>> merkle_root([b"a", b"b", b"c"]) == keccak256(keccak256(keccak256(b"a") + keccak256(b"b")) + keccak256(b"c"))
    True
    """
    level = [hash_leaf(leaf) for leaf in leaves]
    while len(level) > 1:
        pairs = [keccak256(level[at] + level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = pairs + level[2 * len(pairs) :]
    return level[0] if level else EMPTY_ROOT


def verify_inclusion(root: bytes, leaf: bytes, *, index: int, count: int, items: Sequence[bytes]) -> None:
    """Return only if `leaf` is the one at `index` of the `count` leaves under `root`.

    Raises MalformedProof, LimitExceeded, RootMismatch.
    """
    check_root(root_from(hash_leaf(leaf), index=index, count=count, items=items), root)


def root_from(leaf_hash: bytes, *, index: int, count: int, items: Sequence[bytes]) -> bytes:
    """The root to which a leaf's hash and its path lead. Raises MalformedProof, LimitExceeded."""
    check_count(count)
    check_index(index, count)
    sides = _sides(index, count)
    check_items(items, len(sides))
    digest = leaf_hash
    for item, is_right in zip(items, sides, strict=True):
        digest = keccak256(item + digest) if is_right else keccak256(digest + item)
    return digest


def hash_leaf(leaf: bytes) -> bytes:
    """Raises MalformedProof."""
    check_leaf_is_no_pair(leaf)
    return keccak256(leaf)


def _sides(index: int, count: int) -> list[bool]:
    """For every level at which there is a partner: whether ours is the right one of the pair."""
    sides = []
    while count > 1:
        if index % 2 or index + 1 < count:
            sides.append(bool(index % 2))
        index, count = index // 2, (count + 1) // 2
    return sides


def check_count(count: int) -> None:
    """The number of leaves is bounded, and with it the path."""
    if count > LEAVES_MAX:
        raise LimitExceeded("Merkle leaves", got=count, limit=LEAVES_MAX)


def check_index(index: int, count: int) -> None:
    """The place is one of the tree's."""
    if not 0 <= index < count:
        raise MalformedProof("Merkle leaf index", got=index, expected=f"below {count}")


def check_items(items: Sequence[bytes], levels: int) -> None:
    """One hash for each level with a partner: a shorter path would show a node as a leaf."""
    if len(items) != levels:
        raise MalformedProof("Merkle path", got=len(items), expected=levels)
    for item in items:
        if len(item) != HASH_BYTES:
            raise MalformedProof("Merkle path item", got=len(item), expected=HASH_BYTES)


def check_leaf_is_no_pair(leaf: bytes) -> None:
    """What is as long as a pair of hashes may be one: no leaf that Substrate puts into such a tree is."""
    if len(leaf) == PAIR_BYTES:
        raise MalformedProof("Merkle leaf", got=PAIR_BYTES, expected="another length than that of two hashes")


def check_root(computed: bytes, expected: bytes) -> None:
    """The path leads to the trusted root."""
    if computed != expected:
        raise RootMismatch("binary Merkle tree", computed=computed, expected=expected)
