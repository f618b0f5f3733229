"""The SSZ types of the light-client objects, per fork and preset, and where they hang in the beacon state.

Source: consensus-specs, specs/{altair,capella,deneb,electra}/light-client/sync-protocol.md; phase0/beacon-chain.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

from proofs.encoding.ssz import (
    BYTES20,
    BYTES32,
    UINT64,
    UINT256,
    Bitvector,
    ByteList,
    ByteVector,
    Container,
    PackedVector,
    SszType,
    Vector,
)
from proofs.errors import UnsupportedProof
from proofs.ethereum.forks import Fork, Preset
from proofs.ethereum.types import (
    EXECUTION_BRANCH_DEPTH,
    ZERO_ROOT,
    BeaconBlockHeader,
    Bootstrap,
    ExecutionPayloadHeader,
    LightClientHeader,
    SyncAggregate,
    SyncCommittee,
    Update,
)
from proofs.merkle.ssz_branch import branch_depth
from proofs.primitives.bls import KEY_BYTES, SIGNATURE_BYTES

# MAX_EXTRA_DATA_BYTES and BYTES_PER_LOGS_BLOOM are the same in every preset.
_EXTRA_DATA_BYTES_MAX: Final = 32
_LOGS_BLOOM_BYTES: Final = 256

# Where the execution payload hangs in a block body: body field 9 of up to 16, the same since bellatrix.
EXECUTION_PAYLOAD_GINDEX: Final = 25


@dataclass(frozen=True, slots=True)
class StateIndices:
    """Generalized indices in the beacon state. The state grew past 32 fields with electra, so all moved down a row."""

    finalized_root: int
    current_sync_committee: int
    next_sync_committee: int


_ALTAIR_INDICES: Final = StateIndices(finalized_root=105, current_sync_committee=54, next_sync_committee=55)
_ELECTRA_INDICES: Final = StateIndices(finalized_root=169, current_sync_committee=86, next_sync_committee=87)


def state_indices(fork: Fork) -> StateIndices:
    return _ELECTRA_INDICES if fork >= Fork.ELECTRA else _ALTAIR_INDICES


BEACON_BLOCK_HEADER: Final = Container(
    BeaconBlockHeader,
    {
        "slot": UINT64,
        "proposer_index": UINT64,
        "parent_root": BYTES32,
        "state_root": BYTES32,
        "body_root": BYTES32,
    },
)

_CAPELLA_EXECUTION_FIELDS: Final[dict[str, SszType[Any]]] = {
    "parent_hash": BYTES32,
    "fee_recipient": BYTES20,
    "state_root": BYTES32,
    "receipts_root": BYTES32,
    "logs_bloom": ByteVector(_LOGS_BLOOM_BYTES),
    "prev_randao": BYTES32,
    "block_number": UINT64,
    "gas_limit": UINT64,
    "gas_used": UINT64,
    "timestamp": UINT64,
    "extra_data": ByteList(_EXTRA_DATA_BYTES_MAX),
    "base_fee_per_gas": UINT256,
    "block_hash": BYTES32,
    "transactions_root": BYTES32,
    "withdrawals_root": BYTES32,
}
CAPELLA_EXECUTION_HEADER: Final = Container(ExecutionPayloadHeader, _CAPELLA_EXECUTION_FIELDS)
DENEB_EXECUTION_HEADER: Final = Container(
    ExecutionPayloadHeader, {**_CAPELLA_EXECUTION_FIELDS, "blob_gas_used": UINT64, "excess_blob_gas": UINT64}
)


@dataclass(frozen=True, slots=True)
class Containers:
    """The types of one fork under one preset."""

    header: Container[LightClientHeader]
    sync_committee: Container[SyncCommittee]
    bootstrap: Container[Bootstrap]
    update: Container[Update]
    finality_update: Container[Update]
    optimistic_update: Container[Update]


@cache
def containers_of(fork: Fork, preset: Preset) -> Containers:
    """Raises UnsupportedProof for phase0, which has no sync committees."""
    if fork < Fork.ALTAIR:
        raise UnsupportedProof("fork", got=fork.name.lower(), expected="altair or later")
    indices = state_indices(fork)
    header = _header_type(fork)
    committee = sync_committee_type(preset)
    next_branch = _branch_type(indices.next_sync_committee)
    finality_branch = _branch_type(indices.finalized_root)
    tail: dict[str, SszType[Any]] = {"sync_aggregate": _sync_aggregate_type(preset), "signature_slot": UINT64}
    finality: dict[str, SszType[Any]] = {"finalized_header": header, "finality_branch": finality_branch}
    finality_update = partial(
        Update,
        next_sync_committee=SyncCommittee(bytes(KEY_BYTES * preset.sync_committee_size), bytes(KEY_BYTES)),
        next_sync_committee_branch=(ZERO_ROOT,) * next_branch.count,
    )
    optimistic_update = partial(
        finality_update,
        finalized_header=LightClientHeader(),
        finality_branch=(ZERO_ROOT,) * finality_branch.count,
    )
    return Containers(
        header=header,
        sync_committee=committee,
        bootstrap=Container(
            Bootstrap,
            {
                "header": header,
                "current_sync_committee": committee,
                "current_sync_committee_branch": _branch_type(indices.current_sync_committee),
            },
        ),
        update=Container(
            Update,
            {
                "attested_header": header,
                "next_sync_committee": committee,
                "next_sync_committee_branch": next_branch,
                **finality,
                **tail,
            },
        ),
        finality_update=Container(finality_update, {"attested_header": header, **finality, **tail}),
        optimistic_update=Container(optimistic_update, {"attested_header": header, **tail}),
    )


@cache
def sync_committee_type(preset: Preset) -> Container[SyncCommittee]:
    return Container(
        SyncCommittee,
        {"pubkeys": PackedVector(KEY_BYTES, preset.sync_committee_size), "aggregate_pubkey": ByteVector(KEY_BYTES)},
    )


def execution_header_type(fork: Fork) -> Container[ExecutionPayloadHeader]:
    return DENEB_EXECUTION_HEADER if fork >= Fork.DENEB else CAPELLA_EXECUTION_HEADER


def _header_type(fork: Fork) -> Container[LightClientHeader]:
    if fork < Fork.CAPELLA:
        return Container(LightClientHeader, {"beacon": BEACON_BLOCK_HEADER})
    return Container(
        LightClientHeader,
        {
            "beacon": BEACON_BLOCK_HEADER,
            "execution": execution_header_type(fork),
            "execution_branch": Vector(BYTES32, EXECUTION_BRANCH_DEPTH),
        },
    )


def _sync_aggregate_type(preset: Preset) -> Container[SyncAggregate]:
    return Container(
        SyncAggregate, {"bits": Bitvector(preset.sync_committee_size), "signature": ByteVector(SIGNATURE_BYTES)}
    )


def _branch_type(gindex: int) -> Vector[bytes]:
    return Vector(BYTES32, branch_depth(gindex))


def beacon_root(header: LightClientHeader) -> bytes:
    """The block root: what parents, finality branches and checkpoints name a beacon block by."""
    return BEACON_BLOCK_HEADER.root(header.beacon)
