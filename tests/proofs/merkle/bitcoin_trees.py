"""Leaves, and parts of a block's tree as BIP 37 describes them."""

from __future__ import annotations

from collections.abc import Sequence

from proofs.merkle.bitcoin import hash256
from proofs.merkle.bitcoin_partial import PartialTree


def leaves(count: int) -> list[bytes]:
    return [hash256(index.to_bytes(4, "little")) for index in range(count)]


def partial_tree(all_leaves: Sequence[bytes], wanted: set[int]) -> PartialTree:
    """Built from the description in BIP 37."""
    hashes: list[bytes] = []
    bits: list[int] = []

    def walk(height: int, place: int) -> None:
        below = range(place << height, min((place + 1) << height, len(all_leaves)))
        is_wanted = not wanted.isdisjoint(below)
        bits.append(int(is_wanted))
        if height == 0 or not is_wanted:
            row = list(all_leaves)
            for _ in range(height):
                row = [hash256(row[at] + row[min(at + 1, len(row) - 1)]) for at in range(0, len(row), 2)]
            hashes.append(row[place])
            return
        walk(height - 1, 2 * place)
        if (2 * place + 1) << (height - 1) < len(all_leaves):
            walk(height - 1, 2 * place + 1)

    walk((len(all_leaves) - 1).bit_length(), 0)
    flags = bytes(sum(bit << place for place, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8))
    return PartialTree(len(all_leaves), tuple(hashes), flags)


TREE = partial_tree(leaves(11), {4, 10})
