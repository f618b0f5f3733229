from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from trie.hexary import HexaryTrie

from proofs.encoding import rlp
from proofs.errors import LimitExceeded, MalformedProof, RootMismatch, ValueMismatch, VerificationError
from proofs.merkle import patricia, patricia_usual
from proofs.merkle.patricia import (
    EMPTY_ROOT,
    Memo,
    decode_path,
    value_at,
    verify_exclusion,
    verify_inclusion,
    verify_many,
)
from proofs.merkle.patricia_root import ordered_root, trie_root
from proofs.primitives.hashing import keccak256
from tests.proofs.fuzzing import assert_only_refusals


def reference_trie(items: dict[bytes, bytes]) -> Any:
    trie = HexaryTrie({})
    for key, value in items.items():
        trie[key] = value
    return trie


def proof_of(trie: Any, key: bytes) -> list[bytes]:
    """The reference repeats nodes that stand in their parent; nodes of Ethereum do not."""
    nodes = [rlp.encode(node) for node in trie.get_proof(key)]
    return [node for place, node in enumerate(nodes) if place == 0 or len(node) >= 32]


def random_items(seed: int) -> dict[bytes, bytes]:
    chance = random.Random(seed)
    sizes = (2,) if seed % 2 else (1, 2, 3, 32)
    return {
        chance.randbytes(chance.choice(sizes)): chance.randbytes(chance.choice((1, 2, 31, 32, 100)))
        for _ in range(chance.randrange(1, 80))
    }


@pytest.mark.parametrize("seed", range(60))
def test_every_key_of_every_trie_is_proved_and_every_other_is_proved_absent(seed: int) -> None:
    items = random_items(seed)
    trie = reference_trie(items)
    assert trie_root(items) == trie.root_hash
    memo: Memo = {}
    chance = random.Random(seed)
    others = [chance.randbytes(2) for _ in range(10)]
    for key in [*items, *others]:
        assert value_at(trie.root_hash, key, proof_of(trie, key), memo=memo) == items.get(key)
        repeated = [rlp.encode(node) for node in trie.get_proof(key)]
        assert value_at(trie.root_hash, key, repeated, inline_repeated=True) == items.get(key)
    nodes = list({node for key in [*items, *others] for node in proof_of(trie, key)})
    assert verify_many(trie.root_hash, [*items, *others], nodes) == tuple(items.get(key) for key in [*items, *others])


ITEMS = {keccak256(bytes((n,))): rlp.encode(n.to_bytes(33, "big")) for n in range(200)}
TRIE = reference_trie(ITEMS)
ROOT: bytes = TRIE.root_hash
KEY = keccak256(b"\x07")
PROOF = proof_of(TRIE, KEY)
MISSING = keccak256(b"not there")
MISSING_PROOF = proof_of(TRIE, MISSING)


def leaf(path: str, value: bytes) -> bytes:
    return rlp.encode([bytes.fromhex(path), value])


def pinned(*nodes: bytes) -> tuple[bytes, list[bytes]]:
    """A root that commits to whatever the first node is."""
    return keccak256(nodes[0]), list(nodes)


LONG = b"v" * 40
BRANCH_OF_HASHES: list[rlp.Encodable] = [keccak256(leaf("20", LONG))] * 16

