"""Nodes of the state trie: the forms that the specification shows, and that no other is read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.errors import LimitExceeded, MalformedProof, VerificationError
from proofs.merkle.substrate_node import (
    EMPTY_NODE,
    NODE_BYTES_MAX,
    PARTIAL_NIBBLES_MAX,
    Kind,
    Node,
    decode_node,
    encode_node,
)
from tests.proofs.fuzzing import assert_only_refusals
from tests.proofs.merkle.substrate_tries import header

DIGEST = bytes(range(32))
CHILD = encode_node(Node("a", value=b"v"))
TWO = (CHILD, DIGEST, *(None,) * 14)
ONE = (CHILD, *(None,) * 15)

NODES = st.builds(
    Node,
    st.text("0123456789abcdef", max_size=80),
    st.one_of(st.none(), st.binary(max_size=70)),
    st.none(),
    st.lists(st.one_of(st.none(), st.just(DIGEST), st.just(CHILD)), min_size=16, max_size=16).map(tuple),
).filter(lambda node: sum(child is not None for child in node.children) != 1 or node.value is not None)


@given(NODES, st.booleans())
@settings(max_examples=300, database=None)
def test_every_node_comes_back(node: Node, is_hashed: bool) -> None:
    if is_hashed:
        node = Node(node.partial, value_hash=DIGEST, children=node.children)
    elif not any(node.children) and node.value is None:
        node = Node(node.partial, value=b"")
    assert decode_node(encode_node(node)) == node


@given(st.one_of(st.binary(max_size=60), st.binary(max_size=20).map(lambda data: b"\x80\x03\x00" + data)))
@settings(max_examples=1_000, database=None)
def test_a_node_has_no_second_form(data: bytes) -> None:
    try:
        node = decode_node(data)
    except VerificationError:
        return
    assert encode_node(node) == data if node else data == EMPTY_NODE


KNOWN = {
    "leaf": ("42aa04bb", Node("aa", value=b"\xbb")),
    "leaf of an odd number of nibbles": ("41010402", Node("1", value=b"\x02")),
    "leaf without nibbles and value": ("4000", Node("", value=b"")),
    "leaf with a hash": ("22aa" + DIGEST.hex(), Node("aa", value_hash=DIGEST)),
    "branch": ("80030010" + CHILD.hex() + "80" + DIGEST.hex(), Node("", children=TWO)),
    "branch over hashes alone": (
        "81050140" + "80" + DIGEST.hex() + "80" + DIGEST.hex(),
        Node("5", children=(DIGEST, *(None,) * 13, DIGEST, None)),
    ),
    "branch with a value": ("c10c010004bb10" + CHILD.hex(), Node("c", value=b"\xbb", children=ONE)),
    "branch with a hash": ("110c0100" + DIGEST.hex() + "10" + CHILD.hex(), Node("c", value_hash=DIGEST, children=ONE)),
}


@pytest.mark.parametrize("name", KNOWN)
def test_nodes_are_read_as_the_specification_shows_them(name: str) -> None:
    encoded, node = KNOWN[name]
    assert decode_node(bytes.fromhex(encoded)) == node
    assert encode_node(node).hex() == encoded


def test_the_empty_trie_has_a_node() -> None:
    assert decode_node(EMPTY_NODE) is None


@pytest.mark.parametrize("nibbles", (0, 1, 14, 15, 16, 30, 31, 32, 62, 63, 64, 317, 318, 319, PARTIAL_NIBBLES_MAX))
def test_numbers_of_nibbles_go_on_in_further_bytes(nibbles: int) -> None:
    partial = "0" * nibbles
    for node, prefix, room in (
        (Node(partial, value=b"v"), 0x40, 63),
        (Node(partial, value_hash=DIGEST), 0x20, 31),
        (Node(partial, value_hash=DIGEST, children=ONE), 0x10, 15),
    ):
        encoded = encode_node(node)
        assert encoded.startswith(header(prefix, room, nibbles))
        assert decode_node(encoded) == node


def refusal_of(encoded: bytes) -> MalformedProof:
    with pytest.raises(MalformedProof) as refusal:
        decode_node(encoded)
    return refusal.value


@pytest.mark.parametrize("first", range(1, 16))
def test_a_header_of_no_kind_is_refused(first: int) -> None:
    """0x01 begins the compact proofs of Substrate, which nothing here reads."""
    refusal = refusal_of(bytes((first, 4, 4)))
    assert (refusal.part, refusal.got) == ("trie node header", first)


def test_every_other_first_byte_is_of_one_kind() -> None:
    for first in range(16, 256):
        kinds = [kind for kind in Kind if first >> (8 - kind.bits) << (8 - kind.bits) == kind.prefix]
        assert len(kinds) == 1


@pytest.mark.parametrize("first", (0x40, 0x20, 0x80, 0xC0, 0x10))
def test_padding_is_zero(first: int) -> None:
    for digit in range(1, 16):
        refusal = refusal_of(bytes((first | 1, digit << 4 | 0x0A)) + bytes(80))
        assert (refusal.part, refusal.got, refusal.expected) == ("trie node padding", f"{digit:x}", "0")


@pytest.mark.parametrize(
    ("encoded", "least"),
    (("800000", 2), ("800100" + "10" + CHILD.hex(), 2), ("c0000004bb", 1), ("100000" + DIGEST.hex(), 1)),
)
def test_a_branch_without_ways_is_refused(encoded: str, least: int) -> None:
    refusal = refusal_of(bytes.fromhex(encoded))
    assert (refusal.part, refusal.expected) == ("trie branch children", f"at least {least}")


@pytest.mark.parametrize("child", (b"", EMPTY_NODE))
def test_a_child_that_is_nothing_is_refused(child: bytes) -> None:
    refusal = refusal_of(encode_node(Node("", children=(CHILD, child, *(None,) * 14))))
    assert (refusal.part, refusal.got) == ("trie child", child)


def test_a_child_longer_than_a_hash_is_refused() -> None:
    with pytest.raises(LimitExceeded) as refusal:
        decode_node(encode_node(Node("", children=(CHILD, bytes(33), *(None,) * 14))))
    assert (refusal.value.part, refusal.value.got) == ("trie node bytes", 33)


def test_nothing_is_missing_and_nothing_follows() -> None:
    for encoded, _ in KNOWN.values():
        whole = bytes.fromhex(encoded)
        assert refusal_of(whole + b"\x00").expected == "the end"
        for end in range(len(whole)):
            assert "more" in str(refusal_of(whole[:end]).expected)


def test_a_value_whose_length_has_a_longer_form_is_refused() -> None:
    refusal = refusal_of(bytes.fromhex("42aa0500bb"))
    assert (refusal.part, refusal.expected) == ("trie node compact", "the shortest form")


def test_a_node_is_bounded_before_it_is_read() -> None:
    largest = encode_node(Node("aa", value=bytes(NODE_BYTES_MAX - 6)))
    assert len(largest) == NODE_BYTES_MAX
    decode_node(largest)
    with pytest.raises(LimitExceeded) as refusal:
        decode_node(largest + b"\x00")
    assert (refusal.value.part, refusal.value.limit) == ("trie node", NODE_BYTES_MAX)


def test_nibbles_are_bounded() -> None:
    with pytest.raises(LimitExceeded) as refusal:
        decode_node(encode_node(Node("0" * (PARTIAL_NIBBLES_MAX + 1), value=b"v")))
    assert (refusal.value.part, refusal.value.got) == ("trie node nibbles", PARTIAL_NIBBLES_MAX + 1)
    with pytest.raises(LimitExceeded):
        decode_node(b"\x7f" + b"\xff" * 100_000)


def test_hostile_bytes_are_refused_and_nothing_else() -> None:
    assert_only_refusals(decode_node, [bytes.fromhex(encoded) for encoded, _ in KNOWN.values()], 2_000)
