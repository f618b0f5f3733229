"""The rules of the sync protocol, one predicate each. `spec.py` and `client.py` say in which order they hold.

Source: consensus-specs, specs/{altair,capella,deneb,electra}/light-client/sync-protocol.md; names in brackets are its
functions.
"""

from __future__ import annotations

from hashlib import sha256

from proofs.errors import (
    HeaderFromFuture,
    HeightNotIncreasing,
    InsufficientVotingPower,
    MalformedProof,
    RootMismatch,
    UnknownCommittee,
    ValueMismatch,
)
from proofs.ethereum.committee import check_committee_signature, check_some_participate
from proofs.ethereum.containers import (
    EXECUTION_PAYLOAD_GINDEX,
    beacon_root,
    execution_header_type,
    state_indices,
    sync_committee_type,
)
from proofs.ethereum.forks import Chain, Fork
from proofs.ethereum.types import (
    EMPTY_EXECUTION_BRANCH,
    ZERO_ROOT,
    Bootstrap,
    ExecutionPayloadHeader,
    LightClientHeader,
    SyncAggregate,
    SyncCommittee,
    Update,
)
from proofs.merkle.ssz_branch import check_branch, check_normalized_branch

GENESIS_SLOT = 0


# --- one header ---------------------------------------------------------------------------------------------------


def check_header(header: LightClientHeader, chain: Chain) -> None:
    """[is_valid_light_client_header] The execution part is what the fork of this slot has, and the body holds it."""
    fork = chain.fork_at(header.beacon.slot)
    check_blob_fields_fit_fork(header.execution, fork)
    check_execution_fits_fork(header, fork)
    if fork >= Fork.CAPELLA:
        check_execution_branch(header, chain)


def check_blob_fields_fit_fork(execution: ExecutionPayloadHeader, fork: Fork) -> None:
    """Before deneb no header has blob fields: they are not hashed, so nothing vouches for them."""
    blobs = (execution.blob_gas_used, execution.excess_blob_gas)
    if fork < Fork.DENEB and any(blobs):
        raise ValueMismatch("blob fields before deneb", got=blobs, expected=(0, 0))


def check_execution_fits_fork(header: LightClientHeader, fork: Fork) -> None:
    """Before capella the light-client header has no execution part, for the same reason."""
    if fork < Fork.CAPELLA and header.execution != ExecutionPayloadHeader():
        raise ValueMismatch("execution header before capella", got=header.execution.block_number, expected="none")
    if fork < Fork.CAPELLA and header.execution_branch != EMPTY_EXECUTION_BRANCH:
        raise ValueMismatch("execution branch before capella", got=header.execution_branch[0], expected="none")


def check_execution_branch(header: LightClientHeader, chain: Chain) -> None:
    """The block body holds this execution payload, and no other."""
    check_branch(
        compute_execution_root(header, chain),
        header.execution_branch,
        gindex=EXECUTION_PAYLOAD_GINDEX,
        root=header.beacon.body_root,
        part="execution branch",
    )


def compute_execution_root(header: LightClientHeader, chain: Chain) -> bytes:
    """[get_lc_execution_root] Hashed as the fork of the header's own slot does; zero before capella."""
    fork = chain.fork_at(header.beacon.slot)
    return execution_header_type(fork).root(header.execution) if fork >= Fork.CAPELLA else ZERO_ROOT


# --- bootstrap ----------------------------------------------------------------------------------------------------


def check_trusted_root(header: LightClientHeader, trusted_block_root: bytes) -> None:
    """[initialize_light_client_store] The bootstrap is for the block that the operator trusts."""
    computed = beacon_root(header)
    if computed != trusted_block_root:
        raise RootMismatch("trusted block root", computed=computed, expected=trusted_block_root)


def check_current_committee_branch(bootstrap: Bootstrap, chain: Chain) -> None:
    """[initialize_light_client_store] The committee is the one in the state of the trusted block."""
    beacon = bootstrap.header.beacon
    check_normalized_branch(
        sync_committee_type(chain.preset).root(bootstrap.current_sync_committee),
        bootstrap.current_sync_committee_branch,
        gindex=state_indices(chain.fork_at(beacon.slot)).current_sync_committee,
        root=beacon.state_root,
        part="current sync committee branch",
    )


# --- slots and periods of an update -------------------------------------------------------------------------------


def check_slots_in_order(update: Update) -> None:
    """[validate_light_client_update] finalized ≤ attested < signature: a block is signed after it exists."""
    attested = update.attested_header.beacon.slot
    finalized = update.finalized_header.beacon.slot
    if update.signature_slot <= attested:
        raise HeightNotIncreasing(got=update.signature_slot, trusted=attested)
    if attested < finalized:
        raise HeightNotIncreasing(got=attested, trusted=finalized)


def check_not_from_future(signature_slot: int, *, current_slot: int, chain: Chain, now: int, drift: int = 0) -> None:
    """[validate_light_client_update] current_slot ≥ signature_slot."""
    if signature_slot > current_slot:
        raise HeaderFromFuture(header_time=chain.time_at(signature_slot), now=now, drift=drift)


