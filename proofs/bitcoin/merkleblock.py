"""The `merkleblock` message: a header, and the part of its tree that holds wanted transactions.

A client does not take it as a proof, since the number of transactions in it is anybody's claim; it is read for those
who get transactions from nodes in this form. Inner nodes that are transactions are refused here as well.

Source: BIP 37.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofs.bitcoin.headers import HEADER_BYTES, decode_header
from proofs.bitcoin.membership import check_is_no_transaction, check_root
from proofs.bitcoin.types import Header
from proofs.bitcoin.wire import Reader
from proofs.merkle.bitcoin import HASH_BYTES, hash256
from proofs.merkle.bitcoin_partial import PartialTree, matches_of


@dataclass(frozen=True, slots=True)
class MerkleBlock:
    header: Header
    tree: PartialTree


@dataclass(frozen=True, slots=True)
class Found:
    """transactions: (index, id) of each wanted transaction, ids in the order of the wire."""

    block_hash: bytes
    transactions: tuple[tuple[int, bytes], ...]


def decode_merkleblock(encoded: bytes) -> MerkleBlock:
    """Raises MalformedProof."""
    reader = Reader(encoded, "merkleblock")
    header = decode_header(reader.take(HEADER_BYTES))
    total = reader.number(4)
    hashes = tuple(reader.take(HASH_BYTES) for _ in range(reader.count(item_bytes=HASH_BYTES)))
    flags = reader.bytes()
    reader.end()
    return MerkleBlock(header, PartialTree(total, hashes, flags))


def verify_merkleblock(encoded: bytes) -> Found:
    """What the message shows, if its header is believed: that is the caller's question, as is its work."""
    message = decode_merkleblock(encoded)
    matches = matches_of(message.tree)
    check_root(matches.root, message.header.merkle_root)
    for node in matches.nodes:
        check_is_no_transaction(node)
    return Found(hash256(encoded[:HEADER_BYTES]), matches.found)
