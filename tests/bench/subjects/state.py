"""Storage of a contract under a state root (EIP-1186): the account's path, then the slot's, for 1 claim and for 20."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import tiny_keccak

from proofs.commitment import ClientId, commitment_path
from proofs.ethereum.storage_layout import check_claims, encode_state_proof
from proofs.light_client import Claim
from tests.bench.measure import Subject
from tests.proofs.ethereum.builders import LAYOUT, ROUTER, account, world

ACCOUNTS = 2_000
CLAIMS = [
    Claim(commitment_path(ClientId("attestations-0"), number), sha256(bytes([number])).digest())
    for number in range(1, 201)
]


def subjects() -> Sequence[Subject]:
    built = world({LAYOUT.slot_of(claim.path): claim.value or b"" for claim in CLAIMS})
    for number in range(ACCOUNTS):
        key = tiny_keccak.keccak256(sha256(number.to_bytes(4, "big")).digest()[:20])
        built.accounts[key] = account(tiny_keccak.keccak256(b"\x80"), tiny_keccak.keccak256(b""))

    def subject(count: int) -> Subject:
        claims = CLAIMS[:count]
        account_nodes = built.account_nodes()
        storage_nodes = [built.storage_nodes(LAYOUT.slot_of(claim.path)) for claim in claims]
        proof = encode_state_proof(account_nodes, storage_nodes)
        nodes = set(account_nodes).union(*storage_nodes)

        def hash_all() -> None:
            for node in nodes:
                tiny_keccak.keccak256(node)
            tiny_keccak.keccak256(ROUTER)
            # A slot is the hash of a hash, and is hashed again as a key of the trie.
            for claim in claims:
                tiny_keccak.keccak256(claim.path)
                tiny_keccak.keccak256(bytes(64))
                tiny_keccak.keccak256(bytes(32))

        return Subject(
            f"account and {count} slot{'s' if count > 1 else ''}",
            lambda: check_claims(claims, state_root=built.state_root, layout=LAYOUT, proof=proof),
            hash_all,
            f"keccak of {len(nodes)} distinct nodes, {sum(map(len, nodes))} bytes, and of the keys",
        )

    return subject(1), subject(20)
