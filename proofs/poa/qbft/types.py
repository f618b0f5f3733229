"""Words of QBFT and its relatives: the flavour, where validators are named, and what a block leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from proofs.poa.votes import Vote


class Flavour(Enum):
    """Extra data, seals and quorum differ.

    ISTANBUL:        Quorum from `ceil2Nby3Block` on, which counts a quorum as the others do.
    ISTANBUL_LEGACY: Quorum before that, 2f + 1 with f = ceil(n/3) - 1. Unless n = 3f + 1 two such quorums may have no
                     honest validator in common (3 of 6 and the other 3): for chains that never changed over.
    """

    QBFT = "qbft"
    IBFT2 = "ibft2"
    ISTANBUL = "istanbul"
    ISTANBUL_LEGACY = "istanbul-legacy"

    @property
    def is_istanbul(self) -> bool:
        return self in (Flavour.ISTANBUL, Flavour.ISTANBUL_LEGACY)

    def quorum(self, validators: int) -> int:
        """How many distinct validators must seal, in exact integers.

        >>> [Flavour.QBFT.quorum(count) for count in (1, 4, 6, 9)]
        [1, 3, 4, 6]
        >>> [Flavour.ISTANBUL_LEGACY.quorum(count) for count in (1, 4, 6, 9)]
        [1, 3, 3, 5]
        """
        if self is Flavour.ISTANBUL_LEGACY:
            return 2 * ((validators + 2) // 3 - 1) + 1
        return (2 * validators + 2) // 3


class ValidatorSource(Enum):
    """Where the chain names its validators.

    HEADER:   in the extra data of every block; changed by votes in headers.
    CONTRACT: in storage of a contract, which every evidence proves; extra data names none.
    FIXED:    extra data names none, and the operator vouches that the set of the checkpoint does not change: for
              contracts of an unknown layout. A change needs a new checkpoint.
    """

    HEADER = "header"
    CONTRACT = "contract"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class ValidatorContract:
    """A contract that keeps its validators in a Solidity `address[]` at storage slot `slot`."""

    address: bytes
    code_hash: bytes
    slot: int


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the genesis file of the chain says, and what an operator decides.

    epoch_length:    blocks after which votes are forgotten.
    contract:        where source is CONTRACT, otherwise None.
    trusting_period: seconds for which validators are believed after a block.
    clock_drift:     seconds that a block may be ahead of the caller's clock.
    gaps:            whether blocks may be left out. False where the validators seal other chains with the same keys.
    """

    flavour: Flavour
    epoch_length: int
    trusting_period: int
    clock_drift: int
    source: ValidatorSource = ValidatorSource.HEADER
    contract: ValidatorContract | None = None
    gaps: bool = True


@dataclass(frozen=True, slots=True)
class ExtraData:
    """vote: its voter is the proposer; None in most blocks, and with Istanbul, whose votes stand in other fields.

    validators:    in the order of the header.
    proposer_seal: Istanbul only.
    seals:         r‖s‖v of those that committed to the block.
    """

    vanity: bytes
    validators: tuple[bytes, ...]
    vote: tuple[bytes, bool] | None
    round: int
    proposer_seal: bytes
    seals: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """What a final block leaves behind.

    hash:       as its child names it, without seals.
    time:       unix seconds.
    validators: who seals the next block, ascending, as far as this block and the votes tell.
    votes:      undecided votes after this block; None where not all headers since the start of the epoch were seen.
    """

    number: int
    hash: bytes
    parent_hash: bytes
    state_root: bytes
    time: int
    validators: tuple[bytes, ...]
    votes: tuple[Vote, ...] | None
