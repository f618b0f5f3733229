"""A whole block: for whoever has to know that he saw every transaction of it, and no other.

Everything is checked that needs no other block; scripts and amounts spent are not.

Source: Bitcoin Core validation.cpp (CheckBlock), consensus/consensus.h.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.bitcoin import predicates as rules
from proofs.bitcoin.headers import HEADER_BYTES, decode_header
from proofs.bitcoin.membership import check_root
from proofs.bitcoin.sigops import signature_operations
from proofs.bitcoin.transactions import (
    WEIGHT_MAX,
    Transaction,
    check_transaction,
    read_transaction,
    stripped,
    transaction_id,
)
from proofs.bitcoin.types import Header
from proofs.bitcoin.wire import Reader
from proofs.errors import LimitExceeded, MalformedProof
from proofs.merkle.bitcoin import check_leaf_count, root_of

_TRANSACTION_BYTES_MIN: Final = 60
# 80,000 units, of which an operation outside of a witness takes four.
_SIGNATURE_OPERATIONS_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class FullBlock:
    header: Header
    transactions: tuple[Transaction, ...]


def decode_block(encoded: bytes) -> FullBlock:
    """Raises MalformedProof, LimitExceeded."""
    check_block_size(encoded)
    reader = Reader(encoded, "block")
    block = read_block(reader)
    reader.end()
    return block


def read_block(reader: Reader) -> FullBlock:
    """The next block of several. Raises MalformedProof."""
    header = decode_header(reader.take(HEADER_BYTES))
    count = reader.count(item_bytes=_TRANSACTION_BYTES_MIN)
    return FullBlock(header, tuple(read_transaction(reader) for _ in range(count)))


def verify_block(block: FullBlock, *, now: int) -> tuple[bytes, ...]:
    """Return the ids of exactly the transactions that the header commits to. Its work is judged by spec.py.

    Raises VerificationError.
    """
    rules.check_not_from_future(block.header, now)
    check_leaf_count(len(block.transactions))
    check_first_is_coinbase(block.transactions)
    check_others_are_no_coinbase(block.transactions)
    for transaction in block.transactions:
        check_transaction(transaction)
    ids = tuple(transaction_id(transaction) for transaction in block.transactions)
    check_root(root_of(ids), block.header.merkle_root)
    check_weight(block.transactions)
    check_signature_operations(block.transactions)
    return ids


def check_block_size(encoded: bytes) -> None:
    """Weight is at least length. Asked before anything is read."""
    if len(encoded) > WEIGHT_MAX:
        raise LimitExceeded("block", got=len(encoded), limit=WEIGHT_MAX)


def check_first_is_coinbase(transactions: Sequence[Transaction]) -> None:
    """bad-cb-missing."""
    if not transactions[0].is_coinbase:
        raise MalformedProof("first transaction", got="an ordinary one", expected="a coinbase transaction")


def check_others_are_no_coinbase(transactions: Sequence[Transaction]) -> None:
    """bad-cb-multiple."""
    if any(transaction.is_coinbase for transaction in transactions[1:]):
        raise MalformedProof("transaction", got="a second coinbase transaction", expected="one")


def check_weight(transactions: Sequence[Transaction]) -> None:
    """bad-blk-length: what is not witness counts four times."""
    weight = 4 * sum(len(stripped(transaction)) for transaction in transactions)
    if weight > WEIGHT_MAX:
        raise LimitExceeded("block weight", got=weight, limit=WEIGHT_MAX)


def check_signature_operations(transactions: Sequence[Transaction]) -> None:
    """bad-blk-sigops: what a block may ask of those who verify it."""
    count = 0
    for transaction in transactions:
        for script in (*(each.script for each in transaction.inputs), *(each.script for each in transaction.outputs)):
            count += signature_operations(script)
            if count > _SIGNATURE_OPERATIONS_MAX:
                raise LimitExceeded("signature operations", got=count, limit=_SIGNATURE_OPERATIONS_MAX)
