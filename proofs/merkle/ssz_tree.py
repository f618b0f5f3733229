"""The Merkle tree of SSZ: 32-byte chunks, padded with zero subtrees up to the limit of the type.

The padding is never hashed: the root of an all-zero subtree of each depth is known beforehand.
Source: consensus-specs, ssz/simple-serialize.md, "Merkleization".
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

CHUNK_BYTES: Final = 32
PAIR_BYTES: Final = 64

# Deep enough for every list limit of the beacon chain (2**40 validators) and of any 64-bit count of chunks.
_ZERO_DEPTH_MAX: Final = 64


def _zero_hashes() -> tuple[bytes, ...]:
    hashes = [bytes(CHUNK_BYTES)]
    for _ in range(_ZERO_DEPTH_MAX):
        hashes.append(sha256(hashes[-1] * 2).digest())
    return tuple(hashes)


ZERO_HASHES: Final = _zero_hashes()


def tree_depth(leaves: int) -> int:
    """Return the depth of the smallest full tree with at least `leaves` leaves.

    >>> [tree_depth(leaves) for leaves in (0, 1, 2, 3, 512)]
    [0, 0, 1, 2, 9]
    """
    return max(leaves - 1, 0).bit_length()


def merkle_root(chunks: bytes, *, limit: int) -> bytes:
    """Return the root over `chunks` (whole 32-byte chunks, side by side), as if padded with zeros to `limit` chunks."""
    assert len(chunks) % CHUNK_BYTES == 0, "chunks are whole"
    assert len(chunks) <= limit * CHUNK_BYTES, "the type has refused what is longer than its limit"
    depth = tree_depth(limit)
    if not chunks:
        return ZERO_HASHES[depth]
    level = chunks
    for height in range(depth):
        if len(level) % PAIR_BYTES:
            level += ZERO_HASHES[height]
        level = hash_pairs(level)
    return level


def hash_pairs(level: bytes) -> bytes:
    """Return the next level up. One join instead of a list of nodes: the inner loop of every committee root."""
    hasher = sha256
    return b"".join([hasher(level[at : at + 64]).digest() for at in range(0, len(level), 64)])


def mix_in_length(root: bytes, length: int) -> bytes:
    return sha256(root + length.to_bytes(32, "little")).digest()


def pad_to_chunks(data: bytes) -> bytes:
    return data + bytes(-len(data) % CHUNK_BYTES)
