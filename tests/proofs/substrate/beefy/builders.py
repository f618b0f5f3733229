"""BEEFY with keys of our own: sets of signers, signed commitments, and mountain ranges of leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from coincurve import PrivateKey

from proofs.merkle import binary_merkle
from proofs.primitives.hashing import keccak256
from proofs.primitives.secp256k1 import address_of
from proofs.substrate.beefy.messages import (
    MMR_ROOT,
    Commitment,
    Leaf,
    SignedCommitment,
    SignerSet,
    commitment_hash,
    encode_leaf,
)
from proofs.substrate.beefy.spec import BeefyBelief, LeafPath, MemberSignature

SET_ID = 40
BLOCK = 500


@lru_cache
def private(secret: int) -> PrivateKey:
    return PrivateKey(secret.to_bytes(32, "big"))


@dataclass(frozen=True)
class Signers:
    """Keys in the order of their set."""

    keys: tuple[PrivateKey, ...]
    set_id: int = SET_ID

    @property
    def addresses(self) -> list[bytes]:
        return [address_of(key.public_key.format(compressed=False)[1:]) for key in self.keys]

    @property
    def set(self) -> SignerSet:
        return SignerSet(self.set_id, len(self.keys), binary_merkle.merkle_root(self.addresses))

    def signature(self, index: int, commitment: Commitment) -> bytes:
        return self.keys[index].sign_recoverable(commitment_hash(commitment), hasher=None)

    def member(self, index: int, commitment: Commitment) -> MemberSignature:
        path = merkle_path([keccak256(each) for each in self.addresses], index)
        return MemberSignature(index, self.addresses[index], path, self.signature(index, commitment))

    def members(self, commitment: Commitment, by: Sequence[int]) -> list[MemberSignature]:
        return [self.member(each, commitment) for each in by]

    def signed(self, commitment: Commitment, by: Sequence[int]) -> SignedCommitment:
        places = range(len(self.keys))
        return SignedCommitment(
            commitment, tuple(self.signature(each, commitment) if each in by else None for each in places)
        )


def signers(count: int = 7, first: int = 1, set_id: int = SET_ID) -> Signers:
    return Signers(tuple(private(first + each) for each in range(count)), set_id)


def merkle_path(hashes: list[bytes], index: int) -> tuple[bytes, ...]:
    """Read literally: the neighbour at each level, if there is one."""
    path = []
    while len(hashes) > 1:
        neighbour = index ^ 1
        if neighbour < len(hashes):
            path.append(hashes[neighbour])
        pairs = [hashes[at : at + 2] for at in range(0, len(hashes), 2)]
        hashes = [keccak256(b"".join(pair)) if len(pair) == 2 else pair[0] for pair in pairs]
        index //= 2
    return tuple(path)


@dataclass
class Range:
    """Four leaves, a perfect tree: the last one is of the committed block."""

    leaves: list[Leaf] = field(default_factory=list)

    def root(self) -> bytes:
        return self._join(self._hashes())

    def path(self, index: int) -> LeafPath:
        items = merkle_path(self._hashes(), index)
        return LeafPath(items, index)

    def _hashes(self) -> list[bytes]:
        return [keccak256(encode_leaf(each)) for each in self.leaves]

    def _join(self, hashes: list[bytes]) -> bytes:
        while len(hashes) > 1:
            hashes = [keccak256(hashes[at] + hashes[at + 1]) for at in range(0, len(hashes), 2)]
        return hashes[0]


def leaf(number: int, following: SignerSet) -> Leaf:
    return Leaf(number - 1, number.to_bytes(32, "big"), following, b"\x05" * 32)


def range_to(block: int, following: SignerSet) -> Range:
    return Range([leaf(block - 3 + each, following) for each in range(4)])


def commitment(root: bytes, *, block: int = BLOCK, set_id: int = SET_ID) -> Commitment:
    return Commitment(((MMR_ROOT, root),), block, set_id)


NOW_SIGNING = signers()
SIGNING_NEXT = signers(9, first=30, set_id=SET_ID + 1)
AFTER_THEM = signers(5, first=60, set_id=SET_ID + 2)
BELIEF = BeefyBelief(NOW_SIGNING.set, SIGNING_NEXT.set, BLOCK - 100, b"\x01" * 32)
QUORUM = (0, 1, 3, 4, 6)
