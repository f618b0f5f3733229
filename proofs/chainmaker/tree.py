"""The tree over a block's transactions: nodes are H(left ‖ right), and what has no right sibling is hashed with itself.

Neither leaves nor nodes carry a prefix, and repeating the last makes lists of two lengths look alike. So the length of
a path follows from the signed count, and where the list ends a sibling must be the node itself.
Source: chainmaker utils, merkle tree; equal to the synthetic vectors for 1 to 33 leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proofs.chainmaker.hashing import Hash
from proofs.errors import MalformedProof, RootMismatch

_HASH_BYTES: Final = 32

Memo = dict[bytes, bytes]


def compute_root(leaves: Sequence[bytes], digest: Hash) -> bytes:
    """leaves: at least one, 32 bytes each, in block order."""
    assert leaves, "a tree has a leaf"
    level = list(leaves)
    while len(level) > 1:
        if len(level) % 2:
            level.append(level[-1])
        level = [digest(level[at] + level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]


def compute_path(leaves: Sequence[bytes], index: int, digest: Hash) -> tuple[bytes, ...]:
    """The siblings from the leaf upwards."""
    assert 0 <= index < len(leaves)
    path: list[bytes] = []
    level = list(leaves)
    while len(level) > 1:
        if len(level) % 2:
            level.append(level[-1])
        path.append(level[index ^ 1])
        level = [digest(level[at] + level[at + 1]) for at in range(0, len(level), 2)]
        index //= 2
    return tuple(path)


def verify_path(
    leaf: bytes, path: Sequence[bytes], *, index: int, count: int, root: bytes, digest: Hash, memo: Memo | None = None
) -> None:
    """Return only if the leaf at `index` of `count` is under `root`.

    memo: nodes hashed before, so that the proofs of one block hash what they share once.
    Raises MalformedProof, RootMismatch.
    """
    memo = {} if memo is None else memo
    check_index(index, count)
    check_path_length(path, count)
    current, size = leaf, count
    for sibling in path:
        check_node_length(sibling)
        if index % 2 == 0 and index == size - 1:
            check_own_sibling(sibling, current)
        pair = sibling + current if index % 2 else current + sibling
        found = memo.get(pair)
        if found is None:
            found = memo[pair] = digest(pair)
        current, index, size = found, index // 2, (size + 1) // 2
    check_root(current, root)


def check_index(index: int, count: int) -> None:
    """Padding is no transaction."""
    if not 0 <= index < count:
        raise MalformedProof("transaction index", got=index, expected=f"below {count}")


def check_path_length(path: Sequence[bytes], count: int) -> None:
    """Exactly as deep as the tree: shorter or longer, and a node could pose as a leaf."""
    expected = (count - 1).bit_length()
    if len(path) != expected:
        raise MalformedProof("path length", got=len(path), expected=expected)


def check_node_length(node: bytes) -> None:
    """A node of the tree is a hash."""
    if len(node) != _HASH_BYTES:
        raise MalformedProof("path node", got=len(node), expected=_HASH_BYTES)


def check_own_sibling(sibling: bytes, current: bytes) -> None:
    """What ends the list has no right neighbour, and is hashed with itself."""
    if sibling != current:
        raise MalformedProof("sibling of the last", got=sibling, expected=current)


def check_root(computed: bytes, root: bytes) -> None:
    """The path leads to the signed root."""
    if computed != root:
        raise RootMismatch("tx_root", computed=computed, expected=root)
