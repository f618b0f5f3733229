"""Receipts and transactions are proved at an index of a block, and each has one encoding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from trie.hexary import HexaryTrie

from proofs.encoding import rlp
from proofs.errors import (
    LimitExceeded,
    MalformedProof,
    RootMismatch,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
)
from proofs.ethereum.receipts import (
    RECEIPT_BYTES_MAX,
    Log,
    Receipt,
    compute_bloom,
    decode_receipt,
    encode_receipt,
    prove_receipt,
    prove_transaction,
)
from proofs.merkle.patricia_root import ordered_root
from tests.proofs.fuzzing import assert_only_refusals

LOGS = (
    Log(b"\x11" * 20, (b"\x22" * 32, b"\x33" * 32), b"what happened"),
    Log(b"\x44" * 20, (), b""),
)


def receipt(kind: int = 2, outcome: int | bytes = 1, logs: tuple[Log, ...] = LOGS) -> Receipt:
    return Receipt(kind, outcome, 21_000, compute_bloom(logs), logs)


RECEIPTS = [receipt(kind=number % 5, outcome=number % 2, logs=LOGS[: number % 3]) for number in range(140)]
ENCODED = [encode_receipt(each) for each in RECEIPTS]


def trie_of(items: list[bytes]) -> HexaryTrie:
    """By the reference implementation, keyed as blocks key them."""
    trie = HexaryTrie({})
    for index, item in enumerate(items):
        trie[rlp.encode(rlp.int_bytes(index))] = item
    return trie


TRIE = trie_of(ENCODED)
ROOT = ordered_root(ENCODED)


def proof(index: int, trie: Any = TRIE) -> list[bytes]:
    nodes = [rlp.encode(node) for node in trie.get_proof(rlp.encode(rlp.int_bytes(index)))]
    return [node for place, node in enumerate(nodes) if place == 0 or len(node) >= 32]


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("outcome", (0, 1))
def test_every_type_survives_its_encoding(kind: int, outcome: int) -> None:
    assert decode_receipt(encode_receipt(receipt(kind, outcome))) == receipt(kind, outcome)


def test_a_receipt_before_byzantium_holds_a_state_root() -> None:
    old = receipt(kind=0, outcome=b"\x55" * 32)
    assert decode_receipt(encode_receipt(old)) == old


@pytest.mark.parametrize("index", (0, 1, 127, 128, 139))
def test_each_index_shows_its_receipt(index: int) -> None:
    assert prove_receipt(ROOT, index, proof(index)) == RECEIPTS[index]


def test_a_proof_of_another_index_is_refused() -> None:
    with pytest.raises(RootMismatch):
        prove_receipt(ROOT, 3, proof(4))
    with pytest.raises(ValueMismatch) as refused:
        prove_receipt(ROOT, 140, proof(140))
    assert (refused.value.part, refused.value.expected) == ("receipt", "one at index 140")


@pytest.mark.parametrize("index", (-1, 1 << 24))
def test_an_index_of_no_block_is_refused(index: int) -> None:
    with pytest.raises(LimitExceeded) as refused:
        prove_receipt(ROOT, index, [])
    assert (refused.value.part, refused.value.got) == ("index in a block", index)


def body(*, outcome: bytes = b"\x01", topics: tuple[bytes, ...] = (), address: bytes = b"\x11" * 20) -> bytes:
    logs = (Log(address, topics, b""),)
    return rlp.encode([outcome, b"\x52\x08", compute_bloom(logs), [[address, topics, b""]]])


CORRUPTIONS: dict[str, tuple[Callable[[], bytes], type[VerificationError], str]] = {
    "nothing": (lambda: b"", MalformedProof, "receipt"),
    "unknown_type": (lambda: b"\x05" + body(), UnsupportedProof, "receipt type"),
    "type_0": (lambda: b"\x00" + body(), UnsupportedProof, "receipt type"),
    "status_2": (lambda: body(outcome=b"\x02"), MalformedProof, "outcome"),
    "status_padded": (lambda: body(outcome=b"\x00"), MalformedProof, "outcome"),
    "state_root_in_a_typed_receipt": (lambda: b"\x02" + body(outcome=b"\x55" * 32), MalformedProof, "outcome"),
    "five_topics": (lambda: body(topics=(bytes(32),) * 5), LimitExceeded, "topics"),
    "short_topic": (lambda: body(topics=(bytes(31),)), MalformedProof, "topic"),
    "short_address": (lambda: body(address=bytes(19)), MalformedProof, "log address"),
    "another_bloom": (
        lambda: encode_receipt(replace(receipt(), bloom=bytes(256))),
        ValueMismatch,
        "logs bloom",
    ),
    "short_bloom": (lambda: encode_receipt(replace(receipt(), bloom=bytes(255))), MalformedProof, "logs bloom"),
    "trailing": (lambda: body() + b"\x00", MalformedProof, "RLP"),
    "too_long": (lambda: bytes(RECEIPT_BYTES_MAX + 1), LimitExceeded, "receipt"),
}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_invalid_receipt(corruption: str) -> None:
    make, error, part = CORRUPTIONS[corruption]
    with pytest.raises(error) as refused:
        decode_receipt(make())
    assert getattr(refused.value, "part", None) == part


def test_transactions_are_shown_as_they_stand() -> None:
    transactions = [rlp.encode([rlp.int_bytes(number)] * 9) for number in range(3)]
    transactions += [bytes([kind]) + rlp.encode([rlp.int_bytes(kind)] * 12) for kind in (1, 2, 3, 4)]
    trie = trie_of(transactions)
    for index, encoded in enumerate(transactions):
        assert prove_transaction(ordered_root(transactions), index, proof(index, trie)) == encoded


@pytest.mark.parametrize(
    ("encoded", "error"),
    ((b"\x05\xc0", UnsupportedProof), (b"\x02\x80" + bytes(40), MalformedProof), (b"\x02\x80", MalformedProof)),
)
def test_what_is_no_transaction_is_refused(encoded: bytes, error: type[VerificationError]) -> None:
    with pytest.raises(error):
        prove_transaction(ordered_root([encoded]), 0, proof(0, trie_of([encoded])))


def test_hostile_receipts_are_only_ever_refused() -> None:
    assert_only_refusals(decode_receipt, ENCODED[:6], count=2_000)
