"""The strict SCALE reader: what is written comes back, and nothing but the one form of a value is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.encoding.scale import (
    ScaleReader,
    encode_bytes,
    encode_compact,
    encode_option,
    encode_u8,
    encode_u16,
    encode_u32,
    encode_u64,
    encode_u128,
    encode_vector,
)
from proofs.errors import LimitExceeded, MalformedProof
from tests.proofs.fuzzing import assert_only_refusals

# From the documentation of parity-scale-codec: value → bytes.
KNOWN_COMPACT = {
    0: "00",
    1: "04",
    42: "a8",
    63: "fc",
    64: "0101",
    69: "1501",
    16_383: "fdff",
    16_384: "02000100",
    65_535: "feff0300",
    (1 << 30) - 1: "feffffff",
    1 << 30: "0300000040",
    (1 << 32) - 1: "03ffffffff",
    1 << 32: "070000000001",
    100_000_000_000_000: "0b00407a10f35a",
    (1 << 64) - 1: "13ffffffffffffffff",
}


@pytest.mark.parametrize("value", KNOWN_COMPACT)
def test_compact_integers_have_the_documented_forms(value: int) -> None:
    encoded = bytes.fromhex(KNOWN_COMPACT[value])
    assert encode_compact(value) == encoded
    reader = ScaleReader(encoded)
    assert reader.compact() == value
    reader.end()


@given(st.integers(0, (1 << 536) - 1))
@settings(max_examples=300, database=None)
def test_every_compact_integer_comes_back(value: int) -> None:
    reader = ScaleReader(encode_compact(value))
    assert reader.compact(bits=536) == value
    reader.end()


@given(st.binary(min_size=1, max_size=68))
@settings(max_examples=500, database=None)
def test_a_compact_integer_has_no_second_form(data: bytes) -> None:
    reader = ScaleReader(data)
    try:
        value = reader.compact(bits=536)
    except MalformedProof:
        return
    assert encode_compact(value) == data[: len(data) - reader.remaining]


@pytest.mark.parametrize(
    "encoded",
    ("0100", "fd00", "02000000", "feff0000", "03ffffff3f", "0700000000" + "00", "0bffffffffff00", "ff" + "00" * 67),
)
def test_a_longer_form_than_needed_is_refused(encoded: str) -> None:
    with pytest.raises(MalformedProof) as refusal:
        ScaleReader(bytes.fromhex(encoded), "count").compact(bits=536)
    assert (refusal.value.part, refusal.value.expected) == ("count compact", "the shortest form")


def test_a_compact_integer_beyond_its_bits_is_refused() -> None:
    ScaleReader(encode_compact((1 << 64) - 1)).compact()
    with pytest.raises(MalformedProof) as refusal:
        ScaleReader(encode_compact(1 << 64)).compact()
    assert (refusal.value.got, refusal.value.expected) == (1 << 64, "at most 64 bits")


@pytest.mark.parametrize(
    ("encode", "read", "bits"),
    (
        (encode_u8, ScaleReader.u8, 8),
        (encode_u16, ScaleReader.u16, 16),
        (encode_u32, ScaleReader.u32, 32),
        (encode_u64, ScaleReader.u64, 64),
        (encode_u128, ScaleReader.u128, 128),
    ),
)
def test_integers_are_little_endian_and_of_fixed_length(
    encode: Callable[[int], bytes], read: Callable[[ScaleReader], int], bits: int
) -> None:
    for value in (0, 1, 1 << (bits - 1), (1 << bits) - 1):
        encoded = encode(value)
        assert encoded == value.to_bytes(bits // 8, "little")
        assert read(ScaleReader(encoded)) == value
        with pytest.raises(MalformedProof) as refusal:
            read(ScaleReader(encoded[:-1], "number"))
        assert (refusal.value.part, refusal.value.got) == ("number", f"{bits // 8 - 1} bytes left")


@given(st.lists(st.binary(max_size=80), max_size=80), st.one_of(st.none(), st.binary(max_size=5)))
@settings(max_examples=200, database=None)
def test_vectors_strings_and_options_come_back(items: list[bytes], maybe: bytes | None) -> None:
    encoded = encode_vector([encode_bytes(item) for item in items])
    encoded += encode_option(None if maybe is None else encode_bytes(maybe))
    reader = ScaleReader(encoded)
    assert reader.vector(lambda: reader.bytes_(limit=80), limit=80) == tuple(items)
    assert reader.option(lambda: reader.bytes_(limit=5)) == maybe
    reader.end()


def test_lengths_are_bounded_before_anything_is_read() -> None:
    reader = ScaleReader(encode_compact(3), "items")
    with pytest.raises(LimitExceeded) as refusal:
        reader.vector(reader.u8, limit=2)
    assert (refusal.value.part, refusal.value.got, refusal.value.limit) == ("items items", 3, 2)
    with pytest.raises(LimitExceeded) as refusal:
        ScaleReader(encode_compact(3), "name").bytes_(limit=2)
    assert (refusal.value.part, refusal.value.got, refusal.value.limit) == ("name bytes", 3, 2)


def test_a_length_of_more_than_32_bits_is_refused() -> None:
    with pytest.raises(MalformedProof) as refusal:
        ScaleReader(encode_compact(1 << 32)).bytes_(limit=1 << 40)
    assert refusal.value.expected == "at most 32 bits"


def test_variants_and_booleans_are_those_that_there_are() -> None:
    assert ScaleReader(b"\x02").variant(3) == 2
    assert [ScaleReader(bytes((each,))).boolean() for each in (0, 1)] == [False, True]
    for read, count in ((lambda reader: reader.variant(2), 2), (ScaleReader.boolean, 2)):
        with pytest.raises(MalformedProof) as refusal:
            read(ScaleReader(b"\x02", "choice"))
        assert (refusal.value.part, refusal.value.got) == ("choice", "variant 2")
        assert refusal.value.expected == f"below {count}"
    reader = ScaleReader(b"\x02\x00")
    with pytest.raises(MalformedProof):
        reader.option(reader.u8)


def test_nothing_follows_the_end() -> None:
    reader = ScaleReader(b"\x01\x02", "whole")
    assert (reader.u8(), reader.remaining) == (1, 1)
    with pytest.raises(MalformedProof) as refusal:
        reader.end()
    assert (refusal.value.part, refusal.value.got) == ("whole", "1 bytes more")


def test_hostile_bytes_are_refused_and_nothing_else() -> None:
    def parse(data: bytes) -> object:
        reader = ScaleReader(data)
        found = reader.vector(lambda: (reader.compact(), reader.bytes_(limit=40)), limit=40)
        found_too = reader.option(lambda: ScaleReader(reader.fixed(4)).u32())
        reader.end()
        return found, found_too

    items = [encode_compact(1 << place) + encode_bytes(bytes(place)) for place in range(40)]
    seed = encode_vector(items) + encode_option(encode_u32(7))
    parse(seed)
    assert_only_refusals(parse, [seed], 2_000)
