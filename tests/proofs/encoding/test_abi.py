from __future__ import annotations

import random
from typing import Any

import pytest
from eth_abi.abi import encode as oracle_encode

from proofs.encoding import abi
from proofs.errors import MalformedProof
from tests.proofs.fuzzing import assert_only_refusals

ELEMENTARY = (
    "uint8",
    "uint64",
    "uint256",
    "int8",
    "int64",
    "int256",
    "bool",
    "address",
    "bytes1",
    "bytes32",
    "bytes",
    "string",
)


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def random_type(chance: random.Random, depth: int = 3) -> str:
    kind = chance.random()
    if depth == 0 or kind < 0.5:
        return chance.choice(ELEMENTARY)
    if kind < 0.75:
        return random_type(chance, depth - 1) + chance.choice(("[]", "[1]", "[3]"))
    return f"({','.join(random_type(chance, depth - 1) for _ in range(chance.randrange(1, 4)))})"


def random_value(chance: random.Random, of: str) -> Any:  # noqa: PLR0911 - one return per kind of type
    if of.endswith("]"):
        inner, count = of[: of.rindex("[")], of[of.rindex("[") + 1 : -1]
        return tuple(random_value(chance, inner) for _ in range(int(count) if count else chance.randrange(4)))
    if of.startswith("("):
        return tuple(random_value(chance, part) for part in split(of))
    if of.startswith("uint"):
        return chance.choice((0, 1, (1 << int(of[4:])) - 1, chance.getrandbits(int(of[4:]))))
    if of.startswith("int"):
        return chance.choice((0, -1, -(1 << int(of[3:]) - 1), (1 << int(of[3:]) - 1) - 1))
    sizes = {"bytes1": 1, "bytes32": 32, "address": 20}
    if of == "bool":
        return chance.random() < 0.5
    if of == "string":
        return chance.choice(("", "é", "client-0", "x" * 32, "y" * 33))
    return chance.randbytes(sizes.get(of, chance.choice((0, 1, 31, 32, 33, 70))))


def split(types: str) -> list[str]:
    """The parts of a tuple description, read naively."""
    parts, depth, part = [], 0, ""
    for letter in types[1:-1]:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += letter
    return [*parts, part]


def for_oracle(value: Any, of: str) -> Any:
    if of == "address":
        return "0x" + value.hex()
    if of.endswith("]"):
        return [for_oracle(each, of[: of.rindex("[")]) for each in value]
    if of.startswith("("):
        return tuple(for_oracle(each, part) for each, part in zip(value, split(of), strict=True))
    return value


@pytest.mark.parametrize("seed", range(300))
def test_encoding_and_decoding_agree_with_the_reference(seed: int) -> None:
    chance = random.Random(seed)
    types = f"({','.join(random_type(chance) for _ in range(chance.randrange(1, 5)))})"
    values = random_value(chance, types)
    encoded = abi.encode(types, values)
    assert encoded == oracle_encode(split(types), for_oracle(values, types))
    assert abi.decode(types, encoded) == values


# Each is one change of what abi.encode gives.
CORRUPTIONS = {
    "trailing_word": ("(uint64)", word(1) + word(0), "ABI data"),
    "short_word": ("(uint64)", word(1)[:-1], "ABI word"),
    "number_above_its_type": ("(uint64)", word(1 << 64), "ABI uint64"),
    "negative_below_its_type": ("(int8)", word((1 << 256) - 129), "ABI int8"),
    "bool_of_two": ("(bool)", word(2), "ABI bool"),
    "address_with_high_bytes": ("(address)", word(1 << 160), "ABI address"),
    "fixed_bytes_with_low_bytes": ("(bytes1)", word(1), "ABI bytes1"),
    "offset_with_a_gap": ("(bytes)", word(64) + word(0) + word(0), "ABI offset"),
    "offset_beyond_the_end": ("(bytes)", word(1 << 255), "ABI offset"),
    "offset_into_the_head": ("(bytes)", word(0), "ABI offset"),
    "overlapping_tails": ("(bytes,bytes)", word(64) + word(64) + word(0), "ABI offset"),
    "tails_out_of_order": ("(bytes,bytes)", word(96) + word(64) + word(0) + word(0), "ABI offset"),
    "length_beyond_the_end": ("(bytes)", word(32) + word(33) + bytes(32), "ABI bytes length"),
    "length_of_2_to_the_255": ("(bytes)", word(32) + word(1 << 255), "ABI bytes length"),
    "padding_cut_off": ("(bytes)", word(32) + word(1) + b"a", "ABI bytes"),
    "padding_not_zero": ("(bytes)", word(32) + word(1) + b"ab" + bytes(30), "ABI bytes padding"),
    "string_that_is_no_text": ("(string)", word(32) + word(1) + b"\xff" + bytes(31), "ABI string"),
    "array_beyond_the_end": ("(uint64[])", word(32) + word(2) + word(1), "ABI array"),
    "array_of_2_to_the_200": ("(uint64[])", word(32) + word(1 << 200) + word(1), "ABI array length"),
}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_anything_but_the_strict_layout_is_refused(corruption: str) -> None:
    types, data, part = CORRUPTIONS[corruption]
    with pytest.raises(MalformedProof) as refusal:
        abi.decode(types, data)
    assert refusal.value.part == part


@pytest.mark.parametrize(
    "types",
    ("", "uint64", "(uint64", "(uint7)", "(uint)", "(bytes33)", "(uint8[0])", "(()[])", "(x)", "(uint8)x", "(,)"),
)
def test_a_wrong_description_is_a_bug(types: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        abi.parse(types)


@pytest.mark.parametrize(
    ("types", "values"),
    (("(uint8)", (256,)), ("(uint8)", ()), ("(bytes32)", (b"",)), ("(address)", (b"",)), ("(uint8[2])", ((1,),))),
)
def test_values_that_do_not_fit_are_refused(types: str, values: tuple[Any, ...]) -> None:
    with pytest.raises(MalformedProof):
        abi.encode(types, values)


def test_selectors_and_topics_are_those_of_the_router() -> None:
    packet = "(uint64,string,string,uint64,(string,string,string,string,bytes)[])"
    assert abi.selector(f"recvPacket(({packet},bytes,(uint64,uint64)))").hex() == "5ebd10ca"
    topic = abi.event_topic(f"SendPacket(string,uint256,{packet})").hex()
    assert topic == "ab3a4458a269be61dfa43faa33aa7b1f5d570716f83ad078bc2ba5dab039abae"


def test_a_call_is_read_back_and_another_functions_is_refused() -> None:
    call = abi.encode_call("updateClient(string,bytes)", ("client-0", b"x"))
    assert call[:4].hex() == "6fbf8079"
    assert abi.decode_call("updateClient(string,bytes)", call) == ("client-0", b"x")
    with pytest.raises(MalformedProof) as refusal:
        abi.decode_call("multicall(bytes[])", call)
    assert refusal.value.got == call[:4]


def test_hostile_bytes_meet_refusals_only_and_what_is_taken_is_canonical() -> None:
    types = "((uint64,string,bytes[],(bytes32,address)[2],bool[])[],int16)"
    seeds = [abi.encode(types, random_value(random.Random(seed), types)) for seed in range(10)]

    def parse(data: bytes) -> None:
        assert abi.encode(types, abi.decode(types, data)) == data

    assert assert_only_refusals(parse, seeds, 3_000) > 0
