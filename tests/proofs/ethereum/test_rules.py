"""Each rule of the sync protocol with the one corruption that only it catches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proofs.errors import (
    HeightNotIncreasing,
    InsufficientVotingPower,
    InvalidSignature,
    MalformedProof,
    RootMismatch,
    ValueMismatch,
    VerificationError,
)
from proofs.ethereum import predicates as rules
from proofs.ethereum import spec
from proofs.ethereum.bootstrap import verify_bootstrap
from proofs.ethereum.committee import check_committee_signature, committee_keys
from proofs.ethereum.containers import beacon_root
from proofs.ethereum.forks import MAINNET, MINIMAL_PRESET, SEPOLIA, Chain, Fork, ForkSchedule, Preset
from proofs.ethereum.types import (
    EMPTY_EXECUTION_BRANCH,
    BeaconBlockHeader,
    Bootstrap,
    ExecutionPayloadHeader,
    LightClientHeader,
    SyncCommittee,
    Update,
)
from tests.proofs.ethereum.beacon_builders import (
    CHAIN,
    PRESET,
    Keys,
    bootstrap_at,
    chain_at,
    client_at,
    header_at,
    keys_of,
    sign,
    update_of,
)

START = 16
LATER = 500


def store(chain: Chain = CHAIN, *, next_known: bool = False) -> spec.Trust:
    following = keys_of(3).committee() if next_known else None
    header = header_at(START, chain=chain)
    return spec.Trust(header, keys_of(2).committee(), following)


def validate(update: Update, *, chain: Chain = CHAIN, next_known: bool = False, current_slot: int = LATER) -> None:
    spec.validate_update(store(chain, next_known=next_known), update, chain, current_slot=current_slot)


def flip(root: bytes) -> bytes:
    return bytes([root[0] ^ 1]) + root[1:]


def full() -> Update:
    return update_of(18, finalized=17, brings=keys_of(3))


@pytest.mark.parametrize("newest", list(Fork)[1:])
def test_a_full_update_of_every_fork_is_valid(newest: Fork) -> None:
    chain = chain_at(newest)
    validate(update_of(18, finalized=17, brings=keys_of(3), chain=chain), chain=chain)


def test_finality_of_the_genesis_names_a_zero_root() -> None:
    """Until the first checkpoint the state's finalized root is zero, and there is no header to it."""
    update = update_of(18, finalized=LightClientHeader(), finalized_root=bytes(32))
    validate(update)


EMPTY = LightClientHeader()
STRANGE = ExecutionPayloadHeader(block_number=5)

CORRUPTIONS: dict[str, tuple[Callable[[], Update], type[VerificationError], dict[str, Any]]] = {
    "execution_payload_of_another_block": (
        lambda: replace(full(), attested_header=replace(full().attested_header, execution=header_at(19).execution)),
        RootMismatch,
        {"part": "execution branch"},
    ),
    "execution_branch_of_another_block": (
        lambda: replace(
            full(), attested_header=replace(full().attested_header, execution_branch=EMPTY_EXECUTION_BRANCH)
        ),
        RootMismatch,
        {"part": "execution branch"},
    ),
    "execution_payload_of_the_final_block": (
        lambda: replace(full(), finalized_header=replace(full().finalized_header, execution=header_at(19).execution)),
        RootMismatch,
        {"part": "execution branch"},
    ),
    "signed_before_it_was_attested": (
        lambda: update_of(18, finalized=17, signature_slot=18),
        HeightNotIncreasing,
        {"got": 18, "trusted": 18},
    ),
    "final_before_it_was_attested": (
        lambda: update_of(18, finalized=19),
        HeightNotIncreasing,
        {"got": 18, "trusted": 19},
    ),
    "no_news": (lambda: update_of(16, finalized=15), HeightNotIncreasing, {"got": 16, "trusted": 16}),
    "final_header_without_branch": (
        lambda: replace(update_of(18, finalized=None), finalized_header=header_at(17)),
        ValueMismatch,
        {"part": "finalized header without branch", "got": 17},
    ),
    "final_header_of_the_genesis_slot": (
        lambda: update_of(18, finalized=header_at(0), finalized_root=bytes(32)),
        ValueMismatch,
        {"part": "finalized header at genesis"},
    ),
    "final_header_of_another_state": (
        lambda: replace(full(), finalized_header=header_at(17, proposer=9)),
        RootMismatch,
        {"part": "finality branch"},
    ),
    "committee_without_branch": (
        lambda: replace(update_of(18, finalized=17), next_sync_committee=keys_of(3).committee()),
        ValueMismatch,
        {"part": "next sync committee without branch"},
    ),
    "aggregate_key_without_branch": (
        lambda: replace(
            update_of(18, finalized=17), next_sync_committee=SyncCommittee(bytes(48 * 6), b"\1" + bytes(47))
        ),
        ValueMismatch,
        {"part": "next sync committee without branch"},
    ),
    "committee_of_another_state": (
        lambda: replace(full(), next_sync_committee=Keys("strangers").committee()),
        RootMismatch,
        {"part": "next sync committee branch"},
    ),
    "one_signer_too_many": (
        lambda: replace(
            full(), sync_aggregate=replace(update_of(18, finalized=17, signers=5).sync_aggregate, bits=(True,) * 6)
        ),
        InvalidSignature,
        {},
    ),
    "nobody": (
        lambda: replace(full(), sync_aggregate=replace(full().sync_aggregate, bits=(False,) * 6)),
        InsufficientVotingPower,
        {"signed": 0, "total": 6},
    ),
    "more_bits_than_keys": (
        lambda: replace(full(), sync_aggregate=replace(full().sync_aggregate, bits=(True,) * 7)),
        ValueMismatch,
        {"part": "participation bits", "got": 7, "expected": 6},
    ),
    "signature_that_is_no_point": (
        lambda: replace(full(), sync_aggregate=replace(full().sync_aggregate, signature=b"\x80" + bytes(95))),
        MalformedProof,
        {"part": "G2 point"},
    ),
}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_invalid_update(corruption: str) -> None:
    make, error, fields = CORRUPTIONS[corruption]
    with pytest.raises(error) as refusal:
        validate(make())
    assert type(refusal.value) is error
    assert {name: getattr(refusal.value, name) for name in fields} == fields


