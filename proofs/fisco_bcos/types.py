"""Words of FISCO BCOS: which generation and cipher suite a chain has, who seals its blocks, what a block leaves behind.

Times of blocks are whole milliseconds since the Unix epoch, as the chain counts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

HASH_BYTES: Final = 32
ADDRESS_BYTES: Final = 20
SEALER_BYTES: Final = 64


class Generation(IntEnum):
    """2.x and 3.x share ideas, but no byte: headers, receipts, transactions and both trees differ."""

    V2 = 2
    V3 = 3


class Suite(IntEnum):
    """A chain has one suite for everything. It is configured, never read from a message."""

    KECCAK_SECP256K1 = 1
    SM3_SM2 = 2


@dataclass(frozen=True, slots=True)
class SealerSet:
    """Who may seal, each with his weight: always 1 before 3.x. keys: x‖y, 64 bytes each."""

    keys: tuple[bytes, ...]
    weights: tuple[int, ...]

    @property
    def total_weight(self) -> int:
        return sum(self.weights)


@dataclass(frozen=True, slots=True)
class SealerSignature:
    """index: of the sealer in the list of the header that is signed."""

    index: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """What a header says that anything later needs."""

    number: int
    hash: bytes
    parent_hash: bytes
    time_ms: int
    transactions_root: bytes
    receipts_root: bytes
    sealers: SealerSet


@dataclass(frozen=True, slots=True)
class Parameters:
    """What an operator says about a chain.

    chain_id, group_id: as transactions carry them; on 2.x the decimal text of the numbers.
    trusting_period:    seconds for which the sealers of a block are believed after it.
    clock_drift:        seconds that a block may be ahead of the caller's clock.
    """

    generation: Generation
    suite: Suite
    chain_id: str
    group_id: str
    trusting_period: int
    clock_drift: int
