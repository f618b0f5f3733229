"""What beacon nodes send to light clients, in one shape for all forks.

Forks added fields and made branches longer. Here every object has the fields of the newest fork; what an older fork
does not know is zero, as the specification's own upgrade functions leave it. `containers.py` knows each encoding.
Source: consensus-specs, specs/{altair,bellatrix,capella,deneb,electra}/light-client/sync-protocol.md.
"""

from __future__ import annotations

from dataclasses import dataclass

ROOT_BYTES = 32
ZERO_ROOT = bytes(ROOT_BYTES)


@dataclass(frozen=True, slots=True)
class BeaconBlockHeader:
    slot: int = 0
    proposer_index: int = 0
    parent_root: bytes = ZERO_ROOT
    state_root: bytes = ZERO_ROOT
    body_root: bytes = ZERO_ROOT


@dataclass(frozen=True, slots=True)
class ExecutionPayloadHeader:
    """The execution payload's header (capella on). The blob fields are deneb's."""

    parent_hash: bytes = ZERO_ROOT
    fee_recipient: bytes = bytes(20)
    state_root: bytes = ZERO_ROOT
    receipts_root: bytes = ZERO_ROOT
    logs_bloom: bytes = bytes(256)
    prev_randao: bytes = ZERO_ROOT
    block_number: int = 0
    gas_limit: int = 0
    gas_used: int = 0
    timestamp: int = 0
    extra_data: bytes = b""
    base_fee_per_gas: int = 0
    block_hash: bytes = ZERO_ROOT
    transactions_root: bytes = ZERO_ROOT
    withdrawals_root: bytes = ZERO_ROOT
    blob_gas_used: int = 0
    excess_blob_gas: int = 0


EXECUTION_BRANCH_DEPTH = 4
EMPTY_EXECUTION_BRANCH = (ZERO_ROOT,) * EXECUTION_BRANCH_DEPTH


@dataclass(frozen=True, slots=True)
class LightClientHeader:
    beacon: BeaconBlockHeader = BeaconBlockHeader()
    execution: ExecutionPayloadHeader = ExecutionPayloadHeader()
    execution_branch: tuple[bytes, ...] = EMPTY_EXECUTION_BRANCH


@dataclass(frozen=True, slots=True)
class SyncCommittee:
    """`pubkeys`: 48-byte keys side by side, as many as the preset says. One key may stand there more than once."""

    pubkeys: bytes
    aggregate_pubkey: bytes


@dataclass(frozen=True, slots=True)
class SyncAggregate:
    bits: tuple[bool, ...]
    signature: bytes

    @property
    def participants(self) -> int:
        return self.bits.count(True)


@dataclass(frozen=True, slots=True)
class Bootstrap:
    header: LightClientHeader
    current_sync_committee: SyncCommittee
    current_sync_committee_branch: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """Update, finality update and optimistic update in one: what the shorter two leave out is empty here.

    signature_slot: the slot of the block that carries the signature, which is later than `attested_header`.
    """

    attested_header: LightClientHeader
    next_sync_committee: SyncCommittee
    next_sync_committee_branch: tuple[bytes, ...]
    finalized_header: LightClientHeader
    finality_branch: tuple[bytes, ...]
    sync_aggregate: SyncAggregate
    signature_slot: int

    @property
    def has_next_sync_committee(self) -> bool:
        """The specification's `is_sync_committee_update`: an all-zero branch means *none*."""
        return any(map(any, self.next_sync_committee_branch))

    @property
    def has_finality(self) -> bool:
        return any(map(any, self.finality_branch))
