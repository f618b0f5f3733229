"""Bytes in and out: what is written is read back equal, strangers' encodings are read, hostile bytes are refused."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from proofs.cometbft import canonical, codec, spec
from proofs.cometbft.client import decode_client
from proofs.cometbft.host import HostLayout
from proofs.cometbft.ibc_client import from_ibc, to_ibc
from proofs.cometbft.ibc_messages import (
    HEADER_BYTES_MAX,
    TendermintClientState,
    decode_client_header,
    decode_client_state,
    decode_consensus_state,
    decode_light_block,
    decode_misbehaviour,
    encode_client_header,
    encode_client_state,
    encode_consensus_state,
    encode_light_block,
    encode_misbehaviour,
)
from proofs.cometbft.types import ZERO_TIME, BlockIdFlag, CommitSig, KeyType, Misbehaviour
from proofs.encoding.protobuf import Message, bytes_field, decode, message_field, varint_field
from proofs.errors import ClientFrozen, LimitExceeded, MalformedProof, UnsupportedProof, WrongLedger
from proofs.light_client import Claim, Height
from proofs.primitives.hashing import sha256
from tests.proofs.cometbft.builders import CHAIN_ID, FOUR, PARAMETERS, Member, block, header, step
from tests.proofs.cometbft.test_client import NOW, STORE, evidence, started, with_store
from tests.proofs.fuzzing import assert_only_refusals

MIXED = (*FOUR[:3], Member(sha256(b"k"), key_type=KeyType.SECP256K1))
STEP = step(block(header(5, MIXED), MIXED, absent=[1]), trusted=MIXED)
CLIENT_STATE = TendermintClientState(CHAIN_ID, PARAMETERS, Height(7, 5))
CONSENSUS_STATE = spec.consensus_state(STEP.block.signed_header)


def test_every_message_is_read_back_as_it_was_written() -> None:
    misbehaviour = Misbehaviour(STEP, step(block(header(5))), "07-tendermint-3")
    assert decode_client_header(encode_client_header(STEP)) == STEP
    assert decode_light_block(encode_light_block(STEP.block)) == STEP.block
    assert decode_misbehaviour(encode_misbehaviour(misbehaviour)) == misbehaviour
    assert decode_client_state(encode_client_state(CLIENT_STATE)) == CLIENT_STATE
    assert decode_consensus_state(encode_consensus_state(CONSENSUS_STATE)) == CONSENSUS_STATE


def test_a_missing_timestamp_is_the_zero_time_of_go_and_an_empty_one_is_1970() -> None:
    absent = varint_field(1, BlockIdFlag.ABSENT)
    assert decode(absent, codec.COMMIT_SIG, part="vote") == CommitSig(BlockIdFlag.ABSENT, time=ZERO_TIME)
    assert decode(absent + message_field(3, b""), codec.COMMIT_SIG, part="vote").time == 0


def test_messages_that_others_leave_out_when_empty_may_be_absent() -> None:
    first = replace(header(1), app_version=0)
    written = codec.encode_header(first)
    last_block_id = message_field(5, message_field(2, b""))
    assert last_block_id in written
    assert decode(written.replace(last_block_id, b""), codec.HEADER, part="header") == first


REFUSED: dict[str, tuple[bytes, Message[Any], str]] = {
    "an unknown vote flag": (varint_field(1, 4), codec.COMMIT_SIG, "CommitSig.block_id_flag got=4"),
    "nanoseconds of a whole second": (varint_field(2, 10**9), codec.TIMESTAMP, "Timestamp.nanos"),
    "negative nanoseconds": (varint_field(2, -1), codec.TIMESTAMP, "Timestamp.nanos"),
    "a time after the year 9999": (varint_field(1, 253_402_300_800), codec.TIMESTAMP, "Timestamp.seconds"),
    "a time before the year 1": (varint_field(1, -62_135_596_801), codec.TIMESTAMP, "Timestamp.seconds"),
    "a key of two kinds": (bytes_field(1, b"a") + bytes_field(2, b"b"), codec.PUBLIC_KEY, "PublicKey"),
    "a key of no kind": (b"", codec.PUBLIC_KEY, "PublicKey"),
    "a header of another chain's software": (bytes_field(15, b"randao"), codec.HEADER, "field 15"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_chain_writes_is_refused(name: str) -> None:
    encoded, message, reason = REFUSED[name]
    with pytest.raises(MalformedProof, match=reason):
        decode(encoded, message, part="test")


def test_more_validators_than_a_chain_can_have_are_not_read() -> None:
    one = message_field(1, b"")
    with pytest.raises(MalformedProof, match="pub_key"):
        decode(one, codec.VALIDATOR_SET, part="set")
    vote = message_field(4, varint_field(1, 1))
    with pytest.raises(LimitExceeded) as refused:
        decode(vote * (codec.VALIDATORS_MAX + 1), codec.COMMIT, part="commit")
    assert (refused.value.got, refused.value.limit) == (2_049, 2_048)


def test_a_header_over_the_limit_is_not_read() -> None:
    with pytest.raises(LimitExceeded) as refused:
        decode_client_header(b"\x00" * (HEADER_BYTES_MAX + 1))
    assert refused.value.limit == HEADER_BYTES_MAX


def test_a_client_state_with_other_proof_specs_is_refused() -> None:
    encoded = encode_client_state(CLIENT_STATE)
    looser = encoded.replace(bytes.fromhex("180420"), bytes.fromhex("180320"))
    assert looser != encoded
    with pytest.raises(UnsupportedProof, match="proof specs"):
        decode_client_state(looser)


def test_a_client_goes_to_a_cosmos_chain_and_back() -> None:
    client = with_store()
    ibc = to_ibc(client)
    assert ibc.latest == Height(7, 5)
    there = from_ibc(ibc.client_state, ibc.consensus_state, host=HostLayout())
    assert there.consensus_state(ibc.latest) == client.consensus_state(ibc.latest)
    assert there.update(evidence(9, trusted_height=5), now=NOW).latest() == Height(7, 9)


def test_a_frozen_client_is_not_passed_on() -> None:
    with pytest.raises(ClientFrozen):
        to_ibc(with_store().frozen(5))


def test_a_cosmos_client_of_another_revision_is_refused() -> None:
    encoded = encode_client_state(replace(CLIENT_STATE, latest_height=Height(6, 5)))
    with pytest.raises(WrongLedger, match="revision got=6 expected=7"):
        from_ibc(encoded, encode_consensus_state(CONSENSUS_STATE), host=HostLayout())


def test_votes_differ_only_in_their_time() -> None:
    """The quick way for a whole commit gives the same bytes as the plain one for each vote."""
    commit = STEP.block.signed_header.commit
    quick = canonical.CommitVotes(CHAIN_ID, commit)
    for vote in commit.signatures:
        plain = canonical.vote_sign_bytes(
            chain_id=CHAIN_ID,
            vote_type=canonical.PRECOMMIT,
            height=commit.height,
            round_=commit.round,
            block=commit.block_id,
            time=vote.time,
        )
        assert quick.sign_bytes(vote) == plain


@pytest.mark.parametrize("first_seed", (0, 400, 800))
def test_hostile_evidence_is_only_ever_refused(first_seed: int) -> None:
    update = partial(started().update, now=NOW)
    seeds = [evidence(5), evidence(2), encode_client_header(STEP)]
    assert_only_refusals(update, seeds, 400, first_seed=first_seed)


def test_hostile_clients_states_and_proofs_are_only_ever_refused() -> None:
    client = with_store()
    assert_only_refusals(decode_client, [client.encode(), client.frozen(5).encode()], 1_000)
    assert_only_refusals(decode_client_state, [encode_client_state(CLIENT_STATE)], 500)
    assert_only_refusals(decode_misbehaviour, [encode_misbehaviour(Misbehaviour(STEP, STEP))], 500)
    path = next(iter(STORE.values))
    check = partial(_check_one, client, Claim(path, STORE.values[path]))
    assert_only_refusals(check, [bytes_field(1, STORE.prove(path))], 1_000)


def _check_one(client: object, claim: Claim, proof: bytes) -> None:
    client.check([claim], at=Height(7, 5), proof=proof)  # type: ignore[attr-defined]  # partial loses the type
