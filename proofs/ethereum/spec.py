"""The sync protocol as the specification tells it: a store that follows updates, well-signed or not.

This is the reference that the official vectors are run on. It also believes what is merely the best update seen when
nothing better came for a whole period (`force_update`), and tells an optimistic header. Nothing is relayed on either:
`client.py` takes the rules of `validate_update` and believes finality by two thirds alone.
Source: consensus-specs, specs/{altair,electra}/light-client/sync-protocol.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from proofs.ethereum.bootstrap import verify_bootstrap
from proofs.ethereum.committee import check_some_participate
from proofs.ethereum.forks import Chain
from proofs.ethereum.predicates import (
    check_absent_committee_is_empty,
    check_committee_known,
    check_finality,
    check_header,
    check_is_news,
    check_next_committee_branch,
    check_not_from_future,
    check_same_next_committee,
    check_signed_by,
    check_slots_in_order,
    is_supermajority,
)
from proofs.ethereum.types import Bootstrap, LightClientHeader, SyncCommittee, Update


@dataclass(frozen=True, slots=True)
class Trust:
    """The part of what is believed that an update is judged by."""

    finalized_header: LightClientHeader
    current_sync_committee: SyncCommittee
    next_sync_committee: SyncCommittee | None

    def period(self, chain: Chain) -> int:
        return chain.period_at(self.finalized_header.beacon.slot)


def validate_update(trust: Trust, update: Update, chain: Chain, *, current_slot: int) -> None:
    """Return only if `update` is right in every part that it has. Cheap rules first, the pairing last."""
    trusted_period = trust.period(chain)
    check_some_participate(update.sync_aggregate)
    check_header(update.attested_header, chain)
    check_slots_in_order(update)
    check_not_from_future(
        update.signature_slot, current_slot=current_slot, chain=chain, now=chain.time_at(current_slot)
    )
    signature_period = chain.period_at(update.signature_slot)
    check_committee_known(
        signature_period, trusted_period=trusted_period, next_known=trust.next_sync_committee is not None
    )
    check_is_news(
        update.attested_header.beacon.slot,
        trusted_slot=trust.finalized_header.beacon.slot,
        brings_next_committee=brings_next_committee(trust, update, chain),
    )
    check_finality(update, chain)
    _check_next_committee(trust, update, chain)
    check_signed_by(committee_of(trust, signature_period, trusted_period), update, chain)


def brings_next_committee(trust: Trust, update: Update, chain: Chain) -> bool:
    attested_period = chain.period_at(update.attested_header.beacon.slot)
    return (
        trust.next_sync_committee is None and update.has_next_sync_committee and attested_period == trust.period(chain)
    )


def brings_final_committee(trust: Trust, update: Update, chain: Chain) -> bool:
    """The missing committee, in the state of a period in which something is final."""
    return (
        trust.next_sync_committee is None
        and update.has_next_sync_committee
        and update.has_finality
        and chain.period_at(update.finalized_header.beacon.slot) == chain.period_at(update.attested_header.beacon.slot)
    )


def _check_next_committee(trust: Trust, update: Update, chain: Chain) -> None:
    if not update.has_next_sync_committee:
        check_absent_committee_is_empty(update)
        return
    attested_period = chain.period_at(update.attested_header.beacon.slot)
    if trust.next_sync_committee is not None and attested_period == trust.period(chain):
        check_same_next_committee(update, trust.next_sync_committee)
    check_next_committee_branch(update, chain)


def committee_of(trust: Trust, period: int, trusted_period: int) -> SyncCommittee:
    if period == trusted_period:
        return trust.current_sync_committee
    assert trust.next_sync_committee is not None, "check_committee_known has refused the period otherwise"
    return trust.next_sync_committee


def advance(trust: Trust, update: Update, chain: Chain) -> Trust:
    """[apply_light_client_update] What is believed after a valid update with finality.

    A header of the period after next cannot be applied while the next committee is unknown: then nothing changes.
    """
    trusted_period = trust.period(chain)
    finalized_period = chain.period_at(update.finalized_header.beacon.slot)
    current, following = trust.current_sync_committee, trust.next_sync_committee
    if following is None:
        assert finalized_period == trusted_period, "no later period is known"
        following = update.next_sync_committee if update.has_next_sync_committee else None
    elif finalized_period == trusted_period + 1:
        current = following
        following = update.next_sync_committee if update.has_next_sync_committee else None
    newer = update.finalized_header.beacon.slot > trust.finalized_header.beacon.slot
    header = update.finalized_header if newer else trust.finalized_header
    return Trust(header, current, following)


@dataclass(frozen=True, slots=True)
class Store:
    """[LightClientStore] `max_participants`: (previous period, current period), which sets the optimistic threshold."""

    trust: Trust
    optimistic_header: LightClientHeader
    best_valid_update: Update | None = None
    max_participants: tuple[int, int] = (0, 0)


def initialize(bootstrap: Bootstrap, chain: Chain, *, trusted_block_root: bytes) -> Store:
    verify_bootstrap(bootstrap, chain, trusted_block_root=trusted_block_root)
    trust = Trust(bootstrap.header, bootstrap.current_sync_committee, next_sync_committee=None)
    return Store(trust, optimistic_header=bootstrap.header)


def process_update(store: Store, update: Update, chain: Chain, *, current_slot: int) -> Store:
    """[process_light_client_update]"""
    trust = store.trust
    validate_update(trust, update, chain, current_slot=current_slot)
    if store.best_valid_update is None or is_better_update(update, store.best_valid_update, chain):
        store = replace(store, best_valid_update=update)
    store = _see_optimistic_header(store, update)
    finalized_slot = update.finalized_header.beacon.slot
    newer = finalized_slot > trust.finalized_header.beacon.slot
    advances = newer or brings_final_committee(trust, update, chain)
    if is_supermajority(update.sync_aggregate) and advances:
        return replace(_apply(store, update, chain), best_valid_update=None)
    return store


def force_update(store: Store, chain: Chain, *, current_slot: int) -> Store:
    """[process_light_client_store_force_update] After a period without finality, believe the best update there was."""
    best = store.best_valid_update
    finalized_slot = store.trust.finalized_header.beacon.slot
    if best is None or current_slot <= finalized_slot + chain.preset.slots_per_period:
        return store
    if best.finalized_header.beacon.slot <= finalized_slot:
        best = replace(best, finalized_header=best.attested_header)
    return replace(_apply(store, best, chain), best_valid_update=None)


def _see_optimistic_header(store: Store, update: Update) -> Store:
    previous, current = store.max_participants
    current = max(current, update.sync_aggregate.participants)
    store = replace(store, max_participants=(previous, current))
    newer = update.attested_header.beacon.slot > store.optimistic_header.beacon.slot
    if newer and update.sync_aggregate.participants > max(previous, current) // 2:
        return replace(store, optimistic_header=update.attested_header)
    return store


def _apply(store: Store, update: Update, chain: Chain) -> Store:
    trust = advance(store.trust, update, chain)
    _, current = store.max_participants
    # The committee changed: what it could muster says nothing yet about the new one.
    changed = trust.period(chain) > store.trust.period(chain)
    optimistic = max(store.optimistic_header, trust.finalized_header, key=lambda header: header.beacon.slot)
    return replace(
        store,
        trust=trust,
        optimistic_header=optimistic,
        max_participants=(current, 0) if changed else store.max_participants,
    )


def is_better_update(new: Update, old: Update, chain: Chain) -> bool:
    """[is_better_update] More support, a committee and finality that are of use, then the earlier one."""
    return _rank(new, chain) > _rank(old, chain)


def _rank(update: Update, chain: Chain) -> tuple[int, ...]:
    attested_slot = update.attested_header.beacon.slot
    attested_period = chain.period_at(attested_slot)
    participants = update.sync_aggregate.participants
    supermajority = is_supermajority(update.sync_aggregate)
    relevant_committee = update.has_next_sync_committee and attested_period == chain.period_at(update.signature_slot)
    committee_finality = update.has_finality and (
        chain.period_at(update.finalized_header.beacon.slot) == attested_period
    )
    return (
        supermajority,
        0 if supermajority else participants,
        relevant_committee,
        update.has_finality,
        committee_finality,
        participants,
        -attested_slot,
        -update.signature_slot,
    )
