"""What an Ethereum client believes, and what it never does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proofs.errors import (
    ClientFrozen,
    HeaderFromFuture,
    HeightNotIncreasing,
    InsufficientVotingPower,
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    NotMisbehaviour,
    RootMismatch,
    TimeNotIncreasing,
    TrustExpired,
    UnknownCommittee,
    UnknownHeight,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
    WrongLedger,
)
from proofs.ethereum import belief as beliefs
from proofs.ethereum.client import EthereumClient, bootstrap, decode_client
from proofs.ethereum.containers import beacon_root, containers_of
from proofs.ethereum.evidence import EVIDENCE_BYTES_MAX, EvidenceKind
from proofs.ethereum.forks import Fork
from proofs.light_client import Claim, ClientState, Height
from tests.proofs.ethereum.beacon_builders import (
    CHAIN,
    CLAIM,
    LAYOUT,
    NOW,
    PERIOD,
    SECONDS_PER_SLOT,
    TRUSTING_PERIOD,
    Keys,
    bootstrap_at,
    chain_at,
    client_at,
    evidence_for,
    execution_at,
    header_at,
    keys_of,
    sign,
    state_proof,
    update_of,
)
from tests.proofs.fuzzing import assert_only_refusals

START = 16  # the first slot of period 2


def height(slot: int) -> Height:
    return Height(0, 1000 + slot)


def followed(client: EthereumClient, *updates: Any) -> EthereumClient:
    for update in updates:
        client = client.update(evidence_for(update), now=NOW)
    return client


def test_a_client_starts_at_the_trusted_block() -> None:
    client = client_at(START)
    assert client.latest() == height(START)
    assert client.timestamp_at(height(START)) == CHAIN.time_at(START)
    assert client.family == "ethereum"
    assert client.portable


def test_a_finality_update_within_a_period_needs_no_committee() -> None:
    update = update_of(18, finalized=17)
    client = client_at(START).update(evidence_for(update, kind=EvidenceKind.FINALITY_UPDATE), now=NOW)
    assert client.latest() == height(17)
    assert client.execution_state(height(START)).number == 1000 + START


@pytest.mark.parametrize("newest", (Fork.CAPELLA, Fork.DENEB, Fork.ELECTRA, Fork.FULU))
def test_committees_are_followed_from_period_to_period(newest: Fork) -> None:
    chain = chain_at(newest)
    client = client_at(START, chain=chain)
    for period in range(2, 7):
        first = period * PERIOD
        update = update_of(first + 2, finalized=first + 1, brings=keys_of(period + 1), chain=chain)
        client = client.update(evidence_for(update, chain=chain), now=NOW)
        assert client.latest() == height(first + 1)
        assert client.belief.trust.current_sync_committee == keys_of(period).committee()
        assert client.belief.trust.next_sync_committee == keys_of(period + 1).committee()


def test_the_missing_committee_is_learnt_from_an_older_attested_header() -> None:
    client = client_at(START + 2)
    update = update_of(START + 1, finalized=START, brings=keys_of(3))
    learnt = followed(client, update)
    assert learnt.latest() == client.latest()
    assert learnt.belief.trust.next_sync_committee == keys_of(3).committee()


def test_a_next_committee_signs_as_soon_as_it_is_known() -> None:
    client = followed(client_at(START), update_of(18, finalized=17, brings=keys_of(3)))
    assert followed(client, update_of(19, finalized=18, signature_slot=24)).latest() == height(18)


def test_exactly_two_thirds_are_enough() -> None:
    assert followed(client_at(START), update_of(18, finalized=17, signers=4)).latest() == height(17)


def test_claims_are_checked_against_the_state_root_of_their_block() -> None:
    _, proof = state_proof()
    client_at(START).check([CLAIM], at=height(START), proof=proof)
    with pytest.raises(ValueMismatch):
        client_at(START).check([Claim(CLAIM.path, b"\1" * 32)], at=height(START), proof=proof)


def test_a_proof_under_another_state_root_is_refused() -> None:
    _, proof = state_proof()
    other = header_at(17, execution=replace(execution_at(17), state_root=b"\5" * 32))
    client = followed(client_at(START), update_of(18, finalized=other))
    with pytest.raises(RootMismatch):
        client.check([CLAIM], at=height(17), proof=proof)


@pytest.mark.parametrize("at", (Height(0, 999), Height(0, 1000 + START + 1)))
def test_a_height_without_state_is_unknown(at: Height) -> None:
    with pytest.raises(UnknownHeight) as refusal:
        client_at(START).check([CLAIM], at=at, proof=state_proof()[1])
    assert refusal.value.number == at.number


def test_another_revision_is_another_ledger() -> None:
    with pytest.raises(WrongLedger) as refusal:
        client_at(START).timestamp_at(Height(1, 1000 + START))
    assert refusal.value.got == 1


def refused(update: Any, error: type[VerificationError], *, client: EthereumClient | None = None) -> Any:
    with pytest.raises(error) as refusal:
        (client or client_at(START)).update(evidence_for(update), now=NOW)
    return refusal.value


def test_less_than_two_thirds_are_refused_however_late_it_gets() -> None:
    refusal = refused(update_of(18, finalized=17, signers=3), InsufficientVotingPower)
    assert (refusal.signed, refusal.total) == (3, 6)


def test_nobody_is_refused_even_with_the_infinity_signature() -> None:
    update = update_of(18, finalized=17)
    empty = replace(update.sync_aggregate, bits=(False,) * 6, signature=b"\xc0" + bytes(95))
    assert refused(replace(update, sync_aggregate=empty), InsufficientVotingPower).signed == 0


def test_an_attested_header_alone_is_not_believed_but_shown() -> None:
    update = update_of(18, finalized=None)
    assert refused(update, MalformedProof).part == "finality branch"
    evidence = evidence_for(update, kind=EvidenceKind.OPTIMISTIC_UPDATE)
    assert client_at(START).optimistic_header(evidence, now=NOW).beacon.slot == 18


def test_an_optimistic_header_needs_two_thirds_too() -> None:
    evidence = evidence_for(update_of(18, finalized=None, signers=3), kind=EvidenceKind.OPTIMISTIC_UPDATE)
    with pytest.raises(InsufficientVotingPower):
        client_at(START).optimistic_header(evidence, now=NOW)


def test_a_committee_that_is_not_known_yet_makes_the_caller_fetch() -> None:
    refusal = refused(update_of(25, finalized=24), UnknownCommittee)
    assert (refusal.period, refusal.newest) == (3, 2)


def test_a_committee_of_the_past_is_refused() -> None:
    refusal = refused(update_of(13, finalized=12), HeightNotIncreasing)
    assert (refusal.got, refusal.trusted) == (1, 2)


def test_the_same_finality_again_is_no_news() -> None:
    client = followed(client_at(START), update_of(18, finalized=17))
    refusal = refused(update_of(19, finalized=17), HeightNotIncreasing, client=client)
    assert (refusal.got, refusal.trusted) == (17, 17)


def test_a_block_of_the_future_is_refused() -> None:
    now = CHAIN.time_at(19) - 1
    with pytest.raises(HeaderFromFuture) as refusal:
        client_at(START).update(evidence_for(update_of(18, finalized=17)), now=now)
    assert refusal.value.header_time == CHAIN.time_at(19)


def test_trust_ends() -> None:
    client = client_at(START, trusting_period=100)
    end = CHAIN.time_at(START) + 100
    assert client.status(end - 1).state is ClientState.ACTIVE
    assert client.status(end).state is ClientState.EXPIRED
    assert client.status(end).expires_at == end
    with pytest.raises(TrustExpired) as refusal:
        client.update(evidence_for(update_of(18, finalized=17)), now=end)
    assert refusal.value.expired_at == end
    client.misbehaviour(*conflicting(), now=end - 1)
    with pytest.raises(TrustExpired):
        client.misbehaviour(*conflicting(), now=end)


def test_a_signature_of_other_keys_is_refused() -> None:
    refused(update_of(18, finalized=17, keys=Keys("strangers")), InvalidSignature)


def test_a_signature_for_another_fork_version_is_refused() -> None:
    refused(sign(update_of(18, finalized=17), chain=chain_at(Fork.ELECTRA)), InvalidSignature)


def test_a_signature_for_another_chain_is_refused() -> None:
    other = replace(CHAIN, genesis_validators_root=b"\1" * 32)
    refused(sign(update_of(18, finalized=17), chain=other), InvalidSignature)


def test_evidence_in_the_encoding_of_another_fork_is_refused() -> None:
    evidence = bytearray(evidence_for(update_of(18, finalized=17)))
    evidence[1] = Fork.ELECTRA
    with pytest.raises(WrongLedger) as refusal:
        client_at(START).update(bytes(evidence), now=NOW)
    assert (refusal.value.got, refusal.value.expected) == ("electra", "fulu")


@pytest.mark.parametrize(("place", "part"), ((0, "evidence kind"), (1, "fork")))
def test_unknown_kinds_and_forks_are_refused(place: int, part: str) -> None:
    evidence = bytearray(evidence_for(update_of(18, finalized=17)))
    evidence[place] = 77
    with pytest.raises(UnsupportedProof) as refusal:
        client_at(START).update(bytes(evidence), now=NOW)
    assert refusal.value.part == part


def test_phase0_has_no_committees_to_decode() -> None:
    with pytest.raises(UnsupportedProof):
        client_at(START).update(bytes([1, 0]) + bytes(100), now=NOW)


def test_evidence_is_bounded_before_it_is_read() -> None:
    with pytest.raises(LimitExceeded) as refusal:
        client_at(START).update(bytes(EVIDENCE_BYTES_MAX + 1), now=NOW)
    assert refusal.value.limit == EVIDENCE_BYTES_MAX
    with pytest.raises(MalformedProof):
        client_at(START).update(b"\1", now=NOW)


def test_execution_blocks_and_their_time_only_grow() -> None:
    stuck = header_at(17, execution=replace(execution_at(17), block_number=1000 + START))
    assert refused(update_of(18, finalized=stuck), HeightNotIncreasing).got == 1000 + START
    backwards = header_at(17, execution=replace(execution_at(17), timestamp=CHAIN.time_at(START)))
    assert refused(update_of(18, finalized=backwards), TimeNotIncreasing).got == CHAIN.time_at(START)


@pytest.mark.parametrize("newest", (Fork.ALTAIR, Fork.BELLATRIX))
def test_before_capella_there_is_nothing_to_prove_against(newest: Fork) -> None:
    with pytest.raises(UnsupportedProof) as refusal:
        client_at(START, chain=chain_at(newest))
    assert refusal.value.got == newest.name.lower()


def test_another_block_than_the_trusted_one_starts_nothing() -> None:
    start = bootstrap_at(START)
    with pytest.raises(RootMismatch) as refusal:
        bootstrap(
            containers_of(Fork.FULU, CHAIN.preset).bootstrap.encode(start),
            fork=Fork.FULU,
            chain=CHAIN,
            trusted_block_root=b"\1" * 32,
            trusting_period=TRUSTING_PERIOD,
            layout=LAYOUT,
        )
    assert refusal.value.computed == beacon_root(start.header)


# --- contradictions ------------------------------------------------------------------------------------------------


def conflicting() -> tuple[bytes, bytes]:
    first = update_of(18, finalized=17)
    second = update_of(19, finalized=header_at(17, proposer=4))
    return evidence_for(first), evidence_for(second)


def test_two_final_blocks_of_one_slot_are_misbehaviour() -> None:
    client_at(START).misbehaviour(*conflicting(), now=NOW)


def test_misbehaviour_may_be_old_news() -> None:
    client = followed(client_at(START), update_of(19, finalized=18))
    client.misbehaviour(*conflicting(), now=NOW)


ACCUSATIONS: dict[str, tuple[Callable[[], tuple[Any, Any]], type[VerificationError]]] = {
    "the_same_block_twice": (lambda: (update_of(18, finalized=17), update_of(19, finalized=17)), NotMisbehaviour),
    "blocks_of_two_slots": (lambda: (update_of(18, finalized=17), update_of(19, finalized=18)), NotMisbehaviour),
    "too_few_signers": (
        lambda: (update_of(18, finalized=17), update_of(19, finalized=header_at(17, proposer=4), signers=3)),
        InsufficientVotingPower,
    ),
    "strangers": (
        lambda: (
            update_of(18, finalized=17),
            update_of(19, finalized=header_at(17, proposer=4), keys=Keys("strangers")),
        ),
        InvalidSignature,
    ),
    "finality_that_the_state_does_not_name": (
        lambda: (
            update_of(18, finalized=17),
            replace(update_of(19, finalized=17), finalized_header=header_at(17, proposer=4)),
        ),
        RootMismatch,
    ),
    "no_finality": (
        lambda: (
            replace(update_of(18, finalized=None), finalized_header=header_at(17)),
            update_of(19, finalized=header_at(17, proposer=4)),
        ),
        MalformedProof,
    ),
}


@pytest.mark.parametrize("accusation", ACCUSATIONS)
def test_a_false_accusation_is_refused(accusation: str) -> None:
    make, error = ACCUSATIONS[accusation]
    a, b = make()
    with pytest.raises(error):
        client_at(START).misbehaviour(evidence_for(a), evidence_for(b), now=NOW)


def test_a_contradiction_of_what_is_believed_freezes() -> None:
    client = followed(client_at(START), update_of(18, finalized=17))
    frozen = followed(client, update_of(19, finalized=header_at(17, proposer=4)))
    assert frozen.status(NOW).state is ClientState.FROZEN
    assert frozen.belief.frozen_at == 17
    assert frozen.latest() == height(17)


def test_a_frozen_client_believes_nothing() -> None:
    frozen = client_at(START).frozen(START)
    evidence = evidence_for(update_of(18, finalized=17))
    for attempt in (
        lambda: frozen.update(evidence, now=NOW),
        lambda: frozen.optimistic_header(evidence, now=NOW),
        lambda: frozen.check([CLAIM], at=height(START), proof=state_proof()[1]),
        lambda: frozen.misbehaviour(*conflicting(), now=NOW),
    ):
        with pytest.raises(ClientFrozen) as refusal:
            attempt()
        assert refusal.value.frozen_at == START


# --- bytes ---------------------------------------------------------------------------------------------------------


def clients() -> dict[str, EthereumClient]:
    followed_one = followed(client_at(START), update_of(18, finalized=17, brings=keys_of(3)))
    return {"new": client_at(START), "followed": followed_one, "frozen": followed_one.frozen(17)}


@pytest.mark.parametrize("name", ("new", "followed", "frozen"))
def test_a_client_survives_its_encoding(name: str) -> None:
    client = clients()[name]
    assert decode_client(client.encode()) == client


def test_states_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofs.ethereum.client.EXECUTION_STATES_MAX", 2)
    client = followed(client_at(START), update_of(18, finalized=17), update_of(19, finalized=18))
    assert [state.number for state in client.belief.states] == [1017, 1018]


def test_another_version_of_the_encoding_is_refused() -> None:
    with pytest.raises(MalformedProof) as refusal:
        decode_client(b"\2" + client_at(START).encode()[1:])
    assert refusal.value.part == "client version"


@pytest.mark.parametrize("count", (0, 2))
def test_states_out_of_order_are_refused(count: int) -> None:
    belief = client_at(START).belief
    with pytest.raises(MalformedProof) as refusal:
        decode_client(beliefs.encode_belief(replace(belief, states=belief.states * count)))
    assert refusal.value.part == "execution states"


def test_hostile_client_bytes_are_refused() -> None:
    assert_only_refusals(decode_client, [client.encode() for client in clients().values()], count=1500)


def test_hostile_evidence_is_refused() -> None:
    client = client_at(START)
    seeds = [
        evidence_for(update_of(18, finalized=17, brings=keys_of(3))),
        evidence_for(update_of(18, finalized=17), kind=EvidenceKind.FINALITY_UPDATE),
        evidence_for(update_of(18, finalized=None), kind=EvidenceKind.OPTIMISTIC_UPDATE),
    ]
    assert_only_refusals(lambda evidence: client.update(evidence, now=NOW), seeds, count=800)
    assert_only_refusals(lambda evidence: client.optimistic_header(evidence, now=NOW), seeds, count=300)


def test_the_clock_of_the_builders_is_after_every_slot_they_use() -> None:
    assert CHAIN.time_at(100) < NOW < CHAIN.time_at(START) + TRUSTING_PERIOD
    assert CHAIN.seconds_per_slot == SECONDS_PER_SLOT
