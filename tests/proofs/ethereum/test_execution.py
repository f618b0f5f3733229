from __future__ import annotations

from dataclasses import replace

import pytest

from proofs.encoding import rlp
from proofs.errors import LimitExceeded, MalformedProof, RootMismatch, UnsupportedProof
from proofs.ethereum.execution import HEADER_BYTES_MAX, check_header_hash, decode_account, decode_header, prove_slot
from proofs.primitives.hashing import keccak256
from tests.proofs.ethereum.builders import account, header
from tests.proofs.fuzzing import assert_only_refusals


@pytest.mark.parametrize("fields", (15, 16, 17, 20, 21))
def test_headers_of_every_fork_are_read_and_written_back(fields: int) -> None:
    block = header(fields=fields)
    assert len(rlp.as_list(rlp.decode(block.encode()), "header")) == fields
    assert decode_header(block.encode()) == block
    check_header_hash(block.encode(), block.hash())


@pytest.mark.parametrize("count", (0, 14, 18, 19, 22))
def test_headers_of_unknown_forks_are_refused(count: int) -> None:
    items = rlp.as_list(rlp.decode(header().encode()), "header")
    with pytest.raises(UnsupportedProof) as refusal:
        decode_header(rlp.encode(([*items, bytes(32)])[:count]))
    assert refusal.value.got == count


def test_a_header_with_a_gap_is_of_no_fork() -> None:
    with pytest.raises(UnsupportedProof) as refusal:
        replace(header(), withdrawals_root=None).encode()
    assert refusal.value.got == "a gap in its fields"


@pytest.mark.parametrize(
    ("place", "item", "part"),
    (
        (0, b"\x01" * 31, "parent_hash"),
        (2, b"\x01" * 21, "beneficiary"),
        (6, b"\x01" * 255, "logs_bloom"),
        (8, b"\x01" * 9, "number"),
        (11, b"\x00\x01", "timestamp"),
        (14, b"", "nonce"),
    ),
)
def test_fields_of_another_size_are_refused(place: int, item: bytes, part: str) -> None:
    items = rlp.as_list(rlp.decode(header().encode()), "header")
    items[place] = item
    with pytest.raises(MalformedProof) as refusal:
        decode_header(rlp.encode(items))
    assert refusal.value.part == part


def test_a_block_is_named_by_the_hash_of_its_header() -> None:
    with pytest.raises(RootMismatch) as refusal:
        check_header_hash(header().encode(), bytes(32))
    assert refusal.value.computed == header().hash()


def test_large_headers_are_refused_unread() -> None:
    with pytest.raises(LimitExceeded):
        decode_header(bytes(HEADER_BYTES_MAX + 1))


@pytest.mark.parametrize(
    "encoded",
    (
        rlp.encode([b"", b"", bytes(32)]),
        rlp.encode([b"\x00", b"", bytes(32), bytes(32)]),
        rlp.encode([b"\x01" * 9, b"", bytes(32), bytes(32)]),
        rlp.encode([b"", b"", bytes(31), bytes(32)]),
        rlp.encode([b"", b"", bytes(32), b""]),
        b"\x80",
    ),
)
def test_what_is_no_account_is_refused(encoded: bytes) -> None:
    with pytest.raises(MalformedProof):
        decode_account(encoded)


@pytest.mark.parametrize("stored", (b"\x80", b"\x00", b"\x82\x00\x01", b"\xc0", b"\xa1" + b"\x01" * 33))
def test_a_slot_holds_a_positive_integer_of_at_most_32_bytes(stored: bytes) -> None:
    slot = bytes(32)
    leaf = rlp.encode([b"\x20" + keccak256(slot), stored])
    with pytest.raises((MalformedProof, UnsupportedProof)):
        prove_slot(keccak256(leaf), slot, [leaf])


def test_hostile_bytes_meet_refusals_only() -> None:
    def parse(data: bytes) -> None:
        assert decode_header(data).encode() == data

    assert_only_refusals(parse, [header(fields=count).encode() for count in (15, 16, 17, 20, 21)], 2_000)
    assert_only_refusals(decode_account, [account(bytes(32), bytes(32))], 1_000)
