"""Recorded mainnet updates of the Ethereum light client: 512 keys, known or new. Needs the vectors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from py_arkworks_bls12381 import GT, G1Point, G2Point

from proofs.ethereum.committee import committee_keys
from proofs.ethereum.evidence import EvidenceKind, decode_evidence
from proofs.ethereum.forks import MAINNET
from proofs.ethereum.predicates import compute_signing_root
from proofs.ethereum.types import SyncCommittee, Update
from proofs.primitives.bls import CIPHERSUITE, KEY_BYTES
from tests.bench.measure import Aim, Subject, Work
from tests.proofs.ethereum.test_mainnet import start_of
from tests.vectors.beacon_files import objects_in
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
    evidence, now = recorded[0].data, MAINNET.time_at(recorded[0].signature_slot)
    update = decode_evidence(evidence, MAINNET)
    committee = client.belief.trust.current_sync_committee

    def with_new_committee() -> None:
        committee_keys.cache_clear()
        client.update(evidence, now=now)

    pairing = pairing_of(update, committee)
    return (
        Subject(
            "sync-committee update, keys known",
            lambda: client.update(evidence, now=now),
            pairing,
            f"signature read, root hashed to the curve, pairing; {sum(update.sync_aggregate.bits)} of 512 signed",
            Aim(ratio_max=1.15),
        ),
        Subject(
            "sync-committee update, new committee",
            with_new_committee,
            decompress_and(pairing, committee),
            "the same, and 512 keys decompressed and checked",
            Aim(ratio_max=1.15),
        ),
    )


def pairing_of(update: Update, committee: SyncCommittee) -> Work:
    key = committee_keys(committee.pubkeys).sum_of(update.sync_aggregate.bits)
    root, signature = compute_signing_root(update, MAINNET), update.sync_aggregate.signature

    def pair() -> None:
        points = [G2Point.from_compressed_bytes(signature), G2Point.hash_to_curve(root, CIPHERSUITE)]
        assert GT.pairing_check([_NEGATIVE_GENERATOR, key], points)

    return pair


def decompress_and(pairing: Work, committee: SyncCommittee) -> Work:
    keys = committee.pubkeys

    def work() -> None:
        for at in range(0, len(keys), KEY_BYTES):
            G1Point.from_compressed_bytes(keys[at : at + KEY_BYTES])
        pairing()

    return work
