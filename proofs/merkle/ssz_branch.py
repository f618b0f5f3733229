"""A branch of an SSZ tree: from one node, named by its generalized index, up to the root.

A generalized index counts the nodes of a binary tree row by row from 1, so its bits after the first are the turns from
the root. It alone fixes the length of the branch: a longer or shorter one is refused, never read as far as it goes.
Source: consensus-specs, ssz/merkle-proofs.md; specs/altair/light-client/sync-protocol.md (`is_valid_merkle_branch`).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from proofs.errors import LimitExceeded, MalformedProof, RootMismatch

NODE_BYTES: Final = 32

# The deepest branch in use goes from a validator's field to a block root: below 60. Twice that bounds the hashing.
DEPTH_MAX: Final = 128


def branch_depth(gindex: int) -> int:
    """Return the length of the branch that belongs to `gindex`.

    >>> branch_depth(105)
    6
    """
    if gindex < 1:
        raise MalformedProof("generalized index", got=gindex, expected="at least 1")
    depth = gindex.bit_length() - 1
    if depth > DEPTH_MAX:
        raise LimitExceeded("branch depth", got=depth, limit=DEPTH_MAX)
    return depth


def concat_gindices(*gindices: int) -> int:
    """Return the index, from the first root, of a node named from root to root. Raises MalformedProof.

    >>> concat_gindices(12, 25, 28)
    3228
    """
    whole = 1
    for gindex in gindices:
        below = branch_depth(gindex)
        whole = (whole << below) | (gindex - (1 << below))
    return whole


def root_from_branch(leaf: bytes, branch: Sequence[bytes], *, gindex: int) -> bytes:
    """Recompute the root that `branch` claims for the node `leaf` at `gindex`.

    leaf:   the 32-byte node itself, already a hash tree root.
    branch: sibling nodes from the leaf upwards, 32 bytes each.

    Raises MalformedProof, LimitExceeded.
    """
    check_branch_length(branch, gindex=gindex)
    check_node_sizes(leaf, branch)
    node = leaf
    for sibling in branch:
        node = sha256(sibling + node if gindex & 1 else node + sibling).digest()
        gindex >>= 1
    return node


def check_branch_length(branch: Sequence[bytes], *, gindex: int) -> None:
    """The depth is floor(log2(gindex)): neither less nor more."""
    depth = branch_depth(gindex)
    if len(branch) != depth:
        raise MalformedProof("branch length", got=len(branch), expected=depth)


def check_node_sizes(leaf: bytes, branch: Sequence[bytes]) -> None:
    """Every node is 32 bytes: two nodes of other sizes could hash like a pair of true ones."""
    for node in (leaf, *branch):
        if len(node) != NODE_BYTES:
            raise MalformedProof("branch node bytes", got=len(node), expected=NODE_BYTES)


def check_branch(leaf: bytes, branch: Sequence[bytes], *, gindex: int, root: bytes, part: str) -> None:
    """The branch leads from the leaf to `root`. `part` names the rule in the refusal."""
    computed = root_from_branch(leaf, branch, gindex=gindex)
    if computed != root:
        raise RootMismatch(part, computed=computed, expected=root)


def check_normalized_branch(leaf: bytes, branch: Sequence[bytes], *, gindex: int, root: bytes, part: str) -> None:
    """The branch is for `gindex`, after as many zero nodes as the container of a later fork is deeper.

    Source: specs/electra/light-client/sync-protocol.md, `is_valid_normalized_merkle_branch`.
    """
    extra = len(branch) - branch_depth(gindex)
    if extra > 0 and any(any(node) for node in branch[:extra]):
        raise MalformedProof(f"{part} padding", got="another node", expected="zero nodes")
    check_branch(leaf, branch[max(extra, 0) :], gindex=gindex, root=root, part=part)
