"""A ChainMaker block voted by 16 validators with certificates, and an event in a block of 200 transactions."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from proofs.light_client import Claim, Height, Position
from tests.bench.measure import Subject, Work
from tests.proofs.chainmaker.builders import (
    NOW,
    PATH,
    VALUE,
    Network,
    block,
    genesis,
    private_key,
    proof,
    started,
    step,
    transaction,
    with_certificates,
    written,
)

VALIDATORS = 16
NEEDED = VALIDATORS * 2 // 3 + 1
TRANSACTIONS = 200


def subjects() -> Sequence[Subject]:
    network = with_certificates(VALIDATORS)
    transactions = [transaction(number) for number in range(TRANSACTIONS)]
    transactions[50] = transaction(50, [written()])
    made = block(network, genesis(network), txs=transactions)
    client = started(network)
    evidence = step(made)
    follower = client.update(evidence, now=NOW)
    claims = [Claim(PATH, VALUE, Position(Height(0, 1), 50, 0))]
    shown = proof(made, (50, 0))
    return (
        Subject(
            f"ChainMaker block, {VALIDATORS} validators with certificates",
            lambda: client.update(evidence, now=NOW),
            signatures_of(network),
            f"{NEEDED} votes and the proposer: P-256 by OpenSSL, keys parsed",
        ),
        Subject(
            f"ChainMaker event in a block of {TRANSACTIONS}",
            lambda: follower.check(claims, at=Height(0, 1), proof=shown),
        ),
    )


def signatures_of(network: Network) -> Work:
    message = b"as long as the canonical bytes of a vote" * 3
    signed = []
    for each in [network.signers[0], *network.signers[:NEEDED]]:
        key = private_key(each.secret)
        signed.append((key.public_key(), key.sign(message, ec.ECDSA(hashes.SHA256()))))

    def verify() -> None:
        for key, signature in signed:
            key.verify(signature, message, ec.ECDSA(hashes.SHA256()))

    return verify
