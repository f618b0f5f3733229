"""A part of a block's tree (BIP 37): some transactions, and the hashes that lead from them to the root.

Hashes and flags are listed in the order in which a walk from the root downwards, left before right, needs them. A
flag says whether anything wanted lies below; a node without is given by its hash. The number of transactions fixes
the shape of the tree, but no hash covers it: it is a claim of whoever sent the part.

Source: Bitcoin Core merkleblock.cpp (CPartialMerkleTree::ExtractMatches); BIP 37.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofs.errors import LimitExceeded, MalformedProof
from proofs.merkle.bitcoin import check_hash_lengths, check_is_no_copy, check_leaf_count, hash256


@dataclass(frozen=True, slots=True)
class PartialTree:
    """total: number of transactions in the block. flags: bits, the lowest of each byte first."""

    total: int
    hashes: tuple[bytes, ...]
    flags: bytes


@dataclass(frozen=True, slots=True)
class Matches:
    """root: recomputed. found: (index, id) of each wanted transaction. nodes: the 64 bytes of each inner node."""

    root: bytes
    found: tuple[tuple[int, bytes], ...]
    nodes: tuple[bytes, ...]


def matches_of(tree: PartialTree) -> Matches:
    """Raises MalformedProof, LimitExceeded."""
    check_leaf_count(tree.total)
    check_hash_count(len(tree.hashes), tree.total)
    check_flag_count(len(tree.flags), len(tree.hashes))
    check_hash_lengths(tree.hashes[0] if tree.hashes else b"", tree.hashes)
    walk = _Walk(tree)
    root = walk.node((tree.total - 1).bit_length(), 0)
    check_all_hashes_used(walk.hashes_used, tree.hashes)
    check_all_flags_used(walk.flags_used, tree.flags)
    return Matches(root, tuple(walk.found), tuple(walk.nodes))


class _Walk:
    """Depth is bounded by the number of transactions, which is bounded by the weight of a block."""

    __slots__ = ("_tree", "flags_used", "found", "hashes_used", "nodes")

    def __init__(self, tree: PartialTree) -> None:
        self._tree = tree
        self.flags_used = 0
        self.hashes_used = 0
        self.found: list[tuple[int, bytes]] = []
        self.nodes: list[bytes] = []

    def node(self, height: int, place: int) -> bytes:
        is_wanted = self._flag()
        if height == 0 or not is_wanted:
            digest = self._hash()
            if is_wanted:
                self.found.append((place, digest))
            return digest
        left = right = self.node(height - 1, 2 * place)
        if 2 * place + 1 < self._width(height - 1):
            right = self.node(height - 1, 2 * place + 1)
            check_is_no_copy(left, right)
        self.nodes.append(left + right)
        return hash256(left + right)

    def _width(self, height: int) -> int:
        return -(-self._tree.total >> height)

    def _flag(self) -> int:
        place, bit = divmod(self.flags_used, 8)
        check_flag_is_left(place, self._tree.flags)
        self.flags_used += 1
        return self._tree.flags[place] >> bit & 1

    def _hash(self) -> bytes:
        check_hash_is_left(self.hashes_used, self._tree.hashes)
        self.hashes_used += 1
        return self._tree.hashes[self.hashes_used - 1]


def check_hash_count(count: int, total: int) -> None:
    """There are never more hashes than transactions."""
    if count > total:
        raise MalformedProof("partial tree hashes", got=count, expected=f"at most {total}")


def check_flag_count(flag_bytes: int, hashes: int) -> None:
    """Every hash has a flag, and a walk needs at most one more for each of them."""
    if 8 * flag_bytes < hashes:
        raise MalformedProof("partial tree flags", got=8 * flag_bytes, expected=f"at least {hashes}")
    limit = 32 * (hashes + 1)
    if flag_bytes > limit:
        raise LimitExceeded("partial tree flags", got=flag_bytes, limit=limit)


def check_flag_is_left(place: int, flags: bytes) -> None:
    if place >= len(flags):
        raise MalformedProof("partial tree flags", got=len(flags), expected="more")


def check_hash_is_left(used: int, hashes: Sequence[bytes]) -> None:
    if used >= len(hashes):
        raise MalformedProof("partial tree hashes", got=len(hashes), expected="more")


def check_all_hashes_used(used: int, hashes: Sequence[bytes]) -> None:
    """Nothing idle, so that one proof has one form."""
    if used != len(hashes):
        raise MalformedProof("partial tree hashes", got=len(hashes), expected=used)


def check_all_flags_used(used: int, flags: bytes) -> None:
    """Only the bits that fill the last byte may be idle."""
    if (used + 7) // 8 != len(flags):
        raise MalformedProof("partial tree flags", got=8 * len(flags), expected=used)
