"""A whole block: what stands in it hashes to the roots in its header.

Source: yellow paper, section 4.4; EIP-2718 for typed transactions, EIP-4895 for withdrawals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.encoding import rlp
from proofs.encoding.rlp import Item
from proofs.errors import LimitExceeded, MalformedProof, RootMismatch
from proofs.ethereum.execution import ExecutionHeader, decode_header
from proofs.ethereum.receipts import split_type
from proofs.merkle.patricia_root import ordered_root
from proofs.primitives.hashing import keccak256

# EIP-7934 bounds blocks to 8 MiB.
BLOCK_BYTES_MAX: Final = 8 << 20
_ITEMS_MAX: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Body:
    """transactions: as their trie holds them. withdrawals: the same; None before Shanghai."""

    transactions: tuple[bytes, ...]
    ommers: tuple[bytes, ...]
    withdrawals: tuple[bytes, ...] | None


def decode_block(encoded: bytes) -> tuple[ExecutionHeader, Body]:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof."""
    items = _decoded(encoded)
    check_body_part_count(len(items) - 1)
    return decode_header(rlp.encode(rlp.as_list(items[0], "header"))), _read_body(items[1:])


def decode_body(encoded: bytes) -> Body:
    """A block without its header. Raises MalformedProof, LimitExceeded, UnsupportedProof."""
    return _read_body(_decoded(encoded))


def verify_body(header: ExecutionHeader, body: Body) -> None:
    """Return only if the header's roots are those of `body`. Raises InvalidProof."""
    check_transactions_root(header, body.transactions)
    check_ommers_hash(header, body.ommers)
    check_withdrawals_root(header, body.withdrawals)


def check_transactions_root(header: ExecutionHeader, transactions: Sequence[bytes]) -> None:
    """The transactions, keyed by index, make the root."""
    if (computed := ordered_root(transactions)) != header.transactions_root:
        raise RootMismatch("transactions", computed=computed, expected=header.transactions_root)


def check_ommers_hash(header: ExecutionHeader, ommers: Sequence[bytes]) -> None:
    """The ommers' headers, as one list, have the hash."""
    if (computed := keccak256(rlp.encode_list_of(ommers))) != header.ommers_hash:
        raise RootMismatch("ommers", computed=computed, expected=header.ommers_hash)


def check_withdrawals_root(header: ExecutionHeader, withdrawals: Sequence[bytes] | None) -> None:
    """EIP-4895: withdrawals are in the block exactly if their root is in the header, and make it."""
    if withdrawals is None or header.withdrawals_root is None:
        if withdrawals is not None or header.withdrawals_root is not None:
            raise MalformedProof("withdrawals", got=withdrawals is not None, expected=header.withdrawals_root)
        return
    if (computed := ordered_root(withdrawals)) != header.withdrawals_root:
        raise RootMismatch("withdrawals", computed=computed, expected=header.withdrawals_root)


def _decoded(encoded: bytes) -> list[Item]:
    if len(encoded) > BLOCK_BYTES_MAX:
        raise LimitExceeded("block", got=len(encoded), limit=BLOCK_BYTES_MAX)
    return rlp.as_list(rlp.decode(encoded, item_limit=_ITEMS_MAX), "block")


def _read_body(parts: Sequence[Item]) -> Body:
    check_body_part_count(len(parts))
    withdrawals = None
    if len(parts) == 3:
        withdrawals = tuple(_read_withdrawal(each) for each in rlp.as_list(parts[2], "withdrawals"))
    return Body(
        tuple(_read_transaction(each) for each in rlp.as_list(parts[0], "transactions")),
        tuple(rlp.encode(rlp.as_list(each, "ommer")) for each in rlp.as_list(parts[1], "ommers")),
        withdrawals,
    )


def check_body_part_count(count: int) -> None:
    """Transactions and ommers, since Shanghai withdrawals."""
    if count not in (2, 3):
        raise MalformedProof("block body", got=count, expected="2 or 3 parts")


def _read_transaction(item: Item) -> bytes:
    """A legacy transaction stands in the list as a list, a typed one as bytes."""
    if isinstance(item, list):
        return rlp.encode(item)
    check_typed(item)
    split_type(item, "transaction")
    return item


def check_typed(encoded: bytes) -> None:
    """EIP-2718: what stands there as bytes has a type; a legacy transaction does not hide in bytes."""
    if encoded[:1] >= b"\xc0":
        raise MalformedProof("transaction", got="a list as bytes", expected="a list, or a typed transaction")


def _read_withdrawal(item: Item) -> bytes:
    index, validator, address, amount = rlp.as_list(item, "withdrawal", count=4)
    rlp.as_int(index, "withdrawal index", bits=64)
    rlp.as_int(validator, "withdrawal validator", bits=64)
    rlp.as_bytes(address, "withdrawal address", length=20)
    rlp.as_int(amount, "withdrawal amount", bits=64)
    return rlp.encode(item)
