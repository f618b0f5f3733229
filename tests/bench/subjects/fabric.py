"""A Fabric block of 100 transactions, signed by 5 of 7 consenters, and a write of it that peers vouch for."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from proofs.fabric.hashing import header_bytes
from proofs.light_client import Claim, Height, Position
from tests.bench.measure import Subject, Work
from tests.proofs.fabric.builders import (
    Call,
    Holder,
    bft_channel,
    encoded,
    following,
    genesis,
    proof,
    query,
    signed,
    started,
)
from tests.proofs.fabric.builders import key as key_of

CONSENTERS = 7
SIGNED = 5
TRANSACTIONS = 100
PATH, VALUE = b"lane-0\x01\xff", b"v" * 32


def subjects() -> Sequence[Subject]:
    channel = bft_channel(CONSENTERS)
    signers = channel.consenters[:SIGNED]
    calls = [Call(writes=(("ibc/" + PATH.hex(), VALUE),), nonce=b"%d" % number) for number in range(TRANSACTIONS)]
    block = signed(following(genesis(channel), [each.envelope() for each in calls]), 0, signers, bft=True)
    client = started(channel)
    evidence = encoded(block)
    at = Height(0, 1)
    answers = [query(block, bytes(TRANSACTIONS)).answer()]
    shown = proof(block, answers)
    follower = client.update(evidence, now=0)
    claims = [Claim(PATH, VALUE, Position(at, 7, 0))]
    return (
        Subject(
            f"Fabric block of {TRANSACTIONS} transactions",
            lambda: client.update(evidence, now=0),
            verify_all(signers, header_bytes(block.header), block.envelopes),
            f"SHA-256 of {len(evidence) // 1024} KiB and {SIGNED} P-256 signatures by OpenSSL, keys parsed",
        ),
        Subject(
            f"Fabric write among {TRANSACTIONS}, endorsed and vouched for",
            lambda: follower.check(claims, at=at, proof=shown),
        ),
    )


def verify_all(signers: Sequence[Holder], message: bytes, envelopes: Sequence[bytes]) -> Work:
    signatures = [(key_of(each.number).public_key(), each.sign(message)) for each in signers]
    data = b"".join(envelopes)

    def verify() -> None:
        sha256(data).digest()
        for key, signature in signatures:
            key.verify(signature, message, ec.ECDSA(SHA256()))

    return verify
