"""Merkle blocks, transactions and whole blocks: what is taken, and the corruption that each rule catches."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from proofs.bitcoin import wire
from proofs.bitcoin.blocks import FullBlock, check_weight, decode_block, verify_block
from proofs.bitcoin.headers import encode_header
from proofs.bitcoin.merkleblock import verify_merkleblock
from proofs.bitcoin.sigops import signature_operations
from proofs.bitcoin.transactions import (
    VALUE_MAX,
    WEIGHT_MAX,
    Output,
    Transaction,
    check_transaction,
    decode_transaction,
    stripped,
    transaction_id,
)
from proofs.errors import LimitExceeded, MalformedProof, RootMismatch, VerificationError
from proofs.merkle.bitcoin import hash256
from proofs.merkle.bitcoin_partial import PartialTree
from tests.proofs.bitcoin.builders import REGTEST_GENESIS, coinbase, naive_root, transaction
from tests.proofs.merkle.bitcoin_trees import leaves, partial_tree

LATE = 1 << 40
PLAIN = transaction(b"\x51", b"\x52")


# --- merkle blocks ---


def merkleblock(tree: PartialTree, root: bytes) -> bytes:
    header = encode_header(replace(REGTEST_GENESIS, merkle_root=root))
    hashes = wire.compact_size(len(tree.hashes)) + b"".join(tree.hashes)
    return header + tree.total.to_bytes(4, "little") + hashes + wire.compact_size(len(tree.flags)) + tree.flags


@pytest.mark.parametrize("seed", range(60))
def test_every_part_of_every_tree_shows_what_is_wanted(seed: int) -> None:
    chance = random.Random(seed)
    all_leaves = leaves(chance.randrange(1, 40))
    wanted = set(chance.sample(range(len(all_leaves)), chance.randrange(len(all_leaves) + 1)))
    tree = partial_tree(all_leaves, wanted)
    root = naive_root(all_leaves)
    found = verify_merkleblock(merkleblock(tree, root))
    assert found.transactions == tuple((index, all_leaves[index]) for index in sorted(wanted))
    with pytest.raises(RootMismatch):
        verify_merkleblock(merkleblock(tree, hash256(root)))


# --- transactions ---


def with_witness(encoded: bytes, stack: bytes = b"\x01\x01\xaa", flag: bytes = b"\x01") -> bytes:
    return encoded[:4] + b"\x00" + flag + encoded[4:-4] + stack + encoded[-4:]


def test_an_id_does_not_cover_the_witness() -> None:
    encoded = stripped(PLAIN)
    witnessed = decode_transaction(with_witness(encoded))
    assert witnessed.witness == ((b"\xaa",),)
    assert transaction_id(witnessed) == transaction_id(decode_transaction(encoded)) == hash256(encoded)


ENCODED = stripped(PLAIN)
BYTES: dict[str, tuple[bytes, str]] = {
    "flag": (with_witness(ENCODED, flag=b"\x02"), "transaction flag"),
    "empty_witness": (with_witness(ENCODED, stack=b"\x00"), "witness"),
    "no_inputs": (b"\2\0\0\0" + b"\0\1" + b"\0" + b"\1" + b"\0" * 9 + b"\0" * 4, "transaction inputs"),
    "no_outputs": (stripped(replace(PLAIN, outputs=())), "transaction outputs"),
    "truncated": (ENCODED[:-1], "transaction"),
    "trailing": (ENCODED + b"\0", "transaction"),
    "long_form_of_a_short_length": (ENCODED[:4] + b"\xfd\x01\x00" + ENCODED[5:], "transaction length"),
    "a_count_that_lies": (ENCODED[:4] + b"\xfe\xff\xff\xff\xff" + ENCODED[5:], "transaction"),
}


@pytest.mark.parametrize("case", BYTES)
def test_bytes_that_are_no_transaction(case: str) -> None:
    encoded, part = BYTES[case]
    with pytest.raises(MalformedProof) as refusal:
        decode_transaction(encoded)
    assert refusal.value.part == part


def test_too_many_bytes_are_refused_unread() -> None:
    with pytest.raises(LimitExceeded):
        decode_transaction(b"\0" * (WEIGHT_MAX + 1))
    with pytest.raises(LimitExceeded):
        decode_block(b"\0" * (WEIGHT_MAX + 1))


def _changed(given: Transaction, **changes: object) -> Transaction:
    return replace(given, inputs=(replace(given.inputs[0], **changes), *given.inputs[1:]))  # type: ignore[arg-type] # fields


TRANSACTIONS: dict[str, tuple[Transaction, type[VerificationError], str]] = {
    "more_coins_than_there_are": (
        replace(PLAIN, outputs=(Output(VALUE_MAX, b""), Output(1, b""))),
        MalformedProof,
        "transaction value",
    ),
    "one_output_spent_twice": (replace(PLAIN, inputs=PLAIN.inputs * 2), MalformedProof, "transaction inputs"),
    "spends_nothing": (
        replace(PLAIN, inputs=(*PLAIN.inputs, *coinbase(1).inputs)),
        MalformedProof,
        "transaction input",
    ),
    "short_coinbase_script": (_changed(coinbase(1), script=b"\1"), MalformedProof, "coinbase script"),
    "long_coinbase_script": (_changed(coinbase(1), script=b"\1" * 101), MalformedProof, "coinbase script"),
    "heavier_than_a_block": (replace(PLAIN, outputs=(Output(0, b"\0" * 1_000_000),)), LimitExceeded, "transaction"),
}


@pytest.mark.parametrize("case", TRANSACTIONS)
def test_a_transaction_that_no_block_may_hold(case: str) -> None:
    given, error, part = TRANSACTIONS[case]
    with pytest.raises(error) as refusal:
        check_transaction(given)
    assert getattr(refusal.value, "part", None) == part


@pytest.mark.parametrize("value", (0, 0xFC, 0xFD, 0xFFFF, 0x10000, 0xFFFFFFFF, 0x100000000))
def test_lengths_read_as_they_are_written(value: int) -> None:
    reader = wire.Reader(wire.compact_size(value), "length")
    assert reader.compact_size() == value
    reader.end()


# --- blocks ---


def block_of(*transactions: Transaction) -> FullBlock:
    root = naive_root([transaction_id(each) for each in transactions]) if transactions else b"\0" * 32
    return FullBlock(replace(REGTEST_GENESIS, merkle_root=root), transactions)


def encode_block(block: FullBlock) -> bytes:
    count = wire.compact_size(len(block.transactions))
    return encode_header(block.header) + count + b"".join(stripped(each) for each in block.transactions)


GOOD = block_of(coinbase(1), PLAIN, transaction(b"\x51", salt=5))


def test_a_block_shows_all_of_its_transactions() -> None:
    ids = verify_block(decode_block(encode_block(GOOD)), now=LATE)
    assert ids == tuple(transaction_id(each) for each in GOOD.transactions)


def _many_operations() -> Transaction:
    return transaction(b"\xac" * 20_001)


BLOCKS: dict[str, tuple[Callable[[], FullBlock], type[VerificationError], str]] = {
    "empty": (block_of, MalformedProof, "transactions"),
    "without_coinbase": (lambda: block_of(PLAIN), MalformedProof, "first transaction"),
    "with_two": (lambda: block_of(coinbase(1), coinbase(2)), MalformedProof, "transaction"),
    "one_left_out": (
        lambda: replace(GOOD, transactions=GOOD.transactions[:-1]),
        RootMismatch,
        "root of transactions",
    ),
    "last_one_repeated": (
        lambda: replace(GOOD, transactions=(*GOOD.transactions, GOOD.transactions[-1])),
        MalformedProof,
        "transaction tree",
    ),
    "signature_operations": (lambda: block_of(coinbase(1), _many_operations()), LimitExceeded, "signature operations"),
}


@pytest.mark.parametrize("case", BLOCKS)
def test_a_block_that_is_none(case: str) -> None:
    build, error, part = BLOCKS[case]
    with pytest.raises(error) as refusal:
        verify_block(build(), now=LATE)
    assert getattr(refusal.value, "part", None) == part


def test_a_block_has_a_weight() -> None:
    heavy = transaction(b"\0" * 600_000)
    with pytest.raises(LimitExceeded) as refusal:
        check_weight([heavy, heavy])
    assert refusal.value.part == "block weight"


@pytest.mark.parametrize(
    ("script", "count"),
    (
        (b"\xac\xad", 2),
        (b"\xae\xaf", 40),
        (b"\x02\xac\xac\xac", 1),
        (b"\x4c\x01\xac\xac", 1),
        (b"\x4d\x01\x00\xac\xac", 1),
        (b"\x4e\x01\x00\x00\x00\xac\xac", 1),
        (b"\xac\x4b\xac", 1),
    ),
)
def test_pushed_bytes_are_no_operations(script: bytes, count: int) -> None:
    assert signature_operations(script) == count