def check_committee_known(period: int, *, trusted_period: int, next_known: bool) -> None:
    """[validate_light_client_update] Signed in the trusted period, or in the next one if its committee is known."""
    if period < trusted_period:
        raise HeightNotIncreasing(got=period, trusted=trusted_period)
    newest = trusted_period + next_known
    if period > newest:
        raise UnknownCommittee(period=period, newest=newest)


def check_is_news(attested_slot: int, *, trusted_slot: int, brings_next_committee: bool) -> None:
    """[validate_light_client_update] A header above the finalized one, or the committee that is still missing."""
    if attested_slot <= trusted_slot and not brings_next_committee:
        raise HeightNotIncreasing(got=attested_slot, trusted=trusted_slot)


# --- what the attested state holds --------------------------------------------------------------------------------


def check_absent_finality_is_empty(update: Update) -> None:
    """[validate_light_client_update] Without a branch there is no finalized header: nothing would vouch for it."""
    if not update.has_finality and update.finalized_header != LightClientHeader():
        raise ValueMismatch("finalized header without branch", got=update.finalized_header.beacon.slot, expected="none")


def check_finality(update: Update, chain: Chain) -> None:
    """[validate_light_client_update] The attested state names the finalized header, whose execution part is right."""
    if not update.has_finality:
        check_absent_finality_is_empty(update)
        return
    check_genesis_finality_is_empty(update)
    finalized_root = ZERO_ROOT
    if update.finalized_header.beacon.slot != GENESIS_SLOT:
        check_header(update.finalized_header, chain)
        finalized_root = beacon_root(update.finalized_header)
    check_finality_branch(update, finalized_root, chain)


def check_genesis_finality_is_empty(update: Update) -> None:
    """[validate_light_client_update] Until the first checkpoint the state names a zero root instead of a block."""
    finalized = update.finalized_header
    if finalized.beacon.slot == GENESIS_SLOT and finalized != LightClientHeader():
        raise ValueMismatch("finalized header at genesis", got=finalized.beacon.state_root, expected="none")


def check_finality_branch(update: Update, finalized_root: bytes, chain: Chain) -> None:
    beacon = update.attested_header.beacon
    check_normalized_branch(
        finalized_root,
        update.finality_branch,
        gindex=state_indices(chain.fork_at(beacon.slot)).finalized_root,
        root=beacon.state_root,
        part="finality branch",
    )


def check_absent_committee_is_empty(update: Update) -> None:
    """[validate_light_client_update] As with finality: without a branch there is no committee."""
    committee = update.next_sync_committee
    # Compared as a whole: to look at 24,576 bytes one by one would take a sixth of the time of the pairing.
    keys, aggregate = committee.pubkeys, committee.aggregate_pubkey
    if keys != bytes(len(keys)) or aggregate != bytes(len(aggregate)):
        raise ValueMismatch("next sync committee without branch", got=aggregate, expected="none")


def check_next_committee_branch(update: Update, chain: Chain) -> None:
    """[validate_light_client_update] The attested state holds this next committee."""
    beacon = update.attested_header.beacon
    check_normalized_branch(
        sync_committee_type(chain.preset).root(update.next_sync_committee),
        update.next_sync_committee_branch,
        gindex=state_indices(chain.fork_at(beacon.slot)).next_sync_committee,
        root=beacon.state_root,
        part="next sync committee branch",
    )


def check_same_next_committee(update: Update, known: SyncCommittee) -> None:
    """[validate_light_client_update] A period has one next committee: what is known does not change."""
    if update.next_sync_committee != known:
        raise ValueMismatch(
            "next sync committee", got=update.next_sync_committee.aggregate_pubkey, expected=known.aggregate_pubkey
        )


# --- signatures ---------------------------------------------------------------------------------------------------


def compute_signing_root(update: Update, chain: Chain) -> bytes:
    return sha256(beacon_root(update.attested_header) + chain.sync_committee_domain(update.signature_slot)).digest()


def check_signed_by(committee: SyncCommittee, update: Update, chain: Chain) -> None:
    """[validate_light_client_update] The committee signed the attested block under the domain of this chain."""
    check_committee_signature(committee, update.sync_aggregate, signing_root=compute_signing_root(update, chain))


def is_supermajority(aggregate: SyncAggregate) -> bool:
    return aggregate.participants * 3 >= len(aggregate.bits) * 2


def check_supermajority(aggregate: SyncAggregate) -> None:
    """[process_light_client_update] At least two thirds signed. Exact integers: no float rounds a quorum into being."""
    check_some_participate(aggregate)
    if not is_supermajority(aggregate):
        raise InsufficientVotingPower(aggregate.participants, len(aggregate.bits), signers="sync committee")


def check_has_finality(update: Update) -> None:
    """What is believed for messages is final: an attested header may still be reorganised away."""
    if not update.has_finality:
        raise MalformedProof("finality branch", got="none", expected="a finalized header")
