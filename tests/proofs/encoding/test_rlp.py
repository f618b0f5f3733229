from __future__ import annotations

import random
from typing import Any

import pytest
import rlp as oracle

from proofs.encoding import rlp
from proofs.errors import LimitExceeded, MalformedProof
from tests.proofs.fuzzing import assert_only_refusals

NOT_CANONICAL = {
    "nothing": ("", "nothing"),
    "trailing_byte": ("8000", 2),
    "trailing_item_after_a_list": ("c101c0", 3),
    "prefixed_single_byte": ("817f", 0x7F),
    "long_form_of_a_short_string": ("b801ff", 1),
    "long_form_of_a_short_list": ("f80180", 1),
    "leading_zero_in_a_length": ("b90038" + "00" * 56, b"\x00\x38"),
    "string_beyond_the_end": ("83ffff", 3),
    "list_beyond_the_end": ("c201", 2),
    "length_beyond_the_end": ("bfffff", 2),
    "item_beyond_its_list": ("c283ffffff", 3),
    "length_of_2_to_the_64": ("bf" + "ff" * 8, (1 << 64) - 1),
    "prefix_for_a_byte_that_is_not_there": ("81", 1),
}


@pytest.mark.parametrize("name", NOT_CANONICAL)
def test_anything_but_the_one_encoding_is_refused(name: str) -> None:
    encoded, got = NOT_CANONICAL[name]
    with pytest.raises(MalformedProof) as refusal:
        rlp.decode(bytes.fromhex(encoded))
    assert refusal.value.got == got


def random_item(chance: random.Random, depth: int = 4) -> Any:
    if depth == 0 or chance.random() < 0.5:
        return chance.randbytes(chance.choice((0, 1, 1, 2, 31, 32, 55, 56, 57, 255, 256, 300)))
    return [random_item(chance, depth - 1) for _ in range(chance.choice((0, 1, 2, 3, 20)))]


@pytest.mark.parametrize("seed", range(100))
def test_encoding_and_decoding_agree_with_the_reference(seed: int) -> None:
    item = random_item(random.Random(seed))
    encoded = rlp.encode(item)
    assert encoded == oracle.encode(item)
    assert rlp.decode(encoded) == item


def test_depth_is_bounded() -> None:
    at_limit = b"\xc0"
    for _ in range(rlp.DEPTH_LIMIT - 1):
        at_limit = rlp.encode_list_of([at_limit])
    rlp.decode(at_limit)
    with pytest.raises(LimitExceeded) as refusal:
        rlp.decode(rlp.encode_list_of([at_limit]))
    assert (refusal.value.part, refusal.value.limit) == ("RLP depth", rlp.DEPTH_LIMIT)


def test_the_number_of_items_is_bounded() -> None:
    with pytest.raises(LimitExceeded) as refusal:
        rlp.decode(rlp.encode([b"\x01"] * 1_000_000))
    assert refusal.value.got == rlp.ITEM_LIMIT + 1


def test_integers_have_no_leading_zero_and_a_size() -> None:
    assert rlp.as_int(b"", "n") == 0
    assert rlp.as_int(b"\x01\x00", "n", bits=16) == 256
    for item, got in ((b"\x00", b"\x00"), (b"\x00\x01", b"\x00\x01"), (b"\x01\x00\x00", 3), ([], "a list")):
        with pytest.raises(MalformedProof) as refusal:
            rlp.as_int(item, "n", bits=16)
        assert refusal.value.got == got


def test_kinds_and_sizes_are_checked_where_they_are_read() -> None:
    with pytest.raises(MalformedProof):
        rlp.as_list(b"", "l")
    with pytest.raises(MalformedProof) as count:
        rlp.as_list([b""], "l", count=2)
    with pytest.raises(MalformedProof) as length:
        rlp.as_bytes(b"ab", "b", length=3)
    assert (count.value.got, length.value.got) == (1, 2)


def test_hostile_bytes_meet_refusals_only_and_what_is_taken_is_canonical() -> None:
    def parse(data: bytes) -> None:
        assert rlp.encode(rlp.decode(data)) == data

    assert assert_only_refusals(parse, [rlp.encode(random_item(random.Random(seed))) for seed in range(20)], 3_000) > 0
