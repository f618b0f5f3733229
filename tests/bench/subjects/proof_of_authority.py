"""Sealed headers of private Ethereum chains: 100 seals of one QBFT block, 500 Clique headers."""

from __future__ import annotations

from collections.abc import Sequence

import tiny_keccak
from coincurve import PublicKey

from proofs.ethereum.execution import ExecutionHeader
from proofs.poa.clique.predicates import decode_extra_data, seal_hash
from proofs.poa.headers import encode_evidence
from proofs.poa.qbft import extra_data as bft
from proofs.poa.qbft.types import Flavour
from tests.bench.measure import Subject, Work
from tests.proofs.poa.builders import (
    START,
    bft_block,
    bft_genesis,
    clique_chain,
    clique_genesis,
    signers,
)
from tests.proofs.poa.clients import bft_client, clique_client

SEALS = 100
HEADERS = 500


def subjects() -> Sequence[Subject]:
    return qbft_seals(), clique_headers()


def qbft_seals() -> Subject:
    validators = signers(SEALS)
    genesis = bft_genesis(validators)
    block = bft_block(genesis, validators, by=validators)
    client = bft_client(genesis)
    evidence = encode_evidence([block])
    extra = bft.decode_extra_data(block.extra_data, Flavour.QBFT)
    digest = bft.commit_digest(block, extra, Flavour.QBFT)
    return Subject(
        f"QBFT header with {SEALS} seals",
        lambda: client.update(evidence, now=START + 100),
        recover_all([(digest, seal) for seal in extra.seals]),
        f"{SEALS} keys recovered and hashed to addresses",
    )


def clique_headers() -> Subject:
    members = signers(5)
    genesis = clique_genesis(members)
    headers = clique_chain(genesis, members, HEADERS)
    client = clique_client(genesis, confirmations=16)
    evidence = encode_evidence(headers)
    return Subject(
        f"{HEADERS} Clique headers",
        lambda: client.update(evidence, now=START + 5 * HEADERS),
        hash_and_recover(headers),
        f"{HEADERS} keys recovered, headers hashed with and without the seal",
    )


def recover_all(signed: Sequence[tuple[bytes, bytes]]) -> Work:
    def recover() -> None:
        for digest, seal in signed:
            key = PublicKey.from_signature_and_message(seal, digest, hasher=None)
            tiny_keccak.keccak256(key.format(compressed=False)[1:])

    return recover


def hash_and_recover(headers: Sequence[ExecutionHeader]) -> Work:
    recover = recover_all([(seal_hash(each), decode_extra_data(each.extra_data).seal) for each in headers])
    encoded = [each.encode() for each in headers]

    def work() -> None:
        for each in encoded:
            tiny_keccak.keccak256(each)
            tiny_keccak.keccak256(each[65:])
        recover()

    return work
