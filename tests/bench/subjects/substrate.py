"""A GRANDPA justification of 300 authorities, a change of all of them, claims from a state, and a BEEFY quorum."""

from __future__ import annotations

from collections.abc import Sequence

from coincurve import PublicKey
from nacl.bindings import crypto_sign_open

from proofs.light_client import Claim
from proofs.merkle.substrate_trie import decode_proof
from proofs.primitives.hashing import blake2b_256
from proofs.substrate.beefy.messages import commitment_hash
from proofs.substrate.beefy.spec import verify_members
from proofs.substrate.evidence import decode_step
from proofs.substrate.justification import signed_payload
from tests.bench.measure import Subject
from tests.proofs.substrate.beefy.builders import commitment, signers
from tests.proofs.substrate.builders import LAYOUT, NOW, SET_ID, START, Chain, at, keys

AUTHORITIES = 300
QUORUM = AUTHORITIES - (AUTHORITIES - 1) // 3
CLAIMS = 50


def subjects() -> Sequence[Subject]:
    return justification(), state(), beefy()


def justification() -> Subject:
    voters = keys(AUTHORITIES)
    chain = Chain(signers=voters)
    chain.change(keys(AUTHORITIES, first=1_000))
    step = chain.step(START + 1, START + 1, by=range(QUORUM), signers=voters, set_id=SET_ID)
    client = chain.client()
    votes = decode_step(step).justification
    signed = [
        (each.signature + signed_payload(each, round_number=votes.round, set_id=SET_ID), each.authority)
        for each in votes.precommits
    ]

    def verify() -> None:
        for message, key in signed:
            crypto_sign_open(message, key)

    return Subject(
        f"GRANDPA change of {AUTHORITIES} authorities",
        lambda: client.update(step, now=NOW),
        verify,
        f"{QUORUM} Ed25519 signatures",
    )


def state() -> Subject:
    claims = [Claim(b"attestations-0\x01" + n.to_bytes(8, "big"), blake2b_256(bytes([n]))) for n in range(CLAIMS)]
    chain = Chain(host={LAYOUT.key(each.path): each.value or b"" for each in claims})
    client, proof = chain.client(), chain.prove(START, claims)
    nodes = decode_proof(proof)

    def hash_all() -> None:
        for each in nodes:
            blake2b_256(each)

    return Subject(
        f"Substrate state, {CLAIMS} claims",
        lambda: client.check(claims, at=at(START), proof=proof),
        hash_all,
        f"{len(nodes)} nodes hashed",
    )


def beefy() -> Subject:
    by = signers(AUTHORITIES)
    said = commitment(b"\x01" * 32)
    members = by.members(said, range(QUORUM))
    trusted = by.set
    digest = commitment_hash(said)

    def recover() -> None:
        for each in members:
            PublicKey.from_signature_and_message(each.signature, digest, hasher=None)

    return Subject(
        f"BEEFY quorum of {AUTHORITIES} signers",
        lambda: verify_members(said, members, trusted),
        recover,
        f"{QUORUM} keys recovered",
    )
