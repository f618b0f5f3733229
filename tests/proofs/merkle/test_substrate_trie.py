"""Proofs of Substrate's state trie against a naive one, and each rule by the corruption that only it catches."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.errors import LimitExceeded, MalformedProof, RootMismatch, ValueMismatch, VerificationError
from proofs.merkle import substrate_trie
from proofs.merkle.substrate_node import PARTIAL_NIBBLES_MAX, Node, encode_node
from proofs.merkle.substrate_root import StateVersion, trie_root
from proofs.merkle.substrate_trie import (
    EMPTY_ROOT,
    KEY_BYTES_MAX,
    NODES_MAX,
    PROOF_BYTES_MAX,
    VISITS_MAX,
    decode_proof,
    encode_proof,
    entries_under,
    keys_under,
    shown_entries,
    value_at,
    values_at,
    verify_exclusion,
    verify_inclusion,
)
from tests.proofs.merkle.substrate_tries import NaiveTrie, digest_of

T = TypeVar("T")
VERSIONS = (StateVersion.V0, StateVersion.V1)
# Few different bytes, so that keys share and end within one another.
KEYS = st.lists(st.sampled_from([0x00, 0x01, 0x10, 0x1F, 0xAB]), max_size=5).map(bytes)
VALUES = st.one_of(st.binary(max_size=4), st.sampled_from([b"\x07" * 31, b"\x07" * 32, b"\x07" * 33, b"\x09" * 100]))
SIBLING = encode_node(Node("0", value=b"v"))
LONG = b"\x07" * 33
TRIES = st.builds(NaiveTrie, st.dictionaries(KEYS, VALUES, max_size=24), st.booleans())


def random_trie(seed: int) -> NaiveTrie:
    """Like a state: maps of 32 hashed bytes below a few prefixes."""
    chance = random.Random(seed)
    prefixes = [chance.randbytes(4) for _ in range(3)]
    entries = {
        chance.choice(prefixes) + chance.randbytes(chance.choice((1, 2, 8, 32))): chance.randbytes(
            chance.choice((0, 1, 8, 31, 32, 33, 200))
        )
        for _ in range(chance.randrange(1, 60))
    }
    return NaiveTrie(entries, hashes_values=bool(seed % 2))


@given(TRIES)
@settings(max_examples=200, database=None, deadline=None)
def test_roots_are_those_of_the_naive_trie(trie: NaiveTrie) -> None:
    assert trie_root(trie.entries, version=VERSIONS[trie.hashes_values]) == trie.root


@given(TRIES, KEYS, st.randoms(use_true_random=False))
@settings(max_examples=200, database=None, deadline=None)
def test_every_key_is_proved_present_or_absent_by_its_nodes_in_any_order(
    trie: NaiveTrie, other: bytes, chance: random.Random
) -> None:
    keys = [*trie.entries, other]
    for key in keys:
        nodes = trie.proof(key)
        chance.shuffle(nodes)
        assert value_at(trie.root, key, nodes) == trie.entries.get(key)
    nodes = trie.proof(*keys)
    chance.shuffle(nodes)
    assert values_at(trie.root, keys, nodes) == tuple(trie.entries.get(key) for key in keys)


@given(TRIES, KEYS)
@settings(max_examples=200, database=None, deadline=None)
def test_a_listing_has_all_keys_with_the_prefix_or_is_refused(trie: NaiveTrie, prefix: bytes) -> None:
    expected = {key: trie.entries[key] for key in sorted(trie.entries) if key.startswith(prefix)}
    nodes = trie.proof_under(prefix)
    assert list(entries_under(trie.root, prefix, nodes).items()) == list(expected.items())
    without_values = trie.proof_under(prefix, values=False)
    assert keys_under(trie.root, prefix, without_values) == tuple(expected)
    if not trie.entries:
        return  # nobody needs to send the node of an empty trie
    for place in range(len(nodes)):
        with pytest.raises((MalformedProof, RootMismatch)):
            entries_under(trie.root, prefix, nodes[:place] + nodes[place + 1 :])
    for place in range(len(without_values)):
        with pytest.raises((MalformedProof, RootMismatch)):
            keys_under(trie.root, prefix, without_values[:place] + without_values[place + 1 :])


@given(TRIES, st.data())
@settings(max_examples=100, database=None, deadline=None)
def test_what_a_partial_proof_shows_is_true(trie: NaiveTrie, data: st.DataObject) -> None:
    keys = data.draw(st.lists(st.sampled_from(sorted(trie.entries)), max_size=3)) if trie.entries else []
    shown = shown_entries(trie.root, trie.proof(*keys, b""))
    assert shown.items() <= trie.entries.items()
    assert set(keys) <= set(shown)


@pytest.mark.parametrize("seed", range(30))
def test_no_value_but_the_true_one_is_ever_shown(seed: int) -> None:
    """Any bit of any node changed, any node left out, any other key or value: a refusal, or still the truth."""
    trie, chance = random_trie(seed), random.Random(seed)
    key = chance.choice(sorted(trie.entries))
    nodes = trie.proof(key)
    for place, node in enumerate(nodes):
        changed = bytearray(node)
        changed[chance.randrange(len(node))] ^= 1 << chance.randrange(8)
        for others in ([bytes(changed)], [], [chance.randbytes(len(node))]):
            with pytest.raises((MalformedProof, RootMismatch)):
                value_at(trie.root, key, nodes[:place] + others + nodes[place + 1 :])
    with pytest.raises(ValueMismatch):
        verify_inclusion(trie.root, key, trie.entries[key] + b"\x00", nodes)


@pytest.mark.parametrize("seed", range(6))
def test_shared_nodes_are_hashed_once(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    trie = random_trie(seed)
    keys = sorted(trie.entries)
    nodes = trie.proof(*keys)
    hashed = []

    def counting(data: bytes) -> bytes:
        hashed.append(data)
        return digest_of(data)

    monkeypatch.setattr(substrate_trie, "blake2b_256", counting)
    assert values_at(trie.root, keys, nodes) == tuple(trie.entries[key] for key in keys)
    assert sorted(hashed) == sorted(nodes)


def test_the_empty_trie_holds_nothing() -> None:
    assert digest_of(b"\x00") == EMPTY_ROOT
    for nodes in ([], [b"\x00"]):
        verify_exclusion(EMPTY_ROOT, b"key", nodes)
        assert entries_under(EMPTY_ROOT, b"", nodes) == {}
        assert keys_under(EMPTY_ROOT, b"k", nodes) == ()
        assert shown_entries(EMPTY_ROOT, nodes) == {}


def test_a_proof_is_read_as_substrate_sends_it() -> None:
    nodes = random_trie(1).proof_under(b"")
    assert decode_proof(encode_proof(nodes)) == tuple(nodes)
    with pytest.raises(MalformedProof) as refusal:
        decode_proof(encode_proof(nodes) + b"\x00")
    assert (refusal.value.part, refusal.value.expected) == ("trie proof", "the end")


@st.composite
def grown(draw: st.DrawFn) -> list[bytes]:
    """Nodes that hang together, each above the one before it, and the last above all: mostly, but not always, a trie.

    One may stand below another many times, or after half a byte, or be a branch for nothing.
    """
    nodes: list[bytes] = []
    size, is_odd = draw(st.integers(1, 5)), draw(st.integers(0, 9)) == 0
    for number in range(1, size + 1):
        references = [node if len(node) < 32 else digest_of(node) for node in nodes]
        below = draw(st.dictionaries(st.integers(0, 15), st.sampled_from([*references, SIBLING]), max_size=3))
        if references:
            place = draw(st.integers(0, 15))
            below |= {place: references[-1], place ^ 1: draw(st.sampled_from([*references, SIBLING]))}
        children = tuple([below.get(nibble) for nibble in range(16)])
        value = draw(st.sampled_from([None, b"", b"v", LONG])) if number > 1 else b"w" * 40
        partials = ("", "01", "1") if is_odd else ("", "01") if number == size else ("1", "010")
        node = Node(draw(st.sampled_from(partials)), value, children=children)
        if value == LONG:
            node = Node(node.partial, value_hash=digest_of(LONG), children=node.children)
        nodes.append(encode_node(node))
    given_apart = [node for node in nodes[:-1] if len(node) >= 32]
    values = [LONG] if any(digest_of(LONG) in node for node in nodes) else []
    return list(dict.fromkeys([nodes[-1], *given_apart, *values]))


@given(grown(), KEYS)
@settings(max_examples=100, database=None, deadline=None)
def test_looking_up_agrees_with_listing_whatever_the_nodes_say(nodes: list[bytes], other: bytes) -> None:
    """Odd paths, empty and short children, branches for nothing: refused, or read in one way."""
    root = digest_of(nodes[0])
    listed, keys = outcome(shown_entries, root, nodes), outcome(keys_under, root, b"", nodes)
    assert listed is None or keys == tuple(listed)
    if listed is not None:
        assert list(listed) == sorted(listed)
        assert outcome(values_at, root, list(listed), nodes) == tuple(listed.values())
        assert outcome(values_at, root, [*listed, other], nodes) == (*listed.values(), listed.get(other))


def outcome(ask: Callable[..., T], *arguments: Any) -> T | None:
    try:
        return ask(*arguments)
    except VerificationError:
        return None


# One trie for the rules: two long values side by side, and a short one in place beside them.
FIRST, SECOND, SHORT = b"\x11\x01", b"\x11\x02", b"\x12"
RULES = NaiveTrie({FIRST: b"a" * 40, SECOND: b"b" * 40, SHORT: b"c"}, hashes_values=True)


def malformed(root: bytes, key: bytes, nodes: Sequence[bytes]) -> MalformedProof:
    with pytest.raises(MalformedProof) as refusal:
        value_at(root, key, nodes)
    return refusal.value


def test_an_inclusion_is_of_the_value() -> None:
    verify_inclusion(RULES.root, FIRST, b"a" * 40, RULES.proof(FIRST))
    with pytest.raises(ValueMismatch) as refusal:
        verify_inclusion(RULES.root, FIRST, b"b" * 40, RULES.proof(FIRST))
    assert (refusal.value.got, refusal.value.expected) == (b"a" * 40, b"b" * 40)
    with pytest.raises(ValueMismatch) as refusal:
        verify_inclusion(RULES.root, b"\x13", b"", RULES.proof(b"\x13"))
    assert (refusal.value.part, refusal.value.got) == ("state trie value", "nothing")


def test_an_exclusion_is_of_nothing() -> None:
    verify_exclusion(RULES.root, b"\x13", RULES.proof(b"\x13"))
    with pytest.raises(ValueMismatch) as refusal:
        verify_exclusion(RULES.root, SHORT, RULES.proof(SHORT))
    assert (refusal.value.got, refusal.value.expected) == (b"c", "nothing")


def test_another_root_is_refused() -> None:
    with pytest.raises(RootMismatch) as refusal:
        value_at(bytes(32), FIRST, RULES.proof(FIRST))
    assert refusal.value.expected == bytes(32)


def test_a_node_that_nobody_needs_is_refused() -> None:
    nodes = RULES.proof(FIRST)
    refusal = malformed(RULES.root, FIRST, [*nodes, b"b" * 40])
    assert (refusal.part, refusal.got) == ("trie nodes that nothing leads to", digest_of(b"b" * 40))
    with pytest.raises(MalformedProof, match="nothing leads to"):
        entries_under(RULES.root, b"\x11\x02", RULES.proof(FIRST, SECOND))
    with pytest.raises(MalformedProof, match="nothing leads to"):
        shown_entries(RULES.root, [*nodes, b"x"])


def test_a_node_given_twice_is_refused() -> None:
    refusal = malformed(RULES.root, FIRST, [*RULES.proof(FIRST), RULES.proof(FIRST)[0]])
    assert (refusal.part, refusal.got, refusal.expected) == ("trie nodes given twice", 5, 4)


def test_a_long_value_that_is_not_given_is_refused() -> None:
    refusal = malformed(RULES.root, FIRST, [node for node in RULES.proof(FIRST) if node != b"a" * 40])
    assert (refusal.got, refusal.expected) == ("no such node", digest_of(b"a" * 40))


def test_more_nodes_than_any_proof_has_are_refused() -> None:
    with pytest.raises(LimitExceeded) as refusal:
        value_at(RULES.root, FIRST, [b""] * (NODES_MAX + 1))
    assert (refusal.value.part, refusal.value.got) == ("trie nodes", NODES_MAX + 1)
    with pytest.raises(LimitExceeded) as refusal:
        value_at(RULES.root, FIRST, [bytes(1 << 20)] * 17)
    assert (refusal.value.part, refusal.value.limit) == ("trie proof bytes", PROOF_BYTES_MAX)


def test_keys_are_bounded() -> None:
    entries = {bytes(KEY_BYTES_MAX): b"v"}
    trie = NaiveTrie(entries, hashes_values=False)
    assert value_at(trie.root, bytes(KEY_BYTES_MAX), trie.proof_under(b"")) == b"v"
    for function in (value_at, entries_under, keys_under):
        with pytest.raises(LimitExceeded) as refusal:
            function(trie.root, bytes(KEY_BYTES_MAX + 1), trie.proof_under(b""))
        assert (refusal.value.part, refusal.value.limit) == ("trie key", KEY_BYTES_MAX)
    with pytest.raises(LimitExceeded) as refusal:
        trie_root({bytes(KEY_BYTES_MAX + 1): b"v"}, version=StateVersion.V0)
    assert refusal.value.part == "trie key"


def branch_over(partial: str, child: bytes) -> bytes:
    """A branch whose first child is named by its hash, and whose second stands in it."""
    return encode_node(Node(partial, children=(digest_of(child), SIBLING, *(None,) * 14)))


def test_a_path_below_many_nodes_is_bounded_in_a_listing() -> None:
    leaf = encode_node(Node("0" * 1_027, value=b"v"))
    branch = branch_over("0" * 1_022, leaf)
    for function in (entries_under, keys_under):
        with pytest.raises(LimitExceeded) as refusal:
            function(digest_of(branch), b"", [branch, leaf])
        assert (refusal.value.part, refusal.value.got) == ("trie path nibbles", 2_050)
        assert refusal.value.limit == PARTIAL_NIBBLES_MAX


def test_a_trie_without_end_is_not_listed() -> None:
    """Five nodes, each sixteen times below the next: 65,536 keys, and with every further node sixteen times more."""
    nodes = [encode_node(Node("0" * 36, value=b"v" * 40))]
    for _ in range(4):
        nodes.append(encode_node(Node("0", children=(digest_of(nodes[-1]),) * 16)))
    with pytest.raises(LimitExceeded) as refusal:
        entries_under(digest_of(nodes[-1]), b"", nodes)
    assert (refusal.value.part, refusal.value.limit) == ("trie nodes in a listing", VISITS_MAX)


def test_a_value_after_half_a_byte_is_refused() -> None:
    node = encode_node(Node("123", value=b"v"))
    for prefix in (b"", b"\x12"):
        with pytest.raises(MalformedProof) as refusal:
            entries_under(digest_of(node), prefix, [node])
        assert (refusal.value.part, refusal.value.got) == ("trie key nibbles", 3)
    assert value_at(digest_of(node), b"\x12", [node]) is None


def test_a_short_node_named_by_its_hash_is_refused_below_the_root() -> None:
    child = encode_node(Node("1", value=b"v"))
    branch = branch_over("", child)
    refusal = malformed(digest_of(branch), b"\x01", [branch, child])
    assert (refusal.part, refusal.got) == ("trie node named by hash", len(child))
    assert value_at(digest_of(child), b"\x10", [child]) is None


def test_a_short_value_named_by_its_hash_is_refused() -> None:
    for length in (0, 32):
        node = encode_node(Node("01", value_hash=digest_of(b"v" * length)))
        refusal = malformed(digest_of(node), b"\x01", [node, b"v" * length])
        assert (refusal.part, refusal.got) == ("trie value named by hash", length)
