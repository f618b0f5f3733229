"""A naive Merkle mountain range: every tree is built whole, and proofs are picked from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofs.encoding.scale import encode_u64, encode_vector
from proofs.merkle.mmr import LeafProof
from proofs.primitives.hashing import keccak256


def levels_of(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """A perfect tree, from its leaves to its root."""
    levels = [list(hashes)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([keccak256(below[at] + below[at + 1]) for at in range(0, len(below), 2)])
    return levels


def join(peaks: Sequence[bytes]) -> bytes:
    if len(peaks) == 1:
        return peaks[0]
    return keccak256(join(peaks[1:]) + peaks[0])


def encode(proof: LeafProof) -> bytes:
    """As Substrate sends it."""
    indices = encode_vector([encode_u64(index) for index in proof.indices])
    return indices + encode_u64(proof.leaf_count) + encode_vector(proof.items)


@dataclass(frozen=True)
class Range:
    leaves: Sequence[bytes]

    @property
    def mountains(self) -> list[list[list[bytes]]]:
        hashes, found = [keccak256(leaf) for leaf in self.leaves], []
        while hashes:
            size = 2 ** (len(hashes).bit_length() - 1)
            found.append(levels_of(hashes[:size]))
            hashes = hashes[size:]
        return found

    @property
    def root(self) -> bytes:
        return join([levels[-1][0] for levels in self.mountains])

    def proof(self, *indices: int) -> LeafProof:
        items: list[bytes] = []
        first = 0
        mountains = self.mountains
        for number, levels in enumerate(mountains):
            below = {index - first for index in indices if first <= index < first + len(levels[0])}
            if not any(index >= first for index in indices):
                items.append(join([each[-1][0] for each in mountains[number:]]))
                break
            first += len(levels[0])
            if not below:
                items.append(levels[-1][0])
                continue
            for level in levels[:-1]:
                items += [level[place ^ 1] for place in sorted(below) if place ^ 1 not in below]
                below = {place // 2 for place in below}
        return LeafProof(tuple(indices), len(self.leaves), tuple(items))

    def ordered(self, index: int) -> tuple[list[bytes], int]:
        """The simplified form: hashes on the way up, and a bit for each that stands to the left."""
        mountains = self.mountains
        number = 0
        while index >= len(mountains[number][0]):
            index -= len(mountains[number][0])
            number += 1
        steps = []
        for level in mountains[number][:-1]:
            steps.append((level[index ^ 1], index % 2))
            index //= 2
        if mountains[number + 1 :]:
            steps.append((join([each[-1][0] for each in mountains[number + 1 :]]), 1))
        steps += [(levels[-1][0], 0) for levels in reversed(mountains[:number])]
        return [item for item, _ in steps], sum(bit << place for place, (_, bit) in enumerate(steps))