# What is given, the refusal, and the part it names.
CORRUPTIONS: dict[str, tuple[Callable[[], tuple[bytes, bytes, Sequence[bytes]]], type[VerificationError], str]] = {
    "other_root": (lambda: (bytes(32), KEY, PROOF), RootMismatch, "trie"),
    "no_nodes": (lambda: (ROOT, KEY, []), MalformedProof, "trie proof"),
    "last_node_missing": (lambda: (ROOT, KEY, PROOF[:-1]), MalformedProof, "trie proof"),
    "surplus_node": (lambda: (ROOT, KEY, [*PROOF, PROOF[-1]]), MalformedProof, "trie proof"),
    "surplus_node_after_absence": (lambda: (ROOT, MISSING, [*MISSING_PROOF, PROOF[-1]]), MalformedProof, "trie proof"),
    "swapped_nodes": (lambda: (ROOT, KEY, [PROOF[0], *PROOF[:0:-1]]), RootMismatch, "trie node"),
    "longer_than_the_key": (lambda: (ROOT, b"\x01", PROOF[:1] * 4), LimitExceeded, "trie proof"),
    "branch_of_16": (lambda: _with_key(pinned(rlp.encode([b""] * 16))), MalformedProof, "trie node"),
    "node_of_3": (lambda: _with_key(pinned(rlp.encode([b"\x20", b"v", b""]))), MalformedProof, "trie node"),
    "path_flag_4": (lambda: _with_key(pinned(leaf("40", LONG))), MalformedProof, "trie path flag"),
    "path_padding": (lambda: _with_key(pinned(leaf("21", LONG))), MalformedProof, "trie path padding"),
    "path_without_flag": (lambda: _with_key(pinned(leaf("", LONG))), MalformedProof, "trie path flag"),
    "empty_leaf": (lambda: _with_key(pinned(leaf("20", b""))), MalformedProof, "trie leaf value"),
    "empty_extension": (lambda: _with_key(pinned(leaf("00", bytes(32)))), MalformedProof, "trie extension"),
    "short_reference": (lambda: _with_key(pinned(rlp.encode([b"\x0a" * 20] * 17))), MalformedProof, "trie reference"),
    "list_as_value": (lambda: _with_key(pinned(rlp.encode([b"\x20", [b"v"]]))), MalformedProof, "trie leaf value"),
    "long_node_in_place": (
        lambda: _with_key(pinned(rlp.encode([[b"\x39", LONG]] * 16 + [b""]))),
        MalformedProof,
        "trie node in place",
    ),
    "short_node_by_hash": (
        lambda: _with_key(pinned(rlp.encode([keccak256(leaf("39", b"v"))] * 16 + [b""]), leaf("39", b"v"))),
        MalformedProof,
        "trie node named by hash",
    ),
    "node_with_trailing_byte": (lambda: _with_key(pinned(leaf("20", LONG) + b"\x00")), MalformedProof, "RLP"),
    "huge_node": (lambda: _with_key(pinned(bytes(patricia_usual.NODE_BYTES_MAX + 1))), LimitExceeded, "trie node"),
}


def _with_key(pinned_root: tuple[bytes, list[bytes]]) -> tuple[bytes, bytes, Sequence[bytes]]:
    return pinned_root[0], b"\x19", pinned_root[1]


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_invalid(corruption: str) -> None:
    build, error, part = CORRUPTIONS[corruption]
    root, key, proof = build()
    with pytest.raises(error) as refusal:
        value_at(root, key, proof)
    assert refusal.value.part == part  # type: ignore[attr-defined] # every error of the table has it


def test_the_value_is_compared_to_the_byte() -> None:
    verify_inclusion(ROOT, KEY, ITEMS[KEY], PROOF)
    with pytest.raises(ValueMismatch) as refusal:
        verify_inclusion(ROOT, KEY, ITEMS[KEY] + b"\x00", PROOF)
    assert refusal.value.got == ITEMS[KEY]
    with pytest.raises(ValueMismatch) as nothing:
        verify_inclusion(ROOT, MISSING, b"v", MISSING_PROOF)
    assert nothing.value.got == "nothing"


def test_presence_is_no_absence() -> None:
    verify_exclusion(ROOT, MISSING, MISSING_PROOF)
    with pytest.raises(ValueMismatch) as refusal:
        verify_exclusion(ROOT, KEY, PROOF)
    assert refusal.value.expected == "nothing"


def test_the_empty_trie_proves_that_everything_is_absent() -> None:
    verify_exclusion(EMPTY_ROOT, KEY, [])
    verify_exclusion(EMPTY_ROOT, KEY, [b"\x80"])
    assert verify_many(EMPTY_ROOT, [KEY], []) == (None,)
    assert trie_root({}) == trie_root({b"k": b""}) == EMPTY_ROOT


def test_a_repeated_node_must_be_the_one_in_place() -> None:
    items = {b"\x10": b"a", b"\x11": b"b"}
    trie = reference_trie(items)
    nodes = [rlp.encode(node) for node in trie.get_proof(b"\x10")]
    nodes[-1] = rlp.encode([b"\x20", b"z"])
    with pytest.raises(ValueMismatch) as refusal:
        value_at(trie.root_hash, b"\x10", nodes, inline_repeated=True)
    assert refusal.value.part == "trie node given twice"


