"""What a client that follows BEEFY believes, refuses and remembers, on chains with signers of our own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from time import process_time
from typing import Any

import pytest

from proofs.encoding.scale import encode_u64
from proofs.errors import (
    ClientFrozen,
    HeaderFromFuture,
    HeightNotIncreasing,
    InsufficientVotingPower,
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
from proofs.light_client import ClientState, Height, LightClient
from proofs.primitives import secp256k1
from proofs.substrate import membership
from proofs.substrate.beefy import signer_state
from proofs.substrate.beefy.belief import Belief, encode_belief
from proofs.substrate.beefy.client import BeefyClient, bootstrap, decode_client
from proofs.substrate.beefy.evidence import decode_step, encode_step
from proofs.substrate.beefy.messages import SignerSet, decode_signed_commitment, encode_signers
from proofs.substrate.evidence import EVIDENCE_BYTES_MAX
from proofs.substrate.headers import header_hash
from proofs.substrate.host import HostLayout
from proofs.substrate.known_blocks import BLOCKS_MAX
from tests.proofs.fuzzing import assert_only_refusals
from tests.proofs.substrate.beefy.builders import (
    AFTER_THEM,
    NOW_SIGNING,
    QUORUM,
    SET_ID,
    SIGNING_NEXT,
    BeefyChain,
    Range,
    chain_of,
    signers,
)
from tests.proofs.substrate.builders import CLAIMS, LAYOUT, NOW, PARAMETERS, SENT, START, START_MS, at
from tests.proofs.substrate.xxhash import twox128

CHAIN = chain_of(8)
LAST = START + 7


def refused(error: type[VerificationError], attempt: Callable[[], object], **fields: object) -> None:
    with pytest.raises(error) as refusal:
        attempt()
    assert {name: getattr(refusal.value, name) for name in fields} == fields


def update(chain: BeefyChain = CHAIN, number: int = LAST, **changes: Any) -> BeefyClient:
    return chain.client().update(encode_step(chain.step(number, **changes)), now=NOW)


# --- following


def test_it_follows_an_honest_chain_and_survives_its_encoding() -> None:
    client: LightClient = update(number=START + 5)
    client = client.update(encode_step(CHAIN.step(LAST)), now=NOW)
    assert client.latest() == at(LAST - 1)
    assert [client.timestamp_at(at(each)) for each in (START, START + 4, LAST - 1)] == [
        1_700_000_000,
        1_700_000_004,
        1_700_000_006,
    ]
    assert client.status(NOW).state is ClientState.ACTIVE
    assert client.status(1_700_000_006 + 86_400).state is ClientState.EXPIRED
    assert decode_client(client.encode()) == client
    assert (client.family, client.portable) == ("substrate-beefy", True)
    for number in (START, START + 4, LAST - 1):
        client.check(CLAIMS, at=at(number), proof=CHAIN.blocks.prove(number, CLAIMS))


def with_sessions() -> BeefyChain:
    """Two blocks of the first session after the checkpoint, then three of the next, then three of the one after."""
    chain = BeefyChain([NOW_SIGNING, SIGNING_NEXT, AFTER_THEM, signers(3, first=80, set_id=SET_ID + 3)])
    chain.grow(2)
    chain.grow(3, session=1)
    chain.grow(3, session=2)
    return chain


def test_signers_are_followed_from_session_to_session() -> None:
    chain = with_sessions()
    steps = [
        chain.step(START + 2),
        chain.step(START + 3, range(7), signed_by=SIGNING_NEXT),
        chain.step(START + 5, range(7), signed_by=SIGNING_NEXT),
        chain.step(START + 6, range(4), signed_by=AFTER_THEM),
    ]
    client = chain.client()
    for step in steps:
        client = client.update(encode_step(step), now=NOW)
        assert decode_client(client.encode()) == client
    assert client.belief.trust.current == AFTER_THEM.set
    assert client.belief.trust.following.set_id == SET_ID + 3
    assert client.latest() == at(START + 5)


def test_a_session_may_be_ended_by_any_block_of_the_next() -> None:
    chain = with_sessions()
    client = update(chain, START + 5, by=range(7), signed_by=SIGNING_NEXT)
    assert client.belief.trust.current == SIGNING_NEXT.set


def test_an_older_leaf_under_a_newer_root_makes_no_block_known() -> None:
    client = update(number=START + 6)
    moved = client.update(encode_step(CHAIN.step(LAST, back=2)), now=NOW)
    assert (moved.latest(), moved.belief.committed) == (client.latest(), update().belief.committed)
    # The first one seen may be of any age.
    assert update(back=2).latest() == at(LAST - 3)


def test_what_is_known_already_changes_nothing() -> None:
    client = update()
    assert client.update(encode_step(CHAIN.step(LAST)), now=NOW) == client
    assert client.update(encode_step(CHAIN.step(START + 4)), now=NOW) == client
    assert client.update(encode_step(CHAIN.step(START + 6, back=1)), now=NOW) == client


def test_blocks_are_forgotten_from_the_oldest_on() -> None:
    client = CHAIN.client()
    first = client.belief.latest
    blocks = tuple(replace(first, number=START - BLOCKS_MAX + 1 + each) for each in range(-2_000, -2_000 + BLOCKS_MAX))
    full = BeefyClient(replace(client.belief, blocks=blocks))
    kept = full.update(encode_step(CHAIN.step(LAST)), now=NOW).belief.blocks
    assert (len(kept), kept[0], kept[-1].number) == (BLOCKS_MAX, blocks[1], LAST - 1)


# --- who signs


def test_signers_that_are_not_known_yet() -> None:
    refused(
        UnknownCommittee,
        lambda: update(signed_by=AFTER_THEM, by=range(4)),
        period=SET_ID + 2,
        newest=SET_ID + 1,
    )


def test_signers_that_are_gone() -> None:
    gone = replace(NOW_SIGNING, set_id=SET_ID - 1)
    refused(HeightNotIncreasing, lambda: update(signed_by=gone), got=SET_ID - 1, trusted=SET_ID)


def test_one_signature_less_than_a_quorum() -> None:
    refused(InsufficientVotingPower, lambda: update(by=QUORUM[:4]), signed=4, total=7)


def test_a_quorum_of_the_present_signers_is_none_of_the_next() -> None:
    refused(MalformedProof, lambda: update(signed_by=replace(NOW_SIGNING, set_id=SET_ID + 1)), got=7, expected=9)


def handed_over(following: SignerSet) -> Callable[[], BeefyClient]:
    """The next signers sign a root whose newest leaf names these after them."""
    leaves = [CHAIN.leaf(LAST - 3 + each) for each in range(4)]
    named = [replace(each, next_signers=following) for each in leaves]
    return lambda: update(signed_by=SIGNING_NEXT, by=range(7), leaves=Range(named))


def test_a_leaf_that_skips_a_set() -> None:
    handed_over(AFTER_THEM.set)()
    after = replace(AFTER_THEM.set, set_id=SET_ID + 3)
    refused(ValueMismatch, handed_over(after), part="next BEEFY set id", got=SET_ID + 3, expected=SET_ID + 2)


def test_a_leaf_of_the_old_session_does_not_name_who_follows() -> None:
    refused(ValueMismatch, handed_over(SIGNING_NEXT.set), part="next BEEFY set id", got=SET_ID + 1)


def test_a_leaf_that_names_nobody() -> None:
    refused(MalformedProof, handed_over(replace(AFTER_THEM.set, length=0)), part="BEEFY signers", got=0)


def test_a_leaf_that_names_too_many() -> None:
    refused(LimitExceeded, handed_over(replace(AFTER_THEM.set, length=4_097)), part="BEEFY signers", got=4_097)


# --- the block


def test_a_header_of_another_height_than_the_leaf_names() -> None:
    refused(ValueMismatch, lambda: update(shown=LAST - 2), part="block number", got=LAST - 2, expected=LAST - 1)


def test_a_header_that_the_leaf_does_not_name() -> None:
    step = CHAIN.step(LAST)
    other = replace(step.header, extrinsics_root=b"\x66" * 32)
    refused(
        ValueMismatch,
        lambda: CHAIN.client().update(encode_step(replace(step, header=other)), now=NOW),
        part="block hash",
        got=header_hash(other),
    )


def test_the_state_of_another_block() -> None:
    step = CHAIN.step(LAST)
    stale = replace(step, state=CHAIN.blocks.state(LAST).nodes(membership.STEP_KEYS))
    refused(RootMismatch, lambda: CHAIN.client().update(encode_step(stale), now=NOW))


def with_last(**changes: Any) -> BeefyChain:
    chain = chain_of(4)
    chain.grow(**changes)
    chain.grow()
    return chain


def test_time_that_runs_backwards() -> None:
    chain = with_last(time_ms=START_MS - 1)
    refused(TimeNotIncreasing, lambda: update(chain, chain.blocks.last), got=START_MS - 1, trusted=START_MS)


def test_time_ahead_of_the_clock() -> None:
    chain = with_last(time_ms=(NOW + 11) * 1_000)
    refused(HeaderFromFuture, lambda: update(chain, chain.blocks.last), header_time=NOW + 11)


def test_old_trust_expires() -> None:
    expiry = START_MS // 1_000 + 86_400
    step = encode_step(CHAIN.step(LAST))
    CHAIN.client().update(step, now=expiry - 1)
    refused(TrustExpired, lambda: CHAIN.client().update(step, now=expiry), expired_at=expiry, now=expiry)


def test_blocks_of_another_chain_with_the_same_signers() -> None:
    theirs = BeefyChain(genesis=b"\x0b" * 32)
    theirs.grow(7)
    step = encode_step(theirs.step(LAST))
    refused(WrongLedger, lambda: CHAIN.client().update(step, now=NOW), part="genesis hash", got=b"\x0b" * 32)


def test_heights_of_another_revision_or_unknown() -> None:
    refused(WrongLedger, lambda: CHAIN.client().timestamp_at(Height(1, START)), part="revision")
    refused(UnknownHeight, lambda: CHAIN.client().timestamp_at(at(START + 1)), number=START + 1)


# --- what contradicts


def rival() -> BeefyChain:
    """The same checkpoint, then other blocks."""
    chain = chain_of(1)
    chain.grow(7, extrinsics_root=b"\x33" * 32)
    return chain


def test_two_roots_for_one_block_freeze() -> None:
    client = update()
    other = rival().step(LAST)
    frozen = client.update(encode_step(other), now=NOW)
    assert frozen.belief.frozen_at in {LAST, LAST - 1}
    assert decode_client(frozen.encode()) == frozen
    assert frozen.status(NOW).state is ClientState.FROZEN
    for use in (
        lambda: frozen.update(encode_step(CHAIN.step(LAST)), now=NOW),
        lambda: frozen.check([], at=at(START), proof=b""),
        lambda: frozen.misbehaviour(b"", b"", now=NOW),
    ):
        refused(ClientFrozen, use, frozen_at=frozen.belief.frozen_at)


def test_two_roots_for_one_block_freeze_whatever_leaves_are_shown() -> None:
    leaves = [CHAIN.leaf(LAST - 3 + each) for each in range(4)]
    other = Range([replace(leaves[0], extra=b"\x01" * 32), *leaves[1:]])
    assert update().update(encode_step(CHAIN.step(LAST, leaves=other)), now=NOW).belief.frozen_at == LAST


def test_two_blocks_of_one_height_freeze() -> None:
    frozen = update(number=START + 5).update(encode_step(rival().step(START + 6, back=1)), now=NOW)
    assert frozen.belief.frozen_at == START + 4


def test_misbehaviour() -> None:
    client, ours, theirs = CHAIN.client(), CHAIN, rival()
    honest = encode_step(ours.step(LAST))
    client.misbehaviour(honest, encode_step(theirs.step(LAST)), now=NOW)
    client.misbehaviour(encode_step(ours.step(LAST, back=1)), encode_step(theirs.step(LAST - 1)), now=NOW)
    for other in (honest, encode_step(theirs.step(LAST - 1)), encode_step(ours.step(LAST - 1))):
        refused(NotMisbehaviour, partial(client.misbehaviour, honest, other, now=NOW))
    weak = encode_step(theirs.step(LAST, QUORUM[:4]))
    refused(InsufficientVotingPower, lambda: client.misbehaviour(honest, weak, now=NOW))


# --- checkpoints


def start(chain: BeefyChain = CHAIN, **changed: Any) -> BeefyClient:
    last = chain.blocks.last
    given: dict[str, Any] = {
        "evidence": chain.checkpoint(last),
        "checkpoint_hash": header_hash(chain.blocks.header(last)),
        "parameters": PARAMETERS,
        "layout": LAYOUT,
        **changed,
    }
    return bootstrap(given.pop("evidence"), **given)


def with_state(entries: Mapping[bytes, bytes | None]) -> Callable[[], BeefyClient]:
    chain = chain_of(1)
    chain.grow(entries=entries)
    return lambda: start(chain)


CURRENT, FOLLOWING = signer_state.BEEFY_AUTHORITIES, signer_state.BEEFY_NEXT_AUTHORITIES
ENCODED = encode_signers(NOW_SIGNING.set)

CHECKPOINTS: dict[str, tuple[Callable[[], BeefyClient], type[VerificationError], str]] = {
    "another hash": (lambda: start(checkpoint_hash=b"\x77" * 32), WrongLedger, "checkpoint"),
    "another chain": (with_state({membership.GENESIS_HASH: b"\x77" * 32}), WrongLedger, "genesis hash"),
    "no signers": (with_state({CURRENT: None}), MalformedProof, "BeefyMmrLeaf.BeefyAuthorities"),
    "no next signers": (with_state({FOLLOWING: None}), MalformedProof, "BeefyMmrLeaf.BeefyNextAuthorities"),
    "nobody": (with_state({CURRENT: encode_u64(SET_ID) + bytes(36)}), MalformedProof, "BEEFY signers"),
    "nobody next": (with_state({FOLLOWING: encode_u64(SET_ID + 1) + bytes(36)}), MalformedProof, "BEEFY signers"),
    "sets that do not follow": (with_state({FOLLOWING: ENCODED}), ValueMismatch, "next BEEFY set id"),
    "bytes behind signers": (with_state({CURRENT: ENCODED + b"\x00"}), MalformedProof, "BeefyMmrLeaf.BeefyAuthorities"),
    "no time": (with_state({membership.TIMESTAMP_NOW: None}), MalformedProof, "Timestamp.Now"),
    "no period": (
        lambda: start(parameters=replace(PARAMETERS, trusting_period=0)),
        MalformedProof,
        "trusting period",
    ),
    "a short prefix": (lambda: start(layout=HostLayout(bytes(31))), MalformedProof, "storage prefix"),
    "too long": (lambda: start(evidence=bytes(EVIDENCE_BYTES_MAX + 1)), LimitExceeded, "evidence"),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_invalid_checkpoint(name: str) -> None:
    make, error, part = CHECKPOINTS[name]
    refused(error, make, part=part)


def test_storage_keys_are_what_the_pallet_hashes_its_names_to() -> None:
    assert twox128("BeefyMmrLeaf") + twox128("BeefyAuthorities") == CURRENT
    assert twox128("BeefyMmrLeaf") + twox128("BeefyNextAuthorities") == FOLLOWING


# --- encodings


def believed() -> Belief:
    return update().belief


def with_(**changed: Any) -> bytes:
    return encode_belief(replace(believed(), **changed))


def trusting(**changed: Any) -> bytes:
    return with_(trust=replace(believed().trust, **changed))


ENCODINGS: dict[str, tuple[Callable[[], bytes], type[VerificationError], str]] = {
    "nothing": (lambda: b"", UnsupportedProof, "client version"),
    "another version": (lambda: b"\x02" + with_()[1:], UnsupportedProof, "client version"),
    "too long": (lambda: b"\x01" + bytes(1 << 20), LimitExceeded, "client"),
    "bytes behind it": (lambda: with_() + b"\x00", MalformedProof, "client"),
    "no blocks": (lambda: with_(blocks=()), MalformedProof, "blocks"),
    "no period": (lambda: with_(parameters=replace(PARAMETERS, trusting_period=0)), MalformedProof, "trusting period"),
    "nobody": (lambda: trusting(current=SignerSet(SET_ID, 0, bytes(32))), MalformedProof, "BEEFY signers"),
    "nobody next": (lambda: trusting(following=SignerSet(SET_ID + 1, 0, bytes(32))), MalformedProof, "BEEFY signers"),
    "sets that do not follow": (lambda: trusting(following=AFTER_THEM.set), ValueMismatch, "next BEEFY set id"),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_invalid_client(name: str) -> None:
    make, error, part = ENCODINGS[name]
    refused(error, lambda: decode_client(make()), part=part)


def test_evidence_has_one_encoding() -> None:
    for step in (CHAIN.step(LAST), CHAIN.step(START + 5, back=2)):
        assert decode_step(encode_step(step)) == step


def test_hostile_bytes() -> None:
    client = CHAIN.client()
    seeds = [encode_step(CHAIN.step(LAST)), encode_step(CHAIN.step(START + 5, back=1))]
    assert assert_only_refusals(lambda data: client.update(data, now=NOW), seeds, 500) == 0

    def use(data: bytes) -> None:
        assert decode_client(data).encode() == data

    assert_only_refusals(use, [client.encode(), update().encode(), update().frozen(3).encode()], 400)


def test_work_is_bounded_before_any_key_is_recovered(monkeypatch: pytest.MonkeyPatch) -> None:
    """No quorum, another set, too many places, another leaf: no signature; one wrong signature: not the next."""
    recovered: list[bytes] = []

    def recover(digest: bytes, signature: bytes, **form: Any) -> bytes:
        recovered.append(signature)
        return honest(digest, signature, **form)

    honest = secp256k1.recover
    monkeypatch.setattr(secp256k1, "recover", recover)
    crowd = signers(4_096 // 64, first=200)
    step = CHAIN.step(LAST)
    signed = step.statement.signed
    wrong = replace(signed, signatures=(signed.signatures[1], *signed.signatures[1:]))
    for hostile, count in (
        (CHAIN.step(LAST, QUORUM[:4]), 0),
        (CHAIN.step(LAST, range(60), signed_by=crowd), 0),
        (CHAIN.step(LAST, signed_by=replace(NOW_SIGNING, set_id=SET_ID + 2)), 0),
        (replace(step, statement=replace(step.statement, leaf=CHAIN.leaf(LAST - 1))), 0),
        (replace(step, statement=replace(step.statement, signed=wrong)), 1),
    ):
        recovered.clear()
        with pytest.raises(VerificationError):
            CHAIN.client().update(encode_step(hostile), now=NOW)
        assert len(recovered) == count


@pytest.mark.parametrize("piece", (b"\x00", b"\xff", b"\x01\x00"))
def test_large_nonsense_is_refused_before_the_work_grows(piece: bytes) -> None:
    nonsense = piece * (EVIDENCE_BYTES_MAX // len(piece))
    started = process_time()
    for attempt in (
        lambda: CHAIN.client().update(b"\x01" + nonsense[1:], now=NOW),
        lambda: decode_client(b"\x01" + nonsense[1:]),
        lambda: decode_signed_commitment(b"\x01" + nonsense),
    ):
        with pytest.raises(VerificationError):
            attempt()
    assert process_time() - started < 0.5


def test_a_proof_of_another_height_or_host() -> None:
    client = update()
    proof = CHAIN.blocks.prove(LAST - 2, CLAIMS)
    refused(RootMismatch, lambda: client.check(CLAIMS, at=at(LAST - 1), proof=proof))
    elsewhere = HostLayout(b"\x99" * 32)
    refused(
        ValueMismatch,
        lambda: BeefyClient(replace(client.belief, layout=elsewhere)).check(
            [SENT], at=at(LAST - 1), proof=CHAIN.blocks.prove(LAST - 1, [SENT], elsewhere)
        ),
        part="storage value",
        got="nothing",
    )
