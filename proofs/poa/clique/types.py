"""Words of Clique: who may sign next, what a block leaves behind, and what an operator configures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.poa.votes import ADDRESS_BYTES, Ballot

NOBODY: Final = bytes(ADDRESS_BYTES)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the genesis file of the chain says, and how much an operator wants before he believes.

    epoch_length:    blocks from one checkpoint with its list of signers to the next; 30,000 unless the genesis differs.
    period:          least seconds between two blocks.
    confirmations:   descendants that make a block final here. Half of the signers and one more is the least that means
                     anything, see spec.py; more is a matter of how long forks get on this network.
    trusting_period: seconds for which signers are believed after a block.
    clock_drift:     seconds that a block may be ahead of the caller's clock.
    """

    epoch_length: int
    period: int
    confirmations: int
    trusting_period: int
    clock_drift: int


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signed the block of `number`: he has to let others sign before he may again."""

    number: int
    signer: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """What a valid block leaves behind for the next one.

    time:             unix seconds.
    signer:           who sealed it; nobody for the genesis block.
    total_difficulty: counted from the checkpoint on.
    ballot:           who may sign the next block, and the undecided votes.
    recents:          the signers who may not sign the next block, ascending by number.
    """

    number: int
    hash: bytes
    parent_hash: bytes
    state_root: bytes
    time: int
    signer: bytes
    total_difficulty: int
    ballot: Ballot
    recents: tuple[Signed, ...]
