"""Strict SSZ: every corruption has its own refusal; remerkleable agrees on every random value, bytes and root.

No postponed annotations here: the oracle reads those of its containers at run time.
"""

import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from remerkleable import basic, bitfields, byte_arrays
from remerkleable import complex as composite

from proofs.encoding.ssz import (
    Bitlist,
    Bitvector,
    Boolean,
    ByteList,
    ByteVector,
    Container,
    List,
    PackedVector,
    SszType,
    Uint,
    Vector,
)
from proofs.errors import InvalidProof, LimitExceeded, MalformedProof, VerificationError

U16 = Uint(2)
PAIR: Container[SimpleNamespace] = Container(SimpleNamespace, {"a": ByteList(8), "b": U16, "c": ByteList(8)})
GOOD_PAIR = bytes.fromhex("0a00000005000c000000aabbcc")

CORRUPTIONS: dict[str, tuple[SszType[Any], bytes, type[InvalidProof], str]] = {
    "uint_too_short": (U16, b"\x01", MalformedProof, "uint bytes"),
    "boolean_of_two": (Boolean(), b"\x02", MalformedProof, "boolean"),
    "boolean_too_long": (Boolean(), b"\x01\x00", MalformedProof, "boolean bytes"),
    "byte_vector_with_trailing_byte": (ByteVector(2), b"\x01\x02\x03", MalformedProof, "byte vector bytes"),
    "byte_list_over_its_limit": (ByteList(2), b"\x01\x02\x03", LimitExceeded, "byte list"),
    "packed_vector_truncated": (PackedVector(2, 2), b"\x01\x02\x03", MalformedProof, "packed vector bytes"),
    "bitvector_with_padding_bit_set": (Bitvector(4), b"\x10", MalformedProof, "bitvector padding"),
    "bitvector_too_long": (Bitvector(4), b"\x01\x00", MalformedProof, "bitvector bytes"),
    "bitlist_without_delimiter": (Bitlist(16), b"\x01\x00", MalformedProof, "bitlist delimiter"),
    "bitlist_empty": (Bitlist(16), b"", MalformedProof, "bitlist delimiter"),
    "bitlist_over_its_limit": (Bitlist(2), b"\x0f", LimitExceeded, "bitlist"),
    "vector_of_too_few": (Vector(U16, 2), b"\x01\x00", MalformedProof, "vector items"),
    "vector_of_half_an_item": (Vector(U16, 2), b"\x01\x00\x02", MalformedProof, "items bytes"),
    "list_over_its_limit": (List(U16, 1), bytes(4), LimitExceeded, "list"),
    "more_items_than_bytes": (Vector(ByteList(4), 2), b"\xfc\xff\xff\x00" + bytes(4), MalformedProof, "items bytes"),
    "list_with_first_offset_of_zero": (List(ByteList(4), 4), bytes(4), MalformedProof, "items bytes"),
    "list_of_half_an_offset": (List(ByteList(4), 4), b"\x04\x00", MalformedProof, "offset bytes"),
    "container_truncated": (PAIR, GOOD_PAIR[:9], MalformedProof, "container bytes"),
    "first_offset_leaves_a_gap": (PAIR, b"\x0b" + GOOD_PAIR[1:], MalformedProof, "first offset"),
    "offset_before_the_one_in_front": (PAIR, GOOD_PAIR[:6] + b"\x09" + GOOD_PAIR[7:], MalformedProof, "offset"),
    "offset_beyond_the_end": (PAIR, GOOD_PAIR[:6] + b"\xff" + GOOD_PAIR[7:], MalformedProof, "offset"),
    "more_than_we_are_willing_to_read": (List(U16, 1 << 40), bytes((1 << 24) + 2), LimitExceeded, "encoded bytes"),
}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_every_other_encoding_is_refused_by_name(corruption: str) -> None:
    kind, data, error, part = CORRUPTIONS[corruption]
    with pytest.raises(error) as refusal:
        kind.decode(data)
    assert getattr(refusal.value, "part") == part  # noqa: B009  # only the subclasses have the field


@pytest.mark.parametrize("make", (lambda: Vector(U16, 0), lambda: Bitvector(0)))
def test_there_are_no_vectors_of_nothing(make: Callable[[], object]) -> None:
    with pytest.raises(MalformedProof):
        make()


def test_a_good_container_decodes_and_encodes_again() -> None:
    value = PAIR.decode(GOOD_PAIR)
    assert (value.a, value.b, value.c) == (b"\xaa\xbb", 5, b"\xcc")
    assert PAIR.encode(value) == GOOD_PAIR


class Inner(composite.Container):  # type: ignore[misc]  # the oracle ships no types
    number: basic.uint64
    data: byte_arrays.ByteList[300]


class Outer(composite.Container):  # type: ignore[misc]  # as above
    flag: basic.boolean
    bits: bitfields.Bitvector[13]
    marks: bitfields.Bitlist[700]
    numbers: composite.List[basic.uint16, 100]
    inner: Inner
    many: composite.List[Inner, 5]
    keys: composite.Vector[byte_arrays.ByteVector[48], 3]
    words: composite.Vector[basic.uint256, 2]


INNER: Container[SimpleNamespace] = Container(SimpleNamespace, {"number": Uint(8), "data": ByteList(300)})
OUTER: Container[SimpleNamespace] = Container(
    SimpleNamespace,
    {
        "flag": Boolean(),
        "bits": Bitvector(13),
        "marks": Bitlist(700),
        "numbers": List(U16, 100),
        "inner": INNER,
        "many": List(INNER, 5),
        "keys": PackedVector(48, 3),
        "words": Vector(Uint(32), 2),
    },
)


def random_inner(rng: random.Random) -> Any:
    return Inner(number=rng.getrandbits(64), data=rng.randbytes(rng.randrange(301)))


def random_outer(rng: random.Random) -> Any:
    return Outer(
        flag=rng.random() < 0.5,
        bits=[rng.random() < 0.5 for _ in range(13)],
        marks=[rng.random() < 0.5 for _ in range(rng.choice((0, 1, 7, 8, 255, 256, 257, 700)))],
        numbers=[rng.getrandbits(16) for _ in range(rng.choice((0, 1, 15, 16, 17, 100)))],
        inner=random_inner(rng),
        many=[random_inner(rng) for _ in range(rng.randrange(6))],
        keys=[rng.randbytes(48) for _ in range(3)],
        words=[rng.getrandbits(256) for _ in range(2)],
    )


@pytest.mark.parametrize("seed", range(100))
def test_remerkleable_agrees_on_bytes_and_root(seed: int) -> None:
    oracle = random_outer(random.Random(seed))
    encoded = oracle.encode_bytes()
    value = OUTER.decode(encoded)
    assert OUTER.encode(value) == encoded
    assert OUTER.root(value) == bytes(oracle.hash_tree_root())


@pytest.mark.parametrize("seed", range(300))
def test_hostile_bytes_are_refused_or_are_the_one_encoding(seed: int) -> None:
    """What is accepted encodes to the same bytes: no value has two encodings."""
    rng = random.Random(seed)
    data = bytearray(random_outer(rng).encode_bytes())
    for _ in range(rng.randrange(1, 4)):
        data[rng.randrange(min(len(data), 200))] = rng.choice((0, 1, 4, 0x80, 0xFF, rng.randrange(256)))
    hostile = bytes(data[: rng.randrange(len(data) + 1)] if rng.random() < 0.3 else data)
    try:
        value = OUTER.decode(hostile)
    except VerificationError:
        return
    assert OUTER.encode(value) == hostile
