"""A header follows another by each of its rules, and what stands in a block makes the roots in its header."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proofs.encoding import rlp
from proofs.errors import (
    HeightNotIncreasing,
    LimitExceeded,
    MalformedProof,
    RootMismatch,
    TimeNotIncreasing,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
)
from proofs.ethereum.block_body import BLOCK_BYTES_MAX, Body, decode_block, decode_body, verify_body
from proofs.ethereum.block_rules import PRAGUE, verify_child, verify_staked_child
from proofs.ethereum.execution import ExecutionHeader
from proofs.merkle.patricia_root import ordered_root
from proofs.primitives.hashing import keccak256
from tests.proofs.fuzzing import assert_only_refusals

BLOB = 1 << 17
NO_OMMERS = keccak256(rlp.encode([]))
WITHDRAWALS = tuple(rlp.encode([rlp.int_bytes(n), b"\x07", b"\x11" * 20, b"\x05"]) for n in range(3))
LEGACY = rlp.encode([b"\x01"] * 9)
TYPED = b"\x02" + rlp.encode([b"\x01"] * 12)
BODY = Body((LEGACY, TYPED), (), WITHDRAWALS)
PARENT = ExecutionHeader(
    parent_hash=bytes(32),
    ommers_hash=NO_OMMERS,
    beneficiary=bytes(20),
    state_root=bytes(32),
    transactions_root=bytes(32),
    receipts_root=bytes(32),
    logs_bloom=bytes(256),
    difficulty=0,
    number=7,
    gas_limit=1_024_000,
    gas_used=512_000,
    timestamp=1_000,
    extra_data=b"",
    mix_hash=bytes(32),
    nonce=bytes(8),
    base_fee_per_gas=1_000,
    withdrawals_root=bytes(32),
    blob_gas_used=4 * BLOB,
    excess_blob_gas=2 * BLOB,
    parent_beacon_block_root=bytes(32),
)
CHILD = replace(
    PARENT,
    parent_hash=PARENT.hash(),
    number=8,
    timestamp=1_001,
    excess_blob_gas=3 * BLOB,
    transactions_root=ordered_root(BODY.transactions),
    withdrawals_root=ordered_root(WITHDRAWALS),
)


def child(**changes: Any) -> ExecutionHeader:
    return replace(CHILD, **changes)


def without_blobs() -> ExecutionHeader:
    return child(blob_gas_used=None, excess_blob_gas=None, parent_beacon_block_root=None)


CORRUPTIONS: dict[str, tuple[Callable[[], ExecutionHeader], type[VerificationError], dict[str, object]]] = {
    "another_parent": (lambda: child(parent_hash=bytes(32)), ValueMismatch, {"part": "parent hash"}),
    "number": (lambda: child(number=9), HeightNotIncreasing, {"got": 9, "trusted": 7}),
    "time": (lambda: child(timestamp=1_000), TimeNotIncreasing, {"got": 1_000}),
    "fields_of_an_older_fork": (without_blobs, UnsupportedProof, {"got": "no excess_blob_gas"}),
    "extra_data": (lambda: child(extra_data=bytes(33)), LimitExceeded, {"part": "extra data", "got": 33}),
    "gas_limit_up": (lambda: child(gas_limit=1_025_000), ValueMismatch, {"part": "gas limit"}),
    "gas_limit_down": (lambda: child(gas_limit=1_023_000), ValueMismatch, {"part": "gas limit"}),
    "gas_used": (lambda: child(gas_used=1_024_001), ValueMismatch, {"part": "gas used"}),
    "base_fee": (lambda: child(base_fee_per_gas=999), ValueMismatch, {"part": "base fee", "expected": 1_000}),
    "part_of_a_blob": (lambda: child(blob_gas_used=BLOB + 1), ValueMismatch, {"part": "blob gas used"}),
    "seven_blobs": (lambda: child(blob_gas_used=7 * BLOB), ValueMismatch, {"part": "blob gas used"}),
    "excess": (lambda: child(excess_blob_gas=0), ValueMismatch, {"part": "excess blob gas", "expected": 3 * BLOB}),
    "difficulty": (lambda: child(difficulty=1), ValueMismatch, {"part": "difficulty, nonce and ommers"}),
    "nonce": (lambda: child(nonce=b"\x01" * 8), ValueMismatch, {"part": "difficulty, nonce and ommers"}),
    "ommers": (lambda: child(ommers_hash=bytes(32)), ValueMismatch, {"part": "difficulty, nonce and ommers"}),
}


def assert_refused(attempt: Callable[[], object], error: type[VerificationError], fields: dict[str, object]) -> None:
    with pytest.raises(error) as refused:
        attempt()
    assert type(refused.value) is error
    assert {name: getattr(refused.value, name) for name in fields} == fields


def test_a_right_child_follows() -> None:
    verify_staked_child(PARENT, CHILD)
    verify_child(PARENT, child(gas_limit=1_024_999))
    verify_child(PARENT, child(gas_limit=1_023_001))
    verify_child(PARENT, child(blob_gas_used=9 * BLOB, excess_blob_gas=0), blobs=PRAGUE)


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_invalid_child(corruption: str) -> None:
    make, error, fields = CORRUPTIONS[corruption]
    assert_refused(lambda: verify_staked_child(PARENT, make()), error, fields)


@pytest.mark.parametrize("limit", (4_999, 1 << 63))
def test_a_gas_limit_has_a_floor_and_a_ceiling(limit: int) -> None:
    parent = replace(PARENT, gas_limit=limit, gas_used=limit // 2)
    judged = child(parent_hash=parent.hash(), gas_limit=limit, gas_used=0)
    assert_refused(lambda: verify_child(parent, judged), MalformedProof, {"part": "gas limit", "got": limit})


@pytest.mark.parametrize(
    ("used", "fee"), ((0, 875), (511_999, 1_000), (512_000, 1_000), (512_001, 1_001), (1_024_000, 1_125))
)
def test_the_base_fee_follows_how_full_the_parent_was(used: int, fee: int) -> None:
    parent = replace(PARENT, gas_used=used)
    verify_child(parent, child(parent_hash=parent.hash(), base_fee_per_gas=fee))


def test_the_first_base_fee_comes_with_twice_the_gas() -> None:
    later = dict.fromkeys(("withdrawals_root", "blob_gas_used", "excess_blob_gas", "parent_beacon_block_root"))
    parent = replace(PARENT, base_fee_per_gas=None, **later)  # type: ignore[arg-type] # the names above are optional
    first = child(parent_hash=parent.hash(), gas_limit=2_048_000, base_fee_per_gas=10**9, **later)
    verify_child(parent, first)
    assert_refused(
        lambda: verify_child(parent, replace(first, base_fee_per_gas=7)), ValueMismatch, {"part": "base fee"}
    )


def block(body: Body = BODY, header: ExecutionHeader = CHILD) -> bytes:
    transactions = [each if each[0] >= 0xC0 else rlp.encode(each) for each in body.transactions]
    parts = [header.encode(), rlp.encode_list_of(transactions), rlp.encode_list_of(body.ommers)]
    return rlp.encode_list_of(parts + ([] if body.withdrawals is None else [rlp.encode_list_of(body.withdrawals)]))


def test_a_block_is_read_and_makes_its_roots() -> None:
    header, body = decode_block(block())
    assert (header, body) == (CHILD, BODY)
    verify_body(header, body)


@pytest.mark.parametrize(
    ("body", "error", "part"),
    (
        (replace(BODY, transactions=(TYPED,)), RootMismatch, "transactions"),
        (replace(BODY, ommers=(PARENT.encode(),)), RootMismatch, "ommers"),
        (replace(BODY, withdrawals=WITHDRAWALS[:2]), RootMismatch, "withdrawals"),
        (replace(BODY, withdrawals=None), MalformedProof, "withdrawals"),
    ),
)
def test_another_body_is_refused(body: Body, error: type[VerificationError], part: str) -> None:
    assert_refused(lambda: verify_body(CHILD, body), error, {"part": part})


def test_withdrawals_without_a_root_are_refused() -> None:
    early = replace(without_blobs(), withdrawals_root=None)
    verify_body(early, replace(BODY, withdrawals=None))
    assert_refused(lambda: verify_body(early, BODY), MalformedProof, {"part": "withdrawals"})


def withdrawal(*fields: bytes) -> bytes:
    return rlp.encode([[], [], [list(fields)]])


BODIES: dict[str, tuple[bytes, type[VerificationError], str]] = {
    "one_part": (rlp.encode([[]]), MalformedProof, "block body"),
    "four_parts": (rlp.encode([[], [], [], []]), MalformedProof, "block body"),
    "unknown_type": (rlp.encode([[b"\x05\xc0"], []]), UnsupportedProof, "transaction type"),
    "legacy_as_bytes": (rlp.encode([[LEGACY], []]), MalformedProof, "transaction"),
    "empty_transaction": (rlp.encode([[b""], []]), MalformedProof, "transaction"),
    "short_withdrawal": (withdrawal(b"\x01", b"\x01", bytes(20)), MalformedProof, "withdrawal"),
    "long_index": (withdrawal(b"\x01" * 9, b"\x01", bytes(20), b"\x01"), MalformedProof, "withdrawal index"),
    "long_validator": (withdrawal(b"\x01", b"\x01" * 9, bytes(20), b"\x01"), MalformedProof, "withdrawal validator"),
    "short_address": (withdrawal(b"\x01", b"\x01", bytes(19), b"\x01"), MalformedProof, "withdrawal address"),
    "long_amount": (withdrawal(b"\x01", b"\x01", bytes(20), b"\x01" * 9), MalformedProof, "withdrawal amount"),
    "too_long": (bytes(BLOCK_BYTES_MAX + 1), LimitExceeded, "block"),
}


@pytest.mark.parametrize("corruption", BODIES)
def test_invalid_body(corruption: str) -> None:
    encoded, error, part = BODIES[corruption]
    assert_refused(lambda: decode_body(encoded), error, {"part": part})


def test_hostile_blocks_are_only_ever_refused() -> None:
    assert_only_refusals(lambda data: verify_body(*decode_block(data)), [block()], count=1_000)
