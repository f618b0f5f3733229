"""Words of Substrate and GRANDPA: headers, votes on them, who may vote, and what a final block leaves behind.

Times are whole milliseconds since the Unix epoch, as the Timestamp pallet counts them. Block numbers are u32, as on
every Substrate chain that has a GRANDPA of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

HASH_BYTES: Final = 32
KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
ENGINE_BYTES: Final = 4


class DigestKind(IntEnum):
    """What a digest item is, by its index in SCALE. The gaps are kinds that were taken out."""

    OTHER = 0
    CONSENSUS = 4
    SEAL = 5
    PRE_RUNTIME = 6
    RUNTIME_UPDATED = 8


@dataclass(frozen=True, slots=True)
class DigestItem:
    """engine: 4 bytes on consensus, seal and pre-runtime items, else none. data: nothing when the runtime changed."""

    kind: DigestKind
    engine: bytes = b""
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Header:
    parent_hash: bytes
    number: int
    state_root: bytes
    extrinsics_root: bytes
    digest: tuple[DigestItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Precommit:
    """One authority's vote for a block and with it for every ancestor of that block."""

    target_hash: bytes
    target_number: int
    signature: bytes
    authority: bytes


@dataclass(frozen=True, slots=True)
class Justification:
    """The votes that made a block final. ancestry: the headers between it and later blocks that were voted for."""

    round: int
    target_hash: bytes
    target_number: int
    precommits: tuple[Precommit, ...]
    ancestry: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class Authorities:
    """Who may vote, each with his weight. keys: ed25519, 32 bytes each."""

    keys: tuple[bytes, ...]
    weights: tuple[int, ...]

    @property
    def total_weight(self) -> int:
        return sum(self.weights)


@dataclass(frozen=True, slots=True)
class AuthoritySet:
    """since: the block that brought the set. It votes on later blocks only; its own block was for the set before."""

    set_id: int
    since: int
    authorities: Authorities


@dataclass(frozen=True, slots=True)
class Change:
    """An announced change: the present set ends with the block `effective`, which it still makes final itself."""

    announced: int
    effective: int
    authorities: Authorities


@dataclass(frozen=True, slots=True)
class Block:
    """What is kept of a final block."""

    number: int
    hash: bytes
    state_root: bytes
    time_ms: int


@dataclass(frozen=True, slots=True)
class Parameters:
    """What an operator says about a chain.

    genesis_hash:    of the chain's first block. Votes name no chain, but every state keeps this.
    trusting_period: seconds for which authorities are believed after a block that they made final.
    clock_drift:     seconds that a block may be ahead of the caller's clock.
    """

    genesis_hash: bytes
    trusting_period: int
    clock_drift: int
