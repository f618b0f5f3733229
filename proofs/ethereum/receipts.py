"""Receipts and transactions: their typed encodings, and the proof that a block holds one at an index.

A type before 1 is the legacy form, plain RLP. Later ones are a byte with the type and then RLP: the byte is below 0xc0,
so neither reads as the other. Transactions are only told apart here, never taken apart: what they did stands in the
receipt.

Source: yellow paper, section 4.4.1; EIP-2718, 2930, 1559, 4844, 7702; EIP-658 for the status.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.encoding import rlp
from proofs.encoding.rlp import Encodable, Item
from proofs.errors import LimitExceeded, MalformedProof, UnsupportedProof, ValueMismatch
from proofs.merkle import patricia
from proofs.merkle.patricia import Memo
from proofs.primitives.hashing import keccak256

# Access list, dynamic fee, blob, set code. A type that we do not know may mean anything.
_TYPES: Final = (1, 2, 3, 4)
_FIRST_RLP_BYTE: Final = 0xC0
BLOOM_BYTES: Final = 256
_HASH_BYTES: Final = 32
_ADDRESS_BYTES: Final = 20
_TOPICS_MAX: Final = 4
# No trie leaf is larger (patricia_usual.NODE_BYTES_MAX); a log costs 375 gas at least, so this many never fit a block.
RECEIPT_BYTES_MAX: Final = 1 << 20
_ITEMS_MAX: Final = 1 << 16
# More transactions than any block has ever held.
_INDEX_BITS: Final = 24


@dataclass(frozen=True, slots=True)
class Log:
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """outcome: 1 for success, 0 for failure; before Byzantium the 32-byte state root after the transaction."""

    type: int
    outcome: int | bytes
    cumulative_gas_used: int
    bloom: bytes
    logs: tuple[Log, ...]


def decode_receipt(encoded: bytes) -> Receipt:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof, ValueMismatch."""
    if len(encoded) > RECEIPT_BYTES_MAX:
        raise LimitExceeded("receipt", got=len(encoded), limit=RECEIPT_BYTES_MAX)
    kind, body = split_type(encoded, "receipt")
    items = rlp.as_list(rlp.decode(body, depth_limit=4, item_limit=_ITEMS_MAX), "receipt", count=4)
    outcome, gas, bloom, logs = items
    receipt = Receipt(
        kind,
        _read_outcome(outcome, kind),
        rlp.as_int(gas, "cumulative gas", bits=64),
        rlp.as_bytes(bloom, "logs bloom", length=BLOOM_BYTES),
        tuple(_read_log(each) for each in rlp.as_list(logs, "logs")),
    )
    check_bloom(receipt)
    return receipt


def encode_receipt(receipt: Receipt) -> bytes:
    outcome = receipt.outcome if isinstance(receipt.outcome, bytes) else rlp.int_bytes(receipt.outcome)
    logs: list[Encodable] = [[each.address, each.topics, each.data] for each in receipt.logs]
    body = rlp.encode([outcome, rlp.int_bytes(receipt.cumulative_gas_used), receipt.bloom, logs])
    return bytes([receipt.type]) + body if receipt.type else body


def split_type(encoded: bytes, part: str) -> tuple[int, bytes]:
    """The type, 0 for the legacy form, and the RLP that follows. Raises MalformedProof, UnsupportedProof."""
    if not encoded:
        raise MalformedProof(part, got="nothing", expected="a type and a list")
    if encoded[0] >= _FIRST_RLP_BYTE:
        return 0, encoded
    check_type(encoded[0], part)
    return encoded[0], encoded[1:]


def check_type(kind: int, part: str) -> None:
    """EIP-2718: only types whose meaning is known."""
    if kind not in _TYPES:
        raise UnsupportedProof(f"{part} type", got=kind, expected=f"legacy or one of {_TYPES}")


def compute_bloom(logs: Sequence[Log]) -> bytes:
    """Yellow paper, section 4.4.1: three bits of 2,048 for the address and for each topic of a log."""
    bits = 0
    for log in logs:
        for word in (log.address, *log.topics):
            digest = keccak256(word)
            for at in (0, 2, 4):
                bits |= 1 << (int.from_bytes(digest[at : at + 2], "big") & 2047)
    return bits.to_bytes(BLOOM_BYTES, "big")


def check_bloom(receipt: Receipt) -> None:
    """A receipt's bloom follows from its logs, so one receipt has one form."""
    if receipt.bloom != (expected := compute_bloom(receipt.logs)):
        raise ValueMismatch("logs bloom", got=receipt.bloom, expected=expected)


def prove_receipt(receipts_root: bytes, index: int, proof: Sequence[bytes], *, memo: Memo | None = None) -> Receipt:
    """Return the receipt that `proof` shows at `index` of a block. Raises InvalidProof.

    proof: trie nodes from the root on.
    memo:  shared by several proofs of one block, whose upper nodes are then hashed once.
    """
    return decode_receipt(_at_index(receipts_root, index, proof, part="receipt", memo=memo))


def prove_transaction(
    transactions_root: bytes, index: int, proof: Sequence[bytes], *, memo: Memo | None = None
) -> bytes:
    """Return the encoded transaction that `proof` shows at `index` of a block; its id is keccak256 of it.

    Raises InvalidProof.
    """
    encoded = _at_index(transactions_root, index, proof, part="transaction", memo=memo)
    _, body = split_type(encoded, "transaction")
    rlp.as_list(rlp.decode(body), "transaction")
    return encoded


def _at_index(root: bytes, index: int, proof: Sequence[bytes], *, part: str, memo: Memo | None) -> bytes:
    check_index(index)
    encoded = patricia.value_at(root, rlp.encode(rlp.int_bytes(index)), proof, memo=memo)
    if encoded is None:
        raise ValueMismatch(part, got="nothing", expected=f"one at index {index}")
    return encoded


def check_index(index: int) -> None:
    """Positions count from 0, and no block comes near the limit."""
    if not 0 <= index < 1 << _INDEX_BITS:
        raise LimitExceeded("index in a block", got=index, limit=(1 << _INDEX_BITS) - 1)


def _read_outcome(item: Item, kind: int) -> int | bytes:
    outcome = rlp.as_bytes(item, "outcome")
    check_outcome(outcome, kind)
    return outcome if len(outcome) == _HASH_BYTES else int.from_bytes(outcome, "big")


def check_outcome(outcome: bytes, kind: int) -> None:
    """EIP-658: a status of 1 or 0 as RLP writes them; before it, with the legacy type only, a state root."""
    if outcome not in (b"", b"\x01") and (kind or len(outcome) != _HASH_BYTES):
        raise MalformedProof("outcome", got=outcome, expected="1, nothing or a state root")


def _read_log(item: Item) -> Log:
    address, topics, data = rlp.as_list(item, "log", count=3)
    words = rlp.as_list(topics, "topics")
    check_topic_count(len(words))
    return Log(
        rlp.as_bytes(address, "log address", length=_ADDRESS_BYTES),
        tuple(rlp.as_bytes(word, "topic", length=_HASH_BYTES) for word in words),
        rlp.as_bytes(data, "log data"),
    )


def check_topic_count(count: int) -> None:
    """LOG0 to LOG4: the machine knows no log of more topics."""
    if count > _TOPICS_MAX:
        raise LimitExceeded("topics", got=count, limit=_TOPICS_MAX)
