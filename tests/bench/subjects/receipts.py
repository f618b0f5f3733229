"""A receipt of a block of 200, by its Merkle-Patricia proof; and the root over the receipts of a block of 1,000."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from itertools import chain

import tiny_keccak
from trie.hexary import HexaryTrie

from proofs.encoding import rlp
from proofs.ethereum.receipts import Log, Receipt, compute_bloom, encode_receipt, prove_receipt
from proofs.merkle import patricia
from proofs.merkle.patricia_root import ordered_root
from tests.bench.measure import Aim, Subject
from tests.proofs.ethereum.test_receipts import proof, trie_of

INDEX = 150


def receipt_of(number: int) -> Receipt:
    """A token transfer, the most frequent thing in a receipt: one log with three topics."""
    words = [sha256(f"{number} {part}".encode()).digest() for part in range(3)]
    logs = (Log(words[0][:20], tuple(words), number.to_bytes(32, "big")),)
    return Receipt(2, 1, 21_000 * (number + 1), compute_bloom(logs), logs)


def nodes_of(items: Sequence[bytes]) -> list[bytes]:
    """All nodes that have a hash, by the reference implementation, which also has to find our root."""
    trie = HexaryTrie({}, prune=True)
    for index, item in enumerate(items):
        trie[rlp.encode(rlp.int_bytes(index))] = item
    assert ordered_root(items) == trie.root_hash
    return [node for node in trie.db.values() if len(node) >= 32]


def subjects() -> Sequence[Subject]:
    receipts = [encode_receipt(receipt_of(number)) for number in range(1_000)]
    trie = trie_of(receipts[:200])
    root, nodes = ordered_root(receipts[:200]), proof(INDEX, trie)
    key = rlp.encode(rlp.int_bytes(INDEX))
    log = receipt_of(INDEX).logs[0]
    encoded_nodes = nodes_of(receipts)

    def hash_nodes() -> None:
        for node in nodes:
            tiny_keccak.keccak256(node)

    def hash_nodes_and_bloom() -> None:
        for data in chain(nodes, (log.address, *log.topics)):
            tiny_keccak.keccak256(data)

    def hash_trie() -> None:
        for node in encoded_nodes:
            tiny_keccak.keccak256(node)

    return (
        Subject(
            "receipt proof",
            lambda: patricia.verify_inclusion(root, key, receipts[INDEX], nodes),
            hash_nodes,
            f"keccak of {len(nodes)} nodes, {sum(map(len, nodes))} bytes",
            Aim(ratio_max=3),
        ),
        Subject(
            "receipt proof, receipt read and bloom checked",
            lambda: prove_receipt(root, INDEX, nodes),
            hash_nodes_and_bloom,
            "keccak of the nodes and of 4 words of the bloom",
        ),
        Subject(
            "trie root of 1,000 receipts",
            lambda: ordered_root(receipts),
            hash_trie,
            f"keccak of {len(encoded_nodes)} nodes, {sum(map(len, encoded_nodes))} bytes",
            Aim(ratio_max=2.6, milliseconds_max=6),
        ),
    )
