"""A small beacon chain with keys of our own: every object valid, so that a test changes one thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256

from py_arkworks_bls12381 import G1Point, Scalar

from proofs.encoding import rlp
from proofs.ethereum.client import EthereumClient, bootstrap
from proofs.ethereum.containers import (
    EXECUTION_PAYLOAD_GINDEX,
    beacon_root,
    containers_of,
    execution_header_type,
    state_indices,
    sync_committee_type,
)
from proofs.ethereum.evidence import EvidenceKind, encode_evidence
from proofs.ethereum.forks import Chain, Fork, ForkSchedule, Preset
from proofs.ethereum.predicates import compute_signing_root
from proofs.ethereum.storage_layout import RouterLayout, encode_state_proof
from proofs.ethereum.types import (
    ZERO_ROOT,
    BeaconBlockHeader,
    Bootstrap,
    ExecutionPayloadHeader,
    LightClientHeader,
    SyncAggregate,
    SyncCommittee,
    Update,
)
from proofs.light_client import Claim
from proofs.merkle.ssz_branch import branch_depth
from proofs.primitives.bls import hash_to_g2
from proofs.primitives.hashing import keccak256

# Periods of 8 slots and committees of 6: two thirds are exactly 4.
PRESET = Preset(2, 4, 6, 64)
PERIOD = PRESET.slots_per_period
GENESIS_TIME = 1_000_000
SECONDS_PER_SLOT = 12
NOW = GENESIS_TIME + 1000 * SECONDS_PER_SLOT
TRUSTING_PERIOD = 10_000 * SECONDS_PER_SLOT


def chain_at(newest: Fork) -> Chain:
    """A chain on which all forks up to `newest` are in force from the start."""
    rows = tuple((fork, bytes([fork, 9, 9, 9]), 0) for fork in Fork if fork <= newest)
    return Chain(PRESET, ForkSchedule(rows), sha256(b"genesis validators").digest(), GENESIS_TIME, SECONDS_PER_SLOT)


CHAIN = chain_at(Fork.FULU)


@dataclass(frozen=True, slots=True)
class Keys:
    """One committee, by name."""

    name: str

    def secret(self, index: int) -> int:
        return int.from_bytes(sha256(f"{self.name} {index}".encode()).digest()[:31], "big")

    def committee(self) -> SyncCommittee:
        return _committee(self.name)

    def sign(self, bits: Sequence[bool], root: bytes) -> SyncAggregate:
        total = sum(self.secret(index) for index, bit in enumerate(bits) if bit)
        signature = hash_to_g2(root) * Scalar.from_be_bytes_mod_order(total.to_bytes(64, "big"))
        return SyncAggregate(tuple(bits), bytes(signature.to_compressed_bytes()))


@cache
def _committee(name: str) -> SyncCommittee:
    keys = Keys(name)
    points = [G1Point() * Scalar(keys.secret(index)) for index in range(PRESET.sync_committee_size)]
    total = points[0]
    for point in points[1:]:
        total = total + point
    return SyncCommittee(
        b"".join(bytes(point.to_compressed_bytes()) for point in points), bytes(total.to_compressed_bytes())
    )


def keys_of(period: int) -> Keys:
    return Keys(f"committee {period}")


class Tree:
    """A tree that is empty but for some nodes, by generalized index."""

    def __init__(self, nodes: dict[int, bytes]) -> None:
        self.nodes = nodes

    def node(self, gindex: int) -> bytes:
        if gindex in self.nodes:
            return self.nodes[gindex]
        if not any(self._is_below(each, gindex) for each in self.nodes):
            return sha256(gindex.to_bytes(32, "big")).digest()
        return sha256(self.node(2 * gindex) + self.node(2 * gindex + 1)).digest()

    def branch(self, gindex: int) -> tuple[bytes, ...]:
        return tuple(self.node((gindex >> level) ^ 1) for level in range(branch_depth(gindex)))

    @staticmethod
    def _is_below(node: int, above: int) -> bool:
        depth = node.bit_length() - above.bit_length()
        return depth > 0 and node >> depth == above


ROUTER = bytes(range(20))
CODE_HASH = keccak256(b"code of the router")
LAYOUT = RouterLayout(ROUTER, CODE_HASH)
CLAIM = Claim(b"client-0\x01" + (7).to_bytes(8, "big"), sha256(b"packet").digest())


def _single_leaf(key: bytes, value: bytes) -> bytes:
    return rlp.encode([b"\x20" + keccak256(key), value])


def state_proof() -> tuple[bytes, bytes]:
    """(state root, proof) of a world in which the router holds CLAIM and nothing else exists."""
    assert CLAIM.value is not None
    slot = _single_leaf(LAYOUT.slot_of(CLAIM.path), rlp.encode(CLAIM.value))
    account = rlp.encode([b"\x01", b"", keccak256(slot), CODE_HASH])
    leaf = _single_leaf(ROUTER, account)
    return keccak256(leaf), encode_state_proof([leaf], [[slot]])


def execution_at(slot: int) -> ExecutionPayloadHeader:
    return ExecutionPayloadHeader(
        state_root=state_proof()[0],
        block_number=1000 + slot,
        timestamp=CHAIN.time_at(slot),
        extra_data=b"a block",
        base_fee_per_gas=7,
    )


def header_at(
    slot: int,
    *,
    state_root: bytes = ZERO_ROOT,
    chain: Chain = CHAIN,
    execution: ExecutionPayloadHeader | None = None,
    proposer: int = 3,
) -> LightClientHeader:
    fork = chain.fork_at(slot)
    beacon = BeaconBlockHeader(slot, proposer, sha256(b"parent").digest(), state_root, sha256(b"body").digest())
    if fork < Fork.CAPELLA:
        return LightClientHeader(beacon)
    payload = execution_at(slot) if execution is None else execution
    if fork < Fork.DENEB:
        payload = replace(payload, blob_gas_used=0, excess_blob_gas=0)
    body = Tree({EXECUTION_PAYLOAD_GINDEX: execution_header_type(fork).root(payload)})
    return LightClientHeader(replace(beacon, body_root=body.node(1)), payload, body.branch(EXECUTION_PAYLOAD_GINDEX))


def committee_root(committee: SyncCommittee) -> bytes:
    return sync_committee_type(PRESET).root(committee)


def bootstrap_at(slot: int, *, chain: Chain = CHAIN) -> Bootstrap:
    gindex = state_indices(chain.fork_at(slot)).current_sync_committee
    committee = keys_of(chain.period_at(slot)).committee()
    state = Tree({gindex: committee_root(committee)})
    return Bootstrap(header_at(slot, state_root=state.node(1), chain=chain), committee, state.branch(gindex))


def client_at(slot: int, *, chain: Chain = CHAIN, trusting_period: int = TRUSTING_PERIOD) -> EthereumClient:
    start = bootstrap_at(slot, chain=chain)
    fork = chain.fork_at(slot)
    return bootstrap(
        containers_of(fork, chain.preset).bootstrap.encode(start),
        fork=fork,
        chain=chain,
        trusted_block_root=beacon_root(start.header),
        trusting_period=trusting_period,
        layout=LAYOUT,
    )


def update_of(
    attested: int,
    *,
    finalized: LightClientHeader | int | None,
    brings: Keys | None = None,
    signers: int = 6,
    keys: Keys | None = None,
    signature_slot: int | None = None,
    chain: Chain = CHAIN,
    finalized_root: bytes | None = None,
) -> Update:
    """A valid update; what is None is left out of it."""
    indices = state_indices(chain.fork_at(attested))
    final = header_at(finalized, chain=chain) if isinstance(finalized, int) else finalized
    nodes: dict[int, bytes] = {}
    if final is not None:
        nodes[indices.finalized_root] = beacon_root(final) if finalized_root is None else finalized_root
    if brings is not None:
        nodes[indices.next_sync_committee] = committee_root(brings.committee())
    state = Tree(nodes)
    no_committee = SyncCommittee(bytes(48 * PRESET.sync_committee_size), bytes(48))
    signed_in = attested + 1 if signature_slot is None else signature_slot
    unsigned = Update(
        attested_header=header_at(attested, state_root=state.node(1) if nodes else ZERO_ROOT, chain=chain),
        next_sync_committee=no_committee if brings is None else brings.committee(),
        next_sync_committee_branch=_branch_or_empty(state, indices.next_sync_committee, present=brings is not None),
        finalized_header=LightClientHeader() if final is None else final,
        finality_branch=_branch_or_empty(state, indices.finalized_root, present=final is not None),
        sync_aggregate=SyncAggregate((False,) * PRESET.sync_committee_size, bytes(96)),
        signature_slot=signed_in,
    )
    return sign(unsigned, signers=signers, keys=keys, chain=chain)


def sign(update: Update, *, signers: int = 6, keys: Keys | None = None, chain: Chain = CHAIN) -> Update:
    signing = keys_of(chain.period_at(update.signature_slot)) if keys is None else keys
    bits = [index < signers for index in range(PRESET.sync_committee_size)]
    return replace(update, sync_aggregate=signing.sign(bits, compute_signing_root(update, chain)))


def _branch_or_empty(state: Tree, gindex: int, *, present: bool) -> tuple[bytes, ...]:
    return state.branch(gindex) if present else (ZERO_ROOT,) * branch_depth(gindex)


def evidence_for(update: Update, *, kind: EvidenceKind = EvidenceKind.UPDATE, chain: Chain = CHAIN) -> bytes:
    fork = chain.fork_at(update.attested_header.beacon.slot)
    containers = containers_of(fork, chain.preset)
    container = {
        EvidenceKind.UPDATE: containers.update,
        EvidenceKind.FINALITY_UPDATE: containers.finality_update,
        EvidenceKind.OPTIMISTIC_UPDATE: containers.optimistic_update,
    }[kind]
    return encode_evidence(kind, fork, container.encode(update))
