"""A packet commitment in an IAVL store under the multistore of 30 stores: ICS-23, one claim and a batch of 100."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from proofs.commitment import ClientId, commitment_path
from proofs.encoding.proof_batch import join_batch, split_batch
from proofs.encoding.protobuf import length_prefixed
from proofs.merkle import ics23
from proofs.merkle.ics23_format import ExistenceProof, encode_merkle_proof
from tests.bench.measure import Aim, Subject
from tests.proofs.merkle.trees import iavl, simple

KEYS = 10_000
STORES = 30


def subjects() -> Sequence[Subject]:
    items = {
        commitment_path(ClientId("07-tendermint-0"), number): sha256(number.to_bytes(4, "big")).digest()
        for number in range(1, KEYS + 1)
    }
    store = iavl(items, version=1_234_567)
    names = [b"ibc"] + [f"store{number}".encode() for number in range(STORES - 1)]
    multistore = simple({name: store.root if name == b"ibc" else sha256(name).digest() for name in names})
    upper = multistore.existence(b"ibc")
    proved = sorted(items.items())[50 :: KEYS // 100]
    lower = [store.existence(key) for key, _ in proved]
    proofs = [encode_merkle_proof([each, upper]) for each in lower]
    claims = [((b"ibc", key), value) for key, value in proved]
    above = preimages(upper, root=multistore.root)

    def subject(name: str, count: int) -> Subject:
        batch = join_batch(proofs[:count])
        hashed = [data for each in lower[:count] for data in preimages(each, root=store.root)] + above

        def hash_all() -> None:
            for data in hashed:
                sha256(data).digest()

        return Subject(
            name,
            lambda: ics23.verify_batch(claims[:count], split_batch(batch, count=count), root=multistore.root),
            hash_all,
            f"SHA-256 of {len(hashed)} values, leaves and nodes",
            Aim(ratio_max=1.6),
        )

    return subject("ICS-23 IAVL and multistore", 1), subject("ICS-23, batch of 100 under one root", 100)


def preimages(proof: ExistenceProof, *, root: bytes) -> list[bytes]:
    """All that is hashed on the way from the value to the root."""
    digest = sha256(proof.value).digest()
    hashed = [proof.value, proof.leaf.prefix + length_prefixed(proof.key) + length_prefixed(digest)]
    for step in proof.path:
        hashed.append(step.prefix + sha256(hashed[-1]).digest() + step.suffix)
    assert sha256(hashed[-1]).digest() == root
    return hashed
