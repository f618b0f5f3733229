"""The append-only Merkle tree of RFC 6962: one tree for certificate logs and for CometBFT's simple Merkle roots.

Leaves and inner nodes are hashed with different prefixes, so a node can never pose as a leaf. A tree of n leaves is
split at the largest power of two below n; the empty tree's root is the hash of nothing. Index and size fix the shape
of every proof, so a proof of another length is refused before anything is hashed.

Source: RFC 6962 section 2.1, RFC 9162 sections 2.1.3 and 2.1.4; CometBFT spec, encoding, section Merkle trees.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256 as _sha256
from typing import Final

from proofs.errors import LimitExceeded, MalformedProof, RootMismatch

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = _sha256(b"").digest()
# Sizes are u64 on every ledger, so no proof is longer than 65 hashes.
_SIZE_MAX: Final = (1 << 64) - 1

_LEAF: Final = b"\x00"
_INNER: Final = b"\x01"


def leaf_hash(leaf: bytes) -> bytes:
    return _sha256(_LEAF + leaf).digest()


def inner_hash(left: bytes, right: bytes) -> bytes:
    return _sha256(_INNER + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over raw leaves.

    >>> root_of([]) == EMPTY_ROOT, root_of([b"a"]) == leaf_hash(b"a")
    (True, True)
    """
    return root_of_hashes([leaf_hash(leaf) for leaf in leaves])


