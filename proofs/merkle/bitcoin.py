"""Bitcoin's tree of transactions: double SHA-256, and the last node of an odd row paired with itself.

Two weaknesses are part of the format, and every reader has to know them:
- A row that ends in two equal nodes has the root of a shorter row (CVE-2012-2459). So no two *different* nodes of a
  pair may be equal: a branch claims no right place beside an equal left one, and no list repeats its end.
- Leaves and inner nodes are hashed alike, so 64 bytes can be both (CVE-2017-12842). What the nodes of a branch were
  hashed from is returned with the root, for a reader who knows transactions: see proofs/bitcoin/membership.py.

Source: Bitcoin Core consensus/merkle.cpp, merkleblock.cpp; BIP 37.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from proofs.errors import LimitExceeded, MalformedProof

HASH_BYTES: Final = 32
# A block of 4,000,000 units of weight holds no more transactions of 60 bytes, the least there is, at 4 units a byte.
TRANSACTIONS_MAX: Final = 4_000_000 // (60 * 4)
# Just enough for that many leaves.
DEPTH_MAX: Final = (TRANSACTIONS_MAX - 1).bit_length()


def hash256(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()


@dataclass(frozen=True, slots=True)
class Path:
    """A branch, recomputed. nodes: the 64 bytes that each inner node is the hash of, from the leaf upwards."""

    root: bytes
    nodes: tuple[bytes, ...]


def path_from_branch(leaf: bytes, branch: Sequence[bytes], *, index: int) -> Path:
    """Recompute the root that `branch` claims for the leaf at `index`.

    leaf:   a transaction's id, in the order of the wire.
    branch: sibling hashes from the leaf upwards, 32 bytes each; a node without sibling is its own.

    Raises MalformedProof, LimitExceeded.
    """
    check_depth(len(branch))
    check_hash_lengths(leaf, branch)
    check_index_fits_depth(index, len(branch))
    node = leaf
    nodes = []
    for level, sibling in enumerate(branch):
        if index >> level & 1:
            check_is_no_copy(sibling, node)
            pair = sibling + node
        else:
            pair = node + sibling
        nodes.append(pair)
        node = hash256(pair)
    return Path(node, tuple(nodes))


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root of a whole block. Raises MalformedProof where two leaves, or two equal subtrees, stand side by side."""
    check_leaf_count(len(leaves))
    check_hash_lengths(b"\0" * HASH_BYTES, leaves)
    row = list(leaves)
    while len(row) > 1:
        for left, right in zip(row[::2], row[1::2], strict=False):
            check_is_no_copy(left, right)
        if len(row) % 2:
            row.append(row[-1])
        row = [hash256(left + right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]


def check_depth(depth: int) -> None:
    """No block holds enough transactions for a deeper tree."""
    if depth > DEPTH_MAX:
        raise LimitExceeded("transaction branch", got=depth, limit=DEPTH_MAX)


def check_hash_lengths(leaf: bytes, branch: Sequence[bytes]) -> None:
    """Or bytes could be moved from one sibling to the next."""
    for each in (leaf, *branch):
        if len(each) != HASH_BYTES:
            raise MalformedProof("transaction branch hash", got=len(each), expected=f"{HASH_BYTES} bytes")


def check_index_fits_depth(index: int, depth: int) -> None:
    """Bits of the index that no sibling uses would give one transaction many places."""
    if not 0 <= index < 1 << depth:
        raise MalformedProof("transaction index", got=index, expected=f"below {1 << depth}")


def check_is_no_copy(left: bytes, right: bytes) -> None:
    """CVE-2012-2459: only a node *without* a right neighbour is hashed with itself, so a right one never equals it."""
    if left == right:
        raise MalformedProof("transaction tree", got="a right node equal to its left one", expected="two nodes")


def check_leaf_count(count: int) -> None:
    """A block has a coinbase transaction at least, and is bounded by its weight."""
    if count == 0:
        raise MalformedProof("transactions", got=0, expected="at least 1")
    if count > TRANSACTIONS_MAX:
        raise LimitExceeded("transactions", got=count, limit=TRANSACTIONS_MAX)
