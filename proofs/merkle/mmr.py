"""Merkle mountain ranges of Keccak-256, as BEEFY signs them: leaves of past blocks under one growing root.

The leaves fill perfect trees, one for each bit of their number; the roots of these, the peaks, are joined from the
right: each step hashes what is joined so far, then the next peak to the left. Two forms of proof are in use:

- that of pallet-mmr names the leaves by their index and the number of all: for each peak the hashes that the leaves
  below it need, level by level, or the peak itself; what is right of the last leaf is one hash. The form follows from
  the numbers, so there is one proof and no other.
- the simplified one of Snowbridge walks from one leaf to the root, and a bit for each hash says on which side it is.
  Nothing in it tells the leaf's place: only what the leaf says of itself.

Leaves and nodes are hashed alike. That a node is not taken for a leaf rests on the leaf's data, which must not be as
long as a pair of hashes; where the place counts, the number of leaves must come from what is trusted, such as the
block that the root is of.

Source: pallet-mmr and sp-mmr-primitives of the Polkadot SDK; Snowbridge, MMRProof.sol.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from proofs.encoding.scale import ScaleReader
from proofs.errors import LimitExceeded, MalformedProof, RootMismatch
from proofs.primitives.hashing import keccak256

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HASH_BYTES: Final = 32
PAIR_BYTES: Final = 64
# A leaf for every block, counted in 64 bits: a path is not longer than that either.
COUNT_BITS: Final = 64
# One proof serves the leaves of one batch; the deepest take some 30 ms.
LEAVES_MAX: Final = 256
ITEMS_MAX: Final = LEAVES_MAX * COUNT_BITS

_PART: Final = "MMR proof"


@dataclass(frozen=True, slots=True)
class LeafProof:
    """`items`: the hashes that cannot be computed from the leaves at `indices`."""

    indices: tuple[int, ...]
    leaf_count: int
    items: tuple[bytes, ...]


def decode_leaf_proof(encoded: bytes) -> LeafProof:
    """The proof as a node of Substrate gives it. Raises MalformedProof, LimitExceeded."""
    reader = ScaleReader(encoded, _PART)
    indices = reader.vector(reader.u64, limit=LEAVES_MAX)
    leaf_count = reader.u64()
    items = reader.vector(lambda: reader.fixed(HASH_BYTES), limit=ITEMS_MAX)
    reader.end()
    return LeafProof(indices, leaf_count, items)


def verify_leaves(root: bytes, leaves: Sequence[bytes], proof: LeafProof) -> None:
    """Return only if `leaves`, as data, are those at the proof's indices under `root`.

    Raises MalformedProof, LimitExceeded, RootMismatch.
    """
    check_root(root_from([hash_leaf(leaf) for leaf in leaves], proof), root)


def root_from(leaf_hashes: Sequence[bytes], proof: LeafProof) -> bytes:
    """The root to which hashes of leaves and a proof lead. Raises MalformedProof, LimitExceeded."""
    check_leaf_count(proof.leaf_count)
    check_indices(proof.indices, proof.leaf_count)
    check_a_hash_for_each_index(len(leaf_hashes), len(proof.indices))
    items = _Items(proof.items)
    waiting = list(zip(proof.indices, leaf_hashes, strict=True))
    peaks = []
    for start, height in _mountains(proof.leaf_count):
        if not waiting:
            peaks.append(items.take())
            break
        below = {index - start: digest for index, digest in waiting if index - start < 1 << height}
        peaks.append(_peak(below, height, items) if below else items.take())
        waiting = waiting[len(below) :]
    check_no_item_left(items.left)
    return _join(peaks)


def verify_leaf_by_order(root: bytes, leaf: bytes, items: Sequence[bytes], order: int) -> None:
    """Return only if `leaf`, as data, is one under `root`, at whatever place. For the simplified form.

    Raises MalformedProof, LimitExceeded, RootMismatch.
    """
    check_root(root_by_order(hash_leaf(leaf), items, order), root)


def root_by_order(leaf_hash: bytes, items: Sequence[bytes], order: int) -> bytes:
    """The root to which a leaf's hash leads; a bit of `order` puts an item to the left. Raises InvalidProof."""
    check_path(items)
    check_order(order, len(items))
    digest = leaf_hash
    for level, item in enumerate(items):
        digest = keccak256(item + digest) if order >> level & 1 else keccak256(digest + item)
    return digest