def test_another_next_committee_of_a_period_is_refused_even_if_signed() -> None:
    update = update_of(18, finalized=17, brings=Keys("strangers"))
    validate(update)
    with pytest.raises(ValueMismatch) as refusal:
        validate(update, next_known=True)
    assert refusal.value.part == "next sync committee"


@pytest.mark.parametrize("newest", (Fork.ALTAIR, Fork.BELLATRIX))
def test_nothing_vouches_for_execution_before_capella(newest: Fork) -> None:
    chain = chain_at(newest)
    update = update_of(18, finalized=17, chain=chain)
    for change in ({"execution": STRANGE}, {"execution_branch": (b"\1" * 32,) * 4}):
        with pytest.raises(ValueMismatch) as refusal:
            validate(replace(update, attested_header=replace(update.attested_header, **change)), chain=chain)
        assert "before capella" in refusal.value.part


def test_nothing_vouches_for_blob_fields_before_deneb() -> None:
    chain = chain_at(Fork.CAPELLA)
    update = update_of(18, finalized=17, chain=chain)
    execution = replace(update.attested_header.execution, excess_blob_gas=1)
    with pytest.raises(ValueMismatch) as refusal:
        validate(replace(update, attested_header=replace(update.attested_header, execution=execution)), chain=chain)
    assert refusal.value.part == "blob fields before deneb"


def test_blob_fields_are_vouched_for_since_deneb() -> None:
    update = full()
    execution = replace(update.attested_header.execution, excess_blob_gas=1)
    with pytest.raises(RootMismatch):
        validate(replace(update, attested_header=replace(update.attested_header, execution=execution)))


def test_two_thirds_are_counted_exactly() -> None:
    for signers, enough in ((3, False), (4, True)):
        aggregate = update_of(18, finalized=17, signers=signers).sync_aggregate
        assert rules.is_supermajority(aggregate) is enough


def test_a_few_signers_are_summed_up_as_well_as_many() -> None:
    """Both ways to sum: those who signed, or all but those who did not."""
    update = full()
    for signers in range(1, 7):
        validate(sign(update, signers=signers))


# --- bootstrap -----------------------------------------------------------------------------------------------------


def test_invalid_bootstrap_committee() -> None:
    start = bootstrap_at(START)
    stranger = replace(start, current_sync_committee=Keys("strangers").committee())
    with pytest.raises(RootMismatch) as refusal:
        verify_bootstrap(stranger, CHAIN, trusted_block_root=beacon_root(start.header))
    assert refusal.value.part == "current sync committee branch"


def test_invalid_bootstrap_root_and_execution() -> None:
    start: Bootstrap = bootstrap_at(START)
    with pytest.raises(RootMismatch) as refusal:
        verify_bootstrap(start, CHAIN, trusted_block_root=flip(beacon_root(start.header)))
    assert refusal.value.part == "trusted block root"
    header = replace(start.header, execution=STRANGE)
    with pytest.raises(RootMismatch) as refusal:
        verify_bootstrap(replace(start, header=header), CHAIN, trusted_block_root=beacon_root(start.header))
    assert refusal.value.part == "execution branch"


# --- committee keys ------------------------------------------------------------------------------------------------


def test_a_committee_with_an_infinity_key_signs_nothing() -> None:
    committee = keys_of(2).committee()
    infinity = b"\xc0" + bytes(47)
    poisoned = replace(committee, pubkeys=infinity + committee.pubkeys[48:])
    with pytest.raises(MalformedProof) as refusal:
        check_committee_signature(poisoned, full().sync_aggregate, signing_root=bytes(32))
    assert refusal.value.part == "public key"