def test_many_keys_share_nodes_and_none_is_surplus_or_missing() -> None:
    nodes = list({*PROOF, *MISSING_PROOF})
    assert verify_many(ROOT, [KEY, MISSING], nodes) == (ITEMS[KEY], None)
    with pytest.raises(MalformedProof):
        verify_many(ROOT, [KEY, MISSING], [*nodes, nodes[0]])
    with pytest.raises(MalformedProof):
        verify_many(ROOT, [KEY], [*PROOF, proof_of(TRIE, keccak256(b"\x09"))[-1]])
    with pytest.raises(MalformedProof) as missing:
        verify_many(ROOT, [KEY], PROOF[:-1])
    assert missing.value.got == "no such node"
    with pytest.raises(RootMismatch):
        verify_many(bytes(32), [KEY], PROOF)
    with pytest.raises(RootMismatch):
        verify_many(ROOT, [KEY], [])
    with pytest.raises(LimitExceeded):
        verify_many(ROOT, [b"\x01"], PROOF[:1] * 4)


@pytest.mark.parametrize("at", (0, 2, 3, 3 + 33 * 15, 531))
def test_a_full_branch_is_read_as_the_general_decoder_reads_it(at: int) -> None:
    full = rlp.encode([*BRANCH_OF_HASHES, b""])
    assert patricia.decode_node(full) == rlp.decode(full)
    for byte in range(256):
        changed = full[:at] + bytes((byte,)) + full[at + 1 :]
        try:
            expected: object = rlp.decode(changed)
        except MalformedProof as refusal:
            expected = str(refusal)
        try:
            found: object = patricia.decode_node(changed)
        except (MalformedProof, LimitExceeded) as refusal:
            found = str(refusal)
        if isinstance(expected, str) or len(expected) in (2, 17):  # type: ignore[arg-type] # a list of items
            assert found == expected
        else:
            assert isinstance(found, str)


def test_hex_prefix_has_one_form() -> None:
    assert decode_path(b"\x20") == (True, "")
    assert decode_path(b"\x31\x23") == (True, "123")
    assert decode_path(b"\x00\xab") == (False, "ab")


def test_shared_nodes_are_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[bytes] = []

    def counting(data: bytes) -> bytes:
        hashed.append(data)
        return keccak256(data)

    monkeypatch.setattr(patricia, "keccak256", counting)
    monkeypatch.setattr(patricia_usual, "keccak256", counting)
    memo: Memo = {}
    keys = [*list(ITEMS)[:50], *(keccak256(b"not there" + bytes((n,))) for n in range(20))]
    for key in keys:
        value_at(ROOT, key, proof_of(TRIE, key), memo=memo)
    assert len(hashed) == len(set(hashed)) == len({node for key in keys for node in proof_of(TRIE, key)})


def test_the_root_of_an_ordered_list_is_that_of_its_index_keys() -> None:
    values = [bytes((n % 251,)) * (n % 70 + 1) for n in range(300)]
    items = {rlp.encode(rlp.int_bytes(n)): value for n, value in enumerate(values)}
    assert ordered_root(values) == reference_trie(items).root_hash


def test_the_root_of_a_deep_trie_is_bounded() -> None:
    with pytest.raises(LimitExceeded) as refusal:
        trie_root({bytes(65): b"v"})
    assert refusal.value.got == 65


def test_hostile_bytes_meet_refusals_only() -> None:
    def parse(data: bytes) -> None:
        nodes = rlp.as_list(rlp.decode(data), "nodes")
        value_at(keccak256(PROOF[0]), KEY, [rlp.as_bytes(node, "node") for node in nodes])

    assert_only_refusals(parse, [rlp.encode(PROOF), rlp.encode(MISSING_PROOF)], 1_500)

    def parse_one(data: bytes) -> None:
        value_at(keccak256(data), b"\x19", [data, leaf("39", LONG)])

    short = [leaf("20", LONG), rlp.encode([*BRANCH_OF_HASHES, b""]), rlp.encode([[b"\x39", b"v"]] * 16 + [b""])]
    assert_only_refusals(parse_one, [*PROOF, *short], 3_000)


def test_an_empty_proof_is_refused_unless_the_trie_is_empty() -> None:
    with pytest.raises(MalformedProof) as refusal:
        patricia.value_at(b"\x11" * 32, b"\x01", [])
    assert (refusal.value.got, refusal.value.expected) == (0, "at least 1 node")
