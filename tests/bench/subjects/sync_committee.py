"""Recorded mainnet updates of the Ethereum light client: 512 keys, known or new. Needs the vectors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from py_arkworks_bls12381 import GT, G1Point, G2Point

from proofs.ethereum.client import EthereumClient
from proofs.ethereum.committee import committee_keys
from proofs.ethereum.evidence import EvidenceKind, decode_evidence
from proofs.ethereum.forks import MAINNET
from proofs.ethereum.predicates import compute_signing_root
from proofs.ethereum.spec import committee_of
from proofs.primitives.bls import CIPHERSUITE, KEY_BYTES
from tests.bench.measure import Aim, Subject, Work
from tests.proofs.ethereum.test_mainnet import start_of
from tests.vectors.beacon_files import Found, objects_in
from tests.vectors.files import Files

_CHECKOUT = Path(__file__).resolve().parents[3]
_ROOTS = [Path(os.environ.get("CAUSEWAY_VECTORS", str(_CHECKOUT.parent / "shared" / "vectors")))]
_NEGATIVE_GENERATOR = -G1Point()


def subjects() -> Sequence[Subject]:
    files = list(Files("eth_lc_real", _ROOTS).matching("mainnet/capella_862_867/*"))
    if not files:
        print(f"sync_committee: no vectors of eth_lc_real in {_ROOTS[0]}, set CAUSEWAY_VECTORS", file=sys.stderr)
        return ()
    found = [each for file in files for each in objects_in(file, MAINNET)]
    client = start_of(next(each for each in found if each.kind is None))
    recorded = sorted((each for each in found if each.kind is EvidenceKind.UPDATE), key=lambda each: each.order)
    last = next(each for each in found if each.kind is EvidenceKind.FINALITY_UPDATE)
    follower = client
    for each in recorded:
        follower = follower.update(each.data, now=MAINNET.time_at(each.signature_slot))
    with_committee, pairing = decode_evidence(recorded[0].data, MAINNET), pairing_of(client, recorded[0])
    keys = with_committee.next_sync_committee.pubkeys

    def first_of_a_period() -> None:
        committee_keys.cache_clear()
        client.update(recorded[0].data, now=MAINNET.time_at(recorded[0].signature_slot))

    def decompress_and_pair() -> None:
        for at in range(0, len(keys), KEY_BYTES):
            G1Point.from_compressed_bytes(keys[at : at + KEY_BYTES])
        hash_and_pair()

    def hash_and_pair() -> None:
        # The root of a list of 512 keys of two leaves each, and of the aggregate key beside it.
        for at in range(1_025):
            sha256(keys[at : at + 64]).digest()
        pairing()

    return (
        Subject(
            "finality update, keys known",
            lambda: follower.update(last.data, now=MAINNET.time_at(last.signature_slot)),
            pairing_of(follower, last),
            "signature read, root hashed to the curve, pairing",
            Aim(ratio_max=1.15),
        ),
        Subject(
            "sync-committee update, keys known",
            lambda: client.update(recorded[0].data, now=MAINNET.time_at(recorded[0].signature_slot)),
            hash_and_pair,
            "the same, and SHA-256 of the 1,025 nodes of the next committee",
            Aim(ratio_max=1.15),
        ),
        Subject(
            "sync-committee update, keys new",
            first_of_a_period,
            decompress_and_pair,
            "the same, and 512 keys decompressed and checked",
            Aim(ratio_max=1.15),
        ),
    )


def pairing_of(client: EthereumClient, found: Found) -> Work:
    update = decode_evidence(found.data, MAINNET)
    trust = client.belief.trust
    period = MAINNET.period_at(update.signature_slot)
    committee = committee_of(trust, period, trust.period(MAINNET))
    key = committee_keys(committee.pubkeys).sum_of(update.sync_aggregate.bits)
    root, signature = compute_signing_root(update, MAINNET), update.sync_aggregate.signature

    def pair() -> None:
        points = [G2Point.from_compressed_bytes(signature), G2Point.hash_to_curve(root, CIPHERSUITE)]
        assert GT.pairing_check([_NEGATIVE_GENERATOR, key], points)

    return pair
