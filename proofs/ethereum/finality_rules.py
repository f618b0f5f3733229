"""The rules that the client adds to those of the sync protocol: what it takes to be *believed*, not only valid."""

from __future__ import annotations

from proofs.errors import (
    ClientFrozen,
    HeightNotIncreasing,
    NotMisbehaviour,
    TimeNotIncreasing,
    TrustExpired,
    UnsupportedProof,
    WrongLedger,
)
from proofs.ethereum.containers import beacon_root
from proofs.ethereum.forks import Chain, Fork
from proofs.ethereum.predicates import (
    check_committee_known,
    check_finality,
    check_has_finality,
    check_header,
    check_not_from_future,
    check_signed_by,
    check_slots_in_order,
    check_supermajority,
)
from proofs.ethereum.spec import Trust, brings_final_committee, committee_of
from proofs.ethereum.types import LightClientHeader, Update
from proofs.light_client import Height


def check_revision(at: Height) -> None:
    """Ethereum has one revision, 0: a proof for another is for another ledger."""
    if at.revision != 0:
        raise WrongLedger("revision", got=at.revision, expected=0)


def check_not_frozen(frozen_at: int | None) -> None:
    """After a contradiction nothing is believed until an operator decides."""
    if frozen_at is not None:
        raise ClientFrozen(frozen_at)


def check_within_trusting_period(*, expires_at: int, now: int) -> None:
    """Keys of a committee long gone cost nothing to misuse, so trust in it ends."""
    if now >= expires_at:
        raise TrustExpired(expired_at=expires_at, now=now)


def check_advances(update: Update, trust: Trust, chain: Chain) -> None:
    """[process_light_client_update] A newer final header, or the next committee of the trusted period, finally."""
    finalized = update.finalized_header.beacon.slot
    trusted = trust.finalized_header.beacon.slot
    if finalized <= trusted and not brings_final_committee(trust, update, chain):
        raise HeightNotIncreasing(got=finalized, trusted=trusted)


def check_has_execution(header: LightClientHeader, chain: Chain) -> None:
    """Only since capella does the header vouch for an execution block, which is what claims are proved against."""
    fork = chain.fork_at(header.beacon.slot)
    if fork < Fork.CAPELLA:
        raise UnsupportedProof("fork of the final header", got=fork.name.lower(), expected="capella or later")


def check_block_number_increases(number: int, *, trusted: int) -> None:
    """Slots grew, so block numbers did: heights of clients are block numbers, and each has one state."""
    if number <= trusted:
        raise HeightNotIncreasing(got=number, trusted=trusted)


def check_block_time_increases(time: int, *, trusted: int) -> None:
    """Timeouts are judged by the time of a block: it never runs backwards."""
    if time <= trusted:
        raise TimeNotIncreasing(got=time, trusted=trusted)


def check_headers_conflict(a: LightClientHeader, b: LightClientHeader) -> None:
    """Two headers of one slot that differ. Of two slots, both may be final without contradiction."""
    if a.beacon.slot != b.beacon.slot:
        raise NotMisbehaviour(f"final headers of two slots: {a.beacon.slot} and {b.beacon.slot}")
    if beacon_root(a) == beacon_root(b):
        raise NotMisbehaviour("twice the same final header")


def verify_accusation(trust: Trust, update: Update, chain: Chain, *, now: int) -> None:
    """Return only if the finality in `update` is signed as it must be, whether or not it is news to us."""
    check_has_finality(update)
    check_supermajority(update.sync_aggregate)
    check_header(update.attested_header, chain)
    check_slots_in_order(update)
    check_not_from_future(update.signature_slot, current_slot=chain.slot_at(now), chain=chain, now=now)
    period, trusted_period = chain.period_at(update.signature_slot), trust.period(chain)
    check_committee_known(period, trusted_period=trusted_period, next_known=trust.next_sync_committee is not None)
    check_finality(update, chain)
    check_signed_by(committee_of(trust, period, trusted_period), update, chain)
