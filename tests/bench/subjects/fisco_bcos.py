"""A FISCO BCOS header sealed by 100 sealers, of both suites, and an event in a block of 500 transactions."""

from __future__ import annotations

from collections.abc import Sequence

import tiny_keccak
from coincurve import PublicKey

from proofs.encoding.proof_batch import join_batch
from proofs.fisco_bcos.client import FiscoBcosClient, bootstrap
from proofs.fisco_bcos.types import Generation, Suite
from proofs.primitives import sm2
from tests.bench.measure import Subject, Work
from tests.proofs.fisco_bcos.builders import LAYOUT, NOW, SENT, Chain, evidence, parameters, sealers, world

SEALERS = 100
QUORUM = SEALERS - (SEALERS - 1) // 3
# SM2 signs slowly in the reference that the tests sign with.
SM_SEALERS = 16
SM_QUORUM = SM_SEALERS - (SM_SEALERS - 1) // 3


def subjects() -> Sequence[Subject]:
    built = world(Generation.V3, count=500)
    proof = join_batch([built.encoded()])
    event = Subject("FISCO BCOS v3 event, block of 500", lambda: built.client.check([SENT], at=built.at, proof=proof))
    return standard_seals(), sm_seals(), event


def standard_seals() -> Subject:
    chain = Chain(keys=sealers(count=SEALERS))
    client = _client(chain, range(QUORUM))
    chain.grow()
    step = chain.step(2, 2, range(QUORUM))
    digest = chain.headers[1].hash(Suite.KECCAK_SECP256K1)
    signatures = [each.sign(digest) for each in chain.keys[:QUORUM]]

    def recover() -> None:
        for each in signatures:
            key = PublicKey.from_signature_and_message(each, digest, hasher=None)
            tiny_keccak.keccak256(key.format(compressed=False)[1:])

    return Subject(
        f"FISCO BCOS header of {SEALERS} sealers",
        lambda: client.update(step, now=NOW),
        recover,
        f"{QUORUM} keys recovered",
    )


def sm_seals() -> Subject:
    chain = Chain(suite=Suite.SM3_SM2, keys=sealers(Suite.SM3_SM2, SM_SEALERS))
    client = _client(chain, range(SM_QUORUM))
    chain.grow()
    step = chain.step(2, 2, range(SM_QUORUM))
    digest = chain.headers[1].hash(Suite.SM3_SM2)
    signed = [(each.sign(digest)[:64], each.public) for each in chain.keys[:SM_QUORUM]]
    return Subject(
        f"FISCO BCOS SM header of {SM_SEALERS} sealers",
        lambda: client.update(step, now=NOW),
        _verify_sm2(digest, signed),
        f"{SM_QUORUM} SM2 signatures through our binding of the system's libcrypto",
    )


def _client(chain: Chain, by: Sequence[int]) -> FiscoBcosClient:
    return bootstrap(
        evidence(chain.headers[:1], chain.keys, by, suite=chain.suite),
        checkpoint_hash=chain.headers[0].hash(chain.suite),
        parameters=parameters(chain.generation, chain.suite),
        layout=LAYOUT,
    )


def _verify_sm2(digest: bytes, signed: Sequence[tuple[bytes, bytes]]) -> Work:
    def verify() -> None:
        for signature, public_key in signed:
            sm2.verify(digest, signature, public_key=b"\x04" + public_key)

    return verify
