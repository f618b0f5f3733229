"""What a read proof shows of the host, at the heights that a client believes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from proofs.errors import (
    LimitExceeded,
    MalformedProof,
    RootMismatch,
    UnknownHeight,
    ValueMismatch,
    VerificationError,
)
from proofs.light_client import Claim
from proofs.merkle.substrate_trie import decode_proof, encode_proof
from proofs.substrate import membership
from proofs.substrate.host import HostLayout
from tests.proofs.substrate.builders import (
    ACKNOWLEDGED,
    CLAIMS,
    COUNTER,
    LAYOUT,
    MISSING,
    NOW,
    SENT,
    START,
    Chain,
    at,
    chain_of,
)
from tests.proofs.substrate.xxhash import twox64, twox128

CHAIN = chain_of(2)
CLIENT = CHAIN.client().update(CHAIN.step(START + 1, START + 1), now=NOW)
AT = at(START + 1)


def check(claims: Sequence[Claim], proof: bytes | None = None) -> None:
    CLIENT.check(claims, at=AT, proof=CHAIN.prove(START + 1, claims) if proof is None else proof)


def refused_by(
    claims: Sequence[Claim], error: type[VerificationError], proof: bytes | None = None, **fields: object
) -> None:
    with pytest.raises(error) as refused:
        check(claims, proof)
    assert {name: getattr(refused.value, name) for name in fields} == fields


@pytest.mark.parametrize("claim", CLAIMS, ids=("sent", "counter", "acknowledged", "missing"))
def test_each_claim_alone(claim: Claim) -> None:
    check([claim])


def test_one_proof_for_a_batch_with_shared_nodes_once() -> None:
    check(CLAIMS)
    together = decode_proof(CHAIN.prove(START + 1, CLAIMS))
    apart = [decode_proof(CHAIN.prove(START + 1, [each])) for each in CLAIMS]
    assert len(together) < sum(map(len, apart))


def test_nothing_claimed_is_nothing_proved() -> None:
    refused_by([], MalformedProof, encode_proof([]), part="claims", got=0, expected="at least 1")


def test_another_value() -> None:
    wrong = replace(SENT, value=b"\x12" * 32)
    refused_by([wrong], ValueMismatch, part="storage value", got=SENT.value, expected=b"\x12" * 32)


def test_a_counter_one_off() -> None:
    refused_by([replace(COUNTER, value=(8).to_bytes(8, "big"))], ValueMismatch, part="storage value")


def test_absence_of_what_is_there() -> None:
    refused_by([replace(ACKNOWLEDGED, value=None)], ValueMismatch, part="storage value", expected="nothing")


def test_presence_of_what_is_absent() -> None:
    refused_by([replace(MISSING, value=b"\x01")], ValueMismatch, part="storage value", got="nothing")


def test_an_empty_value_is_not_absence() -> None:
    chain = Chain(host={LAYOUT.key(MISSING.path): b""})
    proof = chain.prove(START, [MISSING])
    chain.client().check([replace(MISSING, value=b"")], at=at(START), proof=proof)
    with pytest.raises(ValueMismatch) as refused:
        chain.client().check([MISSING], at=at(START), proof=proof)
    assert (refused.value.got, refused.value.expected) == (b"", "nothing")


def test_a_value_longer_than_a_hash_is_named_by_its_hash() -> None:
    """As state version 1 keeps it: the value comes as a node of its own."""
    long = replace(SENT, value=b"\x44" * 100)
    chain = Chain(host={LAYOUT.key(SENT.path): b"\x44" * 100})
    chain.client().check([long], at=at(START), proof=chain.prove(START, [long]))


def test_a_proof_of_another_state() -> None:
    refused_by(CLAIMS, RootMismatch, proof=Chain(host={}).prove(START, CLAIMS))


def test_a_node_left_out() -> None:
    nodes = decode_proof(CHAIN.prove(START + 1, CLAIMS))
    for place in range(len(nodes)):
        with pytest.raises(VerificationError):
            check(CLAIMS, encode_proof([*nodes[:place], *nodes[place + 1 :]]))


def test_a_node_too_many() -> None:
    refused_by([SENT], MalformedProof, proof=CHAIN.prove(START + 1, CLAIMS))


@pytest.mark.parametrize("path", (b"", bytes(129)))
def test_a_path_of_impossible_length(path: bytes) -> None:
    refused_by([Claim(path, None)], MalformedProof, proof=b"\x00", part="path", got=len(path))


def test_more_claims_than_a_block_holds() -> None:
    refused_by([SENT] * 1_025, LimitExceeded, proof=b"\x00", part="claims", got=1_025, limit=1_024)


def test_a_proof_that_is_too_long() -> None:
    refused_by([SENT], LimitExceeded, proof=bytes(membership.PROOF_BYTES_MAX + 1), part="proof")


def test_heights_between_steps_are_not_known() -> None:
    chain = chain_of(3)
    client = chain.client().update(chain.step(START + 2, START + 2), now=NOW)
    with pytest.raises(UnknownHeight) as refused:
        client.check([SENT], at=at(START + 1), proof=chain.prove(START + 1, [SENT]))
    assert refused.value.number == START + 1


def test_storage_keys_are_what_the_pallets_hash_their_names_to() -> None:
    assert twox128("Timestamp") + twox128("Now") == membership.TIMESTAMP_NOW
    assert twox128("Grandpa") + twox128("Authorities") == membership.GRANDPA_AUTHORITIES
    assert twox128("Grandpa") + twox128("CurrentSetId") == membership.GRANDPA_SET_ID
    assert twox128("Grandpa") + twox128("PendingChange") == membership.GRANDPA_PENDING
    zero = bytes(4)
    assert twox128("System") + twox128("BlockHash") + twox64(zero) + zero == membership.GENESIS_HASH


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_state_holds_is_shown_and_nothing_else(seed: int) -> None:
    """Against the entries themselves, for keys that are there and keys that are not."""
    chance = random.Random(seed)
    layout = HostLayout(chance.randbytes(32))
    paths = [chance.randbytes(chance.choice((1, 2, 3, 40))) for _ in range(chance.randrange(1, 30))]
    host = {layout.key(path): chance.randbytes(chance.choice((0, 1, 8, 31, 32, 33, 70))) for path in paths}
    chain = Chain(host=host)
    client = chain.client(layout=layout)
    asked = [*chance.sample(paths, min(5, len(paths))), chance.randbytes(2), chance.randbytes(41)]
    claims = [Claim(path, host.get(layout.key(path))) for path in asked]
    proof = chain.prove(START, claims, layout)
    client.check(claims, at=at(START), proof=proof)
    for place, claim in enumerate(claims):
        other = None if claim.value is not None else b"\x01"
        wrong = [*claims[:place], replace(claim, value=other), *claims[place + 1 :]]
        with pytest.raises(ValueMismatch):
            client.check(wrong, at=at(START), proof=proof)