def hash_leaf(leaf: bytes) -> bytes:
    """Raises MalformedProof."""
    check_leaf_is_no_pair(leaf)
    return keccak256(leaf)


class _Items:
    """The proof's hashes, each taken once."""

    __slots__ = ("_all", "_taken")

    def __init__(self, items: Sequence[bytes]) -> None:
        self._all = items
        self._taken = 0

    @property
    def left(self) -> int:
        return len(self._all) - self._taken

    def take(self) -> bytes:
        check_item_is_there(self.left)
        item = self._all[self._taken]
        check_item(item)
        self._taken += 1
        return item


def _mountains(leaf_count: int) -> Iterator[tuple[int, int]]:
    """The first leaf and the height of every perfect tree, from left to right."""
    start = 0
    for height in range(leaf_count.bit_length() - 1, -1, -1):
        if leaf_count >> height & 1:
            yield start, height
            start += 1 << height


def _peak(known: dict[int, bytes], height: int, items: _Items) -> bytes:
    """The root of a perfect tree from some of its leaves, by their place in it, in order."""
    for _ in range(height):
        above: dict[int, bytes] = {}
        for place, digest in known.items():
            if place // 2 in above:
                continue  # joined with its left neighbour already
            partner = known.get(place ^ 1) or items.take()
            above[place // 2] = keccak256(partner + digest if place % 2 else digest + partner)
        known = above
    return known[0]


def _join(peaks: list[bytes]) -> bytes:
    digest = peaks[-1]
    for peak in reversed(peaks[:-1]):
        digest = keccak256(digest + peak)
    return digest


def check_leaf_count(leaf_count: int) -> None:
    """The number of leaves is bounded, and with it the height of every path."""
    if leaf_count.bit_length() > COUNT_BITS:
        raise LimitExceeded("MMR leaves", got=leaf_count, limit=(1 << COUNT_BITS) - 1)


def check_indices(indices: Sequence[int], leaf_count: int) -> None:
    """At least one leaf, each once, in order, all among those that there are."""
    if not indices:
        raise MalformedProof("MMR leaf indices", got=0, expected="at least 1")
    if len(indices) > LEAVES_MAX:
        raise LimitExceeded("MMR leaf indices", got=len(indices), limit=LEAVES_MAX)
    if any(left >= right for left, right in pairwise(indices)):
        raise MalformedProof("MMR leaf indices", got=indices, expected="in order, each once")
    if not 0 <= indices[0] <= indices[-1] < leaf_count:
        raise MalformedProof("MMR leaf index", got=indices[-1], expected=f"below {leaf_count}")


def check_a_hash_for_each_index(hashes: int, indices: int) -> None:
    """As many leaves as the proof speaks of."""
    if hashes != indices:
        raise MalformedProof("MMR leaves", got=hashes, expected=indices)


def check_item_is_there(left: int) -> None:
    """The proof has every hash that the leaves do not give."""
    if not left:
        raise MalformedProof("MMR proof items", got="too few", expected="all that the leaves need")


def check_no_item_left(left: int) -> None:
    """A hash that nobody needed proves nothing, and would let one proof be given in many forms."""
    if left:
        raise MalformedProof("MMR proof items", got=f"{left} more", expected="none left over")


def check_item(item: bytes) -> None:
    """Every item is a hash."""
    if len(item) != HASH_BYTES:
        raise MalformedProof("MMR proof item", got=len(item), expected=HASH_BYTES)


def check_path(items: Sequence[bytes]) -> None:
    """Up to the peak, then one hash for the right, then the peaks to the left: never more than the number has bits."""
    if len(items) > COUNT_BITS:
        raise LimitExceeded("MMR path", got=len(items), limit=COUNT_BITS)
    for item in items:
        check_item(item)


def check_order(order: int, items: int) -> None:
    """A bit for each item and no other: the same path is not given in many forms."""
    if order < 0 or order >> items:
        raise MalformedProof("MMR order", got=order, expected=f"{items} bits")


def check_leaf_is_no_pair(leaf: bytes) -> None:
    """What is as long as a pair of hashes may be one; a leaf of BEEFY has 113 bytes."""
    if len(leaf) == PAIR_BYTES:
        raise MalformedProof("MMR leaf", got=PAIR_BYTES, expected="another length than that of two hashes")


def check_root(computed: bytes, expected: bytes) -> None:
    """The path leads to the root that is trusted: the one that BEEFY signed."""
    if computed != expected:
        raise RootMismatch("MMR", computed=computed, expected=expected)
