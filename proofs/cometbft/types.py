"""What CometBFT signs and what a light client is told: plain values, without rules.

Times are whole nanoseconds since the Unix epoch, as Python integers: one number that compares, adds and never rounds.
The rules are in predicates.py, the order in which they apply in spec.py, the bytes in canonical.py and codec.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from proofs.light_client import Height

SECOND: Final = 10**9
# Go's zero time, 0001-01-01T00:00:00Z: what an absent vote carries, and what a missing timestamp field means.
ZERO_TIME: Final = -62_135_596_800 * SECOND

BLOCK_PROTOCOL: Final = 11


class BlockIdFlag(IntEnum):
    """What one validator of the set did: nothing, voted for this block, or voted for no block."""

    ABSENT = 1
    COMMIT = 2
    NIL = 3


class KeyType(IntEnum):
    """The numbers are those of tendermint.crypto.PublicKey."""

    ED25519 = 1
    SECP256K1 = 2


@dataclass(frozen=True, slots=True)
class PublicKey:
    type: KeyType
    data: bytes


@dataclass(frozen=True, slots=True)
class PartSetHeader:
    total: int = 0
    hash: bytes = b""


@dataclass(frozen=True, slots=True)
class BlockId:
    hash: bytes = b""
    parts: PartSetHeader = PartSetHeader()


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of a block header in the order in which they are hashed."""

    chain_id: str
    height: int
    time: int
    validators_hash: bytes
    next_validators_hash: bytes
    app_hash: bytes
    proposer_address: bytes
    block_version: int = BLOCK_PROTOCOL
    app_version: int = 0
    last_block_id: BlockId = BlockId()
    last_commit_hash: bytes = b""
    data_hash: bytes = b""
    consensus_hash: bytes = b""
    last_results_hash: bytes = b""
    evidence_hash: bytes = b""


@dataclass(frozen=True, slots=True)
class CommitSig:
    flag: BlockIdFlag
    validator_address: bytes = b""
    time: int = ZERO_TIME
    signature: bytes = b""


@dataclass(frozen=True, slots=True)
class Commit:
    """The votes of one round, one place for every validator of the set, in the order of the set."""

    height: int
    round: int
    block_id: BlockId
    signatures: tuple[CommitSig, ...]


@dataclass(frozen=True, slots=True)
class SignedHeader:
    header: Header
    commit: Commit


@dataclass(frozen=True, slots=True)
class Validator:
    address: bytes
    public_key: PublicKey
    power: int
    proposer_priority: int = 0


@dataclass(frozen=True, slots=True)
class ValidatorSet:
    validators: tuple[Validator, ...]
    proposer: Validator | None = None

    @property
    def total_power(self) -> int:
        return sum([validator.power for validator in self.validators])


@dataclass(frozen=True, slots=True)
class LightBlock:
    signed_header: SignedHeader
    validators: ValidatorSet


@dataclass(frozen=True, slots=True)
class ClientHeader:
    """One step of evidence: a block, and the set that the client trusts from an earlier height on.

    trusted_height:     of the consensus state that the step starts from.
    trusted_validators: the set that signs the block after `trusted_height`, known to the client only by its hash.
    """

    block: LightBlock
    trusted_height: Height
    trusted_validators: ValidatorSet


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """Two steps that cannot both be honest. `client_id` is deprecated in ibc-go and may be empty."""

    first: ClientHeader
    second: ClientHeader
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class ConsensusState:
    """Belief about one height: the root of its state, its time, and who signs the next block."""

    time: int
    root: bytes
    next_validators_hash: bytes


@dataclass(frozen=True, slots=True)
class TrustLevel:
    """The part of the trusted set that must have signed a block to skip to it, as an exact fraction."""

    numerator: int = 1
    denominator: int = 3


@dataclass(frozen=True, slots=True)
class Parameters:
    """What an operator decides about a client. Durations are nanoseconds."""

    trusting_period: int
    unbonding_period: int
    max_clock_drift: int
    trust_level: TrustLevel = TrustLevel()
