"""The short way down a trie is taken by usual proofs, and never says what the long way would not."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from proofs.encoding import rlp
from proofs.errors import LimitExceeded, VerificationError
from proofs.merkle import patricia
from proofs.merkle.patricia_usual import NODE_BYTES_MAX, value_of_usual
from proofs.primitives.hashing import keccak256
from tests.proofs.fuzzing import mutate
from tests.proofs.merkle.test_patricia import KEY, PROOF, ROOT, proof_of, random_items, reference_trie


def outcome_of_long_way(root: bytes, key: bytes, proof: Sequence[bytes]) -> object:
    try:
        return patricia._value_the_long_way(root, key, proof, {}, inline_repeated=False)
    except VerificationError as refusal:
        return refusal


def assert_not_more_than_the_long_way(root: bytes, key: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the short way was taken; then the long way gives the same value."""
    value = value_of_usual(root, key, proof, None)
    if value is not None:
        assert outcome_of_long_way(root, key, proof) == value
    return value is not None


def linked(nodes: Sequence[bytes], at: int, changed: bytes, key: bytes) -> list[bytes]:
    """The proof with one node changed, and all above it made to name what is below them."""
    chain = [*nodes[:at], changed, *nodes[at + 1 :]]
    for place in range(at - 1, -1, -1):
        node = rlp.decode(chain[place])
        assert isinstance(node, list)
        node[int(key.hex()[place], 16)] = keccak256(chain[place + 1])
        chain[place] = rlp.encode(node)
    return chain


@pytest.mark.parametrize("seed", range(60))
def test_what_the_short_way_shows_the_long_way_shows(seed: int) -> None:
    items = random_items(seed)
    trie = reference_trie(items)
    for key in items:
        assert_not_more_than_the_long_way(trie.root_hash, key, proof_of(trie, key))


def test_usual_proofs_take_the_short_way() -> None:
    assert assert_not_more_than_the_long_way(ROOT, KEY, PROOF)


def test_a_leaf_larger_than_nodes_may_be_is_not_even_hashed() -> None:
    leaf = rlp.encode([b"\x20" + KEY, bytes(NODE_BYTES_MAX)])
    memo: patricia.Memo = {}
    assert value_of_usual(keccak256(leaf), KEY, [leaf], memo) is None
    assert not memo
    with pytest.raises(LimitExceeded):
        patricia.value_at(keccak256(leaf), KEY, [leaf])


def test_a_changed_node_that_its_parents_name_means_the_same_to_both_ways() -> None:
    """A forger may choose the root here: hashes protect nothing, so only the reading of nodes is left."""
    taken = 0
    for seed in range(6_000):
        at = seed % len(PROOF)
        chain = linked(PROOF, at, mutate(random.Random(seed), [PROOF[at]]), KEY)
        taken += assert_not_more_than_the_long_way(keccak256(chain[0]), KEY, chain)
    assert taken > 100


@pytest.mark.parametrize("size", (*range(70), *range(180, 270), 65_490, 65_500, 65_536, 65_537, 65_540))
@pytest.mark.parametrize("path", ("20", "31", "20ab", "3abc"))
def test_leaves_around_the_lengths_at_which_heads_grow(size: int, path: str) -> None:
    key = bytes.fromhex("f" + path[1:]) if path[0] == "3" else bytes.fromhex("ff" + path[2:])
    nibbles = key.hex()[: 1 if path[0] == "3" else 2]
    chain = [rlp.encode([bytes.fromhex(path), b"\x99" * size])]
    for nibble in reversed(nibbles):
        children = [bytes([place]) * 32 for place in range(16)]
        children[int(nibble, 16)] = keccak256(chain[0])
        chain.insert(0, rlp.encode([*children, b""]))
    taken = assert_not_more_than_the_long_way(keccak256(chain[0]), key, chain)
    assert taken or size < 60


def test_leaves_with_heads_that_nobody_writes_are_not_taken() -> None:
    value = b"\x99" * 40
    for leaf in (
        b"\xf8\x2b\x20" + b"\xb8\x28" + value,
        b"\xeb\x81\x20" + b"\xa8" + value,
        b"\xf9\x00\x2a\x20\xa8" + value,
        rlp.encode([b"\x20", value]) + b"\x00",
    ):
        assert value_of_usual(keccak256(leaf), b"", [leaf], None) is None
    honest = rlp.encode([b"\x20", value])
    assert value_of_usual(keccak256(honest), b"", [honest], None) == value


@pytest.mark.parametrize("proof", ([], PROOF[:-1], [*PROOF, PROOF[-1]], PROOF[::-1], PROOF[1:], [PROOF[0]] * 70))
def test_proofs_of_other_shapes_take_the_long_way(proof: list[bytes]) -> None:
    assert value_of_usual(ROOT, KEY, proof, None) is None