def root_of_hashes(hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes.

    Level by level: an odd last node moves up as it is, which gives the splits of RFC 6962.
    """
    if not hashes:
        return EMPTY_ROOT
    level = hashes
    while len(level) > 1:
        level = _next_level(level)
    return level[0]


def proof_of(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the inclusion proof of the leaf at `index`: sibling hashes from the leaf upwards."""
    assert 0 <= index < len(leaves)
    level: Sequence[bytes] = [leaf_hash(leaf) for leaf in leaves]
    proof = []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        level = _next_level(level)
        index >>= 1
    return tuple(proof)


def consistency_proof_of(leaves: Sequence[bytes], old_size: int) -> tuple[bytes, ...]:
    """Return the proof that the first `old_size` leaves are a prefix of `leaves`. Empty when the sizes are equal."""
    assert 1 <= old_size <= len(leaves)
    return tuple(_subproof(leaves, old_size, is_whole=True))


def _subproof(leaves: Sequence[bytes], old_size: int, *, is_whole: bool) -> list[bytes]:
    # SUBPROOF of RFC 6962 section 2.1.2; as deep as the tree.
    size = len(leaves)
    if old_size == size:
        return [] if is_whole else [root_of(leaves)]
    split = 1 << (size - 1).bit_length() - 1
    if old_size <= split:
        return [*_subproof(leaves[:split], old_size, is_whole=is_whole), root_of(leaves[split:])]
    return [*_subproof(leaves[split:], old_size - split, is_whole=False), root_of(leaves[:split])]


def _next_level(level: Sequence[bytes]) -> list[bytes]:
    pairs = [_sha256(_INNER + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
    if len(level) % 2:
        pairs.append(level[-1])
    return pairs


def verify_inclusion(leaf: bytes, proof: Sequence[bytes], *, index: int, size: int, root: bytes) -> None:
    """Return only if the raw `leaf` stands at `index` in the tree of `size` leaves under `root`."""
    verify_hash_inclusion(leaf_hash(leaf), proof, index=index, size=size, root=root)


def verify_hash_inclusion(leaf: bytes, proof: Sequence[bytes], *, index: int, size: int, root: bytes) -> None:
    """Like verify_inclusion, for a leaf that the caller already hashed: only safe if the caller did hash it."""
    computed = root_from_inclusion(leaf, proof, index=index, size=size)
    check_root("merkle root", computed=computed, expected=root)


def root_from_inclusion(leaf: bytes, proof: Sequence[bytes], *, index: int, size: int) -> bytes:
    """Recompute the root that `proof` claims for the leaf hash at `index`. Raises MalformedProof, LimitExceeded."""
    check_size(size)
    check_index(index, size)
    check_proof_length(proof, expected=inclusion_proof_length(index, size))
    check_hash_lengths((leaf, *proof))
    node, last = leaf, size - 1
    siblings = iter(proof)
    while last:
        if index & 1:
            node = _sha256(_INNER + next(siblings) + node).digest()
        elif index < last:
            node = _sha256(_INNER + node + next(siblings)).digest()
        # Otherwise the node is the odd last of its level and moves up as it is.
        index >>= 1
        last >>= 1
    return node


def inclusion_proof_length(index: int, size: int) -> int:
    """How many siblings the leaf at `index` has on its way up.

    >>> [inclusion_proof_length(index, 5) for index in range(5)]
    [3, 3, 3, 3, 1]
    """
    inner = (index ^ (size - 1)).bit_length()
    return inner + (index >> inner).bit_count()


def verify_consistency(
    proof: Sequence[bytes], *, old_size: int, new_size: int, old_root: bytes, new_root: bytes
) -> None:
    """Return only if the tree of `old_size` under `old_root` is a prefix of the one of `new_size` under `new_root`.

    An empty old tree is refused: it is a prefix of everything, so a proof about it says nothing.
    """
    check_size(new_size)
    check_old_size(old_size, new_size)
    check_proof_length(proof, expected=consistency_proof_length(old_size, new_size))
    check_hash_lengths(proof)
    old_node, new_node = _roots_from_consistency(proof, old_size=old_size, new_size=new_size, old_root=old_root)
    check_root("old merkle root", computed=old_node, expected=old_root)
    check_root("new merkle root", computed=new_node, expected=new_root)


def consistency_proof_length(old_size: int, new_size: int) -> int:
    if old_size == new_size:
        return 0
    # The proof is the inclusion proof of the old tree's last complete subtree, plus that subtree unless it is the tree.
    shift = _trailing_zeros(old_size)
    siblings = inclusion_proof_length((old_size - 1) >> shift, ((new_size - 1) >> shift) + 1)
    return siblings + (0 if old_size & (old_size - 1) == 0 else 1)


def _roots_from_consistency(
    proof: Sequence[bytes], *, old_size: int, new_size: int, old_root: bytes
) -> tuple[bytes, bytes]:
    # RFC 9162 section 2.1.4.2, with the length already checked.
    if old_size == new_size:
        return old_root, old_root
    check_hash_lengths((old_root,))
    shift = _trailing_zeros(old_size)
    index, last = (old_size - 1) >> shift, (new_size - 1) >> shift
    siblings = iter(proof)
    old_node = new_node = old_root if old_size & (old_size - 1) == 0 else next(siblings)
    while last:
        if index & 1:
            sibling = next(siblings)
            old_node = _sha256(_INNER + sibling + old_node).digest()
            new_node = _sha256(_INNER + sibling + new_node).digest()
        elif index < last:
            new_node = _sha256(_INNER + new_node + next(siblings)).digest()
        index >>= 1
        last >>= 1
    return old_node, new_node


def _trailing_zeros(value: int) -> int:
    return (value & -value).bit_length() - 1


def check_size(size: int) -> None:
    """A tree size is a u64 on every ledger; larger would buy long proofs."""
    if size > _SIZE_MAX:
        raise LimitExceeded("tree size", got=size, limit=_SIZE_MAX)


def check_index(index: int, size: int) -> None:
    """RFC 9162 section 2.1.3.2 step 1: a leaf beyond the tree has no proof."""
    if not 0 <= index < size:
        raise MalformedProof("leaf index", got=index, expected=f"0 to {size - 1}")


def check_old_size(old_size: int, new_size: int) -> None:
    """RFC 9162 section 2.1.4: 0 < old <= new."""
    if not 1 <= old_size <= new_size:
        raise MalformedProof("old tree size", got=old_size, expected=f"1 to {new_size}")


def check_hash_lengths(hashes: Sequence[bytes]) -> None:
    """Every node is a SHA-256 hash: shorter or longer ones would move bytes between siblings."""
    for each in hashes:
        if len(each) != HASH_BYTES:
            raise MalformedProof("merkle node", got=len(each), expected=HASH_BYTES)


def check_proof_length(proof: Sequence[bytes], *, expected: int) -> None:
    """Index and size fix the number of hashes: too long is as wrong as too short."""
    if len(proof) != expected:
        raise MalformedProof("merkle proof length", got=len(proof), expected=expected)


def check_root(part: str, *, computed: bytes, expected: bytes) -> None:
    if computed != expected:
        raise RootMismatch(part, computed=computed, expected=expected)