def test_keys_that_cancel_out_sign_nothing() -> None:
    """A key and its negative: whoever put both there could sign for the two with the infinity point."""
    key = keys_of(2).committee().pubkeys[:48]
    pair = SyncCommittee(key + bytes([key[0] ^ 0x20]) + key[1:], key)
    aggregate = replace(full().sync_aggregate, bits=(True, True), signature=b"\xc0" + bytes(95))
    with pytest.raises(MalformedProof) as refusal:
        check_committee_signature(pair, aggregate, signing_root=bytes(32))
    assert refusal.value.got == "infinity"


def test_keys_are_decompressed_once() -> None:
    pubkeys = keys_of(2).committee().pubkeys
    assert committee_keys(pubkeys) is committee_keys(pubkeys)


# --- forks ---------------------------------------------------------------------------------------------------------

ROWS = ForkSchedule(tuple((fork, bytes([fork, 0, 0, 0]), 10 * fork) for fork in Fork)).forks


@pytest.mark.parametrize(
    "forks",
    (
        (),
        ROWS[1:],
        ((Fork.PHASE0, bytes(4), 1),),
        (ROWS[0], ROWS[2], ROWS[1]),
        (ROWS[0], ROWS[1], ROWS[1]),
        (ROWS[0], (Fork.ALTAIR, bytes(4), 30), ROWS[2]),
    ),
)
def test_a_fork_schedule_out_of_order_is_refused(forks: tuple[tuple[Fork, bytes, int], ...]) -> None:
    with pytest.raises(MalformedProof) as refusal:
        ForkSchedule(forks)
    assert refusal.value.part == "fork schedule"


@pytest.mark.parametrize("sizes", ((0, 4, 6, 64), (2, 0, 6, 64), (2, 4, 0, 64), (2, 4, 6, 0), (2, 4, 1 << 20, 64)))
def test_a_preset_of_nothing_or_of_too_much_is_refused(sizes: tuple[int, int, int, int]) -> None:
    with pytest.raises(MalformedProof) as refusal:
        Preset(*sizes)
    assert refusal.value.got == sizes


def test_a_slot_takes_time() -> None:
    with pytest.raises(MalformedProof):
        replace(CHAIN, seconds_per_slot=0)


def test_a_fork_is_in_force_from_its_first_slot() -> None:
    capella = 194048 * 32
    assert MAINNET.fork_at(capella - 1) is Fork.BELLATRIX
    assert MAINNET.fork_at(capella) is Fork.CAPELLA
    # The first block of a fork still carries a signature under the version before it.
    assert MAINNET.sync_committee_domain(capella) == MAINNET.sync_committee_domain(capella - 1)
    assert MAINNET.sync_committee_domain(capella + 1) != MAINNET.sync_committee_domain(capella)
    assert SEPOLIA.fork_at(222464 * 32) is Fork.ELECTRA
    assert MINIMAL_PRESET.slots_per_period == 64
    assert CHAIN.slot_at(0) == -1


# --- the reference store -------------------------------------------------------------------------------------------


def test_the_reference_prefers_more_support_then_use_then_age() -> None:
    worst_to_best = [
        update_of(18, finalized=None, signers=1),
        update_of(18, finalized=None, signers=3),
        update_of(18, finalized=None, signers=5),
        update_of(18, finalized=17, signers=5),
        update_of(18, finalized=17, brings=keys_of(3), signers=4),
        update_of(19, finalized=17, brings=keys_of(3), signers=6),
        update_of(18, finalized=17, brings=keys_of(3), signers=6),
    ]
    for place, better in enumerate(worst_to_best):
        for worse in worst_to_best[:place]:
            assert spec.is_better_update(better, worse, CHAIN)
            assert not spec.is_better_update(worse, better, CHAIN)


def test_only_the_reference_ever_believes_less_than_two_thirds() -> None:
    start = bootstrap_at(START)
    followed = spec.initialize(start, CHAIN, trusted_block_root=beacon_root(start.header))
    weak = update_of(18, finalized=17, brings=keys_of(3), signers=2)
    followed = spec.process_update(followed, weak, CHAIN, current_slot=20)
    assert followed.trust.finalized_header.beacon.slot == START
    assert spec.force_update(followed, CHAIN, current_slot=START + PRESET.slots_per_period) is followed
    forced = spec.force_update(followed, CHAIN, current_slot=START + PRESET.slots_per_period + 1)
    assert forced.trust.finalized_header.beacon.slot == 17
    assert not hasattr(client_at(START), "force_update")


def test_an_empty_header_hashes_like_an_empty_container() -> None:
    assert beacon_root(EMPTY) == beacon_root(LightClientHeader(BeaconBlockHeader()))
