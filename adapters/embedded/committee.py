"""The validators of an embedded ledger: they sign CometBFT headers as CometBFT's own would.

Keys are numbered and derived from the ledger's seed, so that a set is a list of numbers and powers that fits in the
state. A change that a block makes rules from the block after the next on, as everywhere in CometBFT.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from nacl.signing import SigningKey

from proofs.cometbft import canonical
from proofs.cometbft.types import (
    BlockId,
    BlockIdFlag,
    Commit,
    CommitSig,
    Header,
    KeyType,
    PartSetHeader,
    PublicKey,
    SignedHeader,
    Validator,
    ValidatorSet,
)
from proofs.primitives.hashing import sha256

Powers = tuple[tuple[int, int], ...]  # validator number and power

# Enough for any simulation; a commit of that size is 12 KiB.
VALIDATORS_MAX: Final = 100
POWER_MAX: Final = 1 << 40
_VOTE_SPREAD: Final = 1_000_000  # nanoseconds between the votes of two validators


class Committee:
    """Holds the keys. Everything it says follows from its seed and its arguments."""

    def __init__(self, chain_id: str, seed: bytes) -> None:
        self._chain_id = chain_id
        self._seed = seed
        self._keys: dict[int, SigningKey] = {}
        self._numbers: dict[bytes, int] = {}
        self.validators = lru_cache(maxsize=16)(self._validators)

    def sign(self, header: Header, powers: Powers, *, absent: Sequence[int] = ()) -> SignedHeader:
        """absent: numbers of validators that do not vote."""
        block = block_id_of(header)
        skeleton = Commit(header.height, 0, block, ())
        votes = canonical.CommitVotes(self._chain_id, skeleton)
        signatures = tuple(
            self._vote(votes, validator, header.time + _VOTE_SPREAD * (place + 1), absent)
            for place, validator in enumerate(self.validators(powers).validators)
        )
        return SignedHeader(header, Commit(header.height, 0, block, signatures))

    def _vote(self, votes: canonical.CommitVotes, validator: Validator, time: int, absent: Sequence[int]) -> CommitSig:
        number = self._numbers[validator.address]
        if number in absent:
            return CommitSig(BlockIdFlag.ABSENT)
        vote = CommitSig(BlockIdFlag.COMMIT, validator.address, time)
        signature = self._keys[number].sign(votes.sign_bytes(vote)).signature
        return CommitSig(BlockIdFlag.COMMIT, validator.address, time, signature)

    def _validators(self, powers: Powers) -> ValidatorSet:
        """By power, then by address: the order that their hash and their votes have. The first one proposes."""
        members = [self._validator(number, power) for number, power in powers]
        members.sort(key=lambda each: (-each.power, each.address))
        return ValidatorSet(tuple(members), members[0])

    def _validator(self, number: int, power: int) -> Validator:
        if number not in self._keys:
            self._keys[number] = SigningKey(sha256(self._seed + number.to_bytes(4, "big")))
        key = PublicKey(KeyType.ED25519, bytes(self._keys[number].verify_key))
        address = canonical.address(key)
        self._numbers[address] = number
        return Validator(address, key, power)


def block_id_of(header: Header) -> BlockId:
    """Its block travels in one part; nobody here gossips parts, so the header's hash names that too."""
    block_hash = canonical.header_hash(header)
    return BlockId(block_hash, PartSetHeader(1, sha256(block_hash)))


def is_valid_set(powers: Powers) -> bool:
    """Whether these numbers and powers make a set: bounded, distinct, each with a positive power."""
    numbers = [number for number, _ in powers]
    return (
        1 <= len(powers) <= VALIDATORS_MAX
        and len(set(numbers)) == len(numbers)
        and all(0 <= number < 1 << 32 and 0 < power <= POWER_MAX for number, power in powers)
    )
